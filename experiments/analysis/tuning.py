"""The choice of a learning rate: a pure function of the tuning runs."""

import pandas as pd

from fairgrid.experiments.analysis.outcomes import Metric, has_outcome, outcomes_of

_DIGITS = 12  # of mean errors; beyond is rounding


def scores(runs: pd.DataFrame) -> pd.DataFrame:
    """Tuning runs with what they are chosen by: validation error, then training loss, those of diverged runs too."""
    return runs.assign(**{metric: outcomes_of(runs, Metric(metric)) for metric in ("validation_error", "train_loss")})


def select(runs: pd.DataFrame) -> dict[str, float]:
    """For each tuned cell the learning rate with the lowest mean validation error.

    A diverged run counts as outcomes.py says. Equal errors are decided by the mean training loss, then by the smaller
    rate.

    Args:
        runs: a row per tuning run with columns tuned (the name of the tuned cell), learning_rate, status,
            validation_error and train_loss.

    Raises:
        ValueError: a run ended in error or timeout, has not run or is missing, so that the choice would be among
            unequal trials.
    """
    unfinished = runs[~has_outcome(runs)]
    if len(unfinished):
        row = unfinished.iloc[0]
        raise ValueError(f"tuning needs every run, found {row['status']!r} at learning rate {row['learning_rate']:g}")
    trials = runs.groupby(["tuned", "learning_rate"]).size().groupby("tuned").agg(["min", "max"])
    unequal = trials[trials["min"] < trials["max"]]
    if len(unequal):
        low, high = unequal.iloc[0]
        raise ValueError(f"tuning needs as many runs of every learning rate, found {low} to {high}")
    scored = scores(runs)
    # in one order, because a mean's last bit depends on it; errors that are equal but for it are equal
    scored = scored.sort_values(["validation_error", "train_loss"])
    means = scored.groupby(["tuned", "learning_rate"], as_index=False)[["validation_error", "train_loss"]].mean()
    means["validation_error"] = means["validation_error"].round(_DIGITS)
    best = means.sort_values(["tuned", "validation_error", "train_loss", "learning_rate"]).groupby("tuned").first()
    return {str(cell): float(rate) for cell, rate in best["learning_rate"].items()}
