"""Batch normalization, for features and for images."""

import math

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.parameter import Buffer, Parameter


class BatchNorm(Module):
    """Normalizes each feature: y = weight · n + bias with n = (x − mean) / √(variance + ε).

    Ioffe and Szegedy 2015, algorithm 1. In training, mean and variance are those of the batch (over B, or B, H and W),
    the variance with divisor M, the number of values; the running ones move towards them, r ← (1 − μ) r + μ · batch,
    the variance with divisor M − 1. In evaluation the running ones are used. These are the conventions of
    torch.nn.BatchNorm1d and 2d.

    Shapes: x (B, C), weight and bias (1, C); for images x (B, C, H, W), weight and bias (1, C, 1, 1); stacked, each
    with a leading R. A stacked layer gives a plain x to every replica.

    Args:
        features: C.
        dims: 1 for features, 2 for images.
        momentum: μ, in [0, 1].
        epsilon: ε > 0.

    Raises:
        ValueError: an argument is out of range; x has another number of features or replicas than the layer; or a
            training batch has one value per feature, which has no variance.
    """

    def __init__(self, features: int, dims: int = 1, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        if features < 1:
            raise ValueError(f"BatchNorm needs features ≥ 1, found {features}")
        if dims not in (1, 2):
            raise ValueError(f"BatchNorm needs dims 1 (features) or 2 (images), found {dims}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm needs momentum in [0, 1], found {momentum:g}")
        if not epsilon > 0:
            raise ValueError(f"BatchNorm needs epsilon > 0, found {epsilon:g}")
        self.features, self.dims = features, dims
        self.momentum, self.epsilon = momentum, epsilon
        self.axes = (-2,) if dims == 1 else (-4, -2, -1)
        shape = (1, features) if dims == 1 else (1, features, 1, 1)
        self.weight = Parameter(shape, role="fixed", start=1.0)
        self.bias = Parameter(shape, role="fixed")
        self.mean = Buffer(shape)
        self.variance = Buffer(shape, start=1.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.broadcast_input(x, self.weight)
        axis = 1 - len(self.weight.shape)
        if x.shape[axis] != self.features:
            raise ValueError(f"BatchNorm takes {self.features} features, found x of shape {tuple(x.shape)}")
        count = math.prod(x.shape[axis] for axis in self.axes)
        if not self.training:
            centred = x - self.mean.value
            variance = self.variance.value
        elif count < 2:
            raise ValueError(f"BatchNorm needs two values per feature to train, found x of shape {tuple(x.shape)}")
        else:
            mean = x.mean(self.axes, keepdim=True)
            centred = x - mean
            variance = centred.square().mean(self.axes, keepdim=True)
            for running, value in ((self.mean, mean), (self.variance, variance * (count / (count - 1)))):
                running.value.mul_(1 - self.momentum).add_(value, alpha=self.momentum)
        inverse = (variance + self.epsilon).sqrt_().reciprocal_()
        normalized = centred.mul_(inverse)
        self.cache = normalized, inverse, count if self.training else None
        return torch.addcmul(self.bias.value, self.weight.value, normalized)

    def backward(self, dy: Tensor) -> Tensor:
        # n = c r with c = x − Σ x / M and r = (Σ c² / M + ε)^−½, so δn = r δc − n r Σ (n δc) / M and, Σ n being 0,
        # dx = weight r (dy − Σ dy / M − n Σ (dy n) / M); in evaluation the mean and r are constants
        normalized, inverse, count = self.saved_for_backward()
        factor: Tensor = self.weight.value * inverse
        dbias = dy.sum(self.axes, keepdim=True)
        dweight = (dy * normalized).sum(self.axes, keepdim=True)
        self.bias.grad.add_(dbias)
        self.weight.grad.add_(dweight)
        if count is not None:
            dy = dy - torch.addcmul(dbias, normalized, dweight).div_(count)
        return dy * factor
