"""Comparisons across problems, each problem one observation, after Demšar 2006.

Friedman's test asks whether any of three or more contestants differ; Wilcoxon's signed-rank test, by permutation,
compares each pair, and Holm's adjustment is the caller's, who knows the family. A performance profile (Dolan and Moré
2002) is the share of problems on which a contestant's error is within a factor of the best one's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEAST_PROBLEMS = 6
_DIGITS = 12  # of errors; beyond is rounding
_PATTERNS = 99_999  # of signs; all of them, and the test exact, for up to 16 problems


@dataclass(frozen=True)
class SignedRank:
    """Two contestants.

    Attributes:
        wins, losses, ties: problems on which the first has the lower, higher, same error.
        difference: the median over problems, of the first's error less the second's.
        direction: the sum of signed ranks, negative where the first is better.
        p_value: two-sided.
        least_p: the smallest p-value that so many problems, ties aside, can give.
    """

    wins: int
    losses: int
    ties: int
    difference: float
    direction: float
    p_value: float
    least_p: float


def rank(errors: Floats) -> Floats:
    """Ranks within each problem, 1 the lowest error, equal errors sharing theirs. Shapes: (P, K) → (P, K)."""
    ranks: Floats = stats.rankdata(_rounded(errors), axis=1)
    return ranks


def friedman(errors: Floats) -> tuple[float, float]:
    """Friedman's χ² and p-value of K ≥ 3 contestants on P problems, (P, K).

    Raises:
        ValueError: fewer than six problems or three contestants.
    """
    problems, contestants = errors.shape
    _enough(problems)
    if contestants < 3:
        raise ValueError(f"Friedman's test needs at least 3 contestants, found {contestants}")
    ranks = rank(errors)
    if (ranks == ranks[:, :1]).all():  # all tied everywhere: χ² is 0/0
        return 0.0, 1.0
    result = stats.friedmanchisquare(*ranks.T)
    return float(result.statistic), float(result.pvalue)


def signed_rank(first: Floats, second: Floats) -> SignedRank:
    """Wilcoxon's signed-rank test of two contestants' errors on P problems, (P,) each, ties split between the sides.

    Raises:
        ValueError: fewer than six problems.
    """
    _enough(len(first))
    difference = _rounded(np.asarray(first, np.float64) - np.asarray(second, np.float64))
    wins, losses = int((difference < 0).sum()), int((difference > 0).sum())
    p_value = 1.0
    if wins + losses:
        method = stats.PermutationMethod(n_resamples=_PATTERNS, rng=np.random.default_rng(0))
        p_value = float(stats.wilcoxon(difference, zero_method="zsplit", method=method).pvalue)
    return SignedRank(
        wins,
        losses,
        len(difference) - wins - losses,
        float(np.median(difference)),
        float(np.sign(difference) @ stats.rankdata(np.abs(difference))),
        p_value,
        min(1.0, 2.0 ** (1 - wins - losses)),
    )


def ratios(errors: Floats, floor: Floats) -> Floats:
    """Each error over the best one's of its problem. Shapes: (P, K), (P,) → (P, K).

    Args:
        errors: the errors of every contestant.
        floor: the least error that a problem's test set resolves; lower ones, 0 among them, count as it.
    """
    raised = np.maximum(errors, floor[:, None])
    ratios_to_best: Floats = raised / raised.min(1, keepdims=True)
    return ratios_to_best


def _enough(problems: int) -> None:
    if problems < LEAST_PROBLEMS:
        raise ValueError(f"a test across problems needs at least {LEAST_PROBLEMS} of them, found {problems}")


def _rounded(values: Floats) -> Floats:
    rounded: Floats = np.round(values, _DIGITS) + 0.0
    return rounded
