"""One pass over data: an epoch of training, or a prediction. Plain or stacked, for any model, loss and optimizer."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from fairgrid.framework.losses import Loss
from fairgrid.framework.metrics import error_rate
from fairgrid.framework.module import Module
from fairgrid.framework.optimizers import Optimizer

# one tensor, or a list of them where there are several outputs
Target = Tensor | list[Tensor]

# a pass over the data with the arguments and the result of `train_epoch`
Pass = Callable[[Module, Loss, Optimizer, Tensor, Target, Tensor, int], Tensor]

# samples of an evaluation pass that fit the cache; a constant, because the last bits of a result may depend on it
EVALUATION_SAMPLES = 200


def batches(x: Tensor, order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """The samples in their order, cut into batches; the last one is smaller where N is no multiple.

    Shapes: x (R, N, ...) and order (R, N) of indices into N, each batch (R, B, ...); or all of them without R. One
    gather serves all full batches. The order may be the CPU's wherever x is.
    """
    if order.dim() == 1:
        yield from torch.split(x[order], batch_size)
        return
    replicas, samples = order.shape
    rows = x.reshape(replicas * samples, *x.shape[2:])
    index = (order + samples * torch.arange(replicas, device=order.device)[:, None]).to(x.device)
    full = samples // batch_size * batch_size
    blocks = index[:, :full].reshape(replicas, -1, batch_size).transpose(0, 1)
    yield from rows[blocks.flatten()].view(*blocks.shape, *x.shape[2:]).unbind()
    if full < samples:
        yield rows[index[:, full:].flatten()].view(replicas, samples - full, *x.shape[2:])


def train_epoch(
    model: Module, criterion: Loss, optimizer: Optimizer, x: Tensor, target: Target, order: Tensor, batch_size: int
) -> Tensor:
    """One pass over the data, an optimizer step per batch.

    Shapes: x (R, N, ...), target (R, N, ...), order (R, N), or all of them without R. Returns the loss of every batch
    before its step, (steps, R) or (steps,).
    """
    losses = []
    by_output = [batches(tensor, order, batch_size) for tensor in listed(target)]
    for batch, *targets in zip(batches(x, order, batch_size), *by_output, strict=True):
        prediction = model.forward(batch)
        losses.append(criterion.forward(prediction, targets if isinstance(target, list) else targets[0]))
        model.backward(criterion.backward())
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack(losses)


def predict(model: Module, x: Tensor) -> Any:
    """The model's outputs in evaluation mode, a block of samples at a time; the model keeps its mode.

    Shapes: x (R, N, ...) or, for a plain model, (N, ...); a tensor (..., N, C), or a list of them.
    """
    axis = 0 if all(parameter.replicas is None for parameter in model.parameters()) else 1
    mode = model.training
    model.train(False)
    blocks = [model.forward(block.contiguous()) for block in x.split(EVALUATION_SAMPLES, axis)]
    model.train(mode)
    if isinstance(blocks[0], list):
        return [torch.cat(parts, axis) for parts in zip(*blocks, strict=True)]
    return torch.cat(blocks, axis)


def test_model(model: Module, criterion: Loss, x: Tensor, target: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and the fraction of wrong classes, (R,) or () each.

    Shapes: x (R, N, ...), target as the criterion takes it, label (R, N) of classes; or all of them without R.
    """
    prediction = predict(model, x)
    return criterion.forward(prediction, target), error_rate(prediction, label)


def listed(target: Target) -> list[Tensor]:
    """The targets, one per output."""
    return target if isinstance(target, list) else [target]
