"""Records made with other arithmetic: bits differ, so what is compared is whether the numbers moved to one side.

Rounding, amplified by training, moves a run's result up as often as down: under that hypothesis paired differences are
symmetric about 0, which is what the sign-flip test tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairgrid.experiments.analysis.outcomes import Metric
from fairgrid.experiments.analysis.statistics.signflip import holm, sign_flip
from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.verification.retraining import Retrained

LEVEL = 0.001


@dataclass(frozen=True)
class Shift:
    """The mean of trained-again minus recorded, with Holm's p-value over the metrics."""

    metric: str
    n: int
    mean: float
    p_holm: float

    @property
    def significant(self) -> bool:
        """Whether rounding alone hardly does this."""
        return self.p_holm < LEVEL


def shifts(retrained: Sequence[Retrained]) -> list[Shift]:
    """Test error, a diverged run's being 1, and the training loss of runs that are ok in both."""
    pairs = {
        "test error": [(_error(each.recorded), _error(each.found)) for each in retrained],
        "train loss": [
            (each.recorded.final["train_loss"], each.found.final["train_loss"])
            for each in retrained
            if each.recorded.status == each.found.status == Status.OK
        ],
    }
    tests = {
        metric: sign_flip(np.array([trained - recorded for recorded, trained in values]))
        for metric, values in pairs.items()
        if values
    }
    adjusted = holm(np.array([test.p_value for test in tests.values()]))
    return [
        Shift(metric, test.n, test.mean, float(p)) for (metric, test), p in zip(tests.items(), adjusted, strict=True)
    ]


def _error(record: Record) -> float:
    return record.final["test_error"] if record.status == Status.OK else Metric("test_error").worst
