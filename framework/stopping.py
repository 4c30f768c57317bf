"""Early stopping, per replica."""

import math

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.representation import arguments, represent


class EarlyStopping:
    """Ends a replica after `patience` consecutive epochs without a new lowest validation loss.

    Report 000_886196d3797ee705.txt, III. A NaN loss is not an improvement.

    Args:
        patience: a number of epochs, at least 1.
        restore_best: whether a replica that ends, early or not, gets back its parameters and buffers of the epoch with
            its lowest validation loss.

    Raises:
        ValueError: the patience is below 1.
    """

    def __init__(self, patience: int, restore_best: bool = False) -> None:
        if patience < 1:
            raise ValueError(f"EarlyStopping needs patience ≥ 1, found {patience}")
        self.patience, self.restore_best = patience, restore_best
        self.best: Tensor | None = None
        self.waited: Tensor | None = None
        self.best_values: list[Tensor] = []

    def __repr__(self) -> str:
        return represent(self, arguments(self, vars(self)))

    def step(self, loss: Tensor, model: Module) -> Tensor:
        """Ends an epoch.

        Args:
            loss: the validation loss after the epoch, (R,) or ().
            model: the model; the state of replicas with a new lowest loss is saved.

        Returns:
            A mask of the replicas that end, of the shape of loss.
        """
        if self.best is None or self.waited is None:
            self.best = torch.full_like(loss, math.inf)
            self.waited = torch.zeros_like(loss, dtype=torch.int64)
        better = loss < self.best
        self.best = torch.where(better, loss, self.best)
        self.waited = torch.where(better, 0, self.waited + 1)
        if self.restore_best:
            values = [buffer.value for buffer in model.named_state().values()]
            if not self.best_values:
                self.best_values = [value.clone() for value in values]
            for best, value in zip(self.best_values, values, strict=True):
                best.copy_(torch.where(_mask(better, best), value, best))
        return self.waited >= self.patience

    def restore(self, model: Module, ending: Tensor) -> None:
        """Restores the best state of the replicas that end, if `restore_best`."""
        if self.best_values:
            for best, buffer in zip(self.best_values, model.named_state().values(), strict=True):
                buffer.value.copy_(torch.where(_mask(ending, best), best, buffer.value))

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order."""
        if self.best is not None and self.waited is not None:
            self.best, self.waited = self.best[replicas], self.waited[replicas]
        self.best_values = [value[replicas] for value in self.best_values]


def _mask(chosen: Tensor, value: Tensor) -> Tensor:
    """A choice of replicas (R,) as (R, 1, …), broadcastable to a value and on its device; () stays ()."""
    chosen = chosen.to(value.device)
    return chosen.view(-1, *[1] * (value.dim() - 1)) if chosen.dim() else chosen
