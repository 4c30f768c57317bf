"""A parameter is a tensor and its gradient; a buffer is a tensor that is kept but not trained.

Shapes in this library are written with one key: R replicas, B batch, D features in, C features out; for images I
channels in, O channels out, H height, W width. A stacked parameter or buffer has one leading replica dimension more
than its declared shape.
"""

from typing import Literal

import torch
from torch import Tensor

Role = Literal["weight", "bias", "fixed"]


class Buffer:
    """A value that a module keeps from step to step, such as a running mean.

    Args:
        shape: the shape without replicas, such as (D, C).
        start: the value of every element before and after initialization.

    Attributes:
        value: (*shape) or (R, *shape).
    """

    def __init__(self, shape: tuple[int, ...], start: float = 0.0) -> None:
        self.shape = shape
        self.start = start
        self.value = torch.full(shape, start)

    @property
    def replicas(self) -> int | None:
        """R for a stacked value, None for a plain one."""
        return self.value.shape[0] if self.value.dim() > len(self.shape) else None

    def assign(self, value: Tensor) -> None:
        """Takes `value`, (*shape) or (R, *shape), as its own.

        Raises:
            ValueError: the trailing dimensions are not the declared shape, or there are two leading ones.
        """
        leading = value.dim() - len(self.shape)
        if leading not in (0, 1) or tuple(value.shape[leading:]) != self.shape:
            raise ValueError(
                f"a {type(self).__name__.lower()} of shape {self.shape} takes that or a leading R, "
                f"found {tuple(value.shape)}"
            )
        self.value = value.contiguous()

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas whose indices are given, in that order."""
        self.value = self.value[replicas]


class Parameter(Buffer):
    """A value and its gradient, of one shape.

    Args:
        shape: the shape without replicas, such as (D, C).
        fan_in: inputs that each output sums over; initializers scale by it.
        fan_out: outputs that each input reaches.
        role: what initializers do with it. "weight" and "bias" are drawn; "fixed" keeps `start` (a normalisation's
            scale, say).
        start: the value of every element before initialization, and after it for a "fixed" parameter.

    Attributes:
        value: (*shape) or (R, *shape).
        grad: like value, never None; layers add to it.
    """

    def __init__(
        self, shape: tuple[int, ...], *, fan_in: int = 1, fan_out: int = 1, role: Role = "weight", start: float = 0.0
    ) -> None:
        super().__init__(shape, start)
        self.fan_in = fan_in
        self.fan_out = fan_out
        self.role: Role = role
        self.grad = torch.zeros(shape)

    def assign(self, value: Tensor) -> None:
        """Takes `value`, (*shape) or (R, *shape), as its own and clears the gradient."""
        super().assign(value)
        self.grad = torch.zeros_like(self.value)

    def select(self, replicas: Tensor) -> None:
        super().select(replicas)
        self.grad = self.grad[replicas]
