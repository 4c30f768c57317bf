"""Dropout whose noise is drawn once per epoch."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from fairgrid.framework.module import Module


class Dropout(Module):
    """In training y = x m / (1 − p), where each element of m is 0 with probability p, otherwise 1; in evaluation y = x.

    Srivastava et al. 2014, with the scaling in training as in torch.nn.Dropout (report 001_5b15d9e50895a1bd.txt).

    The first forward after `begin_epoch` draws the masks of the whole epoch, (N, D) per replica from its own generator;
    every forward then takes the next batch of them. So they depend neither on the stack nor on the batch size.
    Replicas with the same generator share their masks.

    Shapes: x (B, ...) or (R, B, ...); y of the same shape.

    Args:
        rate: p, in [0, 1).

    Raises:
        ValueError: the rate is out of range; or a forward in training has no masks left.
    """

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout needs a rate in [0, 1), found {rate:g}")
        self.rate = rate
        self.epoch: tuple[Generator | Sequence[Generator], int] | None = None
        self.masks: Tensor | None = None
        self.taken = 0

    def begin_epoch(self, generators: Generator | Sequence[Generator], samples: int) -> None:
        self.epoch = generators, samples
        self.masks = None
        self.taken = 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            self.cache = 1.0
            return x
        self.cache = mask = self._next(x)
        return x * mask

    def backward(self, dy: Tensor) -> Tensor:
        mask: Tensor | float = self.saved_for_backward()
        return dy * mask

    def _next(self, x: Tensor) -> Tensor:
        """The masks of this batch, 0 or 1 / (1 − p), of the shape of x."""
        if self.epoch is None:
            raise ValueError("Dropout in training needs begin_epoch(generators, samples) before its first forward")
        generators, samples = self.epoch
        axis = 0 if isinstance(generators, Generator) else 1
        if self.masks is None:
            drawn = self._draw(generators, (samples, *x.shape[axis + 1 :]))
            self.masks = drawn.to(x.device, x.dtype).mul_(1 / (1 - self.rate))
        mask = self.masks.narrow(axis, self.taken, min(x.shape[axis], samples - self.taken))
        if mask.shape != x.shape:
            raise ValueError(
                f"Dropout's epoch of {samples} samples has masks {tuple(mask.shape)} left, "
                f"found x of shape {tuple(x.shape)}"
            )
        self.taken += x.shape[axis]
        return mask

    def _draw(self, generators: Generator | Sequence[Generator], shape: tuple[int, ...]) -> Tensor:
        """Draws the elements to keep, in float32 for every dtype, so that float32 and float64 models share masks."""
        if isinstance(generators, Generator):
            return torch.rand(shape, generator=generators, dtype=torch.float32) >= self.rate
        drawn = {generator: self._draw(generator, shape) for generator in dict.fromkeys(generators)}
        return torch.stack([drawn[generator] for generator in generators])
