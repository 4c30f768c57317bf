"""Forest plots of differences: every pair is there, with its own numbers and its verdict."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fairgrid.experiments.reporting.figures import file_names
from fairgrid.experiments.reporting.figures.differences import Differences
from fairgrid.experiments.reporting.figures.style import theme
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

NOTHING = pd.DataFrame({"study": []})
COLUMNS = "study factor a b context mean_difference ci_low ci_high verdict needs_seeds".split()
ROWS = [
    ["s", "optimizer", "sgd", "adam", "batch_size=1", 0.02, 0.01, 0.04, "worse", None],
    ["s", "optimizer", "sgd", "adam", "batch_size=5", -0.3, -0.4, -0.1, "better", None],
    ["s", "optimizer", "sgd", "momentum", "batch_size=5", 0.001, -0.001, 0.002, "equivalent", None],
    ["s", "optimizer", "momentum", "adam", "batch_size=5", 0.01, -0.01, 0.03, "undecided", 120],
    ["s", "optimizer", "adam", "momentum", "batch_size=1", None, None, None, "incomplete", None],
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    text = 'title = "Title"\n[[grid]]\noptimizer = ["sgd", "momentum", "adam"]\nbatch_size = [1, 5]'
    return load(studies.write(tmp_path_factory.mktemp("forest"), text, "s.toml"))


def drawn(study: Study, rows: list[list[object]]) -> Figure:
    table = pd.DataFrame(rows, columns=COLUMNS) if rows else NOTHING
    with theme():
        return Differences(("optimizer",)).figure(study, ResultTables(comparisons=table))


def test_every_pair_has_its_difference_interval_and_verdict(study: Study) -> None:
    ax = drawn(study, ROWS).axes[0]
    pairs = dict(zip(ax.get_yticks(), (text.get_text() for text in ax.get_yticklabels()), strict=True))
    assert list(pairs.values()) == [
        "SGD − Adam",
        "Adam − momentum",
        "SGD − Adam",
        "SGD − momentum",
        "momentum − Adam",
    ]
    spans = {
        line.get_ydata()[0]: tuple(line.get_xdata())
        for line in ax.get_lines()
        if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2
    }
    assert [pytest.approx(spans[place]) for place in (1, 4, 5, 6)] == [(1, 4), (-40, -10), (-0.1, 0.2), (-1, 3)]
    assert 2 not in spans
    told = {round(text.get_position()[1]): text.get_text() for text in ax.texts}
    assert told == {
        0: "batch size 1",
        1: "worse",
        2: "incomplete",
        3: "batch size 5",
        4: "better",
        5: "equivalent",
        6: "undecided; 120 seeds might decide",
    }


def test_axis_shows_all_intervals_and_the_region(study: Study) -> None:
    far, near = (drawn(study, rows) for rows in (ROWS, ROWS[:1]))
    low, high = far.axes[0].get_xlim()
    assert low < -40
    assert high > 4
    assert "linear within ±1" in " ".join(" ".join(text.get_text() for text in far.texts).split())
    low, high = near.axes[0].get_xlim()
    assert low < -0.5
    assert 4 < high < 10
    assert near.axes[0].get_xscale() == "linear"


def test_without_comparisons_the_axes_are_empty(study: Study) -> None:
    assert list(drawn(study, []).axes[0].get_yticks()) == []


def test_long_figures_say_what_they_leave_out(study: Study) -> None:
    figure = drawn(study, ROWS[:1] * 100)
    assert len(figure.axes[0].get_yticks()) == 80
    assert "20 more pairs are in comparisons.csv" in " ".join(
        " ".join(text.get_text() for text in figure.texts).split()
    )


def test_many_pairs_have_a_figure_for_each_factor(study: Study, tmp_path: Path) -> None:
    assert "s_differences.png" in file_names(study)
    assert [figure.factors for figure in Differences.figures_of(study)] == [("optimizer", "batch_size")]
    files = [name for name in file_names(load("optimizers")) if "differences" in name]
    assert files == [f"optimizers_differences_{name}.png" for name in ("activation", "batch_size", "optimizer")]
    alone = load(studies.write(tmp_path, 'title = "One"', "one.toml"))
    assert not any("differences" in name for name in file_names(alone))


def test_intervals_without_an_end_leave_their_difference_in_sight(study: Study) -> None:
    row = [
        "s",
        "optimizer",
        "sgd",
        "adam",
        "batch_size=1",
        0.05,
        float("-inf"),
        float("inf"),
        "too few seeds: needs ≥ 6",
        6,
    ]
    low, high = drawn(study, [row]).axes[0].get_xlim()
    assert low < -0.5
    assert 5 < high < 10
