"""Comparisons of two cells, seed by seed: how far apart, how sure, who is better how often, and the verdict."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import Floats, Method
from fairgrid.experiments.analysis.statistics.signflip import sign_flips
from fairgrid.experiments.analysis.statistics.summaries import beyond

EXPLORATORY = 7  # seeds; below, a comparison is a look, not a finding
LEVEL = 0.05  # of a family where none is given, and of what intervals that are shown may miss
ONE_SEED, SKEWED = "one seed", "skewed"  # one has more than half of the variance; beyond _SKEWED
_SKEWED = 2
_ROUNDING = 1e-12  # of the largest difference: a smaller spread is none


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
        differences: of a minus b, (n,).
        variances: the variance of a plus that of b; not a number where a value is infinite.
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
    differences: Floats = field(repr=False)
    variances: float = field(default=math.nan, repr=False)
    method: Method = Method.EXACT

    @property
    def probability(self) -> float:
        """That a is better than b on a seed, a tie counting one half."""
        return (self.wins + self.ties / 2) / self.n

    @property
    def unseen(self) -> float:
        """The share of runs that a kind of run which no seed shows may have, at half of the level."""
        return float(1 - (self.level / 2) ** (1 / self.n))

    def within(self, region: float) -> tuple[float, float]:
        """The share of seeds whose difference lies within ± region, and its lower end at 95 % (Clopper and Pearson)."""
        inside = int((np.abs(self.differences) <= region).sum())
        return inside / self.n, float(stats.binomtest(inside, self.n).proportion_ci(1 - LEVEL, method="exact").low)

    @property
    def variance_ratio(self) -> float:
        """The variance of the differences over the sum of both variances: below 1 where pairing helps."""
        return self.std**2 / self.variances if self.variances > 0 else math.nan

    @property
    def marks(self) -> list[str]:
        """What makes the interval of the mean doubtful: it covers 84 to 90 % rather than 95 % where there are marks."""
        if not self.std > _ROUNDING * np.abs(self.differences).max():
            return []
        centred = (self.differences - self.differences.mean()) / self.std
        squares = centred**2
        skewness = float((centred**3).mean() / squares.mean() ** 1.5)
        return [ONE_SEED] * bool(squares.max() > squares.sum() / 2) + [SKEWED] * (abs(skewness) > _SKEWED)

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
        b: the other cells' values, (comparisons, seeds).
        families: for each comparison, how many it is corrected for.
        level: the level of the families.

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
    rows = zip(a, b, differences, ranked.tolist(), families, sign_flips(tested), strict=True)
    for x, y, row, rank, family, test in rows:
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
            differences=row,
            variances=float(x.var(ddof=1) + y.var(ddof=1)) if len(row) > 1 and np.isfinite([x, y]).all() else math.nan,
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
        a: one side's values, (comparisons, seeds); see `paired_rows`.
        b: the other side's.
        families: the number of comparisons that each is corrected for.
        level: the level of the families.
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
            differences=row,
        )


def _ends(ordered: Floats, level: float) -> tuple[float, float]:
    """Order statistics that hold the median with a chance of at least 1 − level; infinite where n is too small."""
    place = beyond(len(ordered), level)
    return (float(ordered[place - 1]), float(ordered[-place])) if place else (-math.inf, math.inf)


def least_seeds(family: int, level: float) -> int:
    """Differing pairs without which no difference could be found: the least n with 2^(1−n) · family ≤ level."""
    return 1 + math.ceil(math.log2(family / level) - 1e-12)


def least_differing(tested: Paired) -> int:
    """Seeds that would have as many differing pairs as are needed, if a like share of them differs."""
    share = tested.informative / tested.n if tested.informative else 1.0
    return math.ceil(least_seeds(tested.family, tested.level) / share - 1e-9)
