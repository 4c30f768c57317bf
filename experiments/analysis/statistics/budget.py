"""What a budget of trials is worth: the expected best of k of n trials.

Trials are exchangeable, so the best of k of them is estimated without bias by the mean over all subsets of size k, a
U-statistic (Tang et al. 2020). Drawing k times with replacement instead (Dodge et al. 2019) is too pessimistic from
k = 2 on, as a trial drawn twice is one trial less.
"""

from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def expected_best(ordered: Floats) -> Floats:
    """For k = 1 … n the mean, over all subsets of k trials, of the value of the best of each.

    Args:
        ordered: a value of every trial, from the best trial to the worst; what makes a trial good may be another
            number (chosen on validation error, judged on test error). The last axis is the trials', (…, n).

    Returns:
        (…, n); at k = 1 the mean of all, at k = n the first.

    Raises:
        ValueError: no trials.
    """
    values = np.asarray(ordered, np.float64)
    n = values.shape[-1] if values.ndim else 0
    if n == 0:
        raise ValueError(f"the expected best needs at least one trial, found shape {values.shape}")
    # the best of a subset is trial i if i is in it and its other k − 1 are worse: C(n − 1 − i, k − 1) of C(n, k)
    weights = np.array([[comb(n - 1 - i, k - 1) / comb(n, k) for i in range(n)] for k in range(1, n + 1)])
    best: Floats = (values[..., None, :] * weights).sum(-1)
    return best
