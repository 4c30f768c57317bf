"""Max-pooling."""

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.windows import crop, offsets, pad, size


class MaxPool2d(Module):
    """The maximum of each window: y[..., h, w] is that of x from (S h − P, S w − P) on, as in torch.nn.MaxPool2d.

    The gradient goes to the window's maximum; among equal maxima to the first in row-major order, as in torch.

    Shapes: x (B, C, H, W), y (B, C, H', W') with H' = ⌊(H + 2P − K) / S⌋ + 1; stacked, each with a leading R.

    Args:
        kernel: K, height and width of the window.
        stride: S; None means K, so that windows do not overlap.
        padding: P ≤ K / 2, on each side, with −∞, which is never the maximum.

    Raises:
        ValueError: a size is out of range, or x is smaller than the window.
    """

    def __init__(self, kernel: int, stride: int | None = None, padding: int = 0) -> None:
        stride = kernel if stride is None else stride
        for name, value in (("kernel", kernel), ("stride", stride)):
            if value < 1:
                raise ValueError(f"MaxPool2d needs {name} ≥ 1, found {value}")
        if not 0 <= padding <= kernel // 2:
            raise ValueError(f"MaxPool2d needs padding from 0 to half the kernel ({kernel // 2}), found {padding}")
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < 4 or min(size(n, self.kernel, self.stride, self.padding) for n in x.shape[-2:]) < 1:
            raise ValueError(
                f"MaxPool2d takes images of at least {self.kernel} × {self.kernel} with padding {self.padding}, "
                f"found x of shape {tuple(x.shape)}"
            )
        padded = pad(x, self.padding, -torch.inf)
        first, *rest = offsets(padded, self.kernel, self.stride)
        y = first.clone()
        for view in rest:
            torch.maximum(y, view, out=y)
        y += 0.0  # the sign of max(0, −0) depends on the place in the buffer; this makes it +0
        self.cache = padded, y
        return y

    def backward(self, dy: Tensor) -> Tensor:
        padded, y = self.saved_for_backward()
        dx = torch.zeros_like(padded)
        views = zip(*(offsets(image, self.kernel, self.stride) for image in (padded, dx)), strict=True)
        for view, part in views:
            # 1.0 at the maximum: a float mask is several times faster than a boolean one
            share = view.clone().eq_(y).mul_(dy)
            part += share
            dy = dy - share  # the rest, for later places
        return crop(dx, self.padding)
