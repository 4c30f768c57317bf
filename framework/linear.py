"""The fully connected layer."""

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.parameter import Parameter


class Linear(Module):
    """The fully connected layer, y = x W + b.

    Shapes: x (B, D), weight (D, C), bias (1, C), y (B, C); stacked, each with a leading R. A stacked layer gives a
    plain x to every replica.

    Args:
        inputs: D.
        outputs: C.
        bias: whether the layer has b.

    Raises:
        ValueError: the last dimension of x is not D, or x has another number of replicas than the layer.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        for name, value in (("inputs", inputs), ("outputs", outputs)):
            if value < 1:
                raise ValueError(f"Linear needs {name} ≥ 1, found {value}")
        self.inputs, self.outputs = inputs, outputs
        self.weight = Parameter((inputs, outputs), fan_in=inputs, fan_out=outputs)
        self.bias = Parameter((1, outputs), fan_in=inputs, fan_out=outputs, role="bias") if bias else None

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.value
        if x.shape[-1] != self.inputs:
            raise ValueError(f"Linear takes {self.inputs} features, found x of shape {tuple(x.shape)}")
        self.cache = x = self.broadcast_input(x, self.weight)
        if self.bias is None:
            return x @ weight
        product = torch.baddbmm if weight.dim() == 3 else torch.addmm
        return product(self.bias.value, x, weight)

    def backward(self, dy: Tensor) -> Tensor:
        # dL = Σ dy · (δx W + x δW + δb) for any changes δ of x, W and b;
        # reading off their factors: dx = dy Wᵀ, dW = xᵀ dy, db = Σ_B dy
        x = self.saved_for_backward()
        grad = self.weight.grad
        if grad.dim() == 3:
            grad.baddbmm_(x.mT, dy)
        else:
            grad.addmm_(x.mT, dy)
        if self.bias is not None:
            self.bias.grad.add_(dy.sum(-2, keepdim=True))
        return dy @ self.weight.value.mT
