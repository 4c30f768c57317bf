"""95 % intervals of what summarizes a sample: its mean, standard deviation, median and interquartile mean.

Errors are skewed and often equal. The median's interval needs no distribution, the interquartile mean's takes from the
tails only that they are there (Tukey and McLaughlin 1963), the standard deviation's estimates how it varies from the
sample itself (Miller 1968) and not, as the chi-square one, from a normal distribution. The mean's is Student's.
"""

import math
from functools import cache

import numpy as np
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import Floats

Interval = tuple[float, float]

LEVEL = 0.95
NOTHING: Interval = (math.nan, math.nan)
TRIMMED = 0.25  # off either end


def mean_interval(values: Floats) -> Interval:
    """Student's t; of fewer than two values there is none."""
    return _around(float(values.mean()), values, 1.0) if len(values) > 1 else NOTHING


def std_interval(values: Floats) -> Interval:
    """Of the standard deviation, n − 1: the jackknife of its logarithm, by Student's t.

    None of fewer than three values, or where without one of them all are equal.
    """
    n = len(values)
    ordered = np.sort(values)
    if n < 3 or ordered[0] == ordered[-2] or ordered[1] == ordered[-1]:
        return NOTHING
    ordered = ordered - ordered[n // 2]  # close numbers far from 0 lose no digits below
    deviations = ordered - ordered.mean()
    # the sum of squares about the mean of all but one
    left = np.sum(deviations**2) - deviations**2 * n / (n - 1)
    if left.min() <= 1e-14 * left.max():
        return NOTHING
    logs = np.log(left / (n - 2)) / 2
    whole = float(np.log(ordered.var(ddof=1))) / 2
    low, high = _around(n * whole - (n - 1) * float(logs.mean()), n * whole - (n - 1) * logs, 1.0)
    return math.exp(low), math.exp(high)


def median_interval(values: Floats) -> Interval:
    """Two order statistics that hold it with a chance of at least 95 %; of fewer than six values there are none."""
    place = beyond(len(values), 1 - LEVEL)
    ordered = np.sort(values)
    return (float(ordered[place - 1]), float(ordered[-place])) if place else NOTHING


def trimmed_interval(values: Floats) -> Interval:
    """Of the mean without the lowest and the highest quarter: Tukey and McLaughlin's t on the winsorized values."""
    n = len(values)
    if n < 2:
        return NOTHING
    cut = int(TRIMMED * n)
    ordered = np.sort(values)
    middle = float(ordered[cut : n - cut].mean())
    return _around(middle, ordered.clip(ordered[cut], ordered[n - cut - 1]), 1 - 2 * TRIMMED, n - 2 * cut - 1)


def _around(middle: float, values: Floats, share: float, degrees: int | None = None) -> Interval:
    """Student's t about a mean, whose error is that of these values over the share of them that it is of."""
    n = len(values)
    half = _t(n - 1 if degrees is None else degrees) * float(values.std(ddof=1)) / (share * math.sqrt(n))
    return middle - half, middle + half


@cache
def _t(degrees: int) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, degrees)) if degrees else math.nan


@cache
def beyond(n: int, miss: float) -> int:
    """How many of n values may lie beyond either end of an interval that misses the median so often; 0 where none may.

    The interval ends at this order statistic from either side.
    """
    return int(stats.binom.ppf(miss / 2, n, 0.5))
