"""Stability of verdicts: each variant is the comparison that one would have made."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fairgrid.experiments.analysis.comparisons import comparisons_table
from fairgrid.experiments.analysis.derived import write_derived
from fairgrid.experiments.analysis.robustness import STABILITY, outcome, stability_table
from fairgrid.experiments.analysis.statistics.decisions import verdict
from fairgrid.experiments.analysis.statistics.paired import median_rows
from fairgrid.experiments.analysis.summary import best_epochs_table
from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.tables.comparisons import counted_stability, unstable
from fairgrid.experiments.store.tables import read
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import write

STUDY = """
title = "t"
seeds = 20
[run]
problem = { name = "disk", train = 40, test = 20, validation = 20 }
model = { name = "mlp", hidden = [3] }
epochs = 4
checkpoints = 4
[[grid]]
activation = ["relu", "tanh"]
"""
NOISE = np.random.default_rng(1).normal(0, 0.004, (2, 20))


def study_of(folder: Path) -> Study:
    return load(write(folder, STUDY))


def runs_of(errors: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "phase": "evaluation",
                "run_id": f"{name}{seed}",
                "factors": factors_text({"activation": name}),
                "seed": seed,
                "status": "ok",
                "test_error": errors[place, seed],
            }
            for place, name in enumerate(("relu", "tanh"))
            for seed in range(20)
        ]
    )


def best_of(errors: np.ndarray) -> pd.DataFrame:
    return runs_of(errors)[["run_id", "test_error"]]


def stability(study: Study, runs: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    return stability_table(study, runs, comparisons_table(study, runs), best)


NOTHING = best_of(NOISE).iloc[:0]


def test_every_variant_is_the_comparison_that_one_would_have_made(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    errors = NOISE + np.array([[0.05], [0.07]])
    errors[1, 10:] -= 0.02  # the upper half of the seeds does not differ
    best = errors[::-1]  # and the best epochs say the contrary
    row = stability(study, runs_of(errors), best_of(best)).iloc[0]
    assert row["verdict"] == comparisons_table(study, runs_of(errors))["verdict"].item() == "better"
    assert (row["best_validation"], row["best_validation_outcome"]) == ("worse", "decided otherwise")
    lower = runs_of(errors)[lambda runs: runs["seed"] < 10]
    assert row["lower_half"] == comparisons_table(study, lower)["verdict"].item() == "better"
    assert row["lower_half_outcome"] == "holds"
    upper = runs_of(errors)[lambda runs: runs["seed"] >= 10].assign(seed=lambda runs: runs["seed"] - 10)
    assert row["upper_half"] == comparisons_table(study, upper)["verdict"].item() == "undecided"
    assert row["upper_half_outcome"] == "no longer decided"
    assert stability(study, runs_of(errors), NOTHING).iloc[0]["best_validation"] == ""


def test_what_becomes_of_a_verdict() -> None:
    assert outcome("better", "better") == "holds"
    assert outcome("undecided", "too few seeds: needs ≥ 7") == "still open"
    assert outcome("worse", "undecided") == "no longer decided"
    assert outcome("worse", "too few seeds: needs ≥ 7") == "too few seeds"
    assert outcome("incomplete", "equivalent") == "newly decided"
    assert outcome("better", "worse") == outcome("better", "equivalent") == "decided otherwise"


def test_the_median_is_tested_by_signs() -> None:
    a = np.array([[0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.9, 0.03]])
    b = np.array([[0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.03]])
    found = next(median_rows(a, b, [1]))
    assert (found.n, found.informative, found.wins, found.losses, found.ties) == (9, 8, 7, 1, 1)
    assert found.p_value == pytest.approx(stats.binomtest(7, 8).pvalue)
    assert found.wide == found.interval
    corrected = next(median_rows(a, b, [20]))
    assert (corrected.interval, corrected.wide) == (found.interval, (-np.inf, np.inf))
    assert found.mean == pytest.approx(-0.01)
    theirs = stats.quantile_test((a - b)[0], q=0, p=0.5).confidence_interval(0.95)
    assert found.interval == pytest.approx((theirs.low, theirs.high))
    few = next(median_rows(a[:, :4], b[:, :4], [1]))
    assert few.interval == (-np.inf, np.inf)
    assert verdict(few, few.p_value, 0.005) == "too few seeds: needs ≥ 6"
    mirrored = next(median_rows(b, a, [1]))
    assert mirrored.p_value == found.p_value
    assert mirrored.direction == -found.direction
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_one_outlier_turns_the_mean_and_not_the_median(tmp_path: Path) -> None:
    errors = np.array([np.full(20, 0.05), np.full(20, 0.06)]) + 0.1 * NOISE
    errors[0, 3] = 0.9
    row = stability(study_of(tmp_path), runs_of(errors), NOTHING).iloc[0]
    assert (row["verdict"], row["median_difference"]) == ("undecided", "better")
    assert row["median_difference_outcome"] == "newly decided"


def test_the_best_epoch_is_the_first_of_the_least_validation_error() -> None:
    def curve(*values: float) -> np.ndarray:
        return np.array(values)

    of_a = ["a", curve(0, 5, 9), curve(0.3, 0.1, 0.1), curve(0.3, 0.2, 0.15)]
    of_b = ["b", curve(0, 5), curve(0.2, 0.4), curve(0.5, 0.1)]
    columns = ["run_id", "epoch", "validation_error", "test_error"]
    curves = pd.DataFrame([of_b, of_a, of_a, ["c", curve(0, 5), np.nan, curve(1, 1)]], columns=columns)
    found = best_epochs_table(curves)  # a is of two studies, c has no validation data
    assert found.to_dict("list") == dict(zip(columns, [["a", "b"], [5, 0], [0.1, 0.2], [0.2, 0.5]], strict=True))
    assert len(best_epochs_table(curves.drop(columns="validation_error"))) == 0


def test_order_of_rows_changes_no_byte_and_seeds_are_not_lost(tmp_path: Path) -> None:
    study, runs, best = study_of(tmp_path), runs_of(NOISE + np.array([[0.05], [0.06]])), best_of(NOISE)
    expected = stability(study, runs, best).to_csv()
    assert (
        stability(study, runs.sample(frac=1, random_state=1), best.sample(frac=1, random_state=2)).to_csv() == expected
    )
    with pytest.raises(InputError, match=r"found no run of seed 5 \("):
        stability_table(study, runs.drop(index=5), comparisons_table(study, runs), best)
    runs.loc[5, "status"] = "error"
    row = stability(study, runs, best).iloc[0]
    assert set(row[["verdict", "best_validation", "lower_half", "upper_half", "median_difference"]]) == {"incomplete"}
    runs.loc[5, ["status", "test_error"]] = ["diverged", np.nan]
    worst = NOISE + np.array([[0.05], [0.06]])
    worst[0, 5] = 1
    others = ["verdict", "lower_half", "upper_half", "median_difference"]
    counted = stability(study, runs_of(worst), best).iloc[0]
    assert stability(study, runs, best.drop(index=5)).iloc[0][others].tolist() == counted[others].tolist()


def test_tables_and_sentences(tmp_path: Path) -> None:
    errors = NOISE + np.array([[0.05], [0.07]])
    table = stability(study_of(tmp_path), runs_of(errors), best_of(errors[::-1]))
    assert list(table) == STABILITY.header
    assert unstable(table) == ["best epoch, decided otherwise: relu and tanh better, then worse."]
    assert counted_stability(table).to_dict("list") == {
        "the verdict": [
            "holds",
            "decided otherwise",
            "no longer decided",
            "too few seeds",
            "newly decided",
            "still open",
        ],
        "best epoch": ["0", "1", "0", "0", "0", "0"],
        "lower half": ["1", "0", "0", "0", "0", "0"],
        "upper half": ["1", "0", "0", "0", "0", "0"],
        "median": ["1", "0", "0", "0", "0", "0"],
    }
    without = stability(study_of(tmp_path), runs_of(errors), NOTHING)
    assert "best epoch" not in counted_stability(without)


@pytest.mark.takes_seconds
def test_a_grid_writes_them_and_what_is_read_back_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, results = write(tmp_path, STUDY), tmp_path / "results"
    assert main(["run", study, "--results", str(results), "--jobs", "1"]) == 0
    assert "These verdicts by the best epoch on validation error" in capsys.readouterr().out
    evidence = read(results).of("study")
    made = stability_table(load(study), evidence.runs, evidence.comparisons, evidence.best_epochs)
    assert evidence.stability.reset_index(drop=True).to_csv() == made.to_csv()
    assert (made["best_validation"] != "").all()
    assert len(evidence.effects) == 0
    written = {path.name: path.read_bytes() for path in results.glob("*.csv")}
    for path in results.glob("*.sqlite"):
        path.unlink()
    write_derived(results, [load(study)])
    assert written == {path.name: path.read_bytes() for path in results.glob("*.csv")}


def test_half_of_the_seeds_in_which_all_runs_diverged_says_nothing(tmp_path: Path) -> None:
    runs = runs_of(0.05 + NOISE + np.array([[0.0], [0.05]]))
    lost = runs["seed"] < 10
    runs.loc[lost, "status"], runs.loc[lost, "test_error"] = "diverged", np.nan
    study = study_of(tmp_path)
    comparisons = comparisons_table(study, runs)
    found = stability_table(study, runs, comparisons, pd.DataFrame({"run_id": [], "test_error": []})).iloc[0]
    assert found["verdict"] == "better"
    assert (found["lower_half"], found["lower_half_outcome"]) == ("nothing to compare", "no longer decided")
    assert (found["upper_half"], found["upper_half_outcome"]) == ("better", "holds")
    runs["status"], runs["test_error"] = "diverged", np.nan
    every = stability_table(study, runs, comparisons_table(study, runs), pd.DataFrame({"run_id": [], "test_error": []}))
    words = ["verdict", "lower_half", "upper_half", "median_difference"]
    assert set(every.iloc[0][words]) == {"nothing to compare"}
    assert set(every.iloc[0][[f"{name}_outcome" for name in words[1:]]]) == {"still open"}
