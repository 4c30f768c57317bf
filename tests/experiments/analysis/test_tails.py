"""How extreme a reported statistic is among ours: by counting, against known distributions, and by properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fairgrid.experiments.analysis.statistics import reproduction
from fairgrid.experiments.analysis.statistics.reproduction import LEVEL, Tail, resampled, tail, unseen
from fairgrid.experiments.study.schema import last_digit

STREAM = np.random.default_rng(0)
ERRORS = STREAM.exponential(0.05, 400)
PAIR = ("mean", "std")
THOUSANDTHS = (0.001, 0.001)


def centre(values: np.ndarray, runs: int) -> tuple[float, float]:
    samples = values[np.random.default_rng(1).integers(0, len(values), (4000, runs))]
    return float(samples.mean(1).mean()), float(np.exp(np.log(samples.std(1, ddof=1)).mean()))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), st.integers(0, 60))
def test_single_run_is_counted_on_both_sides(errors: list[int], reported: int) -> None:
    found = tail(np.array(errors) / 1000, ("single",), (reported / 1000,), 1, (0.001,))
    fewer = min(sum(error <= reported for error in errors), sum(error >= reported for error in errors))
    assert found.probability == min(1, 2 * fewer / len(errors))
    assert found.low <= found.probability <= found.high


def test_single_run_by_hand() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4])
    assert tail(values, ("single",), (0.1,), 1, (0.001,)).probability == 0.5
    assert tail(values, ("single",), (0.25,), 1, (0.001,)).probability == 1.0
    assert tail(values, ("single",), (0.5,), 1, (0.001,)).probability == 0.0


def test_half_a_unit_of_the_last_digit_is_as_good_as_equal() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4])
    assert tail(values, ("single",), (0.09,), 1, (0.001,)).probability == 0.0
    assert tail(values, ("single",), (0.09,), 1, (0.02,)).probability == 0.5
    # 11 % without a decimal is anything from 10.5 to 11.5 %, both of which 200 points may give
    assert tail(np.array([0.105, 0.115]), ("single",), (0.11,), 1, (0.01,)).probability == 1.0


def test_resolution_matters_to_statistics_of_several_runs() -> None:
    far = float(ERRORS.mean()) + 3 * float(ERRORS.std()) / np.sqrt(10)
    fine, coarse = (tail(ERRORS, ("mean",), (far,), 10, (unit,)).probability for unit in (0.0001, 0.05))
    assert fine < coarse
    mean, std = centre(ERRORS, 10)
    fine, coarse = (tail(ERRORS, PAIR, (mean, 4 * std), 10, (unit, unit)).probability for unit in (0.0001, 0.3))
    assert fine < coarse


def test_interval_of_a_single_runs_tail_is_exact_binomial() -> None:
    values = np.arange(200) / 1000
    found = tail(values, ("single",), (0.012,), 1, (0.001,))
    # thirteen of 200: 2.5 % of binomial draws with either end have as many or as few
    assert stats.binom.sf(12, 200, found.low / 2) == pytest.approx(0.025)
    assert stats.binom.cdf(13, 200, found.high / 2) == pytest.approx(0.025)


@pytest.mark.parametrize("statistic", [("single",), ("mean",), ("std",), PAIR])
def test_interval_of_the_tail_narrows_with_our_runs(statistic: tuple[str, ...]) -> None:
    reported = {"single": 0.12, "mean": 0.07, "std": 0.08}
    value = tuple(reported[name] for name in statistic)
    few, many = (
        tail(np.tile(ERRORS[:40], times), statistic, value, 10, THOUSANDTHS[: len(value)]) for times in (1, 25)
    )
    assert many.high - many.low < 0.5 * (few.high - few.low)
    for found in (few, many):
        assert found.low <= found.probability <= found.high


def test_middle_of_a_mean_narrows_with_its_runs() -> None:
    few, many = (tail(ERRORS, ("mean",), (0.05,), runs, (0.001,)).interval for runs in (4, 100))
    assert few[0] < many[0] < ERRORS.mean() < many[1] < few[1]


def test_mean_and_std_agree_with_known_distributions() -> None:
    values = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    runs = 25
    for quantile in (0.025, 0.2, 0.9):
        expected = pytest.approx(2 * min(quantile, 1 - quantile), abs=0.02)
        mean = stats.norm.ppf(quantile) / np.sqrt(runs)
        assert tail(values, ("mean",), (mean,), runs, (1e-9,)).probability == expected
        std = np.sqrt(stats.chi2.ppf(quantile, runs - 1) / (runs - 1))
        assert tail(values, ("std",), (std,), runs, (1e-9,)).probability == expected


def test_mean_and_std_are_one_test() -> None:
    many = np.tile(ERRORS, -(-800 // len(ERRORS)))  # of which a kind of run in ten would hardly be missing
    mean, std = centre(many, 10)
    middle = tail(many, PAIR, (mean, std), 10, THOUSANDTHS)
    assert middle.probability > 0.9
    assert middle.verdict == "consistent"
    far = tail(many, PAIR, (10 * mean, std), 10, THOUSANDTHS)
    assert (far.probability, far.verdict) == (0.0, "inconsistent")
    # each within reach alone, not together: a mean this low goes with a small spread
    apart = mean * 0.65, std * 1.7
    assert tail(many, PAIR, apart, 10, THOUSANDTHS).verdict == "inconsistent"
    for name, value in zip(PAIR, apart, strict=True):
        assert tail(many, (name,), (value,), 10, (0.001,)).probability > LEVEL


def test_few_runs_of_ours_cannot_exclude_what_they_may_not_have_seen() -> None:
    """Two of ours against a mean of ten: nothing is known of what a third would be."""
    found = tail(np.array([0.02, 0.03]), ("mean",), (0.5,), 10, (0.001,))
    assert (found.probability, found.verdict) == (0.0, "undecided")
    # what none of N runs shows has a share of at most 1 − 0.025^(1/N), so that one of n has it with 1 − 0.025^(n/N)
    assert unseen(100, 1) == pytest.approx(stats.binomtest(0, 100).proportion_ci(0.95, method="exact").high)
    assert unseen(1000, 10) == pytest.approx(1 - (1 - unseen(1000, 1)) ** 10)


@pytest.mark.parametrize("factors", [(1, 1), (1.3, 0.7), (0.6, 2), (3, 1)])
def test_which_statistic_comes_first_makes_no_difference(factors: tuple[float, float]) -> None:
    mean, std = (factor * value for factor, value in zip(factors, centre(ERRORS, 10), strict=True))
    one = tail(ERRORS, PAIR, (mean, std), 10, (0.001, 0.002))
    other = tail(ERRORS, ("std", "mean"), (std, mean), 10, (0.002, 0.001))
    assert (other.probability, other.low, other.high) == pytest.approx((one.probability, one.low, one.high))


@pytest.mark.parametrize("constant", [0.0, 0.04, 0.3, 1.0])
def test_runs_that_are_all_alike_are_consistent_with_themselves_alone(constant: float) -> None:
    values = np.full(50, constant)
    assert tail(values, PAIR, (constant, 0.0), 10, THOUSANDTHS).probability == 1.0
    assert tail(values, PAIR, (constant + 0.01, 0.0), 10, THOUSANDTHS).probability == 0.0
    assert tail(values, PAIR, (constant, 0.02), 10, THOUSANDTHS).probability == 0.0
    assert tail(values, ("mean",), (constant,), 10, (0.001,)).probability == 1.0


@pytest.mark.parametrize("statistic", [("mean",), ("std",), PAIR])
def test_five_percent_of_true_reports_are_beyond_the_level(
    statistic: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduction, "_OUTER", 1)
    monkeypatch.setattr(reproduction, "_INNER", 10)
    monkeypatch.setattr(reproduction, "_DRAWS", 2000)
    reports = resampled(ERRORS, statistic, 10, 300, np.random.default_rng(2))
    units = (1e-6,) * len(statistic)
    found = [tail(ERRORS, statistic, tuple(map(float, report)), 10, units).probability for report in reports]
    assert 0.02 <= np.mean(np.array(found) <= LEVEL) <= 0.09


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.06, 0.2, "consistent"),
        (0.01, 0.04, "inconsistent"),
        (0.01, 0.2, "undecided"),
        (0.05, 0.2, "undecided"),
        (0.01, 0.05, "undecided"),
        (0.0, 0.0, "inconsistent"),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side(low: float, high: float, verdict: str) -> None:
    assert Tail((low + high) / 2, low, high, (0, 1)).verdict == verdict


@pytest.mark.parametrize(
    ("count", "verdict"), [(1, "undecided"), (20, "undecided"), (100, "undecided"), (150, "inconsistent")]
)
@pytest.mark.parametrize("reported", [0.1, 0.5])
def test_single_run_beyond_all_of_ours_needs_enough_of_ours(count: int, verdict: str, reported: float) -> None:
    assert tail(np.full(count, 0.3), ("single",), (reported,), 1, (0.1,)).verdict == verdict


@pytest.mark.parametrize("statistic", [("mean",), PAIR])
def test_tail_is_a_function_of_its_arguments(statistic: tuple[str, ...]) -> None:
    arguments = ERRORS, statistic, (0.06, 0.04)[: len(statistic)], 10, THOUSANDTHS[: len(statistic)]
    np.random.seed(1)
    found, state = tail(*arguments, seed=3), np.random.get_state()[1].tolist()
    np.random.seed(2)
    assert tail(*arguments, seed=3) == found
    other = tail(*arguments, seed=4)
    assert other != found
    assert other.probability == pytest.approx(found.probability, abs=0.03)
    np.random.seed(1)
    assert np.random.get_state()[1].tolist() == state


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_and_never_left_out(wrong: float) -> None:
    expected = r"^a reproduction needs finite values, found \(3,\) of which some are not$"
    with pytest.raises(ValueError, match=expected):
        tail(np.array([0.1, wrong, 0.2]), ("mean",), (0.1,), 3, (0.1,))
    with pytest.raises(ValueError, match=r"^a reproduction needs finite values, found \(0,\)"):
        tail(np.array([]), ("mean",), (0.1,), 3, (0.1,))


@pytest.mark.parametrize(
    ("value", "digit"), [(0.053, 0.001), (0.4, 0.1), (12.0, 0.1), (0.0005, 0.0001), (1e-6, 1e-6), (0.11, 0.01)]
)
def test_unit_of_the_last_digit(value: float, digit: float) -> None:
    assert last_digit(value) == pytest.approx(digit)
