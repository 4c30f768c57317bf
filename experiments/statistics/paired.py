"""One comparison of two cells, seed by seed: how far apart, how sure, who is better how often, and the verdict."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.statistics.signflip import Floats, SignFlip, sign_flip

EXPLORATORY = 7  # seeds; below, a comparison is a look, not a finding
_POWER = 0.8  # with which the seeds that are said to be needed would decide


@dataclass(frozen=True)
class Paired:
    """Two cells on the same seeds; differences are of a minus b, and less is better.

    Attributes:
        test: the sign-flip test of the differences.
        std: of the differences.
        wins, losses, ties: seeds on which a is better, worse, equal.
    """

    test: SignFlip
    std: float
    wins: int
    losses: int
    ties: int

    @property
    def probability(self) -> float:
        """That a is better than b on a seed, a tie counting one half."""
        return (self.wins + self.ties / 2) / self.test.n

    def probability_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Clopper and Pearson's, from the wins rounded against the claim of either end where ties halve one."""
        n, score = self.test.n, self.wins + self.ties / 2
        low = stats.binomtest(math.floor(score), n).proportion_ci(level, method="exact").low
        high = stats.binomtest(math.ceil(score), n).proportion_ci(level, method="exact").high
        return float(low), float(high)


def paired(a: Floats, b: Floats, seed: int = 0) -> Paired:
    """Compares values of the same seeds, in one order.

    Args:
        a: one per seed, finite; of a diverged run the worst there is.
        b: likewise, of the other cell.
        seed: of the test's patterns.

    Raises:
        ValueError: different numbers of values, none, or some that are not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"a paired comparison needs as many values on either side, found {len(a)} and {len(b)}")
    differences = a - b
    std = float(differences.std(ddof=1)) if len(differences) > 1 else math.nan
    wins, losses = int((a < b).sum()), int((a > b).sum())
    return Paired(sign_flip(differences, seed), std, wins, losses, len(a) - wins - losses)


def verdict(found: Paired, p_holm: float, family: int, region: float, level: float) -> str:
    """What a comparison says of a, the first that holds: too few seeds, equivalent, better or worse, undecided.

    Args:
        found: the comparison.
        p_holm: its p-value, corrected.
        family: comparisons that it was corrected for.
        region: differences within ± region do not matter; declared beforehand.
        level: of the family.
    """
    if found.test.least_p * family > level:
        return f"too few seeds: needs ≥ {least_seeds(family, level)}"
    low, high = found.test.interval(1 - level / family)
    if -region <= low and high <= region:
        return "equivalent"
    if p_holm <= level:
        return "better" if found.test.mean < 0 else "worse"
    return "undecided"


def least_seeds(family: int, level: float) -> int:
    """Seeds without which no difference could be found: the least n with 2^(1−n) · family ≤ level."""
    return 1 + math.ceil(math.log2(family / level) - 1e-12)


def needed_seeds(found: Paired, family: int, level: float) -> int | None:
    """Seeds that would tell the observed difference from none four times in five; None for more than 10⁹, or none.

    By the normal approximation, n = ((z₁ + z₂) std / mean)², at the level divided by the family.
    """
    if not found.test.mean or not found.std:
        return None
    z = stats.norm.isf(level / family / 2) + stats.norm.ppf(_POWER)
    needed = (z * found.std / found.test.mean) ** 2
    return max(least_seeds(family, level), math.ceil(needed)) if needed <= 1e9 else None
