"""Comparisons of two cells, seed by seed: how far apart, how sure, who is better how often, and the verdict."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from fairgrid.experiments.analysis.statistics.exact import Floats, Method
from fairgrid.experiments.analysis.statistics.signflip import sign_flips
from fairgrid.experiments.analysis.statistics.summaries import beyond
from fairgrid.experiments.analysis.statistics.verdicts import Verdict

EXPLORATORY = 7  # seeds; below, a comparison is a look, not a finding
LEVEL = 0.05  # of a family where none is given, and of what intervals that are shown may miss
_POWER = 0.8  # with which the seeds that are said to be needed would decide


@dataclass(frozen=True)
class Paired:
    """Two cells on the same seeds; differences are of a minus b, and less is better.

    Attributes:
        n: seeds. informative: those on which the two differ.
        mean, std: of the differences; not a number where a value is infinite, as a loss that diverged.
        direction: negative where a is better.
        p_value: of the sign-flip test of the differences, or of their signed ranks where a value is infinite.
        least_p: the smallest that so many informative seeds can give.
        interval: of the mean at 95 %. wide: at 1 − level / family.
        wins, losses, ties: seeds on which a is better, worse, equal.
        level: of the family.
        family: comparisons that are corrected for together.
        method: how the p-value was computed.
    """

    n: int
    informative: int
    mean: float
    std: float
    direction: float
    p_value: float
    least_p: float
    interval: tuple[float, float]
    wide: tuple[float, float]
    wins: int
    losses: int
    ties: int
    level: float
    family: int
    method: Method = Method.EXACT

    @property
    def probability(self) -> float:
        """That a is better than b on a seed, a tie counting one half."""
        return (self.wins + self.ties / 2) / self.n

    @property
    def probability_interval(self) -> tuple[float, float]:
        """Clopper and Pearson's at 95 %, from the wins rounded against the claim of either end where ties halve one."""
        score = self.wins + self.ties / 2
        low, high = (
            stats.binomtest(wins, self.n).proportion_ci(1 - LEVEL, method="exact")
            for wins in (math.floor(score), math.ceil(score))
        )
        return float(low.low), float(high.high)


def paired(a: Floats, b: Floats, level: float = LEVEL, family: int = 1) -> Paired:
    """Compares values of the same seeds, in one order; see `paired_rows`."""
    return next(paired_rows(np.asarray(a, np.float64)[None], np.asarray(b, np.float64)[None], [family], level))


