"""The operations of a step as loops over vectors: products, elementwise groups, reductions.

A matrix lies in memory row by row, each row padded to whole vectors (`code.padded`). What stands in the padding is
never read into a result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fairgrid.experiments.engines.compiled.elementwise import PLAIN, SCALED, power
from fairgrid.experiments.engines.compiled.llvm import WIDEST, Code, Index, padded, tiles
from fairgrid.experiments.engines.compiled.trace import Array, NotCompilableError, Op, Operand, Scalar

_UNROLLED = 32  # sums of one row are written out in full over so many terms, those of several rows over _FEW
_FEW = 4


@dataclass
class Memory:
    """Where arrays are.

    Attributes:
        code: that is being written.
        pointers: of every array in memory.
        numbers: scalar values by name: hyper-parameters, and factors of the step.
        registers: numbers that the processor's registers hold, for products to keep within; of no effect on results.
        spare: a pointer to room for a transposed matrix.
    """

    code: Code
    pointers: dict[int, str]
    numbers: dict[str, str]
    registers: int
    spare: str

    def pointer(self, array: Array) -> str:
        """Where an array begins."""
        return self.pointers[id(array)]

    def length(self, array: Array) -> int:
        """Numbers in memory, padding included."""
        return array.cols if array.flat else array.rows * padded(array.cols)

    def number(self, scalar: Scalar) -> str:
        """A constant, or the value of a named number, which may have a minus."""
        if not isinstance(scalar, str):
            return self.code.constant(scalar)
        value = self.numbers[scalar.lstrip("-")]
        return self.code.emit(f"fneg {self.code.real} {value}") if scalar.startswith("-") else value


def product(memory: Memory, op: Op) -> None:
    """Out (M, N) = or += a (M, K) · b (K, N), with a bias row if there is one, as sums of rows of b."""
    a, b = (operand for operand in op.operands[:2] if isinstance(operand, Operand))
    bias = op.operands[2] if len(op.operands) > 2 else None
    if bias is not None and (not isinstance(bias, Operand) or bias.transposed or bias.array.rows != 1):
        raise NotCompilableError("a product added to other than a row")
    out, code = op.out, memory.code
    inner = a.array.rows if a.transposed else a.array.cols
    stride = padded(a.array.cols)
    along = (1, stride) if a.transposed else (stride, 1)
    if b.transposed and out.rows <= 2 and bias is None and not op.add_to:
        _row_by_row(memory, out, a, b.array, inner, along)
        return
    rows_of_b = _transposed(memory, b.array) if b.transposed else memory.pointer(b.array)
    room = (
        max(1, memory.registers // max(padded(out.cols), 8))
        if padded(out.cols) < WIDEST
        else memory.registers // WIDEST
    )
    height = max(1, min(room, 12, out.rows))
    # few rows are few sums, each waiting for its last term: they are cut into parts
    parts = 4 if out.rows == 1 else 2 if out.rows <= 3 else 1
    parts = min(parts, inner)
    for offset, lanes in tiles(padded(out.cols)):
        for start, count in _blocks(out.rows, height):
            with code.loop(count // height * height if count >= height else count, min(height, count)) as at:
                first = code.add(start, at)
                _block(memory, op, first, min(height, count), offset, lanes, rows_of_b, inner, along, parts, bias)


def _blocks(rows: int, height: int) -> list[tuple[int, int]]:
    """(start, count) of the rows in whole blocks, and of the rest."""
    whole = rows // height * height
    return [(start, count) for start, count in ((0, whole), (whole, rows - whole)) if count]


def _block(
    memory: Memory,
    op: Op,
    first: Index,
    height: int,
    offset: int,
    lanes: int,
    rows_of_b: str,
    inner: int,
    along: tuple[int, int],
    parts: int,
    bias: Operand | Scalar | None,
) -> None:
    """`height` rows of a product, one tile of lanes wide."""
    code, out = memory.code, op.out
    stride = padded(out.cols)
    a = op.operands[0]
    assert isinstance(a, Operand)
    source, target = memory.pointer(a.array), memory.pointer(out)
    places = [code.add(offset, code.times(stride, code.add(first, row))) for row in range(height)]
    starts = [code.times(along[0], code.add(first, row)) for row in range(height)]
    sums: list[list[str]] = []
    for row in range(height):
        if op.add_to:
            begin = code.load(target, places[row], lanes)
        elif isinstance(bias, Operand):
            begin = code.load(memory.pointer(bias.array), offset, lanes)
        else:
            begin = ""
        sums.append([begin, *[""] * (parts - 1)])

    def term(sum_: str, row: int, k: Index, vector: str) -> str:
        factor = code.spread(code.load(source, code.add(starts[row], code.times(along[1], k))), lanes)
        return code.call("fma", lanes, factor, vector, sum_) if sum_ else code.op("fmul", lanes, factor, vector)

    def vector_of(k: Index) -> str:
        return code.load(rows_of_b, code.add(offset, code.times(stride, k)), lanes)

    if inner <= (_UNROLLED if parts > 1 else _FEW):
        for k in range(inner):
            vector = vector_of(k)
            for row in range(height):
                sums[row][k % parts] = term(sums[row][k % parts], row, k, vector)
    else:
        zero = code.splat(0.0, lanes)
        variables = [[code.variable(lanes) for _ in range(parts)] for _ in range(height)]
        for row in range(height):
            for part in range(parts):
                code.set(variables[row][part], sums[row][part] or zero, lanes)
        whole = inner // parts * parts
        with code.loop(whole, parts) as at:
            for part in range(parts):
                vector = vector_of(code.add(at, part))
                for row in range(height):
                    held = variables[row][part]
                    code.set(held, term(code.get(held, lanes), row, code.add(at, part), vector), lanes)
        for k in range(whole, inner):
            vector = vector_of(k)
            for row in range(height):
                held = variables[row][0]
                code.set(held, term(code.get(held, lanes), row, k, vector), lanes)
        sums = [[code.get(held, lanes) for held in row] for row in variables]
    for row in range(height):
        total = sums[row][0]
        for part in range(1, parts):
            total = code.op("fadd", lanes, total, sums[row][part])
        code.store(total, target, places[row], lanes)


def _row_by_row(memory: Memory, out: Array, a: Operand, b: Array, inner: int, along: tuple[int, int]) -> None:
    """Out = a · bᵀ for few rows of a: every number is the sum over the lanes of a row of a times a row of b."""
    code = memory.code
    if along[1] != 1:
        raise NotCompilableError("a product of two transposed matrices")
    source, other, target = memory.pointer(a.array), memory.pointer(b), memory.pointer(out)
    cover = tiles(padded(inner))
    for row in range(out.rows):
        vectors = [
            code.first(code.load(source, row * along[0] + offset, lanes), lanes, inner - offset, 0.0)
            for offset, lanes in cover
        ]
        for col in range(out.cols):
            total = ""
            for (offset, lanes), vector in zip(cover, vectors, strict=True):
                beside = code.load(other, col * padded(b.cols) + offset, lanes)
                beside = code.first(beside, lanes, inner - offset, 0.0)
                folded = code.fold(code.op("fmul", lanes, vector, beside), lanes, "fadd")
                total = code.emit(f"fadd {code.real} {total}, {folded}") if total else folded
            code.store(total, target, row * padded(out.cols) + col)


def _transposed(memory: Memory, array: Array) -> str:
    """A pointer to a matrix's transpose, in the spare room."""
    code = memory.code
    source = memory.pointer(array)
    with code.loop(array.rows) as row:
        start = code.times(padded(array.cols), row)
        for col in range(array.cols):
            code.store(code.load(source, code.add(start, col)), memory.spare, code.add(col * padded(array.rows), row))
    return memory.spare


