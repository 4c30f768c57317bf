"""How often the test of paired differences errs, on differences whose truth is known.

A/A: two samples of one cell's runs, of which none is in both; no difference is the truth. A/B: pairs drawn from all
pairs of two cells; the mean difference of all is the truth. A/A differences are symmetric, so that the test cannot fail
there because differences are skewed; A/B differences are as they are. Rates are of the pool that is drawn from, and
have exact binomial intervals (Clopper and Pearson), since repeats are finite.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.signflip import sign_flips

LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2)  # at which tests reject


@dataclass(frozen=True)
class Rate:
    """How often something was the case, with its 95 % interval."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's."""
        ends = stats.binomtest(self.count, self.of).proportion_ci(0.95, method="exact")
        return float(ends.low), float(ends.high)


@dataclass(frozen=True)
class Calibration:
    """What repeats of a comparison came to at one level.

    Attributes:
        level: at which the test rejects; intervals are at 1 − level.
        rejected: the test found a difference. Where there is none, the type-I rate.
        covered: the interval held the truth.
        wrong: a difference was found on the side on which it is not; where there is none, on any.
    """

    level: float
    rejected: Rate
    covered: Rate
    wrong: Rate


def same(values: Floats, n: int, repeats: int, seed: int = 0) -> Floats:
    """Differences of 2n runs of one cell, each sample's drawn without replacement, (repeats, n).

    Args:
        values: the pool, one per run.
        n: pairs of a sample.
        repeats: samples.
        seed: the seed of the draws.

    Raises:
        ValueError: fewer than 2n values.
    """
    if len(values) < 2 * n:
        raise ValueError(f"samples of {n} pairs need a pool of {2 * n} runs, found {len(values)}")
    stream = np.random.Generator(np.random.PCG64(seed))
    drawn = np.stack([values[stream.choice(len(values), 2 * n, replace=False)] for _ in range(repeats)])
    return drawn[:, :n] - drawn[:, n:]


def different(differences: Floats, n: int, repeats: int, seed: int = 0) -> Floats:
    """Paired differences of two cells drawn with replacement, (repeats, n).

    Args:
        differences: the pool, one per pair of runs.
        n: pairs of a sample.
        repeats: samples.
        seed: the seed of the draws.
    """
    stream = np.random.Generator(np.random.PCG64(seed))
    return differences[stream.integers(0, len(differences), (repeats, n))]


def calibrated(samples: Floats, truth: float) -> list[Calibration]:
    """What the test made of samples, at each of LEVELS.

    Args:
        samples: differences, (repeats, n).
        truth: the mean that they are drawn around.
    """
    counts = np.zeros((len(LEVELS), 3), np.int64)
    for test, around in zip(sign_flips(samples), sign_flips(samples - truth), strict=True):
        for place, level in enumerate(LEVELS):
            rejected = test.p_value <= level
            wrong = rejected and np.sign(test.mean) != np.sign(truth)
            counts[place] += [rejected, around.p_value > level, wrong]
    return [
        Calibration(level, *(Rate(int(count), len(samples)) for count in row))
        for level, row in zip(LEVELS, counts, strict=True)
    ]
