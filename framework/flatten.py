"""Images as features."""

from torch import Tensor

from fairgrid.framework.module import Module


class Flatten(Module):
    """Joins the trailing dimensions into one.

    Shapes: x (B, C, H, W) or (R, B, C, H, W), y (B, C·H·W) or (R, B, C·H·W).

    Args:
        dims: the number of dimensions to join.

    Raises:
        ValueError: dims < 1, or x has no batch dimension besides.
    """

    def __init__(self, dims: int = 3) -> None:
        if dims < 1:
            raise ValueError(f"Flatten needs dims ≥ 1, found {dims}")
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() <= self.dims:
            raise ValueError(f"Flatten joins {self.dims} dimensions after the batch's, found x {tuple(x.shape)}")
        self.cache = x.shape
        return x.flatten(-self.dims)

    def backward(self, dy: Tensor) -> Tensor:
        return dy.reshape(self.saved_for_backward())
