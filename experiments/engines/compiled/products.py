"""Matrix products as loops over vectors: every row of a result is a sum of rows of b."""

from fairgrid.experiments.engines.compiled.ir import Array, NotCompilableError, Operand, Product
from fairgrid.experiments.engines.compiled.llvm import WIDEST, Index, padded, tiles
from fairgrid.experiments.engines.compiled.memory import Memory

_UNROLLED = 32  # terms up to which sums of one row in parts are unrolled
_FEW = 4  # the same for several rows


def product(memory: Memory, op: Product) -> None:
    """Emits out (M, N) = or += a (M, K) · b (K, N), with the bias row if there is one."""
    a, b, out, code = op.a, op.b, op.out, memory.code
    if op.bias is not None and (op.bias.transposed or op.bias.array.rows != 1):
        raise NotCompilableError("a product added to other than a row")
    inner = a.array.rows if a.transposed else a.array.cols
    stride = padded(a.array.cols)
    along = (1, stride) if a.transposed else (stride, 1)
    if b.transposed and out.rows <= 2 and op.bias is None and not op.accumulates:
        _row_by_row(memory, out, a, b.array, inner, along)
        return
    rows_of_b = _transposed(memory, b.array) if b.transposed else memory.pointers[b.array]
    room = (
        max(1, memory.registers // max(padded(out.cols), 8))
        if padded(out.cols) < WIDEST
        else memory.registers // WIDEST
    )
    height = max(1, min(room, 12, out.rows))
    # few rows are few sums, whose terms wait for each other: they are split into parts
    parts = 4 if out.rows == 1 else 2 if out.rows <= 3 else 1
    parts = min(parts, inner)
    for offset, lanes in tiles(padded(out.cols)):
        for start, count in _blocks(out.rows, height):
            with code.loop(count // height * height if count >= height else count, min(height, count)) as at:
                first = code.add(start, at)
                _block(memory, op, first, min(height, count), offset, lanes, rows_of_b, inner, along, parts)


def _blocks(rows: int, height: int) -> list[tuple[int, int]]:
    """The rows in whole blocks, and the remaining ones, as (start, count)."""
    whole = rows // height * height
    return [(start, count) for start, count in ((0, whole), (whole, rows - whole)) if count]


def _block(
    memory: Memory,
    op: Product,
    first: Index,
    height: int,
    offset: int,
    lanes: int,
    rows_of_b: str,
    inner: int,
    along: tuple[int, int],
    parts: int,
) -> None:
    """Emits `height` rows of a product, one tile of lanes wide."""
    code, out = memory.code, op.out
    stride = padded(out.cols)
    source, target = memory.pointers[op.a.array], memory.pointers[out]
    places = [code.add(offset, code.times(stride, code.add(first, row))) for row in range(height)]
    starts = [code.times(along[0], code.add(first, row)) for row in range(height)]
    sums: list[list[str]] = []
    for row in range(height):
        if op.accumulates:
            begin = code.load(target, places[row], lanes)
        elif op.bias is not None:
            begin = code.load(memory.pointers[op.bias.array], offset, lanes)
        else:
            begin = ""
        sums.append([begin, *[""] * (parts - 1)])

    def term(sum_: str, row: int, k: Index, vector: str) -> str:
        factor = code.broadcast(code.load(source, code.add(starts[row], code.times(along[1], k))), lanes)
        return code.call("fma", lanes, factor, vector, sum_) if sum_ else code.op("fmul", lanes, factor, vector)

    def vector_of(k: Index) -> str:
        return code.load(rows_of_b, code.add(offset, code.times(stride, k)), lanes)

    if inner <= (_UNROLLED if parts > 1 else _FEW):
        for k in range(inner):
            vector = vector_of(k)
            for row in range(height):
                sums[row][k % parts] = term(sums[row][k % parts], row, k, vector)
    else:
        zero = code.broadcast_constant(0.0)
        variables = [[code.variable(lanes) for _ in range(parts)] for _ in range(height)]
        for row in range(height):
            for part in range(parts):
                code.set(variables[row][part], sums[row][part] or zero, lanes)
        whole = inner // parts * parts
        with code.loop(whole, parts) as at:
            for part in range(parts):
                vector = vector_of(code.add(at, part))
                for row in range(height):
                    variable = variables[row][part]
                    code.set(variable, term(code.get(variable, lanes), row, code.add(at, part), vector), lanes)
        for k in range(whole, inner):
            vector = vector_of(k)
            for row in range(height):
                variable = variables[row][0]
                code.set(variable, term(code.get(variable, lanes), row, k, vector), lanes)
        sums = [[code.get(variable, lanes) for variable in row] for row in variables]
    for row in range(height):
        total = sums[row][0]
        for part in range(1, parts):
            total = code.op("fadd", lanes, total, sums[row][part])
        code.store(total, target, places[row], lanes)


def _row_by_row(memory: Memory, out: Array, a: Operand, b: Array, inner: int, along: tuple[int, int]) -> None:
    """Emits out = a · bᵀ for few rows of a, each number the sum over the lanes of a row of a times a row of b."""
    code = memory.code
    if along[1] != 1:
        raise NotCompilableError("a product of two transposed matrices")
    source, other, target = memory.pointers[a.array], memory.pointers[b], memory.pointers[out]
    cover = tiles(padded(inner))
    for row in range(out.rows):
        vectors = [
            code.first(code.load(source, row * along[0] + offset, lanes), lanes, inner - offset, 0.0)
            for offset, lanes in cover
        ]
        for col in range(out.cols):
            total = ""
            for (offset, lanes), vector in zip(cover, vectors, strict=True):
                factor = code.load(other, col * padded(b.cols) + offset, lanes)
                factor = code.first(factor, lanes, inner - offset, 0.0)
                folded = code.fold(code.op("fmul", lanes, vector, factor), lanes, "fadd")
                total = code.emit(f"fadd {code.real} {total}, {folded}") if total else folded
            code.store(total, target, row * padded(out.cols) + col)


def _transposed(memory: Memory, array: Array) -> str:
    """Emits a matrix's transpose into the spare room; returns a pointer to it."""
    code = memory.code
    source = memory.pointers[array]
    with code.loop(array.rows) as row:
        start = code.times(padded(array.cols), row)
        for col in range(array.cols):
            code.store(code.load(source, code.add(start, col)), memory.spare, code.add(col * padded(array.rows), row))
    return memory.spare
