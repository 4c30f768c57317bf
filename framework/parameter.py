"""Parameters, tensors with a gradient, and buffers, tensors that persist without being trained.

Shapes in this library use the same letters everywhere: R replicas, B batch, D features in, C features out; for images I
channels in, O channels out, H height, W width. A stacked parameter or buffer has a leading replica dimension in front
of its declared shape.
"""

from typing import Literal

import torch
from torch import Tensor

Role = Literal["weight", "bias", "fixed"]


class Buffer:
    """A value that persists from step to step, such as a running mean.

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
        """Replaces the value by one of shape (*shape) or (R, *shape).

        Raises:
            ValueError: the trailing dimensions are not the declared shape, or it has more than one leading dimension.
        """
        leading = value.dim() - len(self.shape)
        if leading not in (0, 1) or tuple(value.shape[leading:]) != self.shape:
            raise ValueError(
                f"a {type(self).__name__.lower()} of shape {self.shape} takes that or a leading R, "
                f"found {tuple(value.shape)}"
            )
        self.value = value.contiguous()

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order."""
        self.value = self.value[replicas]


class Parameter(Buffer):
    """A value and its gradient, of equal shapes.

    Args:
        shape: the shape without replicas, such as (D, C).
        fan_in: number of inputs that each output sums over; initializers scale by it.
        fan_out: number of outputs that each input contributes to.
        role: the treatment by initializers. A "weight" or "bias" is drawn; a "fixed" parameter, such as the scale of a
            normalization, keeps `start`.
        start: the value of every element before initialization, and of a "fixed" parameter also after it.

    Attributes:
        value: (*shape) or (R, *shape).
        grad: the gradient, of the shape of value, never None; layers add to it.
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
        """Replaces the value by one of shape (*shape) or (R, *shape) and clears the gradient."""
        super().assign(value)
        self.grad = torch.zeros_like(self.value)

    def select(self, replicas: Tensor) -> None:
        super().select(replicas)
        self.grad = self.grad[replicas]
