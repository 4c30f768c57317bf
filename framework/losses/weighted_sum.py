"""A loss over several outputs."""

import copy
from collections.abc import Sequence

from torch import Tensor

from fairgrid.framework.losses.loss import Loss


class WeightedSum(Loss):
    """Σ_i w_i L_i(prediction_i, target_i), for networks with auxiliary outputs (report 001, mini-project 1).

    Shapes: forward takes a list of predictions and a list of targets, each of the shape that its loss takes, and
    returns () or (R,); backward returns the list of gradients.

    Args:
        losses: L_i, one per output.
        weights: w_i ≥ 0, one per output.

    Raises:
        ValueError: the numbers of losses, weights, predictions and targets differ, or a weight is negative.
    """

    def __init__(self, losses: Sequence[Loss], weights: Sequence[float]) -> None:
        super().__init__()
        if not losses or len(losses) != len(weights):
            raise ValueError(f"WeightedSum needs a weight per loss, found {len(losses)} losses, {len(weights)} weights")
        if not min(weights) >= 0:
            raise ValueError(f"WeightedSum needs weights ≥ 0, found {min(weights):g}")
        self.losses = [copy.deepcopy(loss) for loss in losses]  # a loss object given twice needs two caches
        self.weights = list(weights)

    def forward(self, prediction: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        if not len(prediction) == len(target) == len(self.losses):
            raise ValueError(
                f"WeightedSum needs a prediction and a target for each of {len(self.losses)} losses, "
                f"found {len(prediction)} and {len(target)}"
            )
        parts = zip(self.losses, self.weights, prediction, target, strict=True)
        terms = [weight * loss.forward(*pair) for loss, weight, *pair in parts]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def backward(self) -> list[Tensor]:
        return [weight * loss.backward() for loss, weight in zip(self.losses, self.weights, strict=True)]
