"""What a run counts as. The rule for runs that did not end well stands here, and nowhere else.

A diverged run is an outcome: its error counts as 1, any other metric as the worst there is. A run that failed, timed
out or has not run has none, and leaves whatever it belongs to incomplete.
"""

import math

import pandas as pd

_OUTCOMES = ("ok", "diverged")


def have_outcomes(runs: pd.DataFrame) -> bool:
    """Whether every one of these rows of runs.csv has an outcome."""
    return bool(has_outcome(runs).all())


def has_outcome(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of runs.csv have an outcome."""
    return runs["status"].isin(_OUTCOMES)


def worst(metric: str) -> float:
    """The value of a diverged run."""
    return 1.0 if metric.endswith("_error") else math.inf


def outcomes_of(runs: pd.DataFrame, metric: str) -> "pd.Series[float]":
    """A metric of rows that have outcomes.

    Args:
        runs: rows of runs.csv.
        metric: the name of one of their columns.
    """
    return runs[metric].astype(float).where(runs["status"] == "ok", worst(metric))
