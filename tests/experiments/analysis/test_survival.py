"""Times to a target with runs that never reach it, against scipy and by hand."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fairgrid.experiments.analysis.statistics.survival import reaching

INF = math.inf
TIMES = st.lists(st.one_of(st.integers(0, 20).map(float), st.just(INF)), min_size=1, max_size=40)


def test_by_hand() -> None:
    found = reaching(np.array([30.0, INF, 10.0, 10.0, INF]))
    assert (found.n, found.reached, found.probability, found.median) == (5, 3, 0.6, 30.0)
    assert found.times.tolist() == [10.0, 30.0]
    assert found.fraction.tolist() == [0.4, 0.6]
    assert reaching(np.array([30.0, INF, 10.0, INF])).median == 30.0  # half of them, at 30
    assert reaching(np.array([30.0, INF, INF])).median == INF


@given(times=TIMES)
def test_fractions_are_those_of_kaplan_and_meier(times: list[float]) -> None:
    array = np.array(times)
    finite = array[np.isfinite(array)]
    censored = np.full(len(array) - len(finite), 25.0)  # after the last time that is seen
    curve = stats.ecdf(stats.CensoredData(uncensored=finite, right=censored)).cdf
    found = reaching(array)
    np.testing.assert_allclose(found.fraction, [curve.evaluate(time) for time in found.times], atol=1e-12)
    assert found.fraction.tolist()[-1:] == ([found.probability] if len(finite) else [])


@given(times=TIMES)
def test_intervals_are_those_of_binomial_proportions(times: list[float]) -> None:
    found = reaching(np.array(times), 0.9)
    exact = stats.binomtest(found.reached, found.n).proportion_ci(0.9, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    for time, low, high in zip(found.times, found.fraction_low, found.fraction_high, strict=True):
        exact = stats.binomtest(sum(each <= time for each in times), found.n).proportion_ci(0.9, "exact")
        assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)


@given(times=st.lists(st.floats(0, 1e6), min_size=6, max_size=60))
def test_medians_interval_is_that_of_order_statistics(times: list[float]) -> None:
    found = reaching(np.array(times))
    interval = stats.quantile_test(times, q=0, p=0.5).confidence_interval(0.95)
    assert (found.median_low, found.median_high) == (interval.low, interval.high)


def test_too_few_runs_leave_the_median_without_bounds() -> None:
    found = reaching(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (found.median_low, found.median, found.median_high) == (0.0, 3.0, INF)


def test_the_medians_interval_covers_it_in_at_least_95_percent() -> None:
    stream = np.random.default_rng(0)
    draws = np.sort(stream.exponential(size=(1000, 15)), axis=1)
    covered = [found.median_low <= math.log(2) <= found.median_high for found in map(reaching, draws)]
    assert np.mean(covered) > 0.95  # 0.965 by the binomial distribution


@given(times=TIMES, mix=st.randoms())
def test_order_does_not_matter(times: list[float], mix: Random) -> None:
    first = reaching(np.array(times))
    mix.shuffle(times)
    again = reaching(np.array(times))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in vars(first))


@given(times=st.lists(st.integers(0, 20).map(float), min_size=2, max_size=20))
def test_a_run_that_never_reaches_it_is_not_left_out(times: list[float]) -> None:
    without, with_one = reaching(np.array(times)), reaching(np.array([*times, INF]))
    assert without.probability == 1
    assert with_one.probability == len(times) / (len(times) + 1)
    assert with_one.median >= without.median
    assert with_one.times.tolist() == without.times.tolist()  # nor is it given a time


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], r"times to a target need at least one run, found shape \(0,\)"),
        ([1.0, math.nan], "times to a target are not negative, and infinite where it was never reached, found others"),
        ([-1.0], "times to a target are not negative, and infinite where it was never reached, found others"),
    ],
)
def test_what_is_no_time_is_refused(times: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        reaching(np.array(times))
