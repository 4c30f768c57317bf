"""Traces one training step: what model, loss and optimizer do to small matrices, as operations of ir.py.

The step runs once, on a stack of one replica, and recorder.py records every tensor operation with what it reads and
writes. So the mathematics stays in the modules; the engine knows only the names of tensor operations.
"""

import copy
from typing import Any

import torch
from torch import Tensor

from fairgrid.experiments.engines.compiled.ir import Array, Layout, NotCompilableError, Step, text
from fairgrid.experiments.engines.compiled.liveness import simplified
from fairgrid.experiments.engines.compiled.recorder import Markers, Recorder
from fairgrid.framework import Loss, Module, Optimizer, select


def trace(model: Module, criterion: Loss, optimizer: Optimizer, batch: int, inputs: int, outputs: int) -> Step:
    """Traces one step of one replica.

    Args:
        model: the model, initialized and stacked; it is not changed.
        criterion: the loss.
        optimizer: the optimizer of the model's parameters.
        batch: B.
        inputs: D, features of a sample.
        outputs: C, features of a target.

    Raises:
        NotCompilableError: something in the step cannot be traced.
    """
    if model.buffers():
        raise NotCompilableError("a model with running statistics")
    noisy = [type(module).__name__ for _, module in model.walk() if type(module).begin_epoch is not Module.begin_epoch]
    if noisy:
        raise NotCompilableError(f"noise ({', '.join(sorted(set(noisy)))})")
    try:
        steps = [_trace_step(model, criterion, optimizer, batch, inputs, outputs, number) for number in (1, 2)]
    except NotCompilableError:
        raise
    except ValueError as error:
        raise NotCompilableError(str(error)) from error
    if text(steps[0]) != text(steps[1]):
        kind = type(optimizer).__name__
        raise NotCompilableError(f"{kind}, whose update depends on the number of the step (say how in `factors`)")
    return simplified(steps[0])


def trace_forward(model: Module, optimizer: Optimizer, batch: int, inputs: int) -> Step:
    """Traces a forward pass in evaluation mode; see `trace`."""
    net, _, single = _first_replica(model, None, optimizer)
    recorder = Recorder(Markers([], 1))
    parameters = _declare_parameters(recorder, single, {"value": single.value})
    x = torch.zeros(1, batch, inputs, dtype=single.value.dtype)
    recorder.declare(x, Array(batch, inputs, name="x"))
    net.train(False)
    with recorder:
        prediction = net.forward(x)
    if not isinstance(prediction, Tensor):
        raise NotCompilableError("a model of several outputs")
    operand = recorder.operand(prediction)
    if operand.transposed:
        raise NotCompilableError("a prediction that is a transposed matrix")
    return simplified(Step(tuple(recorder.ops), recorder.named(), operand.array, (), parameters))


def _trace_step(
    model: Module, criterion: Loss, optimizer: Optimizer, batch: int, inputs: int, outputs: int, number: int
) -> Step:
    net, loss, single = _first_replica(model, criterion, optimizer)
    single.steps = number - 1
    for name in single.hyper_parameters():
        # the first replica's zero may be another number for other replicas
        single.set(name, 1.0 if optimizer.used(name) else 0.0)
    markers = Markers(list(single.factors(1)), number)
    single.__dict__["factors"] = lambda step: markers.values
    recorder = Recorder(markers)
    parameters = _declare_parameters(recorder, single, {"value": single.value, "grad": single.grad, **single.buffers})
    for name, tensor in single.hyper_parameters().items():
        recorder.declare(tensor, Array(1, 1, Layout.BROADCAST, name))
    dtype = single.value.dtype
    x, target = torch.zeros(1, batch, inputs, dtype=dtype), torch.zeros(1, batch, outputs, dtype=dtype)
    recorder.declare(x, Array(batch, inputs, name="x"))
    recorder.declare(target, Array(batch, outputs, name="target"))
    with recorder:
        value = loss.forward(net.forward(x), target)
        net.backward(loss.backward())
        single.step()
        single.zero_grad()
    result = recorder.operand(value).array
    return Step(tuple(recorder.ops), recorder.named(), result, tuple(markers.values), parameters)


def _first_replica(model: Module, criterion: Loss | None, optimizer: Optimizer) -> tuple[Module, Any, Optimizer]:
    """Copies of all three with only the first replica, and without the last forward's caches, which may be large."""
    owners: list[Any] = [module for _, module in model.walk()]
    owners += [criterion] if criterion is not None else []
    caches = [owner.cache for owner in owners]
    for owner in owners:
        owner.cache = None
    try:
        net, loss, single = copy.deepcopy((model, criterion, optimizer))
    finally:
        for owner, cache in zip(owners, caches, strict=True):
            owner.cache = cache
    select(torch.tensor([0]), net, single)
    return net, loss, single


def _declare_parameters(
    recorder: Recorder, optimizer: Optimizer, flat: dict[str, Tensor]
) -> tuple[tuple[int, int], ...]:
    """Declares flat tensors, and the parameters and gradients in them; returns the parameters' shapes."""
    if any(len(parameter.shape) != 2 for parameter in optimizer.parameters):
        raise NotCompilableError("parameters that are not matrices")
    shapes = tuple((parameter.shape[0], parameter.shape[1]) for parameter in optimizer.parameters)
    for name, tensor in flat.items():
        whole = Array(1, tensor.numel(), Layout.FLAT, name)
        recorder.declare(tensor, whole)
        for place, parameter in enumerate(optimizer.parameters):
            view = {"value": parameter.value, "grad": parameter.grad}.get(name)
            if view is not None:
                recorder.declare(view, Array(*shapes[place], name=name, whole=whole, part=place))
    return shapes
