"""The choice of a learning rate: on validation error, among equal trials, and used by what is reported."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.analysis.tuning import select
from fairgrid.experiments.cli import main
from tests.experiments import studies

Trial = tuple[str, float, int, str, float | None, float | None]


def frame(*trials: Trial) -> pd.DataFrame:
    columns = ["tuned", "learning_rate", "seed", "status", "validation_error", "train_loss"]
    return pd.DataFrame(list(trials), columns=columns).astype({"validation_error": float, "train_loss": float})


def test_lowest_mean_validation_error_wins_in_each_cell() -> None:
    runs = frame(
        ("a", 0.1, 0, "ok", 0.10, 9.0),
        ("a", 0.1, 1, "ok", 0.40, 9.0),  # the best single run, but not the best mean
        ("a", 0.2, 0, "ok", 0.20, 9.0),
        ("a", 0.2, 1, "ok", 0.20, 9.0),
        ("b", 0.1, 0, "ok", 0.10, 9.0),
        ("b", 0.2, 0, "ok", 0.20, 1.0),
    )
    assert select(runs) == {"a": 0.2, "b": 0.1}


def test_diverged_run_counts_as_an_error_of_one() -> None:
    survivor = ("a", 1.0, 0, "ok", 0.0, 0.0), ("a", 1.0, 1, "diverged", None, None)  # mean 0.5
    assert select(frame(*survivor, ("a", 0.1, 0, "ok", 0.45, 1.0), ("a", 0.1, 1, "ok", 0.45, 1.0))) == {"a": 0.1}
    assert select(frame(*survivor, ("a", 0.1, 0, "ok", 0.55, 1.0), ("a", 0.1, 1, "ok", 0.55, 1.0))) == {"a": 1.0}


def test_ties_go_to_the_lower_training_loss_then_to_the_smaller_rate() -> None:
    assert select(frame(("a", 0.1, 0, "ok", 0.2, 2.0), ("a", 0.2, 0, "ok", 0.2, 1.0))) == {"a": 0.2}
    assert select(frame(("a", 0.2, 0, "ok", 0.2, 1.0), ("a", 0.1, 0, "ok", 0.2, 1.0))) == {"a": 0.1}
    assert select(frame(("a", 0.2, 0, "diverged", None, None), ("a", 0.1, 0, "diverged", None, None))) == {"a": 0.1}
    # means that differ by rounding alone are equal: 0.03 and 0.030000000000000002
    pairs = ((0.1, (0.0, 0.06), 2.0), (0.2, (0.01, 0.05), 1.0))
    trials = [("a", rate, seed, "ok", error, loss) for rate, both, loss in pairs for seed, error in enumerate(both)]
    assert select(frame(*trials)) == {"a": 0.2}
    # an error of 1 that was reached beats one that stands for a divergence
    assert select(frame(("a", 0.1, 0, "diverged", None, None), ("a", 0.2, 0, "ok", 1.0, 5.0))) == {"a": 0.2}


@pytest.mark.parametrize("status", ["error", "timeout", "planned"])
def test_run_that_has_no_outcome_is_refused(status: str) -> None:
    runs = frame(("a", 0.1, 0, "ok", 0.2, 2.0), ("a", 0.25, 0, status, None, None))
    with pytest.raises(ValueError, match=rf"^tuning needs every run, found '{status}' at learning rate 0\.25$"):
        select(runs)


def test_unequal_numbers_of_trials_are_refused() -> None:
    runs = frame(("a", 0.1, 0, "ok", 0.2, 2.0), ("a", 0.1, 1, "ok", 0.2, 2.0), ("a", 0.2, 0, "ok", 0.1, 2.0))
    with pytest.raises(ValueError, match=r"^tuning needs as many runs of every learning rate, found 1 to 2$"):
        select(runs)


def test_cells_may_have_different_numbers_of_trials() -> None:
    runs = frame(("a", 0.1, 0, "ok", 0.2, 2.0), ("a", 0.1, 1, "ok", 0.2, 2.0), ("b", 0.2, 0, "ok", 0.1, 2.0))
    assert select(runs) == {"a": 0.1, "b": 0.2}


ERRORS = st.sampled_from([0.1, 0.3, 1 / 3, 0.7])
LOSSES = st.sampled_from([0.5, 1 / 7, 2.0])


@pytest.mark.takes_seconds
@given(outcomes=st.lists(st.one_of(st.none(), st.tuples(ERRORS, LOSSES)), min_size=18, max_size=18), mix=st.randoms())
def test_order_of_rows_does_not_matter(outcomes: list[tuple[float, float] | None], mix: Any) -> None:
    places = [(cell, rate, seed) for cell in "ab" for rate in (0.01, 0.1, 1.0) for seed in range(3)]
    trials: list[Trial] = [
        (*place, "diverged", None, None) if outcome is None else (*place, "ok", *outcome)
        for place, outcome in zip(places, outcomes, strict=True)
    ]
    chosen = select(frame(*trials))
    mix.shuffle(trials)
    assert select(frame(*trials)) == chosen
    assert set(chosen) == {"a", "b"}


def test_reported_runs_use_the_chosen_rate_and_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = studies.write(tmp_path, studies.TUNED)
    results = tmp_path / "results"
    assert main(["run", study, "--results", str(results), "--backend", "sequential"]) == 0
    printed = capsys.readouterr().out
    runs = pd.read_csv(results / "runs.csv")
    tuning, evaluation = (runs[runs["phase"] == phase] for phase in ("tuning", "evaluation"))
    assert set(tuning["seed"]).isdisjoint(evaluation["seed"])
    for optimizer, candidates in (("sgd", [0.01, 0.1]), ("momentum", [0.1, 1e30])):
        trials = tuning[tuning["optimizer"] == optimizer]
        assert sorted(trials["learning_rate"].unique()) == candidates
        assert set(trials.groupby("learning_rate").size()) == {3}
        score = trials["validation_error"].fillna(1.0).groupby(trials["learning_rate"]).mean()
        (rate,) = evaluation.loc[evaluation["optimizer"] == optimizer, "learning_rate"].unique()
        assert score[rate] == score.min()
        (line,) = (line for line in printed.splitlines() if line.startswith(optimizer) and line.endswith("4/4"))
        assert line.split()[1:3] == [f"{rate:g}", "(edge)"]  # of two candidates either is
    assert "learning rate (tuned)" in printed
    assert set(evaluation.loc[evaluation["optimizer"] == "adam", "learning_rate"]) == {0.5}
    assert not (tuning["optimizer"] == "adam").any()


def test_choice_does_not_depend_on_earlier_plans(tmp_path: Path) -> None:
    results = tmp_path / "results"
    study = studies.write(tmp_path, studies.TUNED.replace("seeds = 3", "seeds = 9"))
    studies.run(results, study)
    studies.write(tmp_path, studies.TUNED)
    studies.run(results, study)
    studies.run(tmp_path / "alone", study)
    with_history, alone = (
        table[table["phase"] == "evaluation"].reset_index(drop=True)
        for table in (studies.table(results, "runs"), studies.table(tmp_path / "alone", "runs"))
    )
    assert with_history.equals(alone)


@pytest.mark.takes_seconds
def test_failed_tuning_leaves_the_cell_unchosen_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = studies.TUNED.replace('{ name = "disk", train = 40, test = 30, validation = 20 }', '"own_tuning:Fails"')
    (tmp_path / "own_tuning.py").write_text(
        "from fairgrid.experiments.problems import Disk\n"
        "class Fails(Disk):\n"
        "    def sample(self, seed):\n"
        "        if seed == 100_000_001: raise RuntimeError('no such data')\n"
        "        return super().sample(seed)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.chdir(tmp_path)
        code = main(
            ["run", studies.write(tmp_path, text), "--results", str(tmp_path / "results"), "--backend", "sequential"]
        )
    printed = capsys.readouterr().err
    assert code == 4
    assert "study: learning rates not chosen: tuning needs every run, found 'error' at learning rate" in printed
    assert "4 runs ended in error or timeout; --retry-failed runs them again" in printed
    runs = studies.table(tmp_path / "results", "runs")
    assert set(runs.loc[runs["phase"] == "evaluation", "optimizer"]) == {"adam"}  # needs no choice
    assert set(runs.loc[runs["status"] == "error", "message"]) == {"RuntimeError: no such data"}
