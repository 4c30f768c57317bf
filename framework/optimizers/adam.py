"""Adam."""

import math
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from fairgrid.framework.optimizers.optimizer import HyperParameter, Optimizer
from fairgrid.framework.parameter import Parameter


class Adam(Optimizer):
    """Adam, with PyTorch's conventions. Kingma and Ba 2015, algorithm 1.

    g ← g + λp;  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − α (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε).

    Args:
        learning_rate: α.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        epsilon: ε.
        weight_decay: λ, the factor of the L2 penalty, as in torch.optim.Adam (not decoupled).

    Raises:
        ValueError: a β is outside [0, 1), or ε is not positive.
    """

    state: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: HyperParameter = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: HyperParameter = 0.0,
    ) -> None:
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= beta < 1:
                raise ValueError(f"{type(self).__name__} needs {name} in [0, 1), found {beta:g}")
        if not epsilon > 0:
            raise ValueError(f"{type(self).__name__} needs epsilon > 0, found {epsilon:g}")
        super().__init__(parameters, learning_rate=learning_rate, weight_decay=weight_decay)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def factors(self, step: int) -> dict[str, float]:
        correction = math.sqrt(1 - self.beta2**step)
        return {"smallest": self.epsilon * correction, "scale": -correction / (1 - self.beta1**step)}

    def update(
        self,
        value: Tensor,
        grad: Tensor,
        *,
        learning_rate: Tensor,
        weight_decay: Tensor,
        mean: Tensor,
        square: Tensor,
        smallest: float,
        scale: float,
    ) -> None:
        if self.used("weight_decay"):
            grad = grad + weight_decay * value
        self.descend(value, grad, learning_rate, mean, square, smallest, scale)

    def descend(
        self,
        value: Tensor,
        grad: Tensor,
        learning_rate: Tensor,
        mean: Tensor,
        square: Tensor,
        smallest: float,
        scale: float,
    ) -> None:
        """Takes the step of Adam without weight decay."""
        # with weight 1, lerp gives zeros a sign that depends on their place in the buffer
        if self.beta1:
            mean.lerp_(grad, 1 - self.beta1)
        else:
            mean.copy_(grad)
        square.mul_(self.beta2).addcmul_(grad, grad, value=1 - self.beta2)
        # torch's sqrt is about forty times slower for exact zeros, which are frequent with ReLU
        tiny = torch.finfo(square.dtype).tiny
        scaled = square.clamp_min(tiny).sqrt_().add_(smallest)
        torch.div(mean, scaled, out=scaled)
        value.addcmul_(learning_rate, scaled, value=scale)
