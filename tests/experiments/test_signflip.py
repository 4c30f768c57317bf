"""The sign-flip test and its inversion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.statistics.signflip import PATTERNS, holm, sign_flip

DIFFERENCES = st.lists(st.integers(-50, 50).map(lambda number: number / 1000), min_size=3, max_size=11)


@settings(deadline=None, max_examples=60)
@given(DIFFERENCES)
def test_exact_p_value_is_that_of_scipy(differences: list[float]) -> None:
    d = np.array(differences)
    expected = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(d).p_value == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(DIFFERENCES)
def test_interval_holds_what_the_test_does_not_reject(differences: list[float]) -> None:
    d = np.array(differences) + np.linspace(0, 1e-4, len(differences))
    low, high = sign_flip(d).interval()
    assert low <= d.mean() <= high
    for end, inward in ((low, 1), (high, -1)):
        if np.isfinite(end):
            assert sign_flip(d - end - inward * 1e-9).p_value > 0.05
            assert sign_flip(d - end + inward * 1e-9).p_value <= 0.05
        else:
            assert sign_flip(d - 1e6 * inward).p_value > 0.05


@settings(deadline=None, max_examples=30)
@given(DIFFERENCES, st.randoms())
def test_swapping_the_sides_mirrors_everything_and_order_does_not_matter(
    differences: list[float], shuffle: object
) -> None:
    d = np.array(differences)
    found, mirrored = sign_flip(d), sign_flip(-d)
    assert mirrored.p_value == found.p_value
    assert mirrored.mean == -found.mean
    assert mirrored.interval() == pytest.approx(tuple(-end for end in reversed(found.interval())))
    mixed = list(differences)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert sign_flip(np.array(mixed)).p_value == found.p_value


def test_monte_carlo_is_near_exact_seeded_and_never_zero() -> None:
    d = np.random.default_rng(4).normal(0.4, 1, 17)
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    found = sign_flip(d)
    assert found.p_value == pytest.approx(exact, abs=0.005)
    assert sign_flip(d).p_value == found.p_value
    assert sign_flip(d, seed=1).p_value != found.p_value
    assert sign_flip(np.full(40, 1.0)).p_value == 1 / (PATTERNS + 1)


def test_the_global_generator_has_no_say() -> None:
    d = np.random.default_rng(4).normal(0.4, 1, 20)
    np.random.seed(1)
    before = sign_flip(d).p_value
    np.random.seed(2)
    assert sign_flip(d).p_value == before


def test_sums_that_are_equal_but_for_rounding_count_as_equal() -> None:
    assert sign_flip(np.array([0.1 + 0.2, -0.3, 0.3])).p_value == sign_flip(np.array([0.3, -0.3, 0.3])).p_value


def test_no_difference_at_all_has_a_p_value_of_one_and_nothing_to_say() -> None:
    found = sign_flip(np.zeros(30))
    assert (found.p_value, found.informative, found.least_p) == (1.0, 0, 1.0)
    assert found.interval() == (0.0, 0.0)


def test_five_pairs_reject_nothing_and_six_may() -> None:
    assert sign_flip(np.arange(1.0, 6)).interval() == (-np.inf, np.inf)
    assert sign_flip(np.arange(1.0, 6)).least_p > 0.05
    assert sign_flip(np.arange(1.0, 7)).p_value == sign_flip(np.arange(1.0, 7)).least_p == 2 / 2**6


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_and_never_left_out(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"^the sign-flip test needs finite differences, found 1 others$"):
        sign_flip(np.array([0.1, wrong, 0.2]))
    with pytest.raises(ValueError, match=r"^the sign-flip test needs a list of differences, found shape"):
        sign_flip(np.array([]))


def test_interval_covers_and_test_errs_as_often_as_they_say() -> None:
    stream = np.random.default_rng(7)
    covered = rejected = 0
    for _ in range(400):
        found = sign_flip(stream.standard_t(3, 10))
        low, high = found.interval()
        covered += low <= 0 <= high
        rejected += found.p_value <= 0.05
    assert 0.92 <= covered / 400 <= 0.98
    assert rejected == 400 - covered


def test_holm_by_hand_and_in_any_order() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.03, 0.01, 0.04])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])
    assert len(holm(np.array([]))) == 0
