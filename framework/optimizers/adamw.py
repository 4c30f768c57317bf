"""Adam with decoupled weight decay."""

from collections.abc import Iterable

from torch import Tensor

from fairgrid.framework.optimizers.adam import Adam
from fairgrid.framework.optimizers.optimizer import HyperParameter
from fairgrid.framework.parameter import Parameter


class AdamW(Adam):
    """PyTorch's conventions: p ← p − αλp, then Adam's step without a penalty. Loshchilov and Hutter 2019, algorithm 2.

    Args:
        learning_rate: α, also a factor of the decay.
        beta1: β₁, in [0, 1).
        beta2: β₂, in [0, 1).
        epsilon: ε.
        weight_decay: λ.

    Raises:
        ValueError: a β is outside [0, 1), or ε is not positive.
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: HyperParameter = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: HyperParameter = 1e-2,
    ) -> None:
        super().__init__(parameters, learning_rate, beta1, beta2, epsilon, weight_decay)

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
            value.addcmul_(learning_rate * weight_decay, value, value=-1)
        self.descend(value, grad, learning_rate, mean, square, smallest, scale)
