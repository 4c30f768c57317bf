"""Modules for graphs: two that join a list of tensors, and one that takes a part of a tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fairgrid.framework.module import Module


class Sum(Module):
    """The sum y = x_1 + … + x_n, the operator of report 002_bb4c2440422f73ef.txt.

    Shapes: a list of tensors of one shape, and y of that shape.

    Raises:
        ValueError: x is not a list, or its shapes differ.
    """

    takes_list = True

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        first, *rest = _listed(self, x)
        y = first
        for tensor in rest:
            if tensor.shape != first.shape:
                raise ValueError(f"Sum needs tensors of one shape, found {[tuple(tensor.shape) for tensor in x]}")
            y = y + tensor
        self.cache = len(x)
        return y

    def backward(self, dy: Tensor) -> list[Tensor]:
        return [dy] * self.saved_for_backward()


class Concatenate(Module):
    """Tensors concatenated along a dimension.

    Shapes: a list of (..., D_i), and y (..., Σ D_i), for the last dimension.

    Args:
        dim: the dimension, counted from the end: −1 for features, −3 for the channels of images.

    Raises:
        ValueError: dim is not negative, x is not a list, or its shapes differ in another dimension.
    """

    takes_list = True

    def __init__(self, dim: int = -1) -> None:
        self.dim = _trailing(self, dim)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        shapes = [list(tensor.shape) for tensor in _listed(self, x)]
        sizes = [shape.pop(self.dim) if len(shape) >= -self.dim else 0 for shape in shapes]
        if any(shape != shapes[0] for shape in shapes):
            full = [tuple(tensor.shape) for tensor in x]
            raise ValueError(f"Concatenate needs shapes that differ in dimension {self.dim} alone, found {full}")
        self.cache = sizes
        return torch.cat(list(x), self.dim)

    def backward(self, dy: Tensor) -> list[Tensor]:
        return list(dy.split(self.saved_for_backward(), self.dim))


class Slice(Module):
    """The elements start … stop − 1 along a dimension, such as one image of a pair.

    Args:
        start: the first element.
        stop: the first one after the slice.
        dim: the dimension, counted from the end: −1 for features, −3 for the channels of images.

    Raises:
        ValueError: dim is not negative, start and stop are not in order, or x ends before stop.
    """

    def __init__(self, start: int, stop: int, dim: int = -1) -> None:
        if not 0 <= start < stop:
            raise ValueError(f"Slice needs 0 ≤ start < stop, found {start} and {stop}")
        self.start, self.stop, self.dim = start, stop, _trailing(self, dim)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < -self.dim or x.shape[self.dim] < self.stop:
            raise ValueError(
                f"Slice needs at least {self.stop} elements in dimension {self.dim}, found x of shape {tuple(x.shape)}"
            )
        self.cache = x.shape
        return x.narrow(self.dim, self.start, self.stop - self.start)

    def backward(self, dy: Tensor) -> Tensor:
        dx = dy.new_zeros(self.saved_for_backward())
        dx.narrow(self.dim, self.start, self.stop - self.start).copy_(dy)
        return dx


def _listed(module: Module, x: Sequence[Tensor]) -> Sequence[Tensor]:
    if isinstance(x, Tensor) or not x:
        argument = f"a tensor of shape {tuple(x.shape)}" if isinstance(x, Tensor) else "none"
        raise ValueError(f"{type(module).__name__} needs a list of tensors, found {argument}")
    return x


def _trailing(module: Module, dim: int) -> int:
    if dim >= 0:
        raise ValueError(f"{type(module).__name__} counts dimensions from the end, as −1, found {dim}")
    return dim
