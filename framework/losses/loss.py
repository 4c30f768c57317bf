"""Losses: a number per replica, and its gradient with respect to the prediction.

All averaging of the library happens here.
"""

from typing import Any, Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "sum"]


class Loss:
    """Base class of losses.

    Args:
        reduction: "mean" over batch and outputs, as torch's losses do, or "sum" over both.
        scale: a factor on the loss and so on every gradient.

    Raises:
        ValueError: another reduction, or a scale that is not positive.
    """

    cache: Any = None

    def __init__(self, reduction: Reduction = "mean", scale: float = 1.0) -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"{type(self).__name__} needs reduction 'mean' or 'sum', found {reduction!r}")
        if not scale > 0:
            raise ValueError(f"{type(self).__name__} needs scale > 0, found {scale}")
        self.reduction: Reduction = reduction
        self.scale = scale

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss, () for a plain prediction (B, C), (R,) for a stacked one (R, B, C)."""
        raise NotImplementedError

    def backward(self) -> Tensor:
        """The gradient of each replica's loss with respect to its last prediction, of the prediction's shape."""
        raise NotImplementedError


class MSELoss(Loss):
    """The mean (or sum) over batch and outputs of (prediction − target)².

    Shapes: prediction and target (B, C) or (R, B, C), equal.

    Raises:
        ValueError: the shapes differ.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.shape != target.shape:
            raise ValueError(
                f"MSELoss needs equal shapes, found prediction {tuple(prediction.shape)}, target {tuple(target.shape)}"
            )
        self.cache = difference = prediction - target
        return difference.square().sum((-2, -1)).mul_(self._weight(difference))

    def backward(self) -> Tensor:
        if self.cache is None:
            raise ValueError("MSELoss.backward needs a forward before it")
        return torch.mul(self.cache, 2 * self._weight(self.cache))

    def _weight(self, difference: Tensor) -> float:
        return self.scale if self.reduction == "sum" else self.scale / (difference.shape[-2] * difference.shape[-1])
