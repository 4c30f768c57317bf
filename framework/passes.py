"""One pass over data, for training or prediction, with any model, loss and optimizer, plain or stacked."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from fairgrid.framework.losses import Loss
from fairgrid.framework.metrics import error_rate
from fairgrid.framework.module import Module
from fairgrid.framework.optimizers import Optimizer

# one tensor, or a list with one per output
Target = Tensor | list[Tensor]

# a training pass, with the arguments and the result of `train_epoch`
Pass = Callable[[Module, Loss, Optimizer, Tensor, Target, Tensor, int], Tensor]

# samples in a block of predictions, few enough for the cache; constant, because last bits may depend on it
EVALUATION_SAMPLES = 200


def batches(x: Tensor, order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Splits the samples, in the given order, into batches; the last one is smaller if N is not a multiple.

    Shapes: x (R, N, ...) and order (R, N) of indices into N, each batch (R, B, ...); or all of them without R. All full
    batches come from one gather. The order may be on the CPU for x on any device.
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
    """Trains for one epoch, with an optimizer step per batch.

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
    """The model's outputs in evaluation mode, computed in blocks of samples; the mode is restored afterwards.

    Shapes: x (R, N, ...) or, for a plain model, (N, ...); returns a tensor (..., N, C), or a list of them.
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
    """The loss and the fraction of misclassified samples, (R,) or () each.

    Shapes: x (R, N, ...), target of the shape that the criterion takes, label (R, N) of classes; or all without R.
    """
    prediction = predict(model, x)
    return criterion.forward(prediction, target), error_rate(prediction, label)


def listed(target: Target) -> list[Tensor]:
    """The targets, one per output."""
    return target if isinstance(target, list) else [target]
