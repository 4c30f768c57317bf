"""The training loop: one epoch over batches gathered once, and evaluation in one pass."""

from collections.abc import Iterable

import torch
from torch import Tensor

from framework.losses import Loss
from framework.module import Module
from framework.optimizers import Optimizer


def batches(x: Tensor, order: Tensor, batch_size: int) -> Iterable[Tensor]:
    """The samples in their order, cut into batches; the last one is smaller where N is no multiple.

    Shapes: x (R, N, ...), order (R, N) of indices into N; each batch (R, B, ...). One gather serves all full batches.
    """
    replicas, samples = order.shape
    rows = x.reshape(replicas * samples, *x.shape[2:])
    index = order + samples * torch.arange(replicas)[:, None]
    full = samples // batch_size * batch_size
    blocks = index[:, :full].reshape(replicas, -1, batch_size).transpose(0, 1)
    yield from rows[blocks.flatten()].view(*blocks.shape, *x.shape[2:]).unbind()
    if full < samples:
        yield rows[index[:, full:].flatten()].view(replicas, samples - full, *x.shape[2:])


def train_epoch(
    model: Module, criterion: Loss, optimizer: Optimizer, x: Tensor, target: Tensor, order: Tensor, batch_size: int
) -> Tensor:
    """One pass over the data, an optimizer step per batch.

    Shapes: x (R, N, D), target (R, N, C), order (R, N). Returns the loss of every batch before its step, (steps, R).
    """
    losses = []
    for batch, wanted in zip(batches(x, order, batch_size), batches(target, order, batch_size), strict=True):
        prediction = model.forward(batch)
        losses.append(criterion.forward(prediction, wanted))
        model.backward(criterion.backward())
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack(losses)
