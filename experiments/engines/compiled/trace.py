"""One training step written down: what model, loss and optimizer do to small matrices, as a list of operations.

The step runs once, on a stack of one replica, and every tensor operation is recorded with what it reads and writes. So
the mathematics stays where it is, in the modules; this file knows the names of tensor operations alone.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from framework import Loss, Module, Optimizer, select

Scalar = float | str  # a number, or the name of one that changes from step to step


class NotCompilable(ValueError):
    """A step does something that cannot be written down or compiled."""


@dataclass(eq=False)
class Array:
    """A matrix of one replica.

    Attributes:
        rows, cols: its shape; a bias is one row, a loss is 1 × 1.
        name: for what is there before or after the step: "x", "target", "value", "grad", a state buffer's name, or a
            hyper-parameter's; else empty.
        flat: whether it is all parameters (or their gradients, …) after each other.
        part: of a flat array, the number of the parameter that it is.
        whole: the flat array that it is a part of.
        spread: whether it is one number that a tensor as long as all parameters holds: a hyper-parameter.
    """

    rows: int
    cols: int
    name: str = ""
    flat: bool = False
    part: int | None = None
    whole: "Array | None" = None
    spread: bool = False

    @property
    def root(self) -> "Array":
        """What is in memory: the array, or the one that it is a part of."""
        return self.whole or self


@dataclass(frozen=True)
class Operand:
    """An array as an operation reads it."""

    array: Array
    transposed: bool = False


@dataclass
class Op:
    """One operation: `out` becomes a function of the operands, each an array or a number.

    `add_to` says that a product is added to what `out` holds.
    """

    name: str
    operands: list[Operand | Scalar]
    out: Array
    attributes: dict[str, Any] = field(default_factory=dict)
    add_to: bool = False

    def reads(self) -> Iterator[Array]:
        """The arrays that it reads."""
        yield from (operand.array for operand in self.operands if isinstance(operand, Operand))
        if self.add_to:
            yield self.out


@dataclass
class Step:
    """A step's operations in order, and the arrays that are there before and after it."""

    ops: list[Op]
    named: dict[str, Array]
    loss: Array
    factors: list[str]
    parameters: list[tuple[int, int]]


