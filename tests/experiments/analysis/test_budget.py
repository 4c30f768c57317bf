"""The expected best of k trials, against every subset."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.analysis.statistics.budget import expected_best

ERRORS = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@given(errors=ERRORS)
def test_it_is_the_mean_over_all_subsets_of_their_best(errors: list[float]) -> None:
    ordered = np.sort(errors)
    expected = [np.mean([min(some) for some in combinations(errors, k)]) for k in range(1, len(errors) + 1)]
    np.testing.assert_allclose(expected_best(ordered), expected, rtol=1e-12, atol=1e-15)


def test_by_hand() -> None:
    # of three pairs of 1, 2, 4 two have 1 as their best, one has 2
    np.testing.assert_allclose(expected_best(np.array([1.0, 2.0, 4.0])), [7 / 3, 4 / 3, 1])


def test_trials_chosen_on_one_number_are_judged_on_another() -> None:
    validation, test = np.array([0.3, 0.1, 0.2]), np.array([0.5, 0.4, 0.1])
    pairs = [test[min(pair, key=lambda i: validation[i])] for pair in combinations(range(3), 2)]
    np.testing.assert_allclose(expected_best(test[validation.argsort()]), [1 / 3, np.mean(pairs), 0.4])


@given(errors=ERRORS, shift=st.floats(0, 1))
def test_more_trials_are_never_worse_and_a_constant_is_only_added(errors: list[float], shift: float) -> None:
    ordered = np.sort(errors)
    best = expected_best(ordered)
    assert (np.diff(best) <= 1e-12).all()
    np.testing.assert_allclose(expected_best(ordered + shift), best + shift, atol=1e-12)


def test_it_has_no_bias_where_drawing_with_replacement_has() -> None:
    """Over all samples of 4 from a population, its mean is that of the best of 2 of fresh draws."""
    population = np.array([0.0, 1.0, 3.0])
    truth = np.mean([min(pair) for pair in product(population, repeat=2)])
    samples = [np.sort(sample) for sample in product(population, repeat=4)]
    assert np.mean([expected_best(sample)[1] for sample in samples]) == pytest.approx(truth)
    plugged_in = [np.mean([min(pair) for pair in product(sample, repeat=2)]) for sample in samples]
    assert np.mean(plugged_in) > truth + 0.1


def test_several_searches_at_once() -> None:
    searches = np.array([[0.1, 0.2, 0.6], [0.3, 0.3, 0.3]])
    np.testing.assert_allclose(expected_best(searches), [expected_best(one) for one in searches])


@pytest.mark.parametrize("nothing", [np.empty(0), np.float64(1.0)])
def test_no_trials_are_refused(nothing: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^the expected best needs at least one trial, found shape "):
        expected_best(nothing)
