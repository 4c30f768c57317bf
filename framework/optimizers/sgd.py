"""Stochastic gradient descent, plain, with momentum or with Nesterov's momentum."""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor

from fairgrid.framework.optimizers.optimizer import HyperParameter, Optimizer
from fairgrid.framework.parameter import Parameter


class SGD(Optimizer):
    """PyTorch's conventions: g ← g + λp;  v ← ρv + g;  p ← p − α v, or p ← p − α (g + ρv) with Nesterov's momentum.

    The recursion differs from Sutskever et al. 2013, where the learning rate is inside v.

    Args:
        learning_rate: α.
        momentum: ρ; zero is plain gradient descent.
        nesterov: whether momentum is Nesterov's.
        weight_decay: λ, the factor of the L2 penalty.

    Raises:
        ValueError: nesterov is True and momentum is 0.
    """

    state: ClassVar[tuple[str, ...]] = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: HyperParameter = 1e-3,
        momentum: HyperParameter = 0.0,
        nesterov: bool = False,
        weight_decay: HyperParameter = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay)
        self.nesterov = nesterov
        if nesterov and not bool(self.get("momentum").all()):
            raise ValueError("SGD with nesterov needs momentum > 0, found 0")

    def update(
        self,
        value: Tensor,
        grad: Tensor,
        *,
        learning_rate: Tensor,
        momentum: Tensor,
        weight_decay: Tensor,
        velocity: Tensor,
    ) -> None:
        # terms whose factor is zero for all replicas are skipped, which does not change the bits
        if self.used("weight_decay"):
            grad = grad + weight_decay * value
        if self.used("momentum"):
            velocity.mul_(momentum).add_(grad)
            grad = grad + momentum * velocity if self.nesterov else velocity
        value.addcmul_(learning_rate, grad, value=-1)
