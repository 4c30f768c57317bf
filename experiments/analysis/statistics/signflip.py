"""The paired sign-flip permutation test, and the interval that is the test inverted.

Under the null hypothesis that paired differences are symmetric about θ, every pattern of signs of (d − θ) is equally
likely. The test of θ is two-sided on the mean; the interval holds every θ that it does not reject (Hartigan 1969). On
either side of the mean the p-value falls with the distance, so that an end is found by evaluating few points of a grid.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from fairgrid.experiments.analysis.statistics.exact import Floats, Method, Null, null_distribution

_NORMAL = NormalDist()


@dataclass(frozen=True)
class SignFlip:
    """A finished test.

    Attributes:
        differences: of the pairs, (n,).
        mean: their mean.
        informative: the number of pairs that differ.
        p_value: two-sided, of a mean of zero.
        least_p: the smallest p-value that so many informative pairs can give.
    """

    differences: Floats
    mean: float
    informative: int
    p_value: float
    least_p: float

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.differences)

    @property
    def step(self) -> float:
        """The distance of the grid points on which the ends of intervals lie."""
        return self._null.step

    @property
    def method(self) -> Method:
        """How the p-value was computed."""
        return self._null.method

    @cached_property
    def _null(self) -> Null:
        return null_distribution(self.differences)

    @cached_property
    def _mirrored(self) -> Null:
        return null_distribution(-self.differences)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The means that the test does not reject at 1 − level; infinite where n is too small to reject any.

        Ends lie on the grid of the differences' distribution, outwards.
        """
        alpha = 1 - level
        if 2.0 ** (1 - self.n) > alpha:
            return -math.inf, math.inf
        return (
            _lower_end(self._null, self.differences, alpha),
            0.0 - _lower_end(self._mirrored, -self.differences, alpha),
        )


def sign_flip(differences: Floats) -> SignFlip:
    """Tests paired differences.

    Args:
        differences: one per pair, finite, (n,).

    Raises:
        ValueError: no differences, or some that are not finite: they are never left out silently.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or not len(d):
        raise ValueError(f"the sign-flip test needs a list of differences, found shape {d.shape}")
    _check(d)
    null = null_distribution(d)
    informative = int((np.abs(d) > 1e-12 * np.abs(d).sum()).sum())
    test = SignFlip(
        differences=d,
        mean=float(d.mean()),
        informative=informative,
        p_value=null.p_value(0),
        least_p=2.0 ** (1 - informative) if informative else 1.0,
    )
    test.__dict__["_null"] = null
    return test


def _check(d: Floats) -> None:
    if not np.isfinite(d).all():
        raise ValueError(f"the sign-flip test needs finite differences, found {int((~np.isfinite(d)).sum())} others")


def sign_flips(differences: Floats) -> Iterator[SignFlip]:
    """Tests rows of paired differences, each as `sign_flip` does.

    Args:
        differences: finite, (tests, pairs).

    Raises:
        ValueError: no pairs, or some differences that are not finite.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 2 or not d.shape[1]:
        raise ValueError(f"sign-flip tests need rows of differences, found shape {d.shape}")
    _check(d)
    yield from map(sign_flip, d)


def _lower_end(null: Null, differences: Floats, alpha: float) -> float:
    """The largest grid point at or below the least mean that the test does not reject.

    A bracket of grid points, rejected and not, is narrowed: by interpolation of the normal quantiles of their p-values,
    which are nearly linear in the mean, and by halving where that does not help.

    Args:
        null: the distribution of the differences.
        differences: the differences.
        alpha: the level, at least the least p-value.
    """
    mean = float(differences.mean())
    rejected = math.floor(float(differences.min()) / null.step + 1e-9) - 1  # its p-value is the least there is
    kept = max(rejected + 1, math.floor(mean / null.step + 1e-9))
    p_kept = null.p_value(kept)
    if p_kept <= alpha:  # no grid point between the end and the mean
        return null.mean_at(kept)
    target = _quantile(alpha)
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    guess = (mean - target * error) / null.step
    evaluated = [(kept, _quantile(p_kept))]
    while kept - rejected > 1:
        place = _candidate(guess, rejected, kept, halve=len(evaluated) % 5 == 0)
        p = null.p_value(place)
        if p > alpha:
            kept = place
        else:
            rejected = place
        evaluated.append((place, _quantile(p)))
        guess = _crossing(evaluated, target)
    return null.mean_at(kept if null.p_below(kept) <= alpha else rejected)


def _candidate(guess: float, rejected: int, kept: int, halve: bool) -> int:
    """The point to evaluate next, strictly between two.

    Multiples of a high power of ten come first: on a lattice they share a divisor, which makes them cheap.
    """
    if halve or not rejected < guess < kept:
        guess = (rejected + kept) / 2
    stride = 10 ** max(0, math.floor(math.log10(kept - rejected)))
    while stride > 1 and (kept - 1) // stride * stride <= rejected:
        stride //= 10
    place = stride * round(guess / stride)
    return int(min(max(place, (rejected // stride + 1) * stride), (kept - 1) // stride * stride))


def _quantile(p: float) -> float:
    """The normal quantile of a two-sided p-value."""
    return -_NORMAL.inv_cdf(max(p, 1e-300) / 2) if p < 1 else 0.0


def _crossing(evaluated: list[tuple[int, float]], target: float) -> float:
    """Where the line through the two evaluated points nearest a quantile reaches it."""
    (one, y), (other, z) = sorted(evaluated, key=lambda point: abs(point[1] - target))[:2]
    return math.inf if y == z else one + (target - y) * (other - one) / (z - y)


def holm(p_values: Floats) -> Floats:
    """Holm's adjusted p-values of a family. Holm 1979."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted
