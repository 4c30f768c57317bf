"""Tuning, targets and problems on the whole path: a small study's CSVs, printed tables, figures and their words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from fairgrid.experiments.analysis.cross_problem import blocks
from fairgrid.experiments.analysis.derived import write_derived
from fairgrid.experiments.analysis.time_to_target import reaching_of
from fairgrid.experiments.analysis.trials import budget_table, trials_table
from fairgrid.experiments.reporting.figures import draw, figure_of, figures_of, file_names
from fairgrid.experiments.reporting.figures.style import theme
from fairgrid.experiments.reporting.rendering import tables
from fairgrid.experiments.store.tables import ResultTables, read
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

SMALL = "train = 40, test = 30, validation = 20"
TEXT = f"""
title = "Six problems"
seeds = 3
[run]
model = {{ name = "mlp", hidden = [4] }}
loss = "cross_entropy"
batch_size = 20
epochs = 3
checkpoints = 3
targets = [0.5, 0.1]
[[grid]]
problem = ["iris", "wine", {{ name = "disk", {SMALL} }}, {{ name = "moons", {SMALL} }}, {{ name = "circles", {SMALL} }},
    {{ name = "line", {SMALL}, encoding = "one_hot" }}]
optimizer = ["sgd", "adam"]
[tuning]
learning_rate = {{ sgd = [0.01, 0.1, 1e30], adam = [0.001, 0.01, 0.1] }}
seeds = 2
baseline = true
"""
NAMES = ("sensitivity", "budget", "times", "across")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("findings")
    path = studies.write(made, TEXT)
    studies.run(made, path)
    write_derived(made, [load(path)])
    return made


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return load(str(folder / "study.toml"))


@pytest.fixture(scope="module")
def evidence(folder: Path) -> ResultTables:
    return read(folder).of("study")


def panels(name: str, study: Study, evidence: ResultTables) -> list[Axes]:
    with theme():
        figure = figure_of(study, name).figure(study, evidence)
    assert figure is not None
    return [ax for ax in figure.axes if ax.get_visible()]


def words(name: str, study: Study, evidence: ResultTables) -> str:
    return figure_of(study, name).description(study, evidence)


@pytest.mark.takes_seconds
def test_every_finding_is_a_csv_of_the_study(folder: Path, study: Study) -> None:
    rows = {name: studies.table(folder, name) for name in ("tuning", "budgets", "targets", "across", "scores")}
    assert {name: len(table) for name, table in rows.items()} == {
        "tuning": 12 * 3,
        "budgets": 12 * 4,
        "targets": 24 * 2,
        # two optimizers tuned and not, tuned or not with either optimizer
        "across": 4,
        "scores": 4 * 6 * 2,
    }
    before = {name: (folder / f"{name}.csv").read_bytes() for name in rows}
    write_derived(folder, [study])
    assert before == {name: (folder / f"{name}.csv").read_bytes() for name in rows}


@pytest.mark.takes_seconds
def test_printed_tables_say_what_the_csvs_do(study: Study, evidence: ResultTables) -> None:
    tuned = tables(study, evidence, "text", "tuning")
    trials = trials_table(study, evidence.runs)
    assert tuned.count("(edge)") == (trials["edge"] != "").sum()
    assert " ".join(tuned.split()).count("a better one may lie beyond") == (trials["edge"] != "").sum()
    assert "test error %: untuned" in tuned
    assert "3: 0.01 to 1e+30" in tuned
    reached = tables(study, evidence, "csv", "targets")
    assert reached.count("\n") == 1 + 24 * 2
    ranked = tables(study, evidence, "text", "across")
    assert "tuned" in ranked
    assert ranked.count("too few problems: needs ≥ 7 that") + ranked.count("undecided") >= 2


def test_a_study_that_has_none_of_it_shows_none_of_it(tmp_path: Path) -> None:
    path = studies.write(tmp_path, studies.TINY)
    studies.run(tmp_path, path)
    study = load(path)
    write_derived(tmp_path, [study])
    assert not any((tmp_path / f"{name}.csv").exists() for name in ("tuning", "budgets", "targets", "across", "scores"))
    assert [figure.name for figure in figures_of(study)] == ["curves", "test_error", "differences"]
    evidence = read(tmp_path).of("study")
    assert [tables(study, evidence, "text", name) for name in ("tuning", "targets", "across")] == [""] * 3


def test_lines_of_rates_are_the_tables(study: Study, evidence: ResultTables) -> None:
    table = trials_table(study, evidence.runs)
    shown = panels("sensitivity", study, evidence)
    assert len(shown) == 6
    drawn = np.concatenate(
        [line.get_ydata() for ax in shown for line in ax.get_lines() if line.get_linestyle() != "None"]
    )
    np.testing.assert_allclose(np.sort(drawn), np.sort(100 * table["validation_error"]))
    marks = [line for ax in shown for line in ax.get_lines() if line.get_marker() == "o" and len(line.get_xdata())]
    assert sorted(line.get_xdata()[0] for line in marks) == sorted(table.loc[table["chosen"], "learning_rate"])
    hollow = [line for line in marks if to_hex(line.get_markerfacecolor()) == "#ffffff"]
    assert len(hollow) == (table["edge"] != "").sum()


def test_lines_of_budgets_are_the_tables(study: Study, evidence: ResultTables) -> None:
    table = budget_table(study, evidence.runs)
    shown = panels("budget", study, evidence)
    drawn = np.concatenate([line.get_ydata() for ax in shown for line in ax.get_lines()])
    np.testing.assert_allclose(np.sort(drawn), np.sort(100 * table["test_error"]))


def test_steps_of_times_are_the_shares_of_runs(study: Study, evidence: ResultTables) -> None:
    shown = panels("times", study, evidence)
    assert len(shown) == 6 * 2
    ends = sorted(float(line.get_ydata()[-1]) for ax in shown for line in ax.get_lines())
    found = [reaching_of(cell, target, evidence) for cell in study.cells if cell.rates for target in (0.5, 0.1)]
    assert ends == sorted(each.probability for each in found if each)


def test_profiles_are_shares_of_problems(study: Study, evidence: ResultTables) -> None:
    left, right = panels("across", study, evidence)
    block = blocks(study, evidence.runs)[0]
    assert [text.get_text() for text in left.get_yticklabels()] == [
        block.problems[at].replace("_", " ") for at in np.argsort(block.errors.mean(1), kind="stable")
    ]
    for column, line in enumerate(right.get_lines()):
        for x, y in zip(line.get_xdata()[1:-1], line.get_ydata()[1:-1], strict=True):
            below = (block.ratios[:, column] < x).mean(), (block.ratios[:, column] <= x).mean()
            assert below[0] < y <= below[1] + 1e-12


@pytest.mark.takes_seconds
def test_figures_are_drawn_again_with_the_same_bytes(study: Study, evidence: ResultTables, tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        draw(study, evidence, tmp_path / str(number))
        made.append({name: (tmp_path / str(number) / name).read_bytes() for name in file_names(study)})
    assert made[0] == made[1]
    assert file_names(study)[2:] == [f"study_{name}.png" for name in ("differences", *NAMES)]


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", NAMES)
def test_figures_without_runs_are_empty_and_say_so(study: Study, evidence: ResultTables, name: str) -> None:
    nothing = evidence.of()
    assert all(not len(line.get_xdata()) for ax in panels(name, study, nothing) for line in ax.get_lines())
    assert words(name, study, nothing).startswith("Empty axes: ")


def test_words_of_figures_hold_their_numbers(study: Study, evidence: ResultTables) -> None:
    trials = trials_table(study, evidence.runs)
    rates = trials.loc[trials["chosen"], "learning_rate"]
    assert f"Chosen: {rates.min():g} to {rates.max():g} in 12 cells, {(trials['edge'] != '').sum()} on the edge" in (
        sensitivity_words := words("sensitivity", study, evidence)
    ), sensitivity_words
    budgets = budget_table(study, evidence.runs)
    one = 100 * budgets.loc[budgets["trials"] == 1, "test_error"]
    assert f"one: {one.min():.3g} % to {one.max():.3g} %" in words("budget", study, evidence)
    assert "test error 50 %: " in words("times", study, evidence)
    ranks = pd.DataFrame(blocks(study, evidence.runs)[0].ranks, columns=["SGD", "Adam"]).mean()
    told = words("across", study, evidence)
    assert all(f"{level} has the mean rank {rank:.2f}" in told for level, rank in ranks.items())
