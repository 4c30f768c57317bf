"""The mean squared error."""

import torch
from torch import Tensor

from fairgrid.framework.losses.loss import Loss


class MSELoss(Loss):
    """The mean (or sum) over batch and outputs of (prediction − target)².

    Shapes: prediction and target (B, C) or (R, B, C), equal.

    Raises:
        ValueError: the shapes differ, or the batch is empty.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.shape != target.shape:
            raise ValueError(
                f"MSELoss needs equal shapes, found prediction {tuple(prediction.shape)}, target {tuple(target.shape)}"
            )
        weight = self.weight(prediction.shape[-2] * prediction.shape[-1])
        difference = prediction - target
        self.cache = difference, weight
        return difference.square().sum((-2, -1)).mul_(weight)

    def backward(self) -> Tensor:
        difference, weight = self.saved_for_backward()
        return torch.mul(difference, 2 * weight)