def trace(
    model: Module, criterion: Loss, optimizer: Optimizer, batch: int, inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> Step:
    """Writes down one step of a stack's replicas.

    Args:
        model: initialized and stacked; nothing of it changes.
        criterion: the loss.
        optimizer: of the model's parameters.
        batch: B.
        inputs: the shape of a sample, (D,).
        outputs: the shape of a target, (C,).

    Raises:
        NotCompilable: something in it cannot be written down.
    """
    if model.buffers():
        raise NotCompilable("a model with running statistics")
    noisy = [type(module).__name__ for _, module in model.walk() if type(module).begin_epoch is not Module.begin_epoch]
    if noisy:
        raise NotCompilable(f"noise ({', '.join(sorted(set(noisy)))})")
    if len(inputs) != 1 or len(outputs) != 1:
        raise NotCompilable("samples or targets that are not vectors")
    steps = [_record(model, criterion, optimizer, batch, inputs, outputs, number) for number in (1, 2)]
    if _text(steps[0]) != _text(steps[1]):
        kind = type(optimizer).__name__
        raise NotCompilable(f"{kind}, whose update depends on the number of the step (say how in `factors`)")
    return _live(steps[0])


def _record(
    model: Module,
    criterion: Loss,
    optimizer: Optimizer,
    batch: int,
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    number: int,
) -> Step:
    # without what the last forward left, which may be large
    caches = [(module, module.cache) for _, module in model.walk()]
    criterion_cache, criterion.cache = criterion.cache, None
    for module, _ in caches:
        module.cache = None
    try:
        net, loss, steps = copy.deepcopy((model, criterion, optimizer))
    finally:
        criterion.cache = criterion_cache
        for module, cache in caches:
            module.cache = cache
    select(torch.tensor([0]), net, steps)
    steps.steps = number - 1
    for name in steps.hyper_parameters():
        steps.set(name, 1.0 if optimizer.used(name) else 0.0)  # what is zero for one replica may not be for others
    # numbers of the step are found again by their value, which nothing else has
    factors = {name: (7 + 2 * place + number) * 1.2345678e-5 for place, name in enumerate(steps.factors(1))}
    steps.__dict__["factors"] = lambda step: factors
    recorder = _Recorder({value: name for name, value in factors.items()})
    parameters = [(parameter.shape[-2], parameter.shape[-1]) for parameter in steps.parameters]
    for name, tensor in {"value": steps.value, "grad": steps.grad, **steps.buffers}.items():
        whole = Array(1, tensor.numel(), name, flat=True)
        recorder.know(tensor, whole)
        if name in ("value", "grad"):
            for place, parameter in enumerate(steps.parameters):
                rows, cols = parameters[place]
                view = parameter.value if name == "value" else parameter.grad
                recorder.know(view, Array(rows, cols, name, part=place, whole=whole))
    for name, tensor in steps.hyper_parameters().items():
        recorder.know(tensor, Array(1, 1, name, spread=True))
    dtype = steps.value.dtype
    x, target = torch.zeros(1, batch, *inputs, dtype=dtype), torch.zeros(1, batch, *outputs, dtype=dtype)
    recorder.know(x, Array(batch, *inputs, "x"))
    recorder.know(target, Array(batch, *outputs, "target"))
    try:
        with recorder:
            value = loss.forward(net.forward(x), target)
            net.backward(loss.backward())
            steps.step()
            steps.zero_grad()
    except NotCompilable:
        raise
    except ValueError as error:
        raise NotCompilable(str(error)) from error
    named = {array.name: array for array in recorder.given if array.whole is None}
    return Step(recorder.ops, named, recorder.operand(value).array, list(factors), parameters)


# operations that only look at the same numbers in another way
_VIEWS = {"view", "_unsafe_view", "expand", "unsqueeze", "squeeze", "alias", "detach", "reshape", "transpose", "t"}
# elementwise operations, by name
ELEMENTWISE = set(
    "add sub rsub mul div neg abs sign sqrt reciprocal exp log log1p tanh pow clamp_min clamp_max maximum minimum addcmul"
    " addcdiv lerp copy clone fill".split()
)
REDUCTIONS = {"sum", "amax"}
_FILLS = {"zeros_like": 0.0, "ones_like": 1.0, "zero": 0.0}


class _Recorder(TorchDispatchMode):
    """Runs every operation as it is, and writes it down."""

    def __init__(self, factors: dict[float, str]) -> None:
        super().__init__()
        self.factors = factors
        self.ops: list[Op] = []
        self.given: list[Array] = []
        self._arrays: dict[int, Operand] = {}
        self._held: list[Tensor] = []  # an id is a tensor's own as long as the tensor is there

    def know(self, tensor: Tensor, array: Array) -> None:
        """Says which array a tensor is that is there before the step."""
        self.given.append(array)
        self._bind(tensor, Operand(array))

    def operand(self, tensor: Tensor) -> Operand:
        """The array that a tensor is."""
        if id(tensor) not in self._arrays:
            raise NotCompilable(f"a tensor of shape {tuple(tensor.shape)} from outside of the step")
        return self._arrays[id(tensor)]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.__name__.partition(".")[0]
        if not isinstance(result, Tensor):
            raise NotCompilable(f"{name}, which is not a tensor operation of one result")
        if name in _VIEWS:
            self._bind(result, self._viewed(name, self.operand(args[0]), args, result))
            return result
        in_place = name.endswith("_")
        name = name.rstrip("_")
        into = args[0] if in_place else kwargs.get("out")
        if into is not None:
            target = self.operand(into)
            if target.transposed:
                raise NotCompilable(f"{name} in place of a transposed matrix")
            out = target.array
        else:
            out = self._made(name, result, args)
        self._write(name, args, {key: value for key, value in kwargs.items() if key != "out"}, out, in_place)
        if into is None:
            self._bind(result, Operand(out))
        return result

    def _bind(self, tensor: Tensor, operand: Operand) -> None:
        self._held.append(tensor)
        self._arrays[id(tensor)] = operand

    def _viewed(self, name: str, source: Operand, args: Sequence[Any], result: Tensor) -> Operand:
        if name in ("transpose", "t"):
            if source.array.flat or result.dim() != 3 or (len(args) > 1 and {int(a) % 3 for a in args[1:3]} != {1, 2}):
                raise NotCompilable("a transposition other than of the last two dimensions")
            return Operand(source.array, not source.transposed)
        rows, cols = source.array.rows, source.array.cols
        expected = (cols, rows) if source.transposed else (rows, cols)
        if not source.array.flat and _matrix(result) != expected:
            raise NotCompilable(f"{name} to another shape, {tuple(result.shape)}")
        return source

    def _made(self, name: str, result: Tensor, args: Sequence[Any]) -> Array:
        known = [self._arrays[id(arg)].array for arg in args if isinstance(arg, Tensor) and id(arg) in self._arrays]
        if any(array.flat for array in known):
            return Array(1, result.numel(), flat=True)
        if name in ELEMENTWISE and known and all(array.spread for array in known):
            return Array(1, 1, spread=True)
        return Array(*_matrix(result))

    def _write(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], out: Array, in_place: bool) -> None:
        if name in _FILLS:
            self.ops.append(Op("fill", [_FILLS[name]], out))
            return
        operands = [self._number_or_array(arg) for arg in args if isinstance(arg, Tensor | int | float)]
        if name in ("baddbmm", "addmm"):
            if kwargs:
                raise NotCompilable(f"{name} with {', '.join(kwargs)}")
            first = operands.pop(0)
            if in_place:
                self.ops.append(Op("product", operands, out, add_to=True))
            else:
                self.ops.append(Op("product", [*operands, first], out))
        elif name in ("bmm", "mm"):
            self.ops.append(Op("product", operands, out))
        elif name in REDUCTIONS:
            axes = tuple(int(axis) % args[0].dim() for axis in (args[1] if len(args) > 1 else range(args[0].dim())))
            if args[0].dim() != 3 or axes not in ((1,), (2,), (1, 2)):
                raise NotCompilable(f"{name} over other than the last two dimensions")
            self.ops.append(Op(name, operands[:1], out, {"axes": axes}))
        elif name in ELEMENTWISE:
            if any(isinstance(operand, Operand) and operand.transposed for operand in operands):
                raise NotCompilable(f"{name} of a transposed matrix")
            attributes = {key: self._number(kwargs[key]) for key in ("value", "alpha") if key in kwargs}
            self.ops.append(Op(name, operands, out, attributes))
        else:
            raise NotCompilable(f"the operation {name}")

    def _number_or_array(self, arg: Tensor | float) -> Operand | Scalar:
        return self.operand(arg) if isinstance(arg, Tensor) else self._number(arg)

    def _number(self, number: float) -> Scalar:
        if number in self.factors:
            return self.factors[number]
        if -number in self.factors:
            return f"-{self.factors[-number]}"
        return float(number)


