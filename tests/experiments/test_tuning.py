"""The choice of a learning rate is a pure function of the tuning runs."""

import math
from pathlib import Path

import pandas as pd
import pytest

from experiments.cli import main
from experiments.tuning import select
from tests.experiments.studies import TUNED, write


def trials(*rows: tuple[str, float, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["tuned", "learning_rate", "status", "validation_error", "train_loss"])


def test_lowest_mean_validation_error_wins_for_each_cell() -> None:
    runs = trials(
        ("a", 0.1, "ok", 0.3, 1),
        ("a", 0.1, "ok", 0.1, 1),
        ("a", 0.2, "ok", 0.15, 9),
        ("a", 0.2, "ok", 0.15, 9),
        ("b", 0.1, "ok", 0.1, 1),
        ("b", 0.2, "ok", 0.2, 1),
    )
    assert select(runs) == {"a": 0.2, "b": 0.1}
    assert select(runs.sample(frac=1, random_state=3)) == {"a": 0.2, "b": 0.1}


def test_diverged_run_counts_as_an_error_of_one() -> None:
    runs = trials(
        ("a", 0.1, "ok", 0.4, 1),
        ("a", 0.1, "ok", 0.4, 1),
        ("a", 0.5, "ok", 0.0, 1),
        ("a", 0.5, "diverged", math.nan, math.nan),
    )
    assert select(runs) == {"a": 0.1}


def test_ties_go_to_the_lower_training_loss_and_then_to_the_smaller_rate() -> None:
    assert select(trials(("a", 0.1, "ok", 0.2, 0.5), ("a", 0.3, "ok", 0.2, 0.4))) == {"a": 0.3}
    assert select(trials(("a", 0.3, "ok", 0.2, 0.4), ("a", 0.1, "ok", 0.2, 0.4))) == {"a": 0.1}


@pytest.mark.parametrize("status", ["error", "timeout", "planned"])
def test_unequal_trials_are_no_choice(status: str) -> None:
    with pytest.raises(ValueError, match=f"^tuning needs every run, found '{status}' at learning rate 0.1$"):
        select(trials(("a", 0.1, status, math.nan, math.nan), ("a", 0.3, "ok", 0.2, 0.4)))


def test_evaluation_uses_the_chosen_rate_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(tmp_path, TUNED), "--results", str(tmp_path / "r"), "--jobs", "1"]) == 0
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    tuning, evaluation = (runs[runs["phase"] == phase] for phase in ("tuning", "evaluation"))
    assert len(tuning) == 4 * 3
    scored = (
        tuning.assign(error=tuning["validation_error"].fillna(1.0))
        .groupby(["optimizer", "learning_rate"])["error"]
        .mean()
    )
    for name in ("sgd", "momentum"):
        chosen = evaluation.loc[evaluation["optimizer"] == name, "learning_rate"].unique()
        assert len(chosen) == 1
        assert scored[name, chosen[0]] == scored[name].min()
    assert not set(tuning["seed"]) & set(evaluation["seed"])
    printed = capsys.readouterr().out
    assert "learning rate (tuned)" in printed
    assert "adam" in printed
