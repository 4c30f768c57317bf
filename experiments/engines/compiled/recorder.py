"""The recorder of a step: every tensor operation that torch dispatches becomes an operation of ir.py."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fairgrid.experiments.engines.compiled.ir import (
    Array,
    Elementwise,
    Factor,
    Layout,
    NotCompilableError,
    Op,
    Operand,
    Operation,
    Product,
    Reducer,
    Reduction,
    Scalar,
)

# operations that return the same numbers in another shape
_VIEWS = {"view", "_unsafe_view", "expand", "unsqueeze", "squeeze", "alias", "detach", "reshape", "transpose", "t"}
_OPERATIONS = {operation.value: operation for operation in Operation}
_REDUCERS = {reducer.value: reducer for reducer in Reducer}
_FILLS = {"zeros_like": 0.0, "ones_like": 1.0, "zero": 0.0}
_NEUTRAL = {"memory_format", "pin_memory", "device", "layout"}  # keywords that change no number


class Markers:
    """Values that stand for the numbers of a step while it is traced.

    A bias correction, say, is a float that an optimizer computes from the number of the step (`Optimizer.factors`) and
    passes to torch as an argument such as `alpha`. A trace sees only the value of an argument, not where it came from.
    So for a trace `factors` returns markers instead: values that no constant of an update is equal to. Where one
    arrives at a tensor operation, or its negative does, the operation is recorded with the factor's name. The markers
    differ between the trace of step 1 and that of step 2. An update that computes with a factor, or with the number of
    the step itself, before torch sees it leaves two different constants in the traces, and is refused.

    Args:
        names: names of the factors.
        step: the number of the traced step, 1 or 2.

    Attributes:
        values: the marker of each factor, by name.
    """

    def __init__(self, names: Sequence[str], step: int) -> None:
        self.values = {name: (7 + 2 * place + step) * 1.2345678e-5 for place, name in enumerate(names)}
        self._factors = {value: Factor(name) for name, value in self.values.items()}
        self._factors |= {-value: Factor(name, negated=True) for name, value in self.values.items()}

    def scalar(self, number: float) -> Scalar:
        """The factor whose marker is a number, or the number itself."""
        return self._factors.get(number, float(number))


class Recorder(TorchDispatchMode):
    """Runs every operation unchanged, and records it."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch's own compiler, which takes seconds to import, never sees this."""
        return False

    def __init__(self, markers: Markers) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it has no annotations
        self.markers = markers
        self.ops: list[Op] = []
        self._declared: list[Array] = []
        self._operands: dict[Tensor, Operand] = {}  # a tensor's hash is its identity

    def declare(self, tensor: Tensor, array: Array) -> None:
        """Declares a tensor that exists before the step to be an array."""
        self._declared.append(array)
        self._operands[tensor] = Operand(array)

    def named(self) -> dict[str, Array]:
        """The declared arrays by name, without those that are parts of others."""
        return {array.name: array for array in self._declared if array.whole is None}

    def operand(self, tensor: Tensor) -> Operand:
        """The array of a tensor."""
        if tensor not in self._operands:
            raise NotCompilableError(f"a tensor of shape {tuple(tensor.shape)} from outside of the step")
        return self._operands[tensor]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.__name__.partition(".")[0]
        if name == "_local_scalar_dense":
            raise NotCompilableError("a step that looks at its numbers")
        if not isinstance(result, Tensor):
            raise NotCompilableError(f"{name}, which is not a tensor operation of one result")
        if name in _VIEWS:
            self._operands[result] = self._view(name, self.operand(args[0]), args, result)
            return result
        in_place = name.endswith("_")
        name = name.rstrip("_")
        into = args[0] if in_place else kwargs.get("out")
        if into is not None:
            target = self.operand(into)
            if target.transposed:
                raise NotCompilableError(f"{name} in place of a transposed matrix")
            out = target.array
        else:
            out = self._new_array(name, result, args)
        self._record(name, args, {key: value for key, value in kwargs.items() if key != "out"}, out, in_place)
        if into is None:
            self._operands[result] = Operand(out)
        return result

    def _view(self, name: str, source: Operand, args: Sequence[Any], result: Tensor) -> Operand:
        flat = source.array.layout is Layout.FLAT
        if name in ("transpose", "t"):
            if flat or result.dim() != 3 or (len(args) > 1 and {int(a) % 3 for a in args[1:3]} != {1, 2}):
                raise NotCompilableError("a transposition other than of the last two dimensions")
            return Operand(source.array, not source.transposed)
        rows, cols = source.array.rows, source.array.cols
        expected = (cols, rows) if source.transposed else (rows, cols)
        if not flat and _matrix(result) != expected:
            raise NotCompilableError(f"{name} to another shape, {tuple(result.shape)}")
        return source

    def _new_array(self, name: str, result: Tensor, args: Sequence[Any]) -> Array:
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        layouts = {self._operands[tensor].array.layout for tensor in tensors if tensor in self._operands}
        if Layout.FLAT in layouts:
            return Array(1, result.numel(), Layout.FLAT)
        if name in _OPERATIONS and layouts == {Layout.BROADCAST}:
            return Array(1, 1, Layout.BROADCAST)
        return Array(*_matrix(result))

    def _record(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], out: Array, in_place: bool) -> None:
        accepted = _NEUTRAL | ({"value", "alpha"} if name in _OPERATIONS else set())
        unchanged = (None, *(arg.dtype for arg in args[:1] if isinstance(arg, Tensor)))
        changing = [key for key, value in kwargs.items() if key not in accepted and value not in unchanged]
        if changing:
            raise NotCompilableError(f"{name} with {', '.join(changing)}")
        if name in _FILLS:
            self.ops.append(Elementwise(Operation.FILL, (_FILLS[name],), out))
            return
        operands = [self._operand_or_scalar(arg) for arg in args if isinstance(arg, Tensor | int | float)]
        if name in ("baddbmm", "addmm"):
            bias, a, b = (self.operand(arg) for arg in args[:3])
            if in_place:
                self.ops.append(Product(a, b, out, accumulates=True))
            else:
                self.ops.append(Product(a, b, out, bias))
        elif name in ("bmm", "mm"):
            a, b = (self.operand(arg) for arg in args[:2])
            self.ops.append(Product(a, b, out))
        elif name in _REDUCERS:
            axes = tuple(int(axis) % args[0].dim() for axis in (args[1] if len(args) > 1 else range(args[0].dim())))
            if args[0].dim() != 3 or axes not in ((1,), (2,), (1, 2)):
                raise NotCompilableError(f"{name} over other than the last two dimensions")
            self.ops.append(Reduction(_REDUCERS[name], self.operand(args[0]), out, axes))
        elif name in _OPERATIONS:
            if any(isinstance(operand, Operand) and operand.transposed for operand in operands):
                raise NotCompilableError(f"{name} of a transposed matrix")
            factors = [self.markers.scalar(kwargs[key]) for key in ("value", "alpha") if key in kwargs]
            self.ops.append(Elementwise(_OPERATIONS[name], tuple(operands), out, factors[0] if factors else None))
        else:
            raise NotCompilableError(f"the operation {name}")

    def _operand_or_scalar(self, arg: Tensor | float) -> Operand | Scalar:
        return self.operand(arg) if isinstance(arg, Tensor) else self.markers.scalar(arg)


def _matrix(tensor: Tensor) -> tuple[int, int]:
    """Rows and columns of a tensor of one replica, (1, rows, cols), (1, rows) or (1,)."""
    shape = tuple(tensor.shape)
    if not 1 <= len(shape) <= 3 or shape[0] != 1:
        raise NotCompilableError(f"a tensor of shape {shape}, which is not one matrix a replica")
    if len(shape) == 1:
        return 1, 1
    return shape[1], shape[2] if len(shape) == 3 else 1
