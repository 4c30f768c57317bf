"""The two-dimensional convolution, as a matrix product."""

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.windows import crop, offsets, pad, size


class Conv2d(Module):
    """The convolution y[b, o, h, w] = bias[o] + Σ_{i, u, v} weight[o, i, u, v] x[b, i, S h + u − P, S w + v − P].

    Equal to torch.nn.Conv2d. The windows are copied to the columns of a matrix (I K², H' W' B), so that forward and
    backward are products with the weight as a matrix (O, I K²).

    Shapes: x (B, I, H, W), weight (O, I, K, K), bias (O, 1), y (B, O, H', W') with H' = ⌊(H + 2P − K) / S⌋ + 1;
    stacked, each with a leading R. A stacked layer gives a plain x to every replica.

    Args:
        inputs: I, channels of x.
        outputs: O, channels of y.
        kernel: K, height and width of the window.
        stride: S.
        padding: P, zeros on each side.
        bias: whether the layer has a bias.

    Raises:
        ValueError: a size is out of range; x has another number of channels or replicas than the layer, or is smaller
            than the window.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> None:
        for name, value in (("inputs", inputs), ("outputs", outputs), ("kernel", kernel), ("stride", stride)):
            if value < 1:
                raise ValueError(f"Conv2d needs {name} ≥ 1, found {value}")
        if padding < 0:
            raise ValueError(f"Conv2d needs padding ≥ 0, found {padding}")
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.stride, self.padding = kernel, stride, padding
        fan_in, fan_out = inputs * kernel**2, outputs * kernel**2
        self.weight = Parameter((outputs, inputs, kernel, kernel), fan_in=fan_in, fan_out=fan_out)
        self.bias = Parameter((outputs, 1), fan_in=fan_in, fan_out=fan_out, role="bias") if bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.broadcast_input(x, self.weight)
        if x.shape[-3] != self.inputs or min(size(n, self.kernel, self.stride, self.padding) for n in x.shape[-2:]) < 1:
            raise ValueError(
                f"Conv2d takes {self.inputs} channels of at least {self.kernel} × {self.kernel} with padding "
                f"{self.padding}, found x of shape {tuple(x.shape)}"
            )
        padded = pad(x, self.padding)
        # (..., I, K², H', W', B)
        windows = torch.stack([view.movedim(-4, -1) for view in offsets(padded, self.kernel, self.stride)], -4)
        columns = windows.flatten(-3).flatten(-3, -2)
        self.cache = padded, windows.shape, columns
        matrix = self.weight.value.flatten(-3)
        y = matrix @ columns
        if self.bias is not None:
            y += self.bias.value
        return y.view(*y.shape[:-1], *windows.shape[-3:]).movedim(-1, -4)

    def backward(self, dy: Tensor) -> Tensor:
        # y = W X + b with the columns X, so dW = dy Xᵀ, db = Σ dy and dX = Wᵀ dy, as in Linear;
        # X copies each element of x into up to K² columns, so dx sums dX over the copies
        padded, windows_shape, columns = self.saved_for_backward()
        dy = dy.movedim(-4, -1).flatten(-3)  # (..., O, H' W' B)
        grad = self.weight.grad.flatten(-3)
        if grad.dim() == 3:
            grad.baddbmm_(dy, columns.mT)
        else:
            grad.addmm_(dy, columns.mT)
        if self.bias is not None:
            self.bias.grad.add_(dy.sum(-1, keepdim=True))
        dwindows = (self.weight.value.flatten(-3).mT @ dy).view(windows_shape)
        dx = torch.zeros_like(padded)
        for view, part in zip(offsets(dx, self.kernel, self.stride), dwindows.unbind(-4), strict=True):
            view += part.movedim(-1, -4)
        return crop(dx, self.padding)
