"""The ratio of two means of paired values, with its interval."""

import math

import numpy as np
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.paired import LEVEL


def ratio_interval(a: Floats, b: Floats) -> tuple[float, float]:
    """Fieller's interval of mean(a) / mean(b) at 95 %; infinite where mean(b) may be 0. Fieller 1954.

    The ends are the ratios r at which Student's test of mean(a − r b) = 0 just rejects.

    Args:
        a: values of one side, finite, (n,).
        b: positive values of the other on the same seeds, (n,).
    """
    n = len(a)
    if n < 2 or not b.mean() > 0:
        return -math.inf, math.inf
    factor = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) ** 2 / n
    (va, cab), (_, vb) = np.cov(a, b)
    leading = b.mean() ** 2 - factor * vb
    middle = a.mean() * b.mean() - factor * cab
    last = a.mean() ** 2 - factor * va
    root = middle**2 - leading * last
    if leading <= 0 or root < 0:
        return -math.inf, math.inf
    return float((middle - math.sqrt(root)) / leading), float((middle + math.sqrt(root)) / leading)
