"""The user's own data: a CSV file, one column of which is predicted from the others."""

import functools
import math
import os
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fairgrid.experiments.problems.columns import Columns, number, read
from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.tabular import Standardize, Tabular
from fairgrid.framework.data import normalize as standardised
from fairgrid.framework.passes import Target

Task = Literal["classification", "regression"]

_SHARES = {"train": 3, "test": 1, "validation": 1}  # of the rows, where a study gives no numbers
_LEAST = {"train": 2, "test": 1, "validation": 0}


@dataclass(frozen=True)
class _Read:
    """A file as it was at some time."""

    digest: str
    features: Tensor  # (rows, D)
    answers: Tensor  # (rows,): classes, or numbers
    classes: int  # 0 for numbers


class Table(Tabular):
    """A CSV file with a line of names; every column but the target and those that are dropped is a feature, a number.

    "classification": the target's values are the classes, in the order of the numbers or else of the texts.
    "regression": the target is a number, which the model sees by mean and standard deviation of the training rows, in
    one output. The error is then the share of variance that is not explained, Σ(ŷ − y)² / Σ(y − ȳ)² with the mean ȳ of
    the training rows, and at most 1: a model that predicts no better than that mean errs as one that diverged.

    Shapes: x (N, D); target (N, C), or (N, 1) if the encoding is "signed" or the task regression; label (N,), of
    regression a number.

    Args:
        path: the path of the file, relative to the working directory.
        target: the column that is predicted.
        task: what its values are.
        drop: columns that are left out.
        train, test, validation: numbers of rows. Those that are not given share the rows that are left, 3 : 1 : 1.
        encoding: the encoding of classes; see `encoded`.
        normalize: the normalization of the features; see `Tabular`.
        separator: between the fields of a line.

    Raises:
        ValueError: the file is not such a table, or see `Tabular`.
    """

    def __init__(
        self,
        path: str,
        target: str,
        task: Task = "classification",
        drop: tuple[str, ...] = (),
        train: int | None = None,
        test: int | None = None,
        validation: int | None = None,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
        separator: str = ",",
    ) -> None:
        if task == "regression" and encoding != "one_hot":
            raise ValueError(f"a table needs classes for the encoding {encoding!r}, found the task 'regression'")
        self.path, self.task = path, task
        self._asked = (path, target, task, tuple(drop), separator)
        now = self._read()
        sizes = _sizes(len(now.answers), {"train": train, "test": test, "validation": validation})
        super().__init__(now.features, now.answers, now.classes, **sizes, encoding=encoding, normalize=normalize)

    def contents(self) -> dict[str, str]:
        return {"path": self._read().digest}

    def width(self) -> int:
        return super().width() if self.task == "classification" else 1

    def strata(self) -> Tensor:
        return self.answers if self.task == "classification" else torch.zeros(len(self.answers), dtype=torch.int64)

    def target(self, answers: Tensor, reference: Tensor) -> Tensor:
        if self.task == "classification":
            return super().target(answers, reference)
        return standardised(reference[:, None], answers[:, None])[1]

    def label(self, answers: Tensor, reference: Tensor) -> Tensor:
        return answers if self.task == "classification" else self.target(answers, reference)[:, 0]

    def decide(self, prediction: Target) -> Tensor:
        if self.task == "classification":
            return super().decide(prediction)
        return (prediction[0] if isinstance(prediction, list) else prediction)[..., 0]

    def error(self, prediction: Target, label: Tensor) -> Tensor:
        if self.task == "classification":
            return super().error(prediction, label)
        label = label.to(torch.float64)
        missed = (self.decide(prediction).to(torch.float64) - label).square().sum(-1)
        # the mean of the training rows is 0; where nothing varies, whatever is missed is all
        total = label.square().sum(-1).clamp_min(torch.finfo(torch.float64).tiny)
        return (missed / total).clamp_max(1)

    def _read(self) -> _Read:
        """The file as it is now."""
        try:
            stat = os.stat(self.path)
        except OSError:
            return _parsed(*self._asked, ())  # which says what is wrong
        return _parsed(*self._asked, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@functools.lru_cache(maxsize=16)
def _parsed(path: str, target: str, task: Task, drop: tuple[str, ...], separator: str, stamp: tuple[int, ...]) -> _Read:
    columns = read(path, separator)
    for name in (target, *drop):
        columns.require(name)
    if target in drop:
        raise ValueError(f"{path}: expected a target that is not dropped, found {target!r} in drop")
    names = [name for name in columns.names if name != target and name not in drop]
    if not names:
        raise ValueError(f"{path}: expected columns beside the target {target!r}, found none")
    features = torch.stack([_feature(columns, name) for name in names], dim=1)
    if task == "regression":
        columns.require_no_gap(target, "a number")
        answers, classes = columns.numbers(target), 0
        if len(answers.unique()) < 2:
            raise ValueError(f"{path}: {target}: expected numbers that differ, found {answers[0].item():g} alone")
    else:
        answers, classes = _classes(columns, target)
    return _Read(columns.digest, features, answers, classes)


def _feature(columns: Columns, name: str) -> Tensor:
    """A column of numbers, (rows,), that can be standardised."""
    advice = f'; drop = ["{name}"] leaves the column out'
    values = columns.numbers(name, advice)
    low, high, spread = float(values.min()), float(values.max()), float(values.std(correction=0))
    if not math.isfinite(spread) or (spread == 0 and low < high):
        raise ValueError(
            f"{columns.path}: {name}: expected numbers whose standard deviation can be computed, found {low:g} to"
            f" {high:g}{advice}"
        )
    return values


def _classes(columns: Columns, target: str) -> tuple[Tensor, int]:
    """Classes 0 … C−1 of all rows, and C."""
    columns.require_no_gap(target, "a class", ", or rename the class if it is one")
    texts = columns.texts(target, "a class")
    numbers = [value for text in texts if (value := number(text)) is not None]
    if len(numbers) < len(texts):
        places = {value: place for place, value in enumerate(sorted(set(texts)))}
        answers = [places[text] for text in texts]
    else:
        for text, value in zip(texts, numbers, strict=True):
            if not value.is_integer():
                raise ValueError(
                    f"{columns.path}: {target}: expected classes, found the number {text};"
                    ' task = "regression" predicts numbers'
                )
        ordered = {value: place for place, value in enumerate(sorted(set(numbers)))}
        answers = [ordered[value] for value in numbers]
    classes = max(answers) + 1
    if not 2 <= classes <= len(answers) // 2:
        raise ValueError(
            f"{columns.path}: {target}: expected 2 classes or more, and 2 rows of each on average,"
            f" found {classes} in {len(answers)} rows"
        )
    return torch.tensor(answers), classes


def _sizes(rows: int, given: dict[str, int | None]) -> dict[str, int]:
    """The number of rows of every part."""
    sizes = {part: number for part, number in given.items() if number is not None}
    left = rows - sum(sizes.values())
    open_parts = [part for part in _SHARES if part not in sizes]
    whole = sum(_SHARES[part] for part in open_parts)
    shares = {part: max(_LEAST[part], left * _SHARES[part] // whole) for part in open_parts}
    if open_parts:  # the first has what rounding leaves
        first = open_parts[0]
        shares[first] = max(_LEAST[first], left - sum(shares[part] for part in open_parts[1:]))
    return {part: sizes.get(part, shares.get(part, 0)) for part in _SHARES}