def paired_rows(a: Floats, b: Floats, families: Sequence[int], level: float = LEVEL) -> Iterator[Paired]:
    """Compares rows of values, each a comparison of its own.

    Args:
        a: (comparisons, seeds); of a diverged run the worst there is, which may be infinite.
        b: likewise, of the other cells.
        families: for each comparison, how many it is corrected for.
        level: of the families.

    Raises:
        ValueError: different numbers of values, none, or some that are not numbers.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(
            f"a paired comparison needs as many values on either side, found {a.shape[-1]} and {b.shape[-1]}"
        )
    differences = difference(a, b)
    if np.isnan(differences).any():
        raise ValueError(f"a paired comparison needs numbers, found {int(np.isnan(differences).sum())} pairs without")
    ranked = np.asarray(np.isinf(differences).any(1))
    tested = differences.copy()
    for place in np.flatnonzero(ranked):
        row = tested[place]
        differing = row != 0
        row[differing] = np.sign(row[differing]) * stats.rankdata(np.abs(row[differing]))
    nothing = (math.nan, math.nan)
    for row, rank, family, test in zip(differences, ranked.tolist(), families, sign_flips(tested), strict=True):
        yield Paired(
            n=test.n,
            informative=test.informative,
            mean=math.nan if rank else test.mean,
            std=float(row.std(ddof=1)) if len(row) > 1 and not rank else math.nan,
            direction=test.mean,
            p_value=test.p_value,
            least_p=test.least_p,
            interval=nothing if rank else test.interval(1 - LEVEL),
            wide=nothing if rank else test.interval(1 - level / family),
            wins=int((row < 0).sum()),
            losses=int((row > 0).sum()),
            ties=int((row == 0).sum()),
            level=level,
            family=family,
            method=test.method,
        )


def difference(a: Floats, b: Floats) -> Floats:
    """A minus b, 0 where they are equal, infinite ones included."""
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, a - b)


def median_rows(a: Floats, b: Floats, families: Sequence[int], level: float = LEVEL) -> Iterator[Paired]:
    """The same for the median difference: the two-sided sign test, ties left out, and order statistics as intervals.

    What is called `mean` of the result is the median of the differences.

    Args:
        a: as in `paired_rows`.
        b: likewise.
        families: likewise.
        level: likewise.
    """
    differences = np.sort(difference(a, b), axis=1)
    with np.errstate(invalid="ignore"):  # halfway between two infinite ones
        medians = np.median(differences, axis=1)
    for row, median, family in zip(differences, medians.tolist(), families, strict=True):
        wins, losses = int((row < 0).sum()), int((row > 0).sum())
        differing = wins + losses
        yield Paired(
            n=len(row),
            informative=differing,
            mean=median,
            std=math.nan,
            direction=float(losses - wins),
            p_value=float(stats.binomtest(wins, differing).pvalue) if differing else 1.0,
            least_p=2.0 ** (1 - differing) if differing else 1.0,
            interval=_ends(row, LEVEL),
            wide=_ends(row, level / family),
            wins=wins,
            losses=losses,
            ties=len(row) - differing,
            level=level,
            family=family,
        )


def _ends(ordered: Floats, level: float) -> tuple[float, float]:
    """Order statistics that hold the median with a chance of at least 1 − level; infinite where n is too small."""
    place = beyond(len(ordered), level)
    return (float(ordered[place - 1]), float(ordered[-place])) if place else (-math.inf, math.inf)


def verdict(found: Paired, p_holm: float, region: float) -> str:
    """What a comparison says of a, the first that holds: too few seeds, equivalent, better or worse, undecided.

    Cells that are equal on every seed have no differing pair to test, so that only their number of seeds counts.

    Args:
        found: the comparison.
        p_holm: its p-value, corrected.
        region: differences within ± region do not matter; declared beforehand.
    """
    same = not found.informative and found.n >= least_seeds(found.family, found.level)
    if found.least_p * found.family > found.level and not same:
        return f"{Verdict.TOO_FEW}: needs ≥ {_least(found)}"
    low, high = found.wide
    if -region <= low and high <= region:
        return Verdict.EQUIVALENT
    if p_holm <= found.level:
        return Verdict.BETTER if found.direction < 0 else Verdict.WORSE
    return Verdict.UNDECIDED


def least_seeds(family: int, level: float) -> int:
    """Differing pairs without which no difference could be found: the least n with 2^(1−n) · family ≤ level."""
    return 1 + math.ceil(math.log2(family / level) - 1e-12)


def needed_seeds(found: Paired, region: float) -> int | None:
    """Seeds with which the observed difference and spread, were they the true ones, would be decided 4 times in 5.

    Decided as different, or as equivalent where the difference lies within ± region, whichever takes fewer; at the
    level divided by the family, by the normal approximation: n = (std / e)², where e is the standard error of the mean
    that leaves such a chance. None where there is no such number.
    """
    if math.isnan(found.mean) or math.isnan(found.std):
        return None
    distance, z = abs(found.mean), float(stats.norm.isf(found.level / found.family / 2))
    error = distance / (z + float(stats.norm.ppf(_POWER)))
    if distance < (1 - 1e-6) * region:

        def missing(error: float) -> float:
            inside = stats.norm.cdf((region - distance) / error - z) + stats.norm.cdf((region + distance) / error - z)
            return float(inside) - 1 - _POWER

        error = max(error, float(optimize.brentq(missing, region / 1e9, region)))
    return max(_least(found), math.ceil((found.std / error) ** 2)) if error else None


def _least(found: Paired) -> int:
    """Seeds that would have as many differing pairs as are needed, if a like share of them differs."""
    share = found.informative / found.n if found.informative else 1.0
    return math.ceil(least_seeds(found.family, found.level) / share - 1e-9)
