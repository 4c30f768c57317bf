"""Times to reach a target, of runs some of which never do.

A run that never reaches it is censored at the end of its budget: it is neither left out nor given the last time. All
are censored at one time, so the Kaplan-Meier estimate is the fraction of all runs that have reached the target, and its
exact interval is that of a binomial proportion (Clopper and Pearson 1934). The median's interval is that of order
statistics, which needs no distribution.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reaching:
    """Times to a target.

    Attributes:
        n: runs. reached: those that did.
        probability, low, high: of ever reaching it within the budget, with its interval.
        median, median_low, median_high: time by which half of the runs have; infinite where fewer did.
        times: at which the fraction of runs rises, ascending. fraction, fraction_low, fraction_high: from each on.
    """

    n: int
    reached: int
    probability: float
    low: float
    high: float
    median: float
    median_low: float
    median_high: float
    times: Floats
    fraction: Floats
    fraction_low: Floats
    fraction_high: Floats


def reaching(times: Floats, level: float = 0.95) -> Reaching:
    """The distribution of the time to a target.

    Args:
        times: one per run, infinite for a run that never reached it.
        level: the level of the intervals.

    Raises:
        ValueError: no runs, or a time that is negative or not a number: what never happened is infinite.
    """
    ordered = np.sort(np.asarray(times, np.float64))
    if ordered.ndim != 1 or not len(ordered):
        raise ValueError(f"times to a target need at least one run, found shape {ordered.shape}")
    if not (ordered >= 0).all():
        raise ValueError("times to a target are not negative, and infinite where it was never reached, found others")
    n, finite = len(ordered), ordered[np.isfinite(ordered)]
    steps, counts = np.unique(finite, return_counts=True)
    reached = counts.cumsum()
    low, high = _proportion(reached, n, level)
    ever_low, ever_high = _proportion(np.array([len(finite)]), n, level)
    # ranks that hold the median with at least this probability; beyond the ends there is no bound
    rank = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    return Reaching(
        n=n,
        reached=len(finite),
        probability=len(finite) / n,
        low=float(ever_low[0]),
        high=float(ever_high[0]),
        median=float(ordered[(n - 1) // 2]),
        median_low=float(ordered[rank - 1]) if rank else 0.0,
        median_high=float(ordered[n - rank]) if rank else np.inf,
        times=steps,
        fraction=reached / n,
        fraction_low=low,
        fraction_high=high,
    )


def _proportion(successes: NDArray[np.int64], n: int, level: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's intervals."""
    tail = (1 - level) / 2
    low = np.where(successes == 0, 0.0, stats.beta.ppf(tail, np.maximum(successes, 1), n - successes + 1))
    high = np.where(successes == n, 1.0, stats.beta.isf(tail, successes + 1, np.maximum(n - successes, 1)))
    return low, high
