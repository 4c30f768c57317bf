"""The exact null distribution of the sign-flip test, without enumerating patterns.

Under the null hypothesis that differences d are symmetric about θ, every pattern of signs of w = d − θ is equally
likely. With a = |w| and D = |Σ w|, a pattern is as extreme as the data if the terms that it makes negative, or those
that it leaves positive, sum to at most (Σ a − D) / 2. So the two-sided p-value is twice the probability that a uniform
random subset of a sums to at most that, and at most 1.

- `Lattice`: all differences are multiples of one unit, as those of error counts are. The distribution of subset sums is
  a recursion over integers whose terms are all positive: the relative error is at most n · 2⁻⁵³.
- `Halves`: any other differences of at most 32 pairs. Subset sums of either half are sorted and matched
  (Horowitz and Sahni 1974).
- `Rounded`: any other differences. Each a is rounded to a multiple of max a / 2¹³, or 2¹¹ for more than 200 pairs. What
  that changes is bounded by Hoeffding's inequality, which brackets the p-value; the larger bound is used.
"""

import math
from abc import ABC, abstractmethod
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MATCHED = 32  # pairs up to which halves are matched
_LEVELS, _FEWER = 2**13, 2**11  # of rounding, of up to and of more than _MANY differences
_DENOMINATOR = 100_000  # of one difference on a lattice
_COMMON = 1_000_000  # of all of them
_WORK = 4e9  # additions of one evaluation, about a second
_SUMS = 2e7  # numbers in memory, twice 160 MB at most
_MANY = 200  # differences, of which away from 0 a little probability may be left out
_MISSING = 1e-12  # so much
_ROUNDING = 1e-12  # of the sum of absolute values: sums that are equal but for it are equal
_FINE = 1e-4  # a grid of errors that needs not be finer


class Method(StrEnum):
    """How a p-value was computed."""

    EXACT = "exact"
    BRACKET = "upper bound"  # of a bracket


class Null(ABC):
    """The null distribution of some differences, at means on a grid.

    Attributes:
        method: how p-values are computed.
        step: the distance of grid points.
    """

    method: Method = Method.EXACT
    step: float

    @abstractmethod
    def p_value(self, place: int) -> float:
        """The two-sided p-value of the mean `place * step`."""

    def p_below(self, place: int) -> float:
        """The p-value of means just below `place * step`, which is below the mean of the differences.

        A method that cannot tell gives that of the mean itself.
        """
        return self.p_value(place)

    def mean_at(self, place: int) -> float:
        """The mean of a grid point."""
        return place * self.step