def elementwise(memory: Memory, ops: Sequence[Op], stays: Callable[[Array], bool]) -> None:
    """Operations on matrices of one shape, in one pass; what does not stay is never written to memory."""
    code = memory.code
    shape = ops[0].out
    length = memory.length(shape)
    if all(_whole(operand, shape) for op in ops for operand in op.operands):
        several = length // WIDEST * WIDEST
        if several:
            with code.loop(several, WIDEST) as at:
                _pass(memory, ops, stays, at, at, WIDEST)
        for offset, lanes in tiles(length - several):
            _pass(memory, ops, stays, several + offset, several + offset, lanes)
        return
    stride = padded(shape.cols)
    with code.loop(shape.rows) as row:
        for offset, lanes in tiles(stride):
            _pass(memory, ops, stays, code.add(code.times(stride, row), offset), offset, lanes, row)


def combined(memory: Memory, op: Op) -> str:
    """The number that an operation makes of hyper-parameters and other numbers."""
    code = memory.code
    lone = [
        memory.numbers[operand.array.name] if isinstance(operand, Operand) else memory.number(operand)
        for operand in op.operands
    ]
    result = _apply(memory, op, [code.spread(value, 1) for value in lone], 1)
    return code.emit(f"extractelement {code.vector(1)} {result}, i32 0")


