"""What a comparison decides, and how many seeds would decide one that is open."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.paired import Paired, least_differing, least_seeds
from fairgrid.experiments.analysis.statistics.verdicts import Verdict

_POWER = 0.8  # with which the seeds that are said to be needed would decide
_ENDS = (0.1, 0.9)  # quantiles of their range
_POINTS = (np.arange(12) + 0.5) / 12  # quantiles over which the range is taken
_HALVINGS = 50


def verdict(tested: Paired, p_holm: float, region: float) -> str:
    """The verdict on a, the first that holds: equivalent, better or worse, too few seeds, undecided.

    Args:
        tested: the comparison.
        p_holm: its p-value, corrected.
        region: differences within ± region do not matter; declared beforehand.
    """
    low, high = tested.wide
    if -region <= low and high <= region:
        return Verdict.EQUIVALENT
    if p_holm <= tested.level:
        return Verdict.BETTER if tested.direction < 0 else Verdict.WORSE
    if tested.least_p * tested.family > tested.level:
        return f"{Verdict.TOO_FEW}: needs ≥ {_fewest(tested, region)}"
    return Verdict.UNDECIDED


def _fewest(tested: Paired, region: float) -> int:
    """Seeds that would find a difference if all differed alike, or that would show equality, whichever are fewer."""
    needs = needed_seeds(tested, region)
    return max(tested.n + 1, min(least_differing(tested), needs.seeds) if needs else least_differing(tested))


@dataclass(frozen=True)
class Needs:
    """Seeds that would decide a comparison, four times in five.

    Attributes:
        seeds: their number, were the observed difference and spread the true ones.
        low, high: the middle 80 % of that number over differences and spreads that the seeds are compatible with.
    """

    seeds: int
    low: int
    high: int


def needed_seeds(tested: Paired, region: float) -> Needs | None:
    """Seeds that would decide a comparison, as different or, where it lies within ± region, as equivalent.

    Whichever takes fewer, at the level divided by the family, by the normal approximation: n = (std / e)², where e is
    the standard error of the mean that leaves such a chance. The range is over normal theory's distribution of the mean
    and the standard deviation given the sample. None where there is no such number.

    Args:
        tested: the comparison.
        region: differences within ± region do not matter.
    """
    if math.isnan(tested.mean) or math.isnan(tested.std):
        return None
    freedom = tested.n - 1
    chi = np.sqrt(freedom / stats.chi2.ppf(_POINTS, freedom))
    stds = np.concatenate([[tested.std], np.repeat(tested.std * chi, len(_POINTS))])
    shifts = np.concatenate([[0.0], np.tile(stats.norm.ppf(_POINTS), len(_POINTS))])
    seeds = _seeds(np.abs(tested.mean + shifts * stds / math.sqrt(tested.n)), stds, tested, region)
    if not math.isfinite(seeds[0]):
        return None
    low, high = np.quantile(seeds[1:], _ENDS, method="inverted_cdf")
    return Needs(*(int(min(number, 2**53)) for number in (seeds[0], low, high)))


def _seeds(distances: Floats, stds: Floats, tested: Paired, region: float) -> Floats:
    """The number of seeds for each true distance from 0 and standard deviation; infinite where none would do."""
    z = float(stats.norm.isf(tested.level / tested.family / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        different = np.ceil((stds * (z + stats.norm.ppf(_POWER)) / distances) ** 2)
    different = np.where(distances > 0, np.maximum(different, least_differing(tested)), math.inf)
    same = np.ceil((stds / _equal_error(distances, z, region)) ** 2)
    inside = distances < (1 - 1e-6) * region
    return np.minimum(different, np.where(inside, np.maximum(same, least_seeds(tested.family, tested.level)), math.inf))


def _equal_error(distances: Floats, z: float, region: float) -> Floats:
    """The largest standard error with which an interval lies within ± region with the power, by halving."""
    low, high = np.full(len(distances), region / 1e9), np.full(len(distances), region)
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)
        power = (
            stats.norm.cdf((region - distances) / middle - z) + stats.norm.cdf((region + distances) / middle - z) - 1
        )
        low, high = np.where(power >= _POWER, middle, low), np.where(power >= _POWER, high, middle)
    return low
