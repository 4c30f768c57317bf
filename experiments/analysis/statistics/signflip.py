"""The paired sign-flip permutation test, and the interval that is the test inverted.

Under the null hypothesis that paired differences are symmetric about θ, every pattern of signs of (d − θ) is equally
likely. The test of θ is two-sided on the mean; the interval holds every θ that it does not reject. A pattern is extreme
for some θ below the mean if the mean of the flipped differences, or of the kept ones, is at most θ: so the interval's
ends are order statistics of subset means (Hartigan 1969), and test and interval agree by construction.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXACT_UP_TO = 16  # pairs: 2¹⁶ patterns
PATTERNS = 99_999  # of Monte Carlo
_BLOCK = 4096  # patterns in memory at once
_GROUP = 256  # tests on the same patterns at once: 200 MB of sums
_DIGITS = 13  # of means, beyond which they are rounding


@dataclass(frozen=True)
class SignFlip:
    """A finished test.

    Attributes:
        n: pairs. informative: pairs that differ.
        mean: of the differences.
        p_value: two-sided, of a mean of zero.
        least_p: the smallest p-value that so many informative pairs can give.
        lower, upper: for every pattern the mean up to, or from, which it is extreme, sorted.
        exact: whether all patterns were used.
    """

    n: int
    informative: int
    mean: float
    p_value: float
    least_p: float
    lower: Floats
    upper: Floats
    exact: bool

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Every mean that the test does not reject at 1 − level; infinite where n is too small to reject any."""
        total = len(self.lower) if self.exact else len(self.lower) + 1
        # the least number of extreme patterns whose p-value is above 1 − level
        needed = math.floor((1 - level) * total * (1 + 1e-12)) + 1 - (0 if self.exact else 1)
        if needed < 1:
            return float(self.lower[0]), float(self.upper[-1])
        return float(self.lower[needed - 1]), float(self.upper[-needed])


def sign_flip(differences: Floats, seed: int = 0) -> SignFlip:
    """Tests paired differences.

    Args:
        differences: one per pair, finite.
        seed: of the Monte Carlo patterns, which are used beyond 16 pairs.

    Raises:
        ValueError: no differences, or some that are not finite: they are never left out silently.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or not len(d):
        raise ValueError(f"the sign-flip test needs a list of differences, found shape {d.shape}")
    return next(sign_flips(d[None], seed))


def sign_flips(differences: Floats, seed: int = 0) -> Iterator[SignFlip]:
    """Tests many rows of paired differences on the same patterns, each as `sign_flip` does.

    Args:
        differences: (tests, pairs), finite.
        seed: of the Monte Carlo patterns, which are used beyond 16 pairs.

    Raises:
        ValueError: no pairs, or some differences that are not finite.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 2 or not d.shape[1]:
        raise ValueError(f"sign-flip tests need rows of differences, found shape {d.shape}")
    if not np.isfinite(d).all():
        raise ValueError(f"the sign-flip test needs finite differences, found {int((~np.isfinite(d)).sum())} others")
    for start in range(0, len(d), _GROUP):
        rows = d[start : start + _GROUP]
        flipped, sums = [], []
        for patterns in _patterns(d.shape[1], seed):
            flipped.append(patterns.sum(1))
            sums.append(patterns @ rows.T)
        counts = np.concatenate(flipped)
        for row, flipped_sums in zip(rows, np.ascontiguousarray(np.concatenate(sums).T), strict=True):
            yield _finished(row, counts, flipped_sums)


def _finished(d: Floats, flipped: Floats, flipped_sum: Floats) -> SignFlip:
    """One test from the number of flipped signs of every pattern and the sum of the differences that they are of."""
    # sums that are equal but for rounding count as equal
    tolerance = 1e-12 * float(np.abs(d).sum()) + 1e-300
    exact = len(d) <= EXACT_UP_TO
    kept_sum = d.sum() - flipped_sum
    extreme = int((np.abs(kept_sum - flipped_sum) >= abs(d.sum()) - tolerance).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        flipped_mean, kept_mean = flipped_sum / flipped, kept_sum / (len(d) - flipped)
    # nothing flipped, or all: extreme for every θ
    trivial = (flipped == 0) | (flipped == len(d))
    lows = np.where(trivial, -np.inf, np.fmin(flipped_mean, kept_mean))
    highs = np.where(trivial, np.inf, np.fmax(flipped_mean, kept_mean))
    # means that are equal but for rounding, too: an interval that ends at 0 holds it, as the test does not reject it
    decimals = _DIGITS - math.ceil(math.log10(max(float(np.abs(d).mean()), 1e-280)))
    lower, upper = (np.sort(means.round(decimals) + 0.0) for means in (lows, highs))
    informative = int((np.abs(d) > tolerance).sum())
    patterns = len(flipped)
    least = 2.0 ** (1 - informative) if informative else 1.0
    return SignFlip(
        n=len(d),
        informative=informative,
        mean=float(d.mean()),
        p_value=extreme / patterns if exact else (extreme + 1) / (patterns + 1),
        least_p=least if exact else max(least, 1 / (patterns + 1)),
        lower=lower,
        upper=upper,
        exact=exact,
    )


def _patterns(n: int, seed: int) -> Iterator[Floats]:
    """Blocks of patterns, (patterns, n), 1 where a sign is flipped."""
    if n <= EXACT_UP_TO:
        numbers = np.arange(2**n)
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK, None]
            yield ((block >> np.arange(n)) & 1).astype(np.float64)
        return
    stream = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, PATTERNS, _BLOCK):
        yield stream.integers(0, 2, (min(_BLOCK, PATTERNS - start), n), dtype=np.int8).astype(np.float64)


def holm(p_values: Floats) -> Floats:
    """Holm's adjusted p-values of a family. Holm 1979."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted
