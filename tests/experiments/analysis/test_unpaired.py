"""The studentised permutation test of two samples and its inversion, against scipy and by properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from fairgrid.experiments.analysis.statistics import studentised
from fairgrid.experiments.analysis.statistics.studentised import ASSIGNMENTS, EXACT_UP_TO
from fairgrid.experiments.analysis.statistics.unpaired import unpaired

Floats = NDArray[np.float64]

SAMPLES = st.lists(st.integers(-30, 30), min_size=2, max_size=6).map(lambda whole: np.array(whole, np.float64))
# with values that are never equal, so that no statistic is 0 / 0
DISTINCT = st.lists(st.integers(-300, 300), min_size=5, max_size=12, unique=True)


def welch(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """The size of Welch's statistic as scipy computes it."""
    size: Floats = np.abs(stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic)
    return size


def by_scipy(x: Floats, y: Floats) -> float:
    """The p-value of all assignments."""
    test = stats.permutation_test(
        (x, y), welch, permutation_type="independent", alternative="greater", n_resamples=np.inf, vectorized=True
    )
    return float(test.pvalue)


@pytest.fixture
def few_assignments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studentised, "ASSIGNMENTS", 999)


@settings(max_examples=40)
@given(DISTINCT, st.integers(2, 3))
def test_the_exact_p_value_is_that_of_scipy(whole: list[int], n: int) -> None:
    x, y = np.array(whole[:n], np.float64), np.array(whole[n:], np.float64)
    test = unpaired(x, y)
    assert test.exact
    assert test.p_value == pytest.approx(by_scipy(x, y), abs=1e-12)
    assert test.statistic == pytest.approx(stats.ttest_ind(x, y, equal_var=False).statistic)


def test_values_that_are_equal_but_for_rounding_are_equal() -> None:
    x, y = np.array([1, 4, 2, 7]), np.array([3, 9, 8, 4, 11])
    assert unpaired(x / 10, y / 10).p_value == unpaired(x, y).p_value == pytest.approx(by_scipy(x, y), abs=1e-12)


@pytest.mark.parametrize(("n", "m", "apart"), [(9, 14, 0.9), (10, 50, 0.9), (40, 40, 0.3)])
def test_monte_carlo_is_near_what_scipy_draws(n: int, m: int, apart: float) -> None:
    stream = np.random.default_rng(n)
    x, y = stream.normal(apart, 1, n), stream.normal(0, 1.5, m)
    drawn = stats.permutation_test(
        (x, y), welch, alternative="greater", n_resamples=20_000, vectorized=True, batch=2000, rng=3
    )
    test = unpaired(x, y)
    assert not test.exact
    assert test.p_value == pytest.approx(drawn.pvalue, abs=5 * math.sqrt(drawn.pvalue / 20_000))


def test_monte_carlo_begins_where_assignments_are_too_many() -> None:
    values = np.random.default_rng(0).normal(size=21)
    assert math.comb(20, 10) <= EXACT_UP_TO < math.comb(21, 10)
    assert unpaired(values[:10], values[10:20]).method == (
        "studentised permutation test, exact: all 184,756 assignments"
    )
    drawn = unpaired(values[:10], values[10:])
    assert drawn.method == (f"studentised permutation test, 99,999 random assignments, seed {drawn.seed} of the data")
    assert ASSIGNMENTS == 99_999


def test_nobody_chooses_the_seed(few_assignments: None) -> None:
    stream = np.random.default_rng(1)
    x, y = stream.normal(size=15), stream.normal(0.5, 2, 20)
    test = unpaired(x, y)
    np.random.seed(1)
    assert unpaired(x, y) == test
    assert unpaired(x[::-1], stream.permutation(y)) == test
    exchanged = unpaired(y, x)
    assert (exchanged.p_value, exchanged.seed, exchanged.difference) == (test.p_value, test.seed, -test.difference)
    assert exchanged.interval() == tuple(-end for end in reversed(test.interval()))
    assert unpaired(x + 1e-9, y).seed != test.seed


def test_no_p_value_of_monte_carlo_is_zero(few_assignments: None) -> None:
    stream = np.random.default_rng(2)
    test = unpaired(stream.normal(size=20), stream.normal(100, 1, 20))
    assert test.p_value == test.least_p == 1 / 1000


@given(SAMPLES, SAMPLES)
def test_p_values_are_at_least_what_the_sizes_allow(x: Floats, y: Floats) -> None:
    test = unpaired(x, y)
    assignments = math.comb(len(x) + len(y), len(x))
    assert test.least_p == (2 if len(x) == len(y) else 1) / assignments
    assert test.least_p <= test.p_value <= 1


@settings(max_examples=40)
@given(SAMPLES, SAMPLES, st.sampled_from([1e-200, 0.5, 3.0, 1e200]), st.integers(-(10**6), 10**6))
def test_units_and_origin_change_no_p_value(x: Floats, y: Floats, unit: float, origin: int) -> None:
    test = unpaired(x, y)
    assert unpaired((x + origin) * unit, (y + origin) * unit).p_value == test.p_value
    assert unpaired(-x, -y).p_value == test.p_value


