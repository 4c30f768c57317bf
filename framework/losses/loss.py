"""The base class of losses: one number per replica, and its gradient with respect to the prediction.

Losses are the only part of the library that averages.
"""

from typing import Any, Literal

from torch import Tensor

from fairgrid.framework.representation import arguments, represent

Reduction = Literal["mean", "sum"]


class Loss:
    """Base class of losses.

    Args:
        reduction: "mean", as in torch (each loss says over which terms), or "sum" over the same terms.
        scale: a factor of the loss, and therefore of every gradient.

    Raises:
        ValueError: the reduction is neither, or the scale is not positive.
    """

    cache: Any = None

    def __init__(self, reduction: Reduction = "mean", scale: float = 1.0) -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"{type(self).__name__} needs reduction 'mean' or 'sum', found {reduction!r}")
        if not scale > 0:
            raise ValueError(f"{type(self).__name__} needs scale > 0, found {scale}")
        self.reduction: Reduction = reduction
        self.scale = scale

    def forward(self, prediction: Any, target: Any) -> Tensor:
        """The loss, () for a plain prediction (B, C), (R,) for a stacked one (R, B, C)."""
        raise NotImplementedError

    def backward(self) -> Any:
        """The gradient of each replica's loss with respect to its last prediction, of the prediction's shape."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return represent(self, arguments(self, vars(self)))

    def saved_for_backward(self) -> Any:
        """The cache of the last forward.

        Raises:
            ValueError: forward has not been called.
        """
        if self.cache is None:
            raise ValueError(f"{type(self).__name__}.backward needs a forward before it")
        return self.cache

    def recall(self) -> Any:
        """The earlier name of `saved_for_backward`, for classes of your own that use it."""
        return self.saved_for_backward()

    def weight(self, count: int) -> float:
        """The weight of each of `count` summed terms.

        Raises:
            ValueError: count is 0.
        """
        if count == 0:
            raise ValueError(f"{type(self).__name__} needs at least one sample, found an empty batch")
        return self.scale / count if self.reduction == "mean" else self.scale
