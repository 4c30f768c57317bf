"""Tables of work until a target, from runs that a grid trained and by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fairgrid.experiments.analysis.derived import write_derived
from fairgrid.experiments.analysis.statistics.survival import reaching
from fairgrid.experiments.analysis.time_to_target import targets_table
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.store.tables import ResultTables, read
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

TEXT = """
title = "Targets"
seeds = 6
[run]
problem = { name = "disk", train = 40, test = 30, validation = 0 }
model = { name = "mlp", hidden = [6] }
epochs = 6
checkpoints = 6
targets = [0.1, 0.45, 0.3]
[[grid]]
optimizer = [{ name = "adam", learning_rate = 0.02 }, { name = "sgd", learning_rate = 1e30 }]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, ResultTables]:
    folder = tmp_path_factory.mktemp("targets")
    path = studies.write(folder, TEXT)
    studies.run(folder / "results", path)
    write_derived(folder / "results", [load(path)])
    assert (folder / "results" / "targets.csv").exists()
    return load(path), read(folder / "results")


def test_times_are_gradient_evaluations_and_runs_that_never_reach_it_are_censored(
    trained: tuple[Study, ResultTables],
) -> None:
    study, evidence = trained
    table = targets_table(study, evidence)
    assert table["target"].tolist() == [0.45, 0.3, 0.1] * 2
    adam, sgd = table.iloc[:3], table.iloc[3:]
    ids = evidence.runs.loc[evidence.runs["optimizer"] == "adam", "run_id"]
    for _, row in adam.iterrows():
        epochs = evidence.metrics.set_index("run_id").query(f"metric == 'epochs_to_{row['target']:g}'")["value"][ids]
        times = np.where(epochs.isna(), math.inf, epochs * 40)
        found = reaching(times)
        assert row["reached"] == np.isfinite(times).sum() == found.reached
        assert (row["probability"], row["probability_low"], row["probability_high"]) == pytest.approx(
            (found.reached / 6, found.low, found.high)
        )
        assert row["median"] == sorted(times)[2]
    assert adam["probability"].is_monotonic_decreasing
    assert 0 < adam["reached"].sum() < 18  # some do, some do not
    assert (table["budget"] == 240).all()
    # every run of the other cell diverged: an outcome, and no run reaches anything
    assert (sgd["n_diverged"] == 6).all()
    assert (sgd["reached"] == 0).all()
    assert (sgd["probability"] == 0).all()
    assert (sgd["median"] == math.inf).all()


def test_order_of_rows_changes_no_byte(trained: tuple[Study, ResultTables]) -> None:
    study, evidence = trained
    mixed = evidence.replace(
        runs=evidence.runs.sample(frac=1, random_state=1),
        metrics=evidence.metrics.sample(frac=1, random_state=2),
    )
    assert targets_table(study, mixed).to_csv() == targets_table(study, evidence).to_csv()


@pytest.mark.parametrize("status", ["planned", "error", "timeout"])
def test_a_cell_with_a_run_that_has_no_outcome_has_counts_alone(
    trained: tuple[Study, ResultTables], status: str
) -> None:
    study, evidence = trained
    runs = evidence.runs.copy()
    runs.loc[runs.index[runs["optimizer"] == "adam"][0], "status"] = status
    adam = targets_table(study, evidence.replace(runs=runs)).iloc[:3]
    assert adam["n_planned"].tolist() == [6] * 3
    assert adam["n_ok"].tolist() == [5] * 3
    assert adam[["reached", "probability", "median"]].isna().all(axis=None)


def test_a_missing_record_is_never_a_smaller_n(trained: tuple[Study, ResultTables]) -> None:
    study, evidence = trained
    lost = evidence.runs.loc[evidence.runs["optimizer"] == "adam", "run_id"].iloc[0]
    metrics = evidence.metrics[evidence.metrics["run_id"] != lost]
    message = rf"^metrics\.csv: expected epochs_to_0\.45 of every run that is ok, found none of {lost}$"
    with pytest.raises(InputError, match=message):
        targets_table(study, evidence.replace(metrics=metrics))


def test_a_study_without_targets_has_no_rows(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, studies.TINY))
    nothing = pd.DataFrame({"phase": [], "factors": [], "status": []})
    assert len(targets_table(study, ResultTables(runs=nothing))) == 0
