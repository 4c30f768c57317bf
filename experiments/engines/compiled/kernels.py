"""Elementwise groups and reductions as loops over vectors."""

from collections.abc import Callable, Sequence

from fairgrid.experiments.engines.compiled.elementwise import PLAIN, SCALED, power
from fairgrid.experiments.engines.compiled.ir import (
    Array,
    Elementwise,
    Layout,
    NotCompilableError,
    Operand,
    Operation,
    Reducer,
    Reduction,
    Scalar,
)
from fairgrid.experiments.engines.compiled.llvm import WIDEST, Index, padded, tiles
from fairgrid.experiments.engines.compiled.memory import Memory


def elementwise(memory: Memory, ops: Sequence[Elementwise], stays: Callable[[Array], bool]) -> None:
    """Emits operations on matrices of one shape, in one pass; only results that stay are written to memory."""
    code = memory.code
    shape = ops[0].out
    length = memory.length(shape)
    if all(_corresponds(operand, shape) for op in ops for operand in op.operands):
        wide = length // WIDEST * WIDEST
        if wide:
            with code.loop(wide, WIDEST) as at:
                _pass(memory, ops, stays, at, at, WIDEST)
        for offset, lanes in tiles(length - wide):
            _pass(memory, ops, stays, wide + offset, wide + offset, lanes)
        return
    stride = padded(memory.columns(shape))
    with code.loop(shape.rows) as row:
        for offset, lanes in tiles(stride):
            _pass(memory, ops, stays, code.add(code.times(stride, row), offset), offset, lanes, row)


def scalar(memory: Memory, op: Elementwise) -> str:
    """Emits an operation on hyper-parameters and other numbers; returns its value."""
    code = memory.code
    values = [
        memory.scalars[operand.array] if isinstance(operand, Operand) else memory.scalar(operand)
        for operand in op.operands
    ]
    result = _apply(memory, op, [code.broadcast(value, 1) for value in values], 1)
    return code.emit(f"extractelement {code.vector(1)} {result}, i32 0")


def _apply(memory: Memory, op: Elementwise, operands: list[str], lanes: int) -> str:
    """Emits one elementwise operation on vectors; returns its value."""
    code = memory.code
    if op.operation is Operation.POW:
        exponent = op.operands[1]
        if exponent not in (2.0, 3.0, 0.5):
            raise NotCompilableError("a power other than 2, 3 and ½")
        return power(code, lanes, operands[0], float(exponent))
    if op.operation in SCALED:
        scale = None if op.factor is None or op.factor == 1.0 else code.broadcast(memory.scalar(op.factor), lanes)
        return SCALED[op.operation](code, lanes, scale, *operands)
    return PLAIN[op.operation](code, lanes, *operands)


def _corresponds(operand: Operand | Scalar, shape: Array) -> bool:
    """Whether an operand is a number, or its elements are in memory in the places of the result's."""
    if not isinstance(operand, Operand) or operand.array.layout is Layout.BROADCAST:
        return True
    return operand.array.shape == shape.shape


def _pass(
    memory: Memory,
    ops: Sequence[Elementwise],
    stays: Callable[[Array], bool],
    at: Index,
    offset: Index,
    lanes: int,
    row: Index = 0,
) -> None:
    """Emits one vector of an elementwise group, `at` its place in memory and `offset` its place in its row."""
    code = memory.code
    values: dict[Array, str] = {}

    def value_of(operand: Operand | Scalar, shape: Array) -> str:
        if not isinstance(operand, Operand):
            if isinstance(operand, float):
                return code.broadcast_constant(operand)
            return code.broadcast(memory.scalar(operand), lanes)
        array = operand.array
        if array in values:
            return values[array]
        if array.layout is Layout.BROADCAST:
            value = code.broadcast(memory.scalars[array], lanes)
        elif _corresponds(operand, shape):
            value = code.load(memory.pointers[array], at, lanes)
        elif array.rows == 1 and memory.columns(array) == memory.columns(shape):
            value = code.load(memory.pointers[array], offset, lanes)
        elif array.cols == 1:
            place = 0 if array.rows == 1 else code.times(padded(1), row)
            value = code.broadcast(code.load(memory.pointers[array], place), lanes)
        else:
            raise NotCompilableError(f"({array.rows}, {array.cols}) beside ({shape.rows}, {shape.cols})")
        values[array] = value
        return value

    for op in ops:
        values[op.out] = _apply(memory, op, [value_of(operand, op.out) for operand in op.operands], lanes)
    for array in dict.fromkeys(op.out for op in ops):
        if stays(array):
            code.store(values[array], memory.pointers[array], at, lanes)


def reduction(memory: Memory, op: Reduction) -> None:
    """Emits sums or maxima over rows (axes 1), columns (2) or both."""
    code = memory.code
    if op.operand.transposed:
        raise NotCompilableError(f"{op.reducer} of a transposed matrix")
    array, axes = op.operand.array, op.axes
    source, target, stride = memory.pointers[array], memory.pointers[op.out], padded(array.cols)
    how, start = ("fadd", 0.0) if op.reducer is Reducer.SUM else ("max", float("-inf"))

    def join(lanes: int, a: str, b: str) -> str:
        return code.op("fadd", lanes, a, b) if how == "fadd" else PLAIN[Operation.MAXIMUM](code, lanes, a, b)

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
    variables = [(offset, lanes, code.variable(lanes)) for offset, lanes in tiles(stride)]
    for _, lanes, variable in variables:
        code.set(variable, code.broadcast_constant(start), lanes)
    with code.loop(array.rows) as row:
        for offset, lanes, variable in variables:
            vector = code.load(source, code.add(code.times(stride, row), offset), lanes)
            code.set(variable, join(lanes, code.get(variable, lanes), vector), lanes)
    if axes == (1,):
        for offset, lanes, variable in variables:
            code.store(code.get(variable, lanes), target, offset, lanes)
    else:
        vectors = [(offset, lanes, code.get(variable, lanes)) for offset, lanes, variable in variables]
        code.store(whole(vectors), target, 0)
