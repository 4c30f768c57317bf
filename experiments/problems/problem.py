"""What a problem is: data for a seed, and how a prediction is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fairgrid.framework import decide
from fairgrid.framework.passes import Target


@dataclass(frozen=True)
class Samples:
    """N samples, of one run or, with R in front, of several.

    Shapes: x (N, D) or (N, …) float64; target (N, C) float64 as the loss sees it, or a list for losses of several
    outputs; label (N,) the true class, or what a problem of numbers judges by; points (N, 2), where the samples lie in
    the plane, if they do.
    """

    x: Tensor
    target: Target
    label: Tensor
    points: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Samples":
        """The samples with every tensor changed."""
        target = [change(part) for part in self.target] if isinstance(self.target, list) else change(self.target)
        return Samples(change(self.x), target, change(self.label), None if self.points is None else change(self.points))


def stack(several: Sequence[Samples]) -> Samples:
    """The samples of R runs, (R, N, …)."""
    first = several[0]
    if isinstance(first.target, list):
        columns = zip(*(each.target for each in several), strict=True)
        target: Target = [torch.stack(list(column)) for column in columns]
    else:
        target = torch.stack([each.target for each in several if isinstance(each.target, Tensor)])
    points = [each.points for each in several if each.points is not None]
    return Samples(
        torch.stack([each.x for each in several]),
        target,
        torch.stack([each.label for each in several]),
        torch.stack(points) if points else None,
    )


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
        train: number of training samples. validation, test: likewise.
    """

    inputs: int
    outputs: int
    train: int
    validation: int
    test: int

    def sample(self, seed: int) -> Data:
        """The data of a run; it depends on the seed and this problem's options alone."""
        raise NotImplementedError

    def contents(self) -> dict[str, str]:
        """For every option that names files, a hash of what is in them, which stands for it in a run's identity."""
        return {}

    def canvas(self, seed: int) -> Samples | None:
        """A grid over the plane as the model sees it, to draw what it learned on; None for problems of no plane."""
        return None

    def decide(self, prediction: Target) -> Tensor:
        """The class chosen, from the first output where there are several. Shapes: (…, N, C) → (…, N)."""
        return decide(prediction[0] if isinstance(prediction, list) else prediction)

    def error(self, prediction: Target, label: Tensor) -> Tensor:
        """The fraction of wrong predictions, float64. Shapes: prediction (…, N, C), label (…, N) → (…)."""
        return (self.decide(prediction) != label).to(torch.float64).mean(-1)
