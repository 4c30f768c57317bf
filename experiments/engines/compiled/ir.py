"""The intermediate representation: one training step as operations on small matrices of one replica.

Everything here is immutable and says only what is computed. Where an array is in memory, and which register holds a
number, is in memory.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class NotCompilableError(ValueError):
    """A step contains something that the compiled engine cannot trace or compile."""


class Layout(Enum):
    """The meaning of an array's elements."""

    MATRIX = "rows and columns of one replica"
    FLAT = "all parameters, or one number for each element of them, one after the other"
    BROADCAST = "one number in the place of a flat array of equal ones, such as a hyper-parameter"


@dataclass(frozen=True, eq=False)
class Array:
    """A matrix of one replica. Arrays are compared by identity, so they can be keys.

    Attributes:
        rows, cols: the shape; a bias is one row, a loss is 1 × 1.
        layout: the meaning of the elements.
        name: "x", "target", "value", "grad", the name of a state buffer or of a hyper-parameter, for arrays that exist
            before or after the step; otherwise empty.
        whole: the flat array that contains a parameter or its gradient.
        part: the number of that parameter.
    """

    rows: int
    cols: int
    layout: Layout = Layout.MATRIX
    name: str = ""
    whole: "Array | None" = None
    part: int = 0

    @property
    def root(self) -> "Array":
        """The array with separate memory: this one, or the one that contains it."""
        return self.whole or self

    @property
    def shape(self) -> tuple[int, int, Layout]:
        """The shape and layout, equal for arrays whose elements correspond one to one."""
        return self.rows, self.cols, self.layout


@dataclass(frozen=True)
class Operand:
    """An array as an operation reads it."""

    array: Array
    transposed: bool = False


@dataclass(frozen=True)
class Factor:
    """A number that changes from step to step (`Optimizer.factors`), by its name."""

    name: str
    negated: bool = False


Scalar = float | Factor


class Operation(StrEnum):
    """Elementwise operations, by the names of torch's."""

    ABS = "abs"
    ADD = "add"
    ADDCDIV = "addcdiv"
    ADDCMUL = "addcmul"
    CLAMP_MAX = "clamp_max"
    CLAMP_MIN = "clamp_min"
    CLONE = "clone"
    COPY = "copy"
    DIV = "div"
    EXP = "exp"
    FILL = "fill"
    LERP = "lerp"
    LOG = "log"
    LOG1P = "log1p"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    MUL = "mul"
    NEG = "neg"
    POW = "pow"
    RECIPROCAL = "reciprocal"
    RSUB = "rsub"
    SIGN = "sign"
    SQRT = "sqrt"
    SUB = "sub"
    TANH = "tanh"


class Reducer(StrEnum):
    """Reductions, by the names of torch's."""

    AMAX = "amax"
    SUM = "sum"


@dataclass(frozen=True, eq=False)
class Elementwise:
    """Sets `out` to a function of the operands, element by element; rows, columns and numbers are broadcast.

    Attributes:
        factor: torch's `value` or `alpha`, the factor of one term.
    """

    operation: Operation
    operands: tuple[Operand | Scalar, ...]
    out: Array
    factor: Scalar | None = None

    def reads(self) -> Iterator[Array]:
        """The arrays that it reads."""
        return (operand.array for operand in self.operands if isinstance(operand, Operand))


@dataclass(frozen=True, eq=False)
class Product:
    """Sets `out` to a · b, plus the row `bias` if there is one, plus its previous value if `accumulates`."""

    a: Operand
    b: Operand
    out: Array
    bias: Operand | None = None
    accumulates: bool = False

    def reads(self) -> Iterator[Array]:
        """The arrays that it reads."""
        yield from (self.a.array, self.b.array)
        if self.bias is not None:
            yield self.bias.array
        if self.accumulates:
            yield self.out


@dataclass(frozen=True, eq=False)
class Reduction:
    """Sets `out` to the sum or the maximum of an array over rows (axes 1), columns (2) or both (1, 2)."""

    reducer: Reducer
    operand: Operand
    out: Array
    axes: tuple[int, ...]

    def reads(self) -> Iterator[Array]:
        """The arrays that it reads."""
        yield self.operand.array


Op = Elementwise | Product | Reduction


@dataclass(frozen=True)
class Step:
    """The operations of a step, in order, and the arrays that exist before and after it.

    Attributes:
        ops: the operations.
        named: arrays by `Array.name`.
        result: the loss, or the prediction of a forward pass.
        factors: names of the numbers that change from step to step.
        parameters: shapes of the parameters.
    """

    ops: tuple[Op, ...]
    named: Mapping[str, Array]
    result: Array
    factors: tuple[str, ...]
    parameters: tuple[tuple[int, int], ...]


def text(step: Step) -> str:
    """The operations as text, with arrays numbered in the order of their appearance: equal for equal steps."""
    numbers: dict[Array, int] = {}

    def shown(value: object) -> str:
        if isinstance(value, Array):
            return str(numbers.setdefault(value, len(numbers)))
        if isinstance(value, Operand):
            return f"{shown(value.array)}{'T' if value.transposed else ''}"
        if isinstance(value, tuple):
            return f"({', '.join(shown(item) for item in value)})"
        return repr(value)

    return "\n".join(f"{type(op).__name__} {[shown(value) for value in vars(op).values()]}" for op in step.ops)
