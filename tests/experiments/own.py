"""Parts that come in by dotted path, as a user's own do, and record what they are handed."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from fairgrid.experiments.problems import Data, Problem, Samples
from fairgrid.framework import SGD, MSELoss, Parameter


class Numbered(Problem):
    """Sample i has the target i."""

    inputs = 1
    outputs = 1

    def __init__(self, train: int = 30, fails_for: int = -1) -> None:
        self.train, self.test, self.validation = train, 2, 0
        self.fails_for = fails_for

    def sample(self, seed: int) -> Data:
        if seed == self.fails_for:
            raise RuntimeError(f"no data for seed {seed}\nand a second line")

        def samples(count: int) -> Samples:
            numbers = torch.arange(count, dtype=torch.float64)[:, None]
            return Samples(numbers / self.train, numbers, torch.zeros(count, dtype=torch.int64))

        return Data(samples(self.train), samples(0), samples(self.test))


class Listening(MSELoss):
    """Keeps the targets of every training batch, (R, B)."""

    heard: ClassVar[list[Tensor]] = []

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        Listening.heard.append(target[..., 0].clone())
        return super().forward(prediction, target)


class Noted(SGD):
    """Has an option of any text, which is in the names of its levels."""

    def __init__(self, parameters: Sequence[Parameter], learning_rate: float = 0.1, note: str = "") -> None:
        super().__init__(parameters, learning_rate=learning_rate)
        self.note = note
