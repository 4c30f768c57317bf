"""Comparisons: paired, corrected, complete or said to be incomplete, and the same from either side."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.comparisons import COLUMNS, answer, comparisons_table
from experiments.errors import InputError
from experiments.statistics.paired import least_seeds, needed_seeds, paired, verdict
from experiments.study import Study, load
from experiments.tables import factors_text
from tests.experiments.studies import write

STUDY = """
title = "t"
seeds = 20
[[grid]]
activation = ["relu", "tanh"]
batch_size = [10, 100]
"""
NOISE = np.random.default_rng(3).normal(0, 0.002, (4, 20))
ERRORS = {("relu", 10): 0.05, ("relu", 100): 0.0503, ("tanh", 10): 0.09, ("tanh", 100): 0.0905}


def study_of(folder: Path, extra: str = "") -> Study:
    return load(write(folder, STUDY + extra))


def runs_of(errors: dict[tuple[str, int], np.ndarray]) -> pd.DataFrame:
    rows = [
        {
            "phase": "evaluation",
            "factors": factors_text({"activation": name, "batch_size": batch}),
            "seed": seed,
            "status": "ok",
            "test_error": value,
        }
        for (name, batch), values in errors.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def usual() -> pd.DataFrame:
    return runs_of({cell: mean + NOISE[place] for place, (cell, mean) in enumerate(ERRORS.items())})


def row(table: pd.DataFrame, factor: str, context: str) -> "pd.Series[object]":
    found = table[(table["factor"] == factor) & (table["context"] == context)]
    assert len(found) == 1
    return found.iloc[0]


def test_every_two_cells_that_differ_in_one_factor_are_a_row(tmp_path: Path) -> None:
    table = comparisons_table(study_of(tmp_path), usual())
    assert list(table) == COLUMNS
    assert set(zip(table["factor"], table["context"], strict=True)) == {
        ("activation", "batch_size=10"),
        ("activation", "batch_size=100"),
        ("batch_size", "activation=relu"),
        ("batch_size", "activation=tanh"),
    }
    assert row(table, "activation", "batch_size=10")["verdict"] == "better"
    assert row(table, "batch_size", "activation=relu")["verdict"] == "equivalent"


def test_numbers_are_scipys(tmp_path: Path) -> None:
    found = row(comparisons_table(study_of(tmp_path), usual()), "batch_size", "activation=tanh")
    a, b = 0.09 + NOISE[2], 0.0905 + NOISE[3]
    assert found["mean_difference"] == pytest.approx((a - b).mean())
    theirs = stats.permutation_test((a, b), lambda x, y: np.mean(x - y), permutation_type="samples", rng=0)
    assert found["p_value"] == pytest.approx(theirs.pvalue, abs=0.02)
    assert found["probability_a_better"] == (a < b).mean()
    wins = stats.binomtest(int((a < b).sum()), 20).proportion_ci(method="exact")
    assert (found["pab_low"], found["pab_high"]) == pytest.approx((wins.low, wins.high))


def test_holm_is_over_a_factor_of_the_study(tmp_path: Path) -> None:
    table = comparisons_table(study_of(tmp_path), usual())
    for _, rows in table.groupby("factor"):
        ordered = rows.sort_values("p_value")
        by_hand = np.maximum.accumulate(ordered["p_value"].to_numpy() * [2, 1]).clip(max=1)
        assert ordered["p_holm"].to_numpy() == pytest.approx(by_hand)


def test_swapping_the_sides_mirrors_every_figure() -> None:
    for a, b in ((NOISE[0], NOISE[1]), (NOISE[0], NOISE[1] + 0.003), (np.round(NOISE[0], 3), np.round(NOISE[1], 3))):
        one, other = paired(a, b), paired(b, a)
        assert one.test.mean == -other.test.mean
        assert one.test.p_value == other.test.p_value
        assert one.test.interval() == pytest.approx(tuple(-end for end in reversed(other.test.interval())))
        assert one.probability == pytest.approx(1 - other.probability)
        assert one.probability_interval() == pytest.approx(
            tuple(1 - end for end in reversed(other.probability_interval()))
        )
        said = [verdict(each, each.test.p_value, 1, 1e-9, 0.05) for each in (one, other)]
        assert said[1] == {"better": "worse", "worse": "better"}.get(said[0], said[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-64, 64), min_size=2, max_size=9), st.sampled_from([-2.0, 0.5, 8.0]))
def test_adding_a_constant_to_both_changes_nothing(values: list[int], constant: float) -> None:
    a, b = np.array(values) / 64, np.array(values[::-1]) / 128  # sums of these are exact
    one, moved = paired(a, b), paired(a + constant, b + constant)
    assert moved.test.p_value == pytest.approx(one.test.p_value)
    assert moved.test.mean == pytest.approx(one.test.mean, abs=1e-12)


def test_permuting_rows_changes_no_byte(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), usual()
    mixed = runs.sample(frac=1, random_state=4)
    assert comparisons_table(study, mixed).to_csv() == comparisons_table(study, runs).to_csv()


def test_a_missing_or_doubled_seed_is_an_error(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), usual()
    with pytest.raises(
        InputError, match=r"^runs\.csv: study: expected the seeds that the study declares, found a diff"
    ):
        comparisons_table(study, runs.drop(index=7))
    with pytest.raises(InputError, match=r"^runs\.csv: expected each seed once in a cell, found seed 7 twice$"):
        comparisons_table(study, pd.concat([runs, runs.iloc[[7]]]))


@pytest.mark.parametrize(
    "change", [{"status": "error"}, {"status": "timeout"}, {"status": "planned"}, {"test_error": np.nan}]
)
def test_a_failed_run_makes_its_comparisons_incomplete_and_no_other(tmp_path: Path, change: dict[str, object]) -> None:
    runs = usual()
    for name, value in change.items():
        runs.loc[7, name] = value  # of relu, 10
    table = comparisons_table(study_of(tmp_path), runs)
    assert row(table, "activation", "batch_size=10")["verdict"] == "incomplete"
    assert pd.isna(row(table, "batch_size", "activation=relu")["n"])
    other = row(table, "activation", "batch_size=100")
    assert (other["verdict"], other["n"]) == ("better", 20)
    # it stays in the family
    assert other["p_holm"] == pytest.approx(2 * other["p_value"])


def test_diverged_runs_are_errors_of_one_and_counted(tmp_path: Path) -> None:
    runs = usual()
    for seed in (0, 1):
        for cell in range(2):  # relu, at 10 and 100
            runs.loc[20 * cell + seed, ["status", "test_error"]] = ["diverged", np.nan]
    runs.loc[2, ["status", "test_error"]] = ["diverged", np.nan]
    found = row(comparisons_table(study_of(tmp_path), runs), "batch_size", "activation=relu")
    a, b = 0.05 + NOISE[0], 0.0503 + NOISE[1]
    a[:3], b[:2] = 1, 1
    assert (found["n_diverged_a"], found["n_diverged_b"], found["n"]) == (3, 2, 20)
    assert found["mean_difference"] == pytest.approx((a - b).mean())


def test_few_seeds_say_how_many_are_needed(tmp_path: Path) -> None:
    runs = usual()
    table = comparisons_table(study_of(tmp_path), runs[runs["seed"] < 5])
    found = row(table, "activation", "batch_size=10")
    # a family of two: 2^(1 − n) · 2 ≤ 0.05 from n = 7 on
    assert found["verdict"] == "too few seeds: needs ≥ 7"
    assert bool(found["exploratory"])
    assert [least_seeds(family, 0.05) for family in (1, 2, 36)] == [6, 7, 11]


def test_needed_seeds_are_those_of_the_normal_approximation() -> None:
    found = paired(NOISE[0] + 0.002, NOISE[1])
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    assert needed_seeds(found, 1, 0.05) == max(6, int(np.ceil((z * found.std / found.test.mean) ** 2)))
    assert needed_seeds(paired(NOISE[0], NOISE[0]), 1, 0.05) is None
    assert needed_seeds(paired(NOISE[0] - NOISE[0].mean() + 1e-15, 0 * NOISE[1]), 1, 0.05) is None


def test_the_study_declares_region_level_metric_and_factors(tmp_path: Path) -> None:
    wide = study_of(tmp_path, '[comparison]\nregion = 0.1\nfactors = ["activation"]\n')
    table = comparisons_table(wide, usual())
    assert set(table["factor"]) == {"activation"}
    assert set(table["verdict"]) == {"equivalent"}
    with pytest.raises(InputError) as error:
        study_of(tmp_path, '[comparison]\nfactors = ["activatoin"]\n')
    assert str(error.value) == (
        f"{tmp_path / 'study.toml'}: comparison.factors[0]: expected a factor of the study, found 'activatoin'; "
        "nearest: 'activation'"
    )


def test_the_answer_in_words(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    said = answer(study, comparisons_table(study, usual()))
    assert len(said) == 4
    assert said[0].startswith("activation (batch_size=10): relu is better than tanh by ")
    assert said[2] == "batch size (activation=relu): 10 and 100 are equivalent."
