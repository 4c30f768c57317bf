"""Tables of what tuning tried, by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fairgrid.experiments.analysis.trials import budget_table, trials_table
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

TEXT = """
title = "Tuned"
seeds = 3
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
[[grid]]
batch_size = [1, 10]
optimizer = ["sgd", "momentum"]
[tuning]
learning_rate = { sgd = [0.01, 0.1, 1.0], momentum = [0.01, 0.1, 1.0] }
seeds = 2
baseline = true
"""
RATES = (0.01, 0.1, 1.0)
# by rate: validation and test error of either tuning seed; None diverged
ERRORS = {0.01: ((0.30, 0.35), (0.20, 0.25)), 0.1: ((0.10, 0.15), (0.30, 0.20)), 1.0: (None, (0.10, 0.05))}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load(studies.write(tmp_path, TEXT))


def runs_of(study: Study, errors: dict[float, Any] = ERRORS, chosen: float | None = 0.1) -> pd.DataFrame:
    """Every tuned cell with the same trials; its baseline with test errors of 0.5, 0.6 and a divergence.

    A tuned cell has an evaluation run at the learning rate that was chosen, if one was.
    """
    rows: list[dict[str, Any]] = []
    for number, cell in enumerate(study.cells):
        common = {"factors": factors_text(cell.factors), "optimizer": cell.factors["optimizer"]}
        if not cell.rates:
            for seed, error in enumerate((0.5, 0.6, None)):
                rows.append(
                    common | {"phase": "evaluation", "seed": seed, "learning_rate": 0.001} | outcome(error, error)
                )
        if cell.rates and chosen is not None:
            row = {"phase": "evaluation", "cell": f"{number} chosen", "seed": 0, "learning_rate": chosen}
            rows.append(common | row | outcome(0.2, 0.2))
        for rate in cell.rates:
            for seed, pair in zip(study.tuning_seeds, errors[rate], strict=True):
                row = {"phase": "tuning", "cell": f"{number} {rate}", "seed": seed, "learning_rate": rate}
                rows.append(common | row | outcome(*(pair or (None, None))))
    return pd.DataFrame(rows).astype({"validation_error": float, "test_error": float, "train_loss": float})


def outcome(validation: float | None, test: float | None) -> dict[str, Any]:
    status = "diverged" if test is None else "ok"
    return {"status": status, "validation_error": validation, "test_error": test, "train_loss": validation}


def test_every_rate_is_a_row_with_its_mean_and_interval(study: Study) -> None:
    table = trials_table(study, runs_of(study))
    assert len(table) == 4 * 3
    first = table[table["factors"] == '{"batch_size":1,"optimizer":"sgd","tuned":true}'].set_index("learning_rate")
    assert first["validation_error"].tolist() == pytest.approx([0.25, 0.2, 0.55])  # a divergence is an error of 1
    assert first["test_error"].tolist() == pytest.approx([0.3, 0.175, 0.525])
    assert first["n_ok"].tolist() == [2, 2, 1]
    assert first["n_diverged"].tolist() == [0, 0, 1]
    assert first["chosen"].tolist() == [False, True, False]
    low, high = stats.ttest_1samp([0.3, 0.2], 0).confidence_interval()
    assert first.loc[0.01, ["validation_error_ci_low", "validation_error_ci_high"]].tolist() == pytest.approx(
        [low, high]
    )


@pytest.mark.parametrize(("best", "edge"), [(0.01, "lowest"), (0.1, ""), (1.0, "highest")])
def test_best_rate_on_the_grids_edge_is_flagged(study: Study, best: float, edge: str) -> None:
    errors = dict.fromkeys(RATES, ((0.3, 0.3), (0.3, 0.3))) | {best: ((0.1, 0.1), (0.1, 0.1))}
    table = trials_table(study, runs_of(study, errors, best))
    assert table.loc[table["chosen"], "learning_rate"].tolist() == [best] * 4
    assert table.loc[table["chosen"], "edge"].tolist() == [edge] * 4
    assert (table.loc[~table["chosen"], "edge"] == "").all()


@pytest.mark.parametrize("chosen", [*RATES, None])
def test_the_chosen_rate_is_that_of_the_evaluation_runs(study: Study, chosen: float | None) -> None:
    table = trials_table(study, runs_of(study, chosen=chosen))
    assert table.loc[table["chosen"], "learning_rate"].tolist() == ([] if chosen is None else [chosen] * 4)


def test_budgets_by_hand(study: Study) -> None:
    table = budget_table(study, runs_of(study))
    first = table[table["factors"] == '{"batch_size":10,"optimizer":"momentum","tuned":true}'].set_index("trials")
    assert first.index.tolist() == [0, 1, 2, 3]
    assert first["n"].tolist() == [3, 2, 2, 2]
    # seed 1: 0.1, 0.3, diverged; seed 2: 0.1, 0.2, 0.3; two of three subsets of two hold the best
    validation = [(0.5 + 0.6 + 1) / 3, (1.4 / 3 + 0.2) / 2, (0.5 / 3 + 0.4 / 3) / 2, 0.1]
    assert first["validation_error"].tolist() == pytest.approx(validation)
    # judged on test error: seed 1 0.15, 0.35, 1; seed 2 0.05, 0.25, 0.2
    test = [0.7, (1.5 / 3 + 0.5 / 3) / 2, (0.65 / 3 + 0.35 / 3) / 2, 0.1]
    assert first["test_error"].tolist() == pytest.approx(test)
    low, high = stats.ttest_1samp([0.15, 0.05], 0).confidence_interval()
    assert first.loc[3, ["test_error_ci_low", "test_error_ci_high"]].tolist() == pytest.approx([low, high])


def test_a_study_without_baselines_begins_at_one_trial(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, TEXT.replace("baseline = true", "")))
    assert budget_table(study, runs_of(study))["trials"].unique().tolist() == [1, 2, 3]


@pytest.mark.parametrize("status", ["error", "timeout", "planned", "missing", "doubled"])
def test_a_trial_without_an_outcome_leaves_its_cell_unjudged(study: Study, status: str) -> None:
    runs = runs_of(study)
    lost = runs.index[(runs["phase"] == "tuning") & (runs["learning_rate"] == 0.01)][0]
    if status == "missing":
        runs = runs.drop(lost)
    elif status == "doubled":
        runs = pd.concat([runs, runs.loc[[lost]]])
    else:
        runs.loc[lost, ["status", "validation_error", "test_error"]] = status, math.nan, math.nan
    trials, budgets = trials_table(study, runs), budget_table(study, runs)
    hurt = trials["factors"] == runs_of(study).loc[lost, "factors"]
    assert hurt.sum() == 3
    assert trials.loc[hurt, ["validation_error", "test_error"]].isna().all(axis=None)
    assert not trials.loc[hurt, "chosen"].any()
    assert trials.loc[~hurt, "chosen"].sum() == 3
    assert trials.loc[hurt, "n_failed"].tolist() == [int(status in ("error", "timeout")), 0, 0]
    assert set(budgets["factors"]) == set(trials.loc[~hurt, "factors"])


def test_order_of_rows_changes_no_byte(study: Study) -> None:
    runs = runs_of(study)
    mixed = runs.sample(frac=1, random_state=1)
    for table in (trials_table, budget_table):
        assert table(study, mixed).to_csv() == table(study, runs).to_csv()


def test_a_constant_added_to_errors_is_added_to_every_mean(study: Study) -> None:
    whole = {
        rate: tuple((v + 0.1, t + 0.1) for v, t in (pair or (0.9, 0.9) for pair in pairs))
        for rate, pairs in ERRORS.items()
    }
    raised = {rate: tuple((v + 0.05, t + 0.05) for v, t in pairs) for rate, pairs in whole.items()}
    before, after = (budget_table(study, runs_of(study, errors)) for errors in (whole, raised))
    searched = before["trials"] > 0
    for name in ("validation_error", "test_error"):
        np.testing.assert_allclose(after.loc[searched, name], before.loc[searched, name] + 0.05)
        width = [table.loc[searched, f"{name}_ci_high"] - table.loc[searched, name] for table in (before, after)]
        np.testing.assert_allclose(*width, atol=1e-12)


def test_a_study_that_tunes_nothing_has_no_rows(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, studies.TINY))
    nothing = runs_of(study).reindex(columns=["phase", "factors", "seed", "learning_rate", "status"])
    assert len(trials_table(study, nothing)) == len(budget_table(study, nothing)) == 0
