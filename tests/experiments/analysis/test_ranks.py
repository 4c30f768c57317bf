"""Tests across problems, against scipy and by hand."""

from collections.abc import Callable
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fairgrid.experiments.analysis.statistics.ranks import friedman, rank, ratios, signed_rank

# eight problems, three contestants; ranks by hand
ERRORS = np.array(
    [
        [0.10, 0.20, 0.30],
        [0.10, 0.20, 0.20],
        [0.00, 0.00, 0.00],
        [0.30, 0.10, 0.20],
        [0.05, 0.06, 0.07],
        [0.01, 0.03, 0.02],
        [0.20, 0.25, 0.40],
        [0.50, 0.60, 0.55],
    ]
)
COLUMN = arrays(np.float64, st.integers(6, 10), elements=st.integers(0, 8).map(lambda number: number / 64))


def test_ranks_by_hand_with_ties_shared() -> None:
    assert rank(ERRORS)[:4].tolist() == [[1, 2, 3], [1, 2.5, 2.5], [2, 2, 2], [3, 1, 2]]
    assert rank(np.array([[0.1 + 0.2, 0.3]])).tolist() == [[1.5, 1.5]]  # equal but for rounding


def test_friedman_is_scipys() -> None:
    expected = stats.friedmanchisquare(*ERRORS.T)
    assert friedman(ERRORS) == pytest.approx((expected.statistic, expected.pvalue))


def test_friedman_by_hand() -> None:
    """Six problems ranked alike: χ² = 12 / (6·3·4) · (6² + 12² + 18²) − 3·6·4 = 12."""
    statistic, p_value = friedman(np.tile([0.1, 0.2, 0.3], (6, 1)))
    assert statistic == pytest.approx(12)
    assert p_value == pytest.approx(np.exp(-6))  # χ² of two degrees


def test_nothing_differs_where_all_are_tied() -> None:
    assert friedman(np.zeros((7, 3))) == (0.0, 1.0)
    found = signed_rank(np.full(7, 0.1), np.full(7, 0.1))
    assert (found.wins, found.losses, found.ties, found.p_value, found.least_p) == (0, 0, 7, 1.0, 1.0)


def test_signed_rank_is_scipys_exact_test_without_ties() -> None:
    stream = np.random.default_rng(1)
    for problems in (6, 8, 12):
        first, second = stream.random((2, problems))
        exact = stats.wilcoxon(first, second, method="exact")
        assert signed_rank(first, second).p_value == pytest.approx(exact.pvalue)


def test_signed_rank_by_hand() -> None:
    found = signed_rank(np.arange(1, 9) / 100, np.zeros(8))  # worse on all eight: 2 of 2⁸ patterns are as extreme
    assert (found.wins, found.losses, found.ties) == (0, 8, 0)
    assert found.p_value == pytest.approx(2 / 256)
    assert found.least_p == 2 / 256
    assert found.difference == pytest.approx(0.045)


@settings(max_examples=12)
@given(first=COLUMN, mix=st.randoms())
def test_swapping_mirrors_and_order_does_not_matter(first: np.ndarray, mix: Random) -> None:
    second = np.roll(first, 1)
    one, other = signed_rank(first, second), signed_rank(second, first)
    assert (one.wins, one.losses, one.ties) == (other.losses, other.wins, other.ties)
    assert (one.p_value, one.difference) == (other.p_value, -other.difference)
    order = list(range(len(first)))
    mix.shuffle(order)
    assert signed_rank(first[order], second[order]) == one
    assert one.least_p <= one.p_value


@settings(max_examples=12)
@given(first=COLUMN)
def test_a_constant_added_to_both_changes_nothing(first: np.ndarray) -> None:
    second = first[::-1].copy()
    assert signed_rank(first + 0.25, second + 0.25) == signed_rank(first, second)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    """Without a difference every pattern of signs is as likely: p ≤ α for a share of at most α of them."""
    signs = np.array(list(product([-1, 1], repeat=6)))
    p_values = np.array(
        [signed_rank(pattern * [0.1, 0.1, 0.2, 0.3, 0.3, 0.5], np.zeros(6)).p_value for pattern in signs]
    )
    for level in np.unique(p_values):
        assert (p_values <= level).mean() == pytest.approx(level)


def test_ratios_are_to_the_best_and_hold_at_the_floor() -> None:
    errors, floor = np.array([[0.1, 0.2, 0.3], [0.0, 0.001, 0.03]]), np.array([0.01, 0.01])
    np.testing.assert_allclose(ratios(errors, floor), [[1, 2, 3], [1, 1, 3]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: friedman(ERRORS[:5]), "a test across problems needs at least 6 of them, found 5"),
        (lambda: signed_rank(ERRORS[:5, 0], ERRORS[:5, 1]), "a test across problems needs at least 6 of them, found 5"),
        (lambda: friedman(ERRORS[:, :2]), "Friedman's test needs at least 3 contestants, found 2"),
    ],
)
def test_too_few_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()
