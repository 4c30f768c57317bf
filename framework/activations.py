"""Elementwise activations. Each saves its output y, from which all derivatives here are cheapest.

A record must not depend on the other replicas of its stack, so only operations are used whose result does not depend
on an element's place in the buffer (tests/framework/test_position.py). torch.sigmoid in float32 is not one of them.
"""

import torch
from torch import Tensor

from fairgrid.framework.module import Module


class Identity(Module):
    """The identity, y = x."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def backward(self, dy: Tensor) -> Tensor:
        return dy


class ReLU(Module):
    """The rectified linear unit, y = max(x, 0), with derivative 0 at 0. Nair and Hinton 2010."""

    def forward(self, x: Tensor) -> Tensor:
        self.cache = y = x.clamp_min(0)
        return y

    def backward(self, dy: Tensor) -> Tensor:
        y: Tensor = self.saved_for_backward()  # y ≥ 0, so its sign is the derivative
        return dy * y.sign()


class LeakyReLU(Module):
    """The leaky rectified linear unit, y = max(x, αx), with derivative α at 0. Maas et al. 2013.

    Args:
        alpha: the slope for negative x, in [0, 1).
    """

    def __init__(self, alpha: float = 0.01) -> None:
        if not 0 <= alpha < 1:
            raise ValueError(f"LeakyReLU needs alpha in [0, 1), found {alpha}")
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        # y has the sign of x; for alpha = 0 it is 0 where x is negative
        self.cache = y = torch.maximum(x, self.alpha * x)
        return y

    def backward(self, dy: Tensor) -> Tensor:
        y: Tensor = self.saved_for_backward()
        return dy * y.sign().clamp_min_(self.alpha)


class Tanh(Module):
    """The hyperbolic tangent, y = tanh x."""

    def forward(self, x: Tensor) -> Tensor:
        self.cache = y = torch.tanh(x)
        return y

    def backward(self, dy: Tensor) -> Tensor:
        # dy (1 − y²)
        y = self.saved_for_backward()
        return torch.addcmul(dy, dy, y * y, value=-1)


class Sigmoid(Module):
    """The logistic function, y = 1 / (1 + e⁻ˣ)."""

    def forward(self, x: Tensor) -> Tensor:
        self.cache = y = x.neg().exp_().add_(1).reciprocal_()
        return y

    def backward(self, dy: Tensor) -> Tensor:
        y: Tensor = self.saved_for_backward()
        return dy * y * (1 - y)
