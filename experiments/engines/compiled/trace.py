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

from fairgrid.framework import Loss, Module, Optimizer, select

Scalar = float | str  # a number, or the name of one that changes from step to step


class NotCompilableError(ValueError):
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
    """A step's operations in order, and the arrays that are there before and after it.

    Attributes:
        named: by the names of Array.name.
        result: the loss, or the prediction of a forward pass.
        factors: names of the numbers that change from step to step.
        parameters: their shapes.
    """

    ops: list[Op]
    named: dict[str, Array]
    result: Array
    factors: list[str]
    parameters: list[tuple[int, int]]


def trace(model: Module, criterion: Loss, optimizer: Optimizer, batch: int, inputs: int, outputs: int) -> Step:
    """Writes down one step of a stack's replicas.

    Args:
        model: initialized and stacked; nothing of it changes.
        criterion: the loss.
        optimizer: of the model's parameters.
        batch: B.
        inputs: D, features of a sample.
        outputs: C, of a target.

    Raises:
        NotCompilableError: something in it cannot be written down.
    """
    if model.buffers():
        raise NotCompilableError("a model with running statistics")
    noisy = [type(module).__name__ for _, module in model.walk() if type(module).begin_epoch is not Module.begin_epoch]
    if noisy:
        raise NotCompilableError(f"noise ({', '.join(sorted(set(noisy)))})")
    try:
        steps = [_record(model, criterion, optimizer, batch, inputs, outputs, number) for number in (1, 2)]
    except NotCompilableError:
        raise
    except ValueError as error:
        raise NotCompilableError(str(error)) from error
    if _text(steps[0]) != _text(steps[1]):
        kind = type(optimizer).__name__
        raise NotCompilableError(f"{kind}, whose update depends on the number of the step (say how in `factors`)")
    return _live(steps[0])


def trace_forward(model: Module, optimizer: Optimizer, batch: int, inputs: int) -> Step:
    """Writes down a forward pass in evaluation; see `trace`."""
    net, _, steps = _lone(model, None, optimizer)
    recorder = _Recorder({})
    parameters = _know_parameters(recorder, steps, {"value": steps.value})
    x = torch.zeros(1, batch, inputs, dtype=steps.value.dtype)
    recorder.know(x, Array(batch, inputs, "x"))
    net.train(False)
    with recorder:
        prediction = net.forward(x)
    if not isinstance(prediction, Tensor):
        raise NotCompilableError("a model of several outputs")
    operand = recorder.operand(prediction)
    if operand.transposed:
        raise NotCompilableError("a prediction that is a transposed matrix")
    return _live(Step(recorder.ops, _named(recorder), operand.array, [], parameters))


def _record(
    model: Module,
    criterion: Loss,
    optimizer: Optimizer,
    batch: int,
    inputs: int,
    outputs: int,
    number: int,
) -> Step:
    net, loss, steps = _lone(model, criterion, optimizer)
    steps.steps = number - 1
    for name in steps.hyper_parameters():
        steps.set(name, 1.0 if optimizer.used(name) else 0.0)  # what is zero for one replica may not be for others
    # numbers of the step are found again by their value, which nothing else has
    factors = {name: (7 + 2 * place + number) * 1.2345678e-5 for place, name in enumerate(steps.factors(1))}
    steps.__dict__["factors"] = lambda step: factors
    recorder = _Recorder({value: name for name, value in factors.items()})
    flats = {"value": steps.value, "grad": steps.grad, **steps.buffers}
    parameters = _know_parameters(recorder, steps, flats)
    for name, tensor in steps.hyper_parameters().items():
        recorder.know(tensor, Array(1, 1, name, spread=True))
    dtype = steps.value.dtype
    x, target = torch.zeros(1, batch, inputs, dtype=dtype), torch.zeros(1, batch, outputs, dtype=dtype)
    recorder.know(x, Array(batch, inputs, "x"))
    recorder.know(target, Array(batch, outputs, "target"))
    with recorder:
        value = loss.forward(net.forward(x), target)
        net.backward(loss.backward())
        steps.step()
        steps.zero_grad()
    return Step(recorder.ops, _named(recorder), recorder.operand(value).array, list(factors), parameters)


