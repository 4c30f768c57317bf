"""Rows of a table, each with a class: what real data sets have in common."""

from typing import Literal

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding, encoded, outputs_of
from fairgrid.experiments.problems.problem import Data, Problem, Samples
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework.data import normalize

Standardize = Literal["train", "none"]


class Tabular(Problem):
    """A table whose rows every seed splits anew into training, test and validation rows, with equal shares of classes.

    A subclass hands its table to this constructor; what it may override is `width`, `strata`, `target`, `label`,
    `decide` and `error`, as a table of numbers in the place of classes does.

    Shapes: x (N, D); target (N, C), or (N, 1) if the encoding is "signed"; label (N,).

    Args:
        features: the features of all rows, (rows, D) float64.
        answers: the answers of all rows, (rows,): their class, 0 … C−1.
        classes: C.
        train: number of training rows.
        test: number of test rows. Training and test rows of a seed do not depend on the number of validation rows.
        validation: number of validation rows.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the features. "train": each by the training rows' mean and standard deviation;
            or "none".

    Raises:
        ValueError: fewer than 2 training rows, no test rows, more rows wanted than there are, or an encoding that
            does not fit the number of classes.
    """

    def __init__(
        self,
        features: Tensor,
        answers: Tensor,
        classes: int,
        *,
        train: int,
        test: int,
        validation: int,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
    ) -> None:
        for name, number, least in (("train", train, 2), ("test", test, 1), ("validation", validation, 0)):
            if number < least:
                raise ValueError(f"a table needs {name} ≥ {least}, found {number}")
        wanted = train + test + validation
        if wanted > len(features):
            raise ValueError(f"a table of {len(features)} rows needs train + test + validation ≤ that, found {wanted}")
        self.features, self.answers, self.classes = features, answers, classes
        self.train, self.test, self.validation = train, test, validation
        self.encoding, self.normalize = encoding, normalize
        self.inputs, self.outputs = features.shape[-1], self.width()

    def width(self) -> int:
        """C of the target.

        Raises:
            ValueError: the encoding does not fit the number of classes.
        """
        return outputs_of(self.encoding, self.classes)

    def strata(self) -> Tensor:
        """The groups of rows that every part has its share of, (rows,) whole numbers."""
        return self.answers

    def target(self, answers: Tensor, reference: Tensor) -> Tensor:
        """Answers as the loss sees them. Shapes: (N,), (train,) → (N, C) float64.

        Args:
            answers: the answers of some rows.
            reference: the answers of the training rows.
        """
        return encoded(answers, self.classes, self.encoding)

    def label(self, answers: Tensor, reference: Tensor) -> Tensor:
        """Answers as `error` sees them. Shapes: (N,), (train,) → (N,); arguments as of `target`."""
        return answers

    def sample(self, seed: int) -> Data:
        order = spread(self.strata(), generator(seed, "data"))
        train, test, validation = order[: self.train + self.test + self.validation].split(
            [self.train, self.test, self.validation]
        )
        return Data(*(self._samples(rows, train) for rows in (train, validation, test)))

    def _samples(self, rows: Tensor, train: Tensor) -> Samples:
        x = self.features[rows]
        if self.normalize == "train" and len(rows):
            x = normalize(self.features[train], x)[1]
        answers, reference = self.answers[rows], self.answers[train]
        return Samples(x, self.target(answers, reference), self.label(answers, reference))


def spread(strata: Tensor, stream: Generator) -> Tensor:
    """A random order of rows in which every stretch has its share of every stratum.

    Each stratum's rows are shuffled and laid out evenly over [0, 1) from a random start: a systematic sample. The first
    m rows have m times a stratum's share p of all rows, to within 1 + p (C − 2) for C strata. Shapes: (N,) → (N,).
    """
    place = torch.empty(len(strata), dtype=torch.float64)
    for stratum in strata.unique():
        rows = (strata == stratum).nonzero()[:, 0]
        start = torch.rand(1, generator=stream, dtype=torch.float64)
        shuffled = rows[torch.randperm(len(rows), generator=stream)]
        place[shuffled] = (torch.arange(len(rows)) + start) / len(rows)
    return place.argsort(stable=True)
