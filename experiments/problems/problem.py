"""What a problem is: data for a seed, and how a prediction is judged."""

from dataclasses import dataclass

from torch import Tensor

from framework import error_rate


@dataclass(frozen=True)
class Samples:
    """N points. Shapes: x (N, D) float64, target (N, C) float64 as the loss sees it, label (N,) the true class."""

    x: Tensor
    target: Tensor
    label: Tensor


@dataclass(frozen=True)
class Data:
    """What one run sees; `validation` may be empty (N = 0)."""

    train: Samples
    validation: Samples
    test: Samples


class Problem:
    """Base class. A subclass's keyword arguments are the problem's options in a study.

    Attributes:
        inputs: D. outputs: C.
        train: number of training points. validation, test: likewise.
    """

    inputs: int
    outputs: int
    train: int
    validation: int
    test: int

    def sample(self, seed: int) -> Data:
        """The data of a run; it depends on the seed and this problem's options alone."""
        raise NotImplementedError

    def error(self, prediction: Tensor, label: Tensor) -> Tensor:
        """The fraction of wrong predictions. Shapes: (R, N, C), (R, N) → (R,)."""
        return error_rate(prediction, label)
