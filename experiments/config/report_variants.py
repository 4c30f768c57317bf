"""The update rules of report 001_5b15d9e50895a1bd.txt as its authors coded them.

Neither is what the report's table calls it; the study runs both beside the standard ones.
"""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor

from fairgrid.framework import Optimizer, Parameter
from fairgrid.framework.optimizers.optimizer import HyperParameter


class AveragedMomentum(Optimizer):
    """u ← βu + (1−β)g;  p ← p − αu: momentum as an exponential average, a step 1/(1−β) times shorter than PyTorch's.

    Args:
        parameters: to update.
        learning_rate: α.
        beta: β.
    """

    state: ClassVar[tuple[str, ...]] = ("average",)

    def __init__(
        self, parameters: Iterable[Parameter], learning_rate: HyperParameter = 1e-3, beta: HyperParameter = 0.9
    ) -> None:
        super().__init__(parameters, learning_rate=learning_rate, beta=beta)

    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        average = named["average"].mul_(named["beta"]).addcmul_(1 - named["beta"], grad)
        value.addcmul_(named["learning_rate"], average, value=-1)


class AdamWithoutRoot(Optimizer):
    """m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − α (m / (1−β₁)) / (v / (1−β₂) + ε).

    There is no square root, and the bias correction does not depend on the step.

    Args:
        parameters: to update.
        learning_rate: α.
        beta1: β₁.
        beta2: β₂.
        epsilon: ε.
    """

    state: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: HyperParameter = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(parameters, learning_rate=learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        mean = named["mean"].lerp_(grad, 1 - self.beta1)
        square = named["square"].mul_(self.beta2).addcmul_(grad, grad, value=1 - self.beta2)
        step = mean / (1 - self.beta1) / (square / (1 - self.beta2) + self.epsilon)
        value.addcmul_(named["learning_rate"], step, value=-1)