def _lone(model: Module, criterion: Loss | None, optimizer: Optimizer) -> tuple[Module, Any, Optimizer]:
    """Copies of all three with the first replica alone, and without what the last forward left, which may be large."""
    held: list[Any] = [module for _, module in model.walk()]
    held += [criterion] if criterion is not None else []
    caches = [item.cache for item in held]
    for item in held:
        item.cache = None
    try:
        net, loss, steps = copy.deepcopy((model, criterion, optimizer))
    finally:
        for item, cache in zip(held, caches, strict=True):
            item.cache = cache
    select(torch.tensor([0]), net, steps)
    return net, loss, steps


def _know_parameters(recorder: "_Recorder", optimizer: Optimizer, flats: dict[str, Tensor]) -> list[tuple[int, int]]:
    """Tells a recorder of the flat tensors and of the parameters and gradients in them; returns the latter's shapes."""
    if any(len(parameter.shape) != 2 for parameter in optimizer.parameters):
        raise NotCompilableError("parameters that are not matrices")
    shapes = [(parameter.shape[0], parameter.shape[1]) for parameter in optimizer.parameters]
    for name, tensor in flats.items():
        whole = Array(1, tensor.numel(), name, flat=True)
        recorder.know(tensor, whole)
        for place, parameter in enumerate(optimizer.parameters):
            view = {"value": parameter.value, "grad": parameter.grad}.get(name)
            if view is not None:
                recorder.know(view, Array(*shapes[place], name, part=place, whole=whole))
    return shapes


def _named(recorder: "_Recorder") -> dict[str, Array]:
    return {array.name: array for array in recorder.given if array.whole is None}


# operations that only look at the same numbers in another way
_VIEWS = {"view", "_unsafe_view", "expand", "unsqueeze", "squeeze", "alias", "detach", "reshape", "transpose", "t"}
# elementwise operations, by name
ELEMENTWISE = set(
    "add sub rsub mul div neg abs sign sqrt reciprocal exp log log1p tanh pow clamp_min clamp_max maximum minimum"
    " addcmul addcdiv lerp copy clone fill".split()
)
REDUCTIONS = {"sum", "amax"}
_FILLS = {"zeros_like": 0.0, "ones_like": 1.0, "zero": 0.0}


class _Recorder(TorchDispatchMode):
    """Runs every operation as it is, and writes it down."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch's own compiler, which takes seconds to import, never sees this."""
        return False

    def __init__(self, factors: dict[float, str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it has no annotations
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
            raise NotCompilableError(f"a tensor of shape {tuple(tensor.shape)} from outside of the step")
        return self._arrays[id(tensor)]

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
            self._bind(result, self._viewed(name, self.operand(args[0]), args, result))
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
                raise NotCompilableError("a transposition other than of the last two dimensions")
            return Operand(source.array, not source.transposed)
        rows, cols = source.array.rows, source.array.cols
        expected = (cols, rows) if source.transposed else (rows, cols)
        if not source.array.flat and _matrix(result) != expected:
            raise NotCompilableError(f"{name} to another shape, {tuple(result.shape)}")
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
                raise NotCompilableError(f"{name} with {', '.join(kwargs)}")
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
                raise NotCompilableError(f"{name} over other than the last two dimensions")
            self.ops.append(Op(name, operands[:1], out, {"axes": axes}))
        elif name in ELEMENTWISE:
            if any(isinstance(operand, Operand) and operand.transposed for operand in operands):
                raise NotCompilableError(f"{name} of a transposed matrix")
            attributes: dict[str, Any] = {key: self._number(kwargs[key]) for key in ("value", "alpha") if key in kwargs}
            self.ops.append(Op(name, operands, out, attributes))
        else:
            raise NotCompilableError(f"the operation {name}")

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
        raise NotCompilableError(f"a tensor of shape {shape}, which is not one matrix a replica")
    if len(shape) == 1:
        return 1, 1
    return shape[1], shape[2] if len(shape) == 3 else 1


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
    needed = {id(array) for name, array in step.named.items() if array.flat and name != "grad"} | {id(step.result)}
    grad = step.named.get("grad")
    if any(array is grad for op in step.ops for array in op.reads()):
        needed.add(id(grad))
    ops: list[Op] = []
    for op in reversed(step.ops):
        if id(op.out.root) in needed:
            needed |= {id(array.root) for array in op.reads()}
            ops.append(op)
    ops.reverse()
    step.ops = _assigned_first(ops, grad) if grad is not None else ops
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