@settings(max_examples=40)
@given(DISTINCT, st.sampled_from([0.6, 0.8, 0.9]))
def test_outside_the_interval_every_shift_is_rejected_and_its_ends_are_crossings(
    whole: list[int], level: float
) -> None:
    x, y = np.array(whole[:3], np.float64), np.array(whole[3:], np.float64)
    test = unpaired(x, y)
    low, high = test.interval(level)
    assert low <= test.difference <= high
    if math.isinf(high):
        assert math.isinf(low)
        assert test.least_p > 1 - level
        return
    step = test.standard_error / 2**16
    for outside in (low - step, high + step, low - test.standard_error, high + 40 * test.standard_error):
        assert by_scipy(x - outside, y) <= 1 - level + 1e-12
    for inside in (low + 2 * step, high - 2 * step):
        assert by_scipy(x - inside, y) > 1 - level - 1e-12


def p_values(x: Floats, y: Floats, shifts: Floats) -> Floats:
    return np.array([unpaired(x - shift, y).p_value for shift in shifts])


def test_an_interval_spans_a_hole_of_the_p_value() -> None:
    x, y, level = np.array([6.0, 22.0]), np.array([1.0, 1.0, 2.0, 2.0, 2.0]), 0.19
    low, high = unpaired(x, y).interval(level)
    shifts = np.linspace(low - 5, high + 5, 4001)
    kept = p_values(x, y, shifts) > 1 - level
    assert np.diff(kept.astype(int)).tolist().count(1) > 1  # not rejected, rejected, not rejected
    assert shifts[kept].min() == pytest.approx(low, abs=2 * (shifts[1] - shifts[0]))
    assert shifts[kept].max() == pytest.approx(high, abs=2 * (shifts[1] - shifts[0]))


@settings(max_examples=60)
@given(SAMPLES, SAMPLES, st.sampled_from([0.5, 0.8, 0.95]))
def test_a_difference_that_is_not_found_lies_in_the_interval(x: Floats, y: Floats, level: float) -> None:
    test = unpaired(x, y)
    low, high = test.interval(level)
    if test.p_value > 1 - level + 1e-12:  # 1 − 0.8 is less than 0.2
        assert low <= 0 <= high


def test_an_interval_of_many_values_is_near_welchs(few_assignments: None) -> None:
    stream = np.random.default_rng(5)
    x, y = stream.normal(1, 2, 200), stream.normal(0, 1, 300)
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
    assert unpaired(x, y).interval() == pytest.approx(tuple(expected), abs=0.05)


def test_samples_without_variance() -> None:
    apart = unpaired(np.full(5, 0.1 + 0.2), np.array([0.1, 0.1, 0.1, 0.1]))
    assert (apart.statistic, apart.p_value) == (math.inf, 1 / 126)
    assert apart.interval() == (pytest.approx(0.2), pytest.approx(0.2))
    assert unpaired(np.zeros(4), np.ones(4)).p_value == 2 / 70
    assert unpaired(np.zeros(4), np.ones(4)).statistic == -math.inf
    assert unpaired(np.zeros(2), np.ones(3)).interval() == (-math.inf, math.inf)  # nothing could be rejected
    rounded = unpaired(np.array([0.3, 0.1 + 0.2, 0.3]), np.array([0.1 + 0.2, 0.3, 0.3]))
    assert (rounded.statistic, rounded.p_value, rounded.difference) == (0, 1, 0)
    assert unpaired(np.zeros(4), np.zeros(5)).interval() == (0, 0)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's word on equal values
def test_one_sample_without_variance() -> None:
    x, y = np.full(4, 2.0), np.array([1.0, 3.0, 4.0, 7.0, 5.0])
    assert unpaired(x, y).p_value == pytest.approx(by_scipy(x, y))
    low, high = unpaired(x, y).interval()
    assert low < -2 < high


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ([1.0], [1.0, 2.0], "the unpaired test needs two values or more in either sample, found 1"),
        ([1.0, 2.0], [], "the unpaired test needs two values or more in either sample, found 0"),
        ([1.0, math.nan], [1.0, 2.0], "the unpaired test needs finite values, found 1 others"),
        ([1.0, 2.0], [math.inf, -math.inf], "the unpaired test needs finite values, found 2 others"),
        ([[1.0, 2.0]], [1.0, 2.0], "the unpaired test needs two lists of values, found shape (1, 2)"),
    ],
)
def test_what_cannot_be_tested_is_refused(x: list[float], y: list[float], text: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        unpaired(np.array(x), np.array(y))
    assert str(error.value) == text


def plain(x: Floats, y: Floats, stream: np.random.Generator) -> float:
    """The p-value of the permuted difference of means, which is not studentised."""
    test = stats.permutation_test(
        (x, y),
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        n_resamples=999,
        vectorized=True,
        rng=stream,
    )
    return float(test.pvalue)


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("x_std", "y_std", "plain_rate"), [(3, 1, (0.25, 0.33)), (1, 3, (0, 0.01))])
def test_unequal_variances_keep_the_type_i_rate(
    x_std: float, y_std: float, plain_rate: tuple[float, float], few_assignments: None
) -> None:
    """Of 10 values against 50."""
    stream = np.random.default_rng(2013)
    samples = [(stream.normal(0, x_std, 10), stream.normal(0, y_std, 50)) for _ in range(4000)]
    rate = np.mean([unpaired(x, y).p_value <= 0.05 for x, y in samples])
    assert 0.03 <= rate <= 0.07
    low, high = plain_rate
    assert low <= np.mean([plain(x, y, stream) <= 0.05 for x, y in samples[:1000]]) <= high
