"""The permutation distribution of the studentised difference of two means, for every shift of the first sample.

The statistic of an assignment of the values to the two samples is (mean A − mean B) / √(s²A/n + s²B/m), two-sided by
its absolute value.
"""

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairgrid.experiments.analysis.statistics.exact import Floats

EXACT_UP_TO = 200_000  # assignments to the two samples
ASSIGNMENTS = 99_999  # of Monte Carlo
_BLOCK = 2**18  # numbers in memory at once, of a block of assignments
_TIED = 1e-9  # relative: squared statistics closer than this are equal but for rounding
_ROUNDING = 1e-13  # of the largest value: differences and deviations below are rounding
_STEPS = 2**16  # of the grid on which an interval ends, per standard error
_SCANNED = 256  # shifts on each side at which the p-value is computed before bisecting


@dataclass(frozen=True)
class Null:
    """The assignments of a test, each by the coefficients that give its statistic for any shift of x.

    Once x is moved down by θ, an assignment's difference of means is linear in θ − offset, and its squared standard
    error is quadratic. Coefficients are in ascending order of the power; every array is (assignments,).

    Attributes:
        means: coefficients of the difference of means, two arrays.
        variances: coefficients of the squared standard error, three arrays.
        always: assignments that are extreme for every shift: the observed one, and its exchange where sizes are equal.
        offset: median x − median y; coefficients are around it, which keeps digits where the samples lie far apart.
        difference: mean x − mean y.
        standard_error: of the difference.
        rounding: the largest difference of values that is only rounding.
        seed: of the assignments; None where all are used.
    """

    means: tuple[Floats, Floats]
    variances: tuple[Floats, Floats, Floats]
    always: int
    offset: float
    difference: float
    standard_error: float
    rounding: float
    seed: int | None

    @property
    def assignments(self) -> int:
        """Number of assignments."""
        return len(self.means[0])

    def p_value(self, extreme: int) -> float:
        """The p-value of a number of assignments at least as extreme as the observed one."""
        return extreme / self.assignments if self.seed is None else (extreme + 1) / (self.assignments + 1)

    def extreme(self, shift: float) -> int:
        """Assignments at least as extreme as the observed one when x is moved down by a shift."""
        observed = self.difference - shift
        if abs(observed) <= self.rounding:
            return self.assignments
        down = shift - self.offset
        means = np.abs(self.means[0] + down * self.means[1])
        variances = self.variances[0] + down * (self.variances[1] + down * self.variances[2])
        if not self.standard_error:
            return int(((variances <= self.rounding**2) & (means > self.rounding)).sum())
        # means² / variances ≥ observed² / standard_error², which holds where variances are 0
        bound = (observed / self.standard_error) ** 2 * (1 - _TIED)
        return int(((means**2 >= bound * variances) & (means > self.rounding)).sum())

    def end(self, miss: float, side: int) -> float:
        """The outermost shift on one side of the difference (−1, 1) that is not rejected at a level."""
        # the least number of extreme assignments whose p-value is above the level
        drawn = 0 if self.seed is None else 1
        needed = math.floor(miss * (self.assignments + drawn) * (1 + 1e-12)) + 1 - drawn
        if self.always >= needed:
            return side * math.inf
        if not self.standard_error:
            return self.difference
        step = self.standard_error / _STEPS

        def accepted(place: int) -> bool:
            return self.extreme(self.difference + side * place * step) >= needed

        # a shift of 0 that is not rejected lies inside, wherever the crossings are
        least = (
            math.floor(abs(self.difference) / step) if side * self.difference < 0 and self.extreme(0.0) >= needed else 0
        )
        reach, rejected = _STEPS, 0
        while rejected < 3 or reach <= least:  # in a row, as the p-value may rise again
            reach *= 2
            rejected = 0 if accepted(reach) else rejected + 1
        outside = inside = reach
        for number in reversed(range(_SCANNED)):
            outside, inside = inside, least + (reach - least) * number // _SCANNED
            if accepted(inside):
                break
        while outside - inside > 1:
            middle = (inside + outside) // 2
            inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
        return self.difference + side * outside * step


