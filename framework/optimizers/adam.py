"""Adam."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from fairgrid.framework.optimizers.optimizer import HyperParameter, Optimizer
from fairgrid.framework.parameter import Parameter


class Adam(Optimizer):
    """PyTorch's conventions. Kingma and Ba 2015, algorithm 1:

    g ← g + λp;  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − α (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε).

    Args:
        learning_rate: α.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        epsilon: ε.
        weight_decay: λ, the L2 penalty's factor, as in torch.optim.Adam (not decoupled).

    Raises:
        ValueError: a β outside [0, 1), or ε not positive.
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

    def update(self, value: Tensor, grad: Tensor, **named: Any) -> None:
        if self.used("weight_decay"):
            grad = grad + named["weight_decay"] * value
        self.descend(value, grad, **named)

    def descend(self, value: Tensor, grad: Tensor, **named: Any) -> None:
        """The step itself, with the decay seen to."""
        # with weight 1, lerp gives zeros a sign that depends on their place in the buffer
        mean = named["mean"].lerp_(grad, 1 - self.beta1) if self.beta1 else named["mean"].copy_(grad)
        square = named["square"].mul_(self.beta2).addcmul_(grad, grad, value=1 - self.beta2)
        # torch's sqrt is some forty times slower where it meets exact zeros, of which ReLU makes many
        tiny = torch.finfo(square.dtype).tiny
        scaled = square.clamp_min(tiny).sqrt_().add_(named["smallest"])
        torch.div(mean, scaled, out=scaled)
        value.addcmul_(named["learning_rate"], scaled, value=named["scale"])