def _matrix(tensor: Tensor) -> tuple[int, int]:
    """Rows and columns of a tensor of one replica, (1, rows, cols), (1, rows) or (1,)."""
    shape = tuple(tensor.shape)
    if not 1 <= len(shape) <= 3 or shape[0] != 1:
        raise NotCompilable(f"a tensor of shape {shape}, which is not one matrix a replica")
    return (*shape[1:], 1, 1)[:2] if len(shape) > 1 else (1, 1)


def _text(step: Step) -> str:
    """The operations by the order in which their arrays appear."""
    numbers: dict[int, int] = {}

    def show(item: Operand | Scalar) -> str:
        if isinstance(item, Operand):
            place = numbers.setdefault(id(item.array), len(numbers))
            return f"{place}{'T' if item.transposed else ''}"
        return repr(item)

    return "\n".join(
        f"{op.name} {[show(item) for item in op.operands]} {op.attributes} {op.add_to} -> {show(Operand(op.out))}"
        for op in step.ops
    )


def _live(step: Step) -> Step:
    """The step without what nobody reads, and without gradients that are cleared before they are added to."""
    needed = {id(array) for name, array in step.named.items() if array.flat and name != "grad"} | {id(step.loss)}
    grad = step.named["grad"]
    needed.add(id(grad))
    ops: list[Op] = []
    for op in reversed(step.ops):
        if id(op.out.root) in needed:
            needed |= {id(array.root) for array in op.reads()}
            ops.append(op)
    ops.reverse()
    step.ops = _assigned_first(ops, grad)
    return step


def _assigned_first(ops: list[Op], grad: Array) -> list[Op]:
    """Gradients are zero when a step begins: what is first added to one is assigned instead, and none is cleared."""
    if not (ops and ops[-1].name == "fill" and ops[-1].out is grad):
        return ops
    changed, seen = [], set()
    for op in ops[:-1]:
        new = op
        if op.out.whole is grad and op.out.part not in seen:
            if op.add_to:
                new = Op(op.name, op.operands, op.out)
            elif op.name == "add" and _reads_first(op, op.out) and not op.attributes:
                new = Op("copy", [op.operands[1]], op.out)
            else:
                return ops
            seen.add(op.out.part)
        elif any(array.whole is grad and array.part not in seen for array in op.reads()):
            return ops
        changed.append(new)
    return changed


def _reads_first(op: Op, array: Array) -> bool:
    first = op.operands[0]
    return isinstance(first, Operand) and first.array is array


def needed_later(ops: Sequence[Op]) -> Callable[[Array, int], bool]:
    """Whether an array, written by then, is read by an operation at or after a place, or stays after the step."""
    last: dict[int, int] = {}
    for place, op in enumerate(ops):
        for array in op.reads():
            last[id(array.root)] = place
    return lambda array, place: bool(array.root.name) or last.get(id(array.root), -1) >= place
