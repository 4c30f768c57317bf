"""The sign-flip test and its inversion, against scipy, against counting in whole numbers, and by properties."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fairgrid.experiments.analysis.statistics.exact import (
    Halves,
    Lattice,
    Method,
    Rounded,
    null_distribution,
    subset_sums,
)
from fairgrid.experiments.analysis.statistics.signflip import holm, sign_flip, sign_flips

DIFFERENCES = st.lists(st.integers(-50, 50).map(lambda number: number / 1000), min_size=3, max_size=12)
# errors of 1000 points on two sides: what their difference is in whole thousandths, and as a float
PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def counted(differences: list[int]) -> float:
    """The p-value by counting all patterns of whole numbers, sum by sum."""
    sums = Counter({0: 1})
    for difference in differences:
        flipped = Counter[int]()
        for total, patterns in sums.items():
            flipped[total + difference] += patterns
            flipped[total - difference] += patterns
        sums = flipped
    observed = abs(sum(differences))
    return sum(patterns for total, patterns in sums.items() if abs(total) >= observed) / 2 ** len(differences)


@settings(max_examples=60)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=12))
def test_exact_p_value_is_that_of_scipy(whole: list[int]) -> None:
    d = np.array(whole, np.float64)  # sums of whole numbers do not round, which scipy would take for differences
    expected = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(d).p_value == pytest.approx(expected, abs=1e-12)
    assert sign_flip(d / 1000).p_value == sign_flip(d).p_value


@pytest.mark.parametrize("n", [17, 20, 60, 250])
def test_p_value_of_many_pairs_is_what_counting_gives(n: int) -> None:
    whole = np.random.default_rng(n).integers(-20, 23, n)
    found = sign_flip(whole / 1000)
    assert found.method == Method.EXACT
    assert found.p_value == pytest.approx(counted([int(difference) for difference in whole]), rel=1e-12)


def test_reference_values() -> None:
    d = np.array([3, -1, 4, 1, -5, 9, 2, 6, -5, 3, 5, 8, 9, 7, 9, -3, 2, 3, 8, 4], np.float64)
    found = sign_flip(d)
    assert found.p_value == 4104 / 2**20
    assert found.interval() == (11 / 8, 11 / 2)
    low, high = found.interval(1 - 0.05 / 36)
    assert low < -3 / 7 < low + found.step
    assert high == 7
    many = sign_flip(np.tile(d, 50) - 3)
    assert many.p_value == pytest.approx(0.00102456966084163, rel=1e-12)
    low, high = many.interval()
    assert 0.1 <= low < 0.2
    assert 0.7 < high <= 0.8
    lone = np.zeros(150)
    lone[17] = -1
    assert sign_flip(lone).p_value == 1
    assert [sign_flip(lone + shift).p_value for shift in (-5, 5)] == [2.0**-149] * 2


@settings(max_examples=60)
@given(st.lists(st.floats(-1, 1).map(lambda value: round(value, 7)), min_size=2, max_size=11))
def test_halves_and_brackets_agree_with_enumeration(values: list[float]) -> None:
    d = np.array(values)
    sums = np.array(list(itertools.product([1, -1], repeat=len(d)))) @ d
    expected = float((np.abs(sums) >= abs(d.sum()) - 1e-12 * np.abs(d).sum()).mean())
    assert Halves(d).p_value(0) == pytest.approx(expected, abs=1e-12)
    low, high = Rounded(d).bracket(0)
    assert low - 1e-11 <= expected <= high + 1e-11


@pytest.mark.parametrize("n", [33, 100, 1000])
def test_brackets_of_many_pairs_hold_the_exact_value_closely(n: int) -> None:
    whole = np.random.default_rng(n).integers(-400, 500, n)
    low, high = Rounded(whole / 997).bracket(0)
    exact = sign_flip(whole / 1000).p_value
    assert low <= exact <= high <= 1.05 * low + 1e-10
    assert sign_flip(np.random.default_rng(n).normal(size=n)).method == Method.BRACKET


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=10), st.integers(0, 400))
def test_subset_sums_are_counted_and_what_is_left_out_is_bounded(sizes: list[int], limit: int) -> None:
    ordered = np.sort(np.array(sizes))
    every = [sum(itertools.compress(ordered.tolist(), kept)) for kept in itertools.product([0, 1], repeat=len(sizes))]
    expected = np.bincount(every, minlength=limit + 1)[: limit + 1]
    counts, halvings = subset_sums(ordered, limit)
    assert halvings == 0
    assert counts.tolist() == expected.tolist()
    most, _ = subset_sums(ordered, limit, 0.01)
    assert (most <= expected).all()
    assert expected.sum() - most.sum() <= 0.01 * 2 ** len(sizes)


def test_a_lattice_that_is_too_fine_for_memory_is_tested_by_halves() -> None:
    whole = np.random.default_rng(0).integers(-(10**9), 2 * 10**9, 20).astype(float)
    assert isinstance(null_distribution(whole), Halves)
    assert sign_flip(whole).p_value == pytest.approx(sign_flip(whole.round(-7)).p_value, rel=0.05)


def test_subset_sums_of_thousands_do_not_overflow() -> None:
    counts, halvings = subset_sums(np.ones(2000, np.int64), 1000)
    assert halvings == 1800
    assert counts[1000] * 2.0 ** (halvings - 2000) == pytest.approx(stats.binom.pmf(1000, 2000, 0.5), rel=1e-9)


@settings(max_examples=80)
@given(PAIRS)
def test_rounding_of_errors_changes_no_p_value(pairs: list[tuple[int, int]]) -> None:
    found = sign_flip(np.array([a / 1000 - b / 1000 for a, b in pairs]))
    assert found.p_value == counted([a - b for a, b in pairs])
    assert found.informative == sum(a != b for a, b in pairs)
    assert found.p_value >= found.least_p


def test_the_global_generator_has_no_say_and_is_left_alone() -> None:
    d = np.random.default_rng(4).normal(0.4, 1, 20)
    np.random.seed(1)
    before, state = sign_flip(d).p_value, np.random.get_state()[1].tolist()
    assert np.random.get_state()[1].tolist() == state
    np.random.seed(2)
    assert sign_flip(d).p_value == before


KINDS = st.sampled_from([1000.0, 7.0, 1.0, 997.3])


@settings(max_examples=60)
@given(st.lists(st.integers(-50, 50), min_size=3, max_size=14), KINDS, st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_is_the_test_inverted_on_its_grid(whole: list[int], unit: float, level: float) -> None:
    d = np.array(whole) / unit
    found = sign_flip(d)
    low, high = found.interval(level)
    assert low <= d.mean() + 1e-12
    assert d.mean() - 1e-12 <= high
    for end, inward in ((low, found.step), (high, -found.step)):
        if np.isfinite(end):
            assert sign_flip(d - end + 0.01 * inward).p_value <= 1 - level
            if (d.mean() - end) * inward > inward**2:  # else the mean itself is between
                assert sign_flip(d - end - inward).p_value > 1 - level
        else:
            assert sign_flip(d - 1e6 * inward).p_value > 1 - level


@pytest.mark.parametrize("n", [9, 30, 60])
def test_interval_moves_with_a_shift_and_stretches_with_the_unit(n: int) -> None:
    d = np.random.default_rng(n).gamma(2, size=n)
    found = sign_flip(d)
    low, high = found.interval()
    assert sign_flip(d + 7).interval() == pytest.approx((low + 7, high + 7), abs=2e-3)
    assert sign_flip(100 * d).interval() == pytest.approx((100 * low, 100 * high))
    assert sign_flip(100 * d).p_value == pytest.approx(found.p_value)


@pytest.mark.takes_seconds
def test_interval_of_a_thousand_pairs_takes_few_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[int] = []
    compute = Lattice._compute
    monkeypatch.setattr(Lattice, "_compute", lambda self, place: places.append(place) or compute(self, place))
    d = np.random.default_rng(5).normal(0.01, 0.05, 1000).round(3)
    found = sign_flip(d)
    low, high = found.interval()
    assert found.mean - 2.2 * d.std() / 1000**0.5 < low < found.mean - 1.7 * d.std() / 1000**0.5
    assert found.mean + 1.7 * d.std() / 1000**0.5 < high < found.mean + 2.2 * d.std() / 1000**0.5
    assert len(places) < 24
    assert sum(place % 10 != 0 for place in places) < 12  # those on the fine grid are the dear ones


def test_interval_that_ends_at_zero_holds_it_as_the_test_does_not_reject_it() -> None:
    d = np.array([-0.002, -0.002, 0.0, -0.001, -0.002, 0.001, 0.001, -0.002, -0.002, -0.002])
    found = sign_flip(d)
    assert found.p_value > 0.05
    assert found.interval() == (-0.002, 0.0)
    assert np.copysign(1, found.interval()[1]) == 1
    assert sign_flip(0.005 - d).interval() == (0.005, 0.007)


@pytest.mark.parametrize("scale", [1e-250, 1e-9, 1.0, 1e30])
def test_interval_is_as_fine_at_any_size(scale: float) -> None:
    d = np.random.default_rng(3).gamma(2, size=10)
    low, high = sign_flip(d).interval()
    assert sign_flip(scale * d).interval() == pytest.approx((scale * low, scale * high), rel=1e-2, abs=0)


def test_interval_widens_with_the_level() -> None:
    found = sign_flip(np.random.default_rng(1).normal(size=14))
    ends = [found.interval(level) for level in (0.5, 0.8, 0.95, 0.99, 0.9999)]
    for (low, high), (wider_low, wider_high) in itertools.pairwise(ends):
        assert wider_low <= low <= high <= wider_high
    assert ends[-1] == (-np.inf, np.inf)  # 2/2¹⁴ is more than 1 − 0.9999


@settings(max_examples=30)
@given(DIFFERENCES, st.randoms(use_true_random=False))
def test_swapping_the_sides_mirrors_everything_and_order_does_not_matter(
    differences: list[float], shuffle: random.Random
) -> None:
    d = np.array(differences)
    found, mirrored = sign_flip(d), sign_flip(-d)
    assert mirrored.p_value == found.p_value
    assert mirrored.mean == -found.mean
    assert mirrored.interval() == pytest.approx(tuple(-end for end in reversed(found.interval())))
    mixed = list(differences)
    shuffle.shuffle(mixed)
    reordered = sign_flip(np.array(mixed))
    assert reordered.p_value == found.p_value
    assert reordered.interval() == found.interval()


def test_sums_that_are_equal_but_for_rounding_count_as_equal() -> None:
    assert 0.1 + 0.2 - 0.3 != 0
    assert sign_flip(np.array([0.1 + 0.2, -0.3, 0.3])).p_value == sign_flip(np.array([0.3, -0.3, 0.3])).p_value
    found = sign_flip(np.array([0.1 + 0.2 - 0.3, 0.02, 0.03]))
    assert (found.informative, found.p_value) == (2, 0.5)


@pytest.mark.parametrize("n", [6, 16, 30])
def test_no_difference_at_all_has_a_p_value_of_one_and_nothing_to_say(n: int) -> None:
    found = sign_flip(np.zeros(n))
    assert (found.p_value, found.informative, found.least_p) == (1.0, 0, 1.0)
    assert found.interval() == (0.0, 0.0)


def test_pairs_that_do_not_differ_cannot_lower_the_p_value() -> None:
    alone = sign_flip(np.arange(1.0, 6))
    padded = sign_flip(np.concatenate([np.arange(1.0, 6), np.zeros(9)]))
    assert padded.n == 14
    assert padded.informative == alone.informative == 5
    assert padded.p_value == alone.p_value == padded.least_p == alone.least_p


def test_five_pairs_reject_nothing_and_six_may() -> None:
    assert sign_flip(np.arange(1.0, 6)).interval() == (-np.inf, np.inf)
    assert sign_flip(np.arange(1.0, 6)).least_p > 0.05
    assert sign_flip(np.arange(1.0, 7)).p_value == sign_flip(np.arange(1.0, 7)).least_p == 2 / 2**6


def test_one_pair_says_nothing() -> None:
    found = sign_flip(np.array([0.3]))
    assert (found.n, found.p_value, found.interval()) == (1, 1.0, (-np.inf, np.inf))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_and_never_left_out(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"^the sign-flip test needs finite differences, found 1 others$"):
        sign_flip(np.array([0.1, wrong, 0.2]))


@pytest.mark.parametrize("shape", [(0,), (2, 3), ()])
def test_what_is_no_list_of_differences_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^the sign-flip test needs a list of differences, found shape") as refused:
        sign_flip(np.zeros(shape))
    assert str(refused.value).endswith(str(shape))


@pytest.mark.parametrize("heavy", [True, False])
def test_interval_covers_and_test_errs_as_often_as_they_say(heavy: bool) -> None:
    stream = np.random.default_rng(7)
    covered = rejected = 0
    for _ in range(400):
        found = sign_flip(stream.standard_t(2, 10) if heavy else stream.choice([-0.001, 0.0, 0.001, 0.002, -0.002], 10))
        low, high = found.interval()
        covered += low <= 0 <= high
        rejected += found.p_value <= 0.05
    assert 0.92 <= covered / 400 <= (0.98 if heavy else 1)
    assert rejected == 400 - covered


def test_test_finds_what_is_there() -> None:
    stream = np.random.default_rng(8)
    rejected = sum(sign_flip(stream.normal(1.5, 1, 10)).p_value <= 0.05 for _ in range(100))
    assert rejected > 90


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.03, 0.01, 0.04])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.01, 0.02, 0.03, 0.04, 0.05])) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])
    assert len(holm(np.array([]))) == 0


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float], level: float) -> None:
    adjusted = holm(np.array(p_values))
    left = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = set()
    while left and p_values[left[0]] * len(left) <= level:
        rejected.add(left.pop(0))
    assert {number for number, p in enumerate(adjusted) if p <= level} == rejected


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_is_monotone_bounded_and_blind_to_order(p_values: list[float], shuffle: random.Random) -> None:
    adjusted = holm(np.array(p_values))
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    mixed = list(range(len(p_values)))
    shuffle.shuffle(mixed)
    assert (holm(np.array(p_values)[mixed]) == adjusted[mixed]).all()


@pytest.mark.parametrize("n", [5, 16, 17, 40])
def test_rows_tested_at_once_are_as_each_alone(n: int) -> None:
    rows = np.random.default_rng(n).integers(-30, 40, (7, n)) / 1000
    for row, found in zip(rows, sign_flips(rows), strict=True):
        alone = sign_flip(row)
        assert (found.p_value, found.interval(), found.interval(0.99)) == (
            alone.p_value,
            alone.interval(),
            alone.interval(0.99),
        )


def test_what_are_not_rows_of_differences_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^sign-flip tests need rows of differences, found shape \(3,\)$"):
        next(sign_flips(np.zeros(3)))
    with pytest.raises(ValueError, match=r"^the sign-flip test needs finite differences, found 2 others$"):
        next(sign_flips(np.array([[0.0, np.nan], [np.inf, 1.0]])))
