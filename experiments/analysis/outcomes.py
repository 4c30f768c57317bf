"""What a run counts as. The rule for runs that did not end well stands here, and nowhere else.

A diverged run is an outcome: its error counts as 1, any other metric as what the study declares, or else as the worst
there is. A run that failed, timed out or has not run has none, and leaves whatever it belongs to incomplete.
"""

import math
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.study.direction import direction_of, is_fraction
from fairgrid.experiments.study.study import Study

_OUTCOMES = (Status.OK, Status.DIVERGED)


def have_outcomes(runs: pd.DataFrame) -> bool:
    """Whether every one of these rows of runs.csv has an outcome."""
    return bool(has_outcome(runs).all())


def has_outcome(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of runs.csv have an outcome."""
    return runs["status"].isin(_OUTCOMES)


@dataclass(frozen=True)
class Metric:
    """A metric, and which way it is better.

    Attributes:
        name: a column of runs.csv, or a name in metrics.csv.
        more_is_better: whether it is a score.
        declared: what a diverged run counts as, where the study says so.
    """

    name: str
    more_is_better: bool = False
    declared: float | None = None

    @property
    def worst(self) -> float:
        """The value of a diverged run."""
        if self.declared is not None:
            return self.declared
        if self.more_is_better:
            return 0.0 if is_fraction(self.name) else -math.inf
        return 1.0 if self.name.endswith("_error") else math.inf

    @property
    def sign(self) -> int:
        """What its values are multiplied by, so that less is better."""
        return -1 if self.more_is_better else 1


def compared_metric(study: Study) -> Metric:
    """The metric that a study's cells are compared by."""
    rule = study.comparison
    return Metric(rule.metric, direction_of(study) == "max", rule.worst)


def outcomes_of(runs: pd.DataFrame, metric: Metric) -> "pd.Series[float]":
    """The values of a metric for rows that have outcomes.

    Args:
        runs: rows of runs.csv, with the metric's column.
        metric: the metric.
    """
    return runs[metric.name].astype(float).where(runs["status"] == Status.OK, metric.worst)