def null_distribution(x: Floats, y: Floats) -> Null:
    """All assignments, or random ones where they are too many.

    Args:
        x: values of the first sample, in ascending order.
        y: values of the second, in ascending order.
    """
    n, m = len(x), len(y)
    rounding = _ROUNDING * max(float(np.abs(x).max()), float(np.abs(y).max()))
    x_median, y_median = float(np.median(x)), float(np.median(y))
    centered = np.concatenate([x - x_median, y - y_median])
    from_x = np.repeat([1.0, 0.0], [n, m])
    digest = hashlib.sha256(f"{n} {m} ".encode() + x.astype("<f8").tobytes() + y.astype("<f8").tobytes())
    seed = None if math.comb(n + m, n) <= EXACT_UP_TO else int.from_bytes(digest.digest()[:8], "big")
    blocks = []
    always = 0
    for assigned in _assignments(n, n + m, seed):
        first, second = _moments(assigned, centered, from_x, n), _moments(1 - assigned, centered, from_x, m)
        blocks.append(np.stack([*(first[:2] - second[:2]), *(first[2:] + second[2:])]))
        moved = assigned @ from_x
        always += int(((moved == n) | ((moved == 0) & (n == m))).sum())
    means, slopes, constant, linear, quadratic = np.concatenate(blocks, axis=1)
    difference = x_median - y_median + float(centered[:n].mean()) - float(centered[n:].mean())
    variances = [
        float(part.var(ddof=1)) / len(part) for part in (centered[:n], centered[n:]) if np.ptp(part) > rounding
    ]
    return Null(
        means=(means, slopes),
        variances=(constant, linear, quadratic),
        always=always,
        offset=x_median - y_median,
        difference=difference if abs(difference) > rounding else 0.0,
        standard_error=math.sqrt(sum(variances)),
        rounding=rounding,
        seed=seed,
    )


def _moments(assigned: Floats, centered: Floats, from_x: Floats, size: int) -> Floats:
    """Coefficients of the mean, two, and of its squared standard error, three, of one sample of every assignment.

    Args:
        assigned: 1 where a value is in the sample, (assignments, n + m).
        centered: values, each minus the median of the sample that it came from.
        from_x: 1 where a value came from x and is moved.
        size: values in the sample.
    """
    moved = assigned @ from_x
    mean = assigned @ centered / size
    deviations = (centered - mean[:, None]) * assigned
    # Var(v − θg) = Var(v) − 2θ Cov(v, g) + θ² Var(g), with g = 1 for what is moved
    products = np.stack([(deviations**2).sum(1), -2 * (deviations @ from_x), moved * (size - moved) / size])
    products[1, (moved == 0) | (moved == size)] = 0.0
    result: Floats = np.concatenate([[mean, -moved / size], products / ((size - 1) * size)])
    return result


def _assignments(n: int, total: int, seed: int | None) -> Iterator[Floats]:
    """Blocks of assignments, (assignments, total), 1 where a value is in the first sample; all if seed is None."""
    rows = max(1, _BLOCK // total)
    if seed is None:
        chosen = itertools.combinations(range(total), n)
        while block := list(itertools.islice(chosen, rows)):
            yield _indicators(np.array(block), total)
        return
    stream = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, ASSIGNMENTS, rows):
        keys = stream.random((min(rows, ASSIGNMENTS - start), total))
        yield _indicators(np.argpartition(keys, n - 1, axis=1)[:, :n], total)


def _indicators(chosen: NDArray[np.intp], total: int) -> Floats:
    """1 at the chosen places of every row, 0 elsewhere: (rows, n) to (rows, total)."""
    indicators = np.zeros((len(chosen), total))
    np.put_along_axis(indicators, chosen, 1.0, axis=1)
    return indicators
