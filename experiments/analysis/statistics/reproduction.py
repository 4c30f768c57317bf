"""A reported statistic of n runs held against the distribution of such statistics over ours.

A report's figure is one draw of an n-run statistic. The tail probability is the chance that a draw from our runs would
be at least as extreme, on either side, within half a unit of the report's last printed digit. Since our runs are finite
it has an interval: exact binomial for single runs; for statistics of several a bootstrap over our runs, which knows
nothing of runs that did not occur among ours, so that the upper end is at least the chance of a draw with one of those.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.study.schema import Statistic

Floats = NDArray[np.float64]

LEVEL = 0.05  # two-sided
_DRAWS = 20_000
_OUTER, _INNER = 400, 2_000
_LEAST_STD = 5e-4  # below the resolution of an error on 1000 points, so that a logarithm exists
_LEAST_VARIANCE = 1e-12  # so that statistics that do not vary have a distance too


@dataclass(frozen=True)
class Tail:
    """How extreme a reported value is.

    Attributes:
        probability: two-sided tail probability. low, high: its 95 % interval.
        interval: the middle 95 % of the statistic (of the first, for a joint one).
    """

    probability: float
    low: float
    high: float
    interval: tuple[float, float]

    @property
    def verdict(self) -> str:
        """consistent, inconsistent, or undecided where the interval of the tail probability straddles the level."""
        if self.low > LEVEL:
            return Verdict.CONSISTENT
        return Verdict.INCONSISTENT if self.high < LEVEL else Verdict.UNDECIDED


def tail(
    values: Floats,
    statistic: tuple[str, ...],
    reported: tuple[float, ...],
    runs: int,
    resolution: tuple[float, ...],
    seed: int = 0,
) -> Tail:
    """The tail of a reported value.

    Args:
        values: ours, one per run; a diverged run is an error of 1.
        statistic: one of `STATISTICS`.
        reported: a value per statistic.
        runs: n, how many runs the report's statistic is from.
        resolution: for each reported value, the unit of its last printed digit.
        seed: the seed of the resampling.

    Raises:
        ValueError: no values, or some that are not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(f"a reproduction needs finite values, found {values.shape} of which some are not")
    slack = tuple(unit / 2 * (1 + 1e-9) for unit in resolution)
    if statistic == (Statistic.SINGLE,):
        return _single(values, reported[0], slack[0])
    stream = np.random.Generator(np.random.PCG64(seed))
    drawn = resampled(values, statistic, runs, _DRAWS, stream)
    outer = []
    for _ in range(_OUTER):
        again = values[stream.integers(0, len(values), len(values))]
        outer.append(_probability(resampled(again, statistic, runs, _INNER, stream), statistic, reported, slack))
    low, high = np.quantile(outer, [0.025, 0.975])
    first = np.quantile(drawn[:, 0], [0.025, 0.975])
    return Tail(
        _probability(drawn, statistic, reported, slack),
        float(low),
        max(float(high), unseen(len(values), runs)),
        (float(first[0]), float(first[1])),
    )


def unseen(ours: int, runs: int) -> float:
    """The chance that a draw of `runs` runs has one of a kind that, as far as `ours` of ours can say, may exist.

    What none of N runs shows has a probability q of at most 1 − 0.025^(1/N) (97.5 %, exact binomial); n runs have one
    with probability 1 − (1 − q)ⁿ = 1 − 0.025^(n/N).
    """
    return float(1 - 0.025 ** (runs / ours))


def resampled(values: Floats, statistic: tuple[str, ...], runs: int, draws: int, stream: np.random.Generator) -> Floats:
    """Statistics of `runs` values drawn with replacement, (draws, statistics)."""
    samples = values[stream.integers(0, len(values), (draws, runs))]
    columns: dict[str, Callable[[], Floats]] = {
        Statistic.SINGLE: lambda: samples[:, 0],
        Statistic.MEAN: lambda: samples.mean(1),
        Statistic.STD: lambda: samples.std(1, ddof=1),
    }
    return np.stack([columns[name]() for name in statistic], 1)


def _single(values: Floats, reported: float, slack: float) -> Tail:
    below, above = int((values <= reported + slack).sum()), int((values >= reported - slack).sum())
    fewer = min(below, above)
    interval = stats.binomtest(fewer, len(values)).proportion_ci(0.95, method="exact")
    middle = np.quantile(values, [0.025, 0.975])
    return Tail(
        min(1.0, 2 * fewer / len(values)),
        min(1.0, 2 * float(interval.low)),
        min(1.0, 2 * float(interval.high)),
        (float(middle[0]), float(middle[1])),
    )


def _probability(
    drawn: Floats, statistic: tuple[str, ...], reported: tuple[float, ...], slack: tuple[float, ...]
) -> float:
    if len(reported) == 1:
        below = (drawn[:, 0] <= reported[0] + slack[0]).mean()
        above = (drawn[:, 0] >= reported[0] - slack[0]).mean()
        return min(1.0, 2 * float(min(below, above)))
    # jointly: the share of draws at least as far from their centre, by Mahalanobis distance on mean and log std
    points = _logarithmic(drawn, statistic)
    center = points.mean(0)
    inverse: Floats = np.linalg.inv(np.cov(points.T) + _LEAST_VARIANCE * np.eye(2)).astype(np.float64)
    ranges = [np.linspace(value - unit, value + unit, 9) for value, unit in zip(reported, slack, strict=True)]
    within = _logarithmic(np.stack(np.meshgrid(*ranges), -1).reshape(-1, 2), statistic)
    nearest = _distance(within, center, inverse).min()
    # distances that are equal but for rounding count as equal
    return float((_distance(points, center, inverse) >= nearest * (1 - 1e-9) - 1e-9).mean())


def _logarithmic(drawn: Floats, statistic: tuple[str, ...]) -> Floats:
    """Statistics with standard deviations as their logarithms."""
    return np.where(np.array(statistic) == Statistic.STD, np.log(np.maximum(drawn, _LEAST_STD)), drawn)


def _distance(points: Floats, center: Floats, inverse: Floats) -> Floats:
    away = points - center
    squared: Floats = np.einsum("ij,jk,ik->i", away, inverse, away)
    return squared