def _apply(memory: Memory, op: Op, operands: list[str], lanes: int) -> str:
    """One elementwise operation on vectors."""
    code = memory.code
    if op.name == "pow":
        if op.operands[1] not in (2.0, 3.0, 0.5):
            raise NotCompilableError("a power other than 2, 3 and ½")
        return power(code, lanes, operands[0], float(op.operands[1]))
    if op.name in SCALED:
        factor = op.attributes.get("value", op.attributes.get("alpha"))
        scale = None if factor in (None, 1.0) else code.spread(memory.number(factor), lanes)
        return SCALED[op.name](code, lanes, scale, *operands)
    return PLAIN[op.name](code, lanes, *operands)


def _whole(operand: Operand | Scalar, shape: Array) -> bool:
    """Whether an operand is a number or lies in memory as the result does."""
    if not isinstance(operand, Operand) or operand.array.spread:
        return True
    return (operand.array.rows, operand.array.cols, operand.array.flat) == (shape.rows, shape.cols, shape.flat)


def _pass(
    memory: Memory,
    ops: Sequence[Op],
    stays: Callable[[Array], bool],
    at: Index,
    offset: Index,
    lanes: int,
    row: Index = 0,
) -> None:
    """One vector of an elementwise group, `at` its place in memory and `offset` that in its row."""
    code = memory.code
    values: dict[int, str] = {}
    written: dict[int, Array] = {}

    def value_of(operand: Operand | Scalar, shape: Array) -> str:
        if not isinstance(operand, Operand):
            if isinstance(operand, float):
                return code.splat(operand, lanes)
            return code.spread(memory.number(operand), lanes)
        array = operand.array
        if id(array) in values:
            return values[id(array)]
        if array.spread:
            found = code.spread(memory.numbers[array.name], lanes)
        elif _whole(operand, shape):
            found = code.load(memory.pointer(array), at, lanes)
        elif array.rows == 1 and array.cols == shape.cols:
            found = code.load(memory.pointer(array), offset, lanes)
        elif array.cols == 1:
            place = 0 if array.rows == 1 else code.times(padded(1), row)
            found = code.spread(code.load(memory.pointer(array), place), lanes)
        else:
            raise NotCompilableError(f"({array.rows}, {array.cols}) beside ({shape.rows}, {shape.cols})")
        values[id(array)] = found
        return found

    for op in ops:
        result = _apply(memory, op, [value_of(operand, op.out) for operand in op.operands], lanes)
        values[id(op.out)] = result
        written[id(op.out)] = op.out
    for key, array in written.items():
        if stays(array):
            code.store(values[key], memory.pointer(array), at, lanes)


def reduction(memory: Memory, op: Op) -> None:
    """Sums or largest values over rows (axes 1), columns (2) or both."""
    code = memory.code
    operand = op.operands[0]
    assert isinstance(operand, Operand)
    if operand.transposed:
        raise NotCompilableError(f"{op.name} of a transposed matrix")
    array, axes = operand.array, op.attributes["axes"]
    source, target, stride = memory.pointer(array), memory.pointer(op.out), padded(array.cols)
    how, start = ("fadd", 0.0) if op.name == "sum" else ("max", float("-inf"))

    def join(lanes: int, a: str, b: str) -> str:
        return code.op("fadd", lanes, a, b) if how == "fadd" else PLAIN["maximum"](code, lanes, a, b)

    def whole(vectors: list[tuple[int, int, str]]) -> str:
        total = ""
        for offset, lanes, vector in vectors:
            folded = code.fold(code.first(vector, lanes, array.cols - offset, start), lanes, how)
            kind = code.vector(1)
            if total:
                pair = [
                    code.emit(f"insertelement {kind} poison, {code.real} {part}, i32 0") for part in (total, folded)
                ]
                folded = code.emit(f"extractelement {kind} {join(1, *pair)}, i32 0")
            total = folded
        return total

    if axes == (2,):
        with code.loop(array.rows) as row:
            place = code.times(stride, row)
            vectors = [(at, lanes, code.load(source, code.add(place, at), lanes)) for at, lanes in tiles(stride)]
            code.store(whole(vectors), target, code.times(padded(1), row))
        return
    held = [(offset, lanes, code.variable(lanes)) for offset, lanes in tiles(stride)]
    for _, lanes, variable in held:
        code.set(variable, code.splat(start, lanes), lanes)
    with code.loop(array.rows) as row:
        for offset, lanes, variable in held:
            vector = code.load(source, code.add(code.times(stride, row), offset), lanes)
            code.set(variable, join(lanes, code.get(variable, lanes), vector), lanes)
    if axes == (1,):
        for offset, lanes, variable in held:
            code.store(code.get(variable, lanes), target, offset, lanes)
    else:
        code.store(whole([(offset, lanes, code.get(variable, lanes)) for offset, lanes, variable in held]), target, 0)
