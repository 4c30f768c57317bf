"""The placement of a step's arrays and numbers: pointers into scratch memory, and scalar values in registers.

A matrix is stored row by row, each row padded to whole vectors (`llvm.padded`). The padding is never read into a
result.
"""

from dataclasses import dataclass, field

from fairgrid.experiments.engines.compiled.ir import Array, Factor, Layout, Scalar
from fairgrid.experiments.engines.compiled.llvm import Code, padded


@dataclass
class Memory:
    """The placement of one step's arrays and numbers.

    Attributes:
        code: the code that is being written.
        flat: length of every flat array, padding included.
        registers: numbers that the processor's registers hold, a limit for products; of no effect on results.
        pointers: addresses of arrays.
        scalars: values of broadcast arrays.
        factors: values of the numbers that change from step to step, by name.
        spare: pointer to room for a transposed matrix.
    """

    code: Code
    flat: int
    registers: int
    pointers: dict[Array, str] = field(default_factory=dict)
    scalars: dict[Array, str] = field(default_factory=dict)
    factors: dict[str, str] = field(default_factory=dict)
    spare: str = ""

    def columns(self, array: Array) -> int:
        """Columns of an array in memory, without the padding of a matrix."""
        return self.flat if array.layout is Layout.FLAT else array.cols

    def length(self, array: Array) -> int:
        """Numbers in memory, padding included."""
        return self.flat if array.layout is Layout.FLAT else array.rows * padded(array.cols)

    def scalar(self, scalar: Scalar) -> str:
        """A constant, or the value of a factor."""
        if not isinstance(scalar, Factor):
            return self.code.constant(scalar)
        value = self.factors[scalar.name]
        return self.code.emit(f"fneg {self.code.real} {value}") if scalar.negated else value