class Lattice(Null):
    """The distribution of differences that are multiples of 1 / denominator.

    Args:
        multiples: the differences times the denominator, (n,).
        denominator: the number of lattice points in 1.
    """

    def __init__(self, multiples: Integers, denominator: int) -> None:
        grid = max(_grid(_spread(multiples) / denominator), _FINE)
        per_unit = max(1, math.ceil(1 / (grid * denominator) - 1e-9))
        self._points = denominator * per_unit
        self._multiples = multiples * per_unit
        self._computed: dict[int, tuple[float, float]] = {}
        self.step = 1 / self._points

    def p_value(self, place: int) -> float:
        """See `Null`."""
        return self._p_values(place)[0]

    def p_below(self, place: int) -> float:
        """See `Null`; patterns that are exactly as extreme are left out, but for the data and their mirror image."""
        return self._p_values(place)[1]

    def mean_at(self, place: int) -> float:
        """See `Null`."""
        return place / self._points

    def _p_values(self, place: int) -> tuple[float, float]:
        if place not in self._computed:
            self._computed[place] = self._compute(place)
        return self._computed[place]

    def _compute(self, place: int) -> tuple[float, float]:
        shifted = self._multiples - place
        sizes = np.sort(np.abs(shifted[shifted != 0]))
        if not len(sizes):
            return 1.0, 2.0 ** (1 - len(shifted))
        divisor = int(np.gcd.reduce(sizes))
        sizes //= divisor
        limit = (int(sizes.sum()) - abs(int(shifted.sum())) // divisor) // 2
        counts, halvings = subset_sums(sizes, limit, _MISSING if place and len(sizes) > _MANY else 0.0)
        ratio = 2.0 ** (1 - len(sizes) + halvings)
        p = min(1.0, float(counts.sum()) * ratio)
        return p, min(1.0, float(counts[:-1].sum()) * ratio + 2.0 ** (1 - len(shifted)))


def subset_sums(sizes: Integers, limit: int, missing: float = 0.0) -> tuple[Floats, int]:
    """How many subsets of some positive integers have each sum up to a limit.

    After every integer only sums are kept from which the limit is reached with a probability that counts: Hoeffding's
    inequality bounds what is left out.

    Args:
        sizes: the integers, ascending.
        limit: the largest sum that is counted.
        missing: a bound of the probability that may be left out; without one none is.

    Returns:
        The counts, (limit + 1,), divided by two to the second number, which is 0 for fewer than 900 integers.
    """
    lows, highs = _windows(sizes, limit, missing)
    counts, following = np.zeros(limit + 1), np.zeros(limit + 1)  # two buffers: adding in place would copy
    counts[0] = 1.0
    low, high, halvings = 0, 0, 0
    for number, (size, new_low, new_high) in enumerate(zip(sizes.tolist(), lows, highs, strict=True)):
        new_low, new_high = max(new_low, low), min(new_high, high + size)
        last, first = min(high, new_high), max(new_low, low + size)  # of sums without and with this integer
        if last >= first:
            following[new_low:first] = counts[new_low:first]
            np.add(counts[first : last + 1], counts[first - size : last + 1 - size], out=following[first : last + 1])
            following[last + 1 : new_high + 1] = counts[last + 1 - size : new_high + 1 - size]
        else:
            following[new_low : last + 1] = counts[new_low : last + 1]
            following[max(last + 1, new_low) : first] = 0.0
            following[first : new_high + 1] = counts[first - size : max(first, new_high + 1) - size]
        counts, following, low, high = following, counts, new_low, new_high
        if number % 900 == 899:  # before 2¹⁰²³
            counts[low : high + 1] *= 2.0**-900
            halvings += 900
    counts[:low] = 0.0
    counts[high + 1 :] = 0.0
    return counts, halvings


def _windows(sizes: Integers, limit: int, missing: float) -> tuple[list[int], list[int]]:
    """The least and the greatest sum that is kept after every integer."""
    sums = np.cumsum(sizes)
    if not missing:
        return [0] * len(sizes), np.minimum(sums, limit).tolist()
    squares = np.cumsum(sizes.astype(np.float64) ** 2)
    deviations = math.sqrt(math.log(2 * len(sizes) / missing) / 2)
    lows = np.ceil(sums / 2 - deviations * np.sqrt(squares)).clip(0)
    ahead = (sums[-1] - sums) / 2 - deviations * np.sqrt((squares[-1] - squares).clip(0))
    highs = np.floor(limit - ahead).clip(-1, np.minimum(sums, limit))
    return lows.astype(np.int64).tolist(), highs.astype(np.int64).tolist()


class Halves(Null):
    """The distribution of any differences, by matching subset sums of two halves.

    Args:
        differences: at most 32, (n,).
    """

    def __init__(self, differences: Floats) -> None:
        self._differences = np.sort(differences)
        self.step = _grid(_spread(differences))

    def p_value(self, place: int) -> float:
        """See `Null`."""
        shifted = self._differences - self.mean_at(place)
        sizes, minor, tolerance = _minor_side(shifted)
        if minor is None:
            return 1.0
        middle = len(sizes) // 2
        first, second = _sums(sizes[:middle]), np.sort(_sums(sizes[middle:]))
        matched = int(np.searchsorted(second, minor + tolerance - first, "right").sum())
        return min(1.0, matched * 2.0 ** (1 - len(sizes)))


class Rounded(Null):
    """A bracket of the distribution of any differences, wrong with a probability of 10⁻¹² at most.

    Args:
        differences: the differences, (n,).
    """

    method = Method.BRACKET

    def __init__(self, differences: Floats) -> None:
        self._differences = np.sort(differences)
        self.step = _grid(_spread(differences))

    def p_value(self, place: int) -> float:
        """The upper end of `bracket`."""
        return self.bracket(place)[1]

    def bracket(self, place: int) -> tuple[float, float]:
        """Bounds of the p-value of a grid point."""
        shifted = self._differences - self.mean_at(place)
        sizes, minor, tolerance = _minor_side(shifted)
        if minor is None:
            return 1.0, 1.0
        unit = float(sizes.max()) / (_LEVELS if len(sizes) <= _MANY else _FEWER)
        rounded = np.rint(sizes / unit)
        rest = sizes - unit * rounded
        # what rounding takes from a subset's sum: half of the rest, and by Hoeffding's inequality hardly ever more
        slack = math.sqrt(float(rest @ rest) * math.log(2 / _MISSING) / 2)
        ends = ((minor - rest.sum() / 2 + sign * (slack + tolerance)) / unit for sign in (-1, 1))
        least, most = (math.floor(end) for end in ends)
        positive = np.sort(rounded[rounded > 0].astype(np.int64))
        if most < 0:
            return 2.0 ** (1 - len(sizes)), 2 * _MISSING
        counts, halvings = subset_sums(positive, min(most, int(positive.sum())), _MISSING)
        ratio = 2.0 ** (1 - len(positive) + halvings)
        lower = float(counts[: max(0, least + 1)].sum()) * ratio - 2 * _MISSING
        return max(lower, 2.0 ** (1 - len(sizes))), min(1.0, float(counts.sum()) * ratio + 4 * _MISSING)


def _minor_side(shifted: Floats) -> tuple[Floats, float | None, float]:
    """Absolute values, the sum on the side that sums to less (None where neither does), and a bound of rounding."""
    sizes = np.abs(shifted)
    tolerance = _ROUNDING * float(sizes.sum())
    total = float(shifted.sum())
    if abs(total) <= tolerance:
        return sizes, None, tolerance
    return sizes, float(sizes[np.sign(shifted) == -np.sign(total)].sum()), tolerance


def _sums(values: Floats) -> Floats:
    """The sums of all subsets, (2ⁿ,)."""
    sums = np.zeros(1)
    for value in values.tolist():
        sums = np.concatenate([sums, sums + value])
    return sums


def _spread(differences: Floats | Integers) -> float:
    """How far differences lie apart, or if all are equal from 0."""
    return float(np.ptp(differences)) or float(np.abs(differences).max()) or 1.0


def _grid(spread: float) -> float:
    """A power of ten, at most a ten-thousandth of a spread."""
    return 10.0 ** (math.ceil(math.log10(spread) - 1e-9) - 5)


def null_distribution(differences: Floats) -> Null:
    """The null distribution of differences, exact where that is possible.

    Args:
        differences: finite, (n,).
    """
    lattice = on_lattice(differences)
    if lattice is not None:
        multiples, denominator = lattice
        distribution = Lattice(multiples, denominator)
        spread = float(np.abs(multiples - round(multiples.mean())).sum()) / (denominator * distribution.step)
        if spread <= _SUMS and len(differences) * spread <= _WORK:
            return distribution
    return Halves(differences) if len(differences) <= _MATCHED else Rounded(differences)


def on_lattice(differences: Floats) -> tuple[Integers, int] | None:
    """Differences as integers over a common denominator; None where there is no small one.

    A fraction with a denominator up to Q lies within about 1 / Q² of any number, so that one within rounding, 10⁵ times
    closer, is no coincidence where all differences have such fractions and a common denominator.
    """
    scale = float(np.abs(differences).max())
    common = 1
    for value in np.unique(np.abs(differences)).tolist():
        fraction = Fraction(value).limit_denominator(_DENOMINATOR)
        common = math.lcm(common, fraction.denominator)
        if abs(float(fraction) - value) > _ROUNDING * scale or common > _COMMON:
            return None
    if scale * common > 2**53:
        return None
    return np.rint(differences * common).astype(np.int64), common
