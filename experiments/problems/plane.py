"""Two classes in the plane: what the disk and the line have in common."""

from typing import Literal

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding, encoded, outputs_of
from fairgrid.experiments.problems.problem import Data, Problem, Samples
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework.data import normalize

Normalize = Literal["none", "train", "each_own", "scalar"]

_CANVAS = 101  # points a side


class Plane(Problem):
    """Points with a class. A subclass draws them and knows the border.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra, from a stream of their own.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the points. "train": each feature by the training set's mean and standard
            deviation; "each_own": each set by its own (as report 000_886196d3797ee705.txt's code does); "scalar": both
            features by one mean and standard deviation of the training set (as 001_5b15d9e50895a1bd.txt's code does);
            or "none".

    Raises:
        ValueError: fewer than 2 training points, or no test points.
    """

    inputs = 2
    low, high = 0.0, 1.0  # of the canvas

    def __init__(self, train: int, test: int, validation: int, encoding: Encoding, normalize: Normalize) -> None:
        for name, number, least in (("train", train, 2), ("test", test, 1), ("validation", validation, 0)):
            if number < least:
                raise ValueError(f"{type(self).__name__.lower()} needs {name} ≥ {least}, found {number}")
            if number == 1 and normalize == "each_own":
                raise ValueError(f"{type(self).__name__.lower()} needs {name} ≥ 2 for normalize 'each_own', found 1")
        self.train, self.test, self.validation = train, test, validation
        self.encoding, self.normalize = encoding, normalize
        self.outputs = outputs_of(encoding, 2)

    def draw(self, samples: int, stream: Generator) -> tuple[Tensor, Tensor]:
        """Points (N, 2) float64 and their class (N,), 0 or 1."""
        raise NotImplementedError

    def distance(self, points: Tensor) -> Tensor:
        """How far points are from the border between the classes. Shapes: (…, N, 2) → (…, N).

        Raises:
            ValueError: the border is not known.
        """
        raise ValueError(f"the border between the classes of {type(self).__name__} is not known")

    def border(self) -> Tensor | None:
        """Points along the border between the classes, to draw it, (M, 2) float64; None where it is not known.

        Two points are a straight line, which goes on beyond them.
        """
        return None

    def sample(self, seed: int) -> Data:
        stream = generator(seed, "data")
        train = self.draw(self.train, stream)
        test = self.draw(self.test, stream)
        validation = self.draw(self.validation, generator(seed, "validation"))
        own = self.normalize == "each_own"
        return Data(*(self._samples(*part, part[0] if own else train[0]) for part in (train, validation, test)))

    def canvas(self, seed: int) -> Samples:
        train, _ = self.draw(self.train, generator(seed, "data"))
        axis = torch.linspace(self.low, self.high, _CANVAS, dtype=torch.float64)
        points = torch.cartesian_prod(axis, axis)
        return self._samples(points, torch.zeros(len(points), dtype=torch.int64), train)

    def _samples(self, points: Tensor, label: Tensor, reference: Tensor) -> Samples:
        """Samples whose points are normalised by the mean and standard deviation of `reference`."""
        x = points
        if self.normalize == "scalar":
            x = normalize(reference.reshape(-1, 1), points.reshape(-1, 1))[1].reshape(-1, 2)
        elif self.normalize != "none" and len(points):
            x = normalize(reference, points)[1]
        return Samples(x, encoded(label, 2, self.encoding), label, points)
