"""Points in the unit square, inside or outside a disk: the task of the five reports."""

import math
from typing import Literal

import torch
from torch import Tensor

from experiments.problems.problem import Data, Problem, Samples
from experiments.seeds import generator

Encoding = Literal["one_hot", "signed", "soft"]
Normalize = Literal["none", "train", "each_own", "scalar"]


class Disk(Problem):
    """Uniform points in [0, 1]², class 1 inside a disk. The default disk has area exactly 1/2.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra, from a stream of their own.
        center: of the disk.
        radius: of the disk.
        encoding: of the target. "one_hot": (1, 0) or (0, 1); "soft": the same with 0.8 and 0.2; "signed": one output,
            −1 outside and 1 inside.
        normalize: of the points. "train": each feature by the training set's mean and standard deviation; "each_own":
            each set by its own (as report 000_886196d3797ee705.txt's code does); "scalar": both features by one mean
            and standard deviation of the training set (as 001_5b15d9e50895a1bd.txt's code does); or "none".

    Raises:
        ValueError: fewer than 2 training points, no test points, or a radius that is not positive.
    """

    inputs = 2

    def __init__(
        self,
        train: int = 1000,
        test: int = 1000,
        validation: int = 1000,
        center: tuple[float, float] = (0.5, 0.5),
        radius: float = 1 / math.sqrt(2 * math.pi),
        encoding: Encoding = "one_hot",
        normalize: Normalize = "none",
    ) -> None:
        for name, number, least in (("train", train, 2), ("test", test, 1), ("validation", validation, 0)):
            if number < least:
                raise ValueError(f"disk needs {name} ≥ {least}, found {number}")
        if not radius > 0:
            raise ValueError(f"disk needs radius > 0, found {radius:g}")
        self.train, self.test, self.validation = train, test, validation
        self.center, self.radius = center, radius
        self.encoding, self.normalize = encoding, normalize
        self.outputs = 1 if encoding == "signed" else 2

    def sample(self, seed: int) -> Data:
        stream = generator(seed, "data")
        train, test = _uniform(self.train, stream), _uniform(self.test, stream)
        validation = _uniform(self.validation, generator(seed, "validation"))
        return Data(*(self._samples(points, train) for points in (train, validation, test)))

    def _samples(self, points: Tensor, train: Tensor) -> Samples:
        inside = (points - torch.tensor(self.center, dtype=torch.float64)).square().sum(-1) < self.radius**2
        return Samples(self._normalized(points, train), self._encoded(inside), inside.long())

    def _normalized(self, points: Tensor, train: Tensor) -> Tensor:
        if self.normalize == "none" or not len(points):
            return points
        reference = points if self.normalize == "each_own" else train
        if self.normalize == "scalar":
            return (points - reference.mean()) / reference.std()
        return (points - reference.mean(0)) / reference.std(0)

    def _encoded(self, inside: Tensor) -> Tensor:
        if self.encoding == "signed":
            return inside[:, None].double() * 2 - 1
        high, low = (0.8, 0.2) if self.encoding == "soft" else (1.0, 0.0)
        return torch.where(torch.stack([~inside, inside], -1), high, low).double()


def _uniform(count: int, stream: torch.Generator) -> Tensor:
    return torch.rand(count, 2, generator=stream, dtype=torch.float64)
