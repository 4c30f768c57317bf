"""Single panels on given axes: what they show is what the study's own figures show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fairgrid import InputError, Results, Study, plot, run
from fairgrid.experiments.reporting.figures.reported import ReportedNumbers
from fairgrid.experiments.reporting.figures.style import theme
from fairgrid.experiments.study.labels import factors_order
from tests.experiments.reporting.test_derived_figures import TEXT
from tests.experiments.reports import STUDY

TAME = "sgd(learning_rate=0.1)"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(Study.from_toml(TEXT, "study"), tmp_path_factory.mktemp("plot"), backend="sequential")


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def lines(ax: Axes) -> list[tuple[str, bytes]]:
    """Colours and points of all lines and marks."""
    found = [
        (to_hex(line.get_color()), np.round(np.asarray(line.get_xydata(), float), 9).tobytes())
        for line in ax.get_lines()
        if len(line.get_xydata())
    ]
    return sorted(found)


def panels(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_visible() and ax.get_lines()]


def title(ax: Axes) -> str:
    return ax.get_title().replace("\n", ", ")


@pytest.mark.parametrize(
    ("draw", "name"), [(plot.curves, "curves"), (plot.sensitivity, "sensitivity"), (plot.budget, "budget")]
)
def test_panel_of_lines_is_that_of_the_figure(draw: Callable[..., Axes], name: str, results: Results) -> None:
    wanted = {title(ax): (lines(ax), ax.get_xscale(), ax.get_yscale()) for ax in panels(plot.figure(results, name))}
    assert len(wanted) == 6
    for problem in ("iris", "disk"):
        where = {"problem": problem} if name != "curves" else {"problem": problem, "tuned": True}
        ax = draw(results, Figure().subplots(), where)
        assert (lines(ax), ax.get_xscale(), ax.get_yscale()) == wanted[f"problem {problem}"]
        legend = ax.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()][:2] == ["SGD", "Adam"]
        assert legend.get_title().get_text() == "optimizer"


def test_panel_of_boxes_is_that_of_the_figure(results: Results, ax: Axes) -> None:
    wanted = {title(panel): panel for panel in panels(plot.figure(results, "test_error"))}["problem wine"]
    assert plot.errors(results, ax, {"problem": "wine"}) is ax
    assert lines(ax) == lines(wanted)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["yes", "no"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("test error (%)", "tuned")


def test_panel_of_times_is_that_of_the_figure(results: Results, ax: Axes) -> None:
    wanted = {title(panel): panel for panel in panels(plot.figure(results, "times"))}
    plot.times(results, 0.1, ax, {"problem": "line", "tuned": "yes"})
    assert lines(ax) == lines(wanted["problem line, test error ≤ 10 %"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("gradient evaluations", "share of runs")


def test_panels_of_problems_are_those_of_the_figure(results: Results) -> None:
    left, right = plot.figure(results, "across").axes
    assert lines(plot.errors_by_problem(results, Figure().subplots())) == lines(left)
    assert lines(plot.profiles(results, Figure().subplots(), "optimizer")) == lines(right)


def test_differences_are_those_of_the_chosen_cells(results: Results, ax: Axes) -> None:
    def pairs(ax: Axes) -> list[str]:
        return [text.get_text() for text in ax.get_yticklabels()]

    whole = [name for name in pairs(plot.figure(results, "differences").axes[0]) if name == "SGD − Adam"]
    assert pairs(plot.differences(results, Figure().subplots(), factor="optimizer")) == whole
    plot.differences(results, ax, {"problem": ["iris", "wine"], "tuned": True})
    assert [name for name in pairs(ax) if "−" in name] == ["SGD − Adam"] * 2
    assert (
        pairs(plot.differences(results, Figure().subplots(), {"problem": "iris", "tuned": True, "optimizer": "sgd"}))
        == []
    )


def test_one_cell_has_no_legend_and_its_factor_s_colour(results: Results, ax: Axes) -> None:
    cell = {"problem": "iris", "tuned": False}
    plot.curves(results, ax, {**cell, "optimizer": "adam"})
    both = plot.curves(results, Figure().subplots(), cell)
    assert ax.get_legend() is None
    assert lines(ax)[0] in lines(both)
    assert len(lines(ax)) == 1 < len(lines(both))
    assert lines(plot.curves(results, Figure().subplots(), {**cell, "optimizer": ["adam", "sgd"]})) == lines(both)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(Study.from_toml(STUDY, "study"), tmp_path_factory.mktemp("report"), backend="sequential")


def clouds(ax: Axes) -> list[bytes]:
    """Points of all scatters."""
    found = [np.asarray(each.get_offsets()) for each in ax.collections if isinstance(each, PathCollection)]
    return [cloud.tobytes() for cloud in found if len(cloud)]


def test_points_of_a_run_are_those_of_the_figure(report: Results, ax: Axes) -> None:
    figure = plot.figure(report, "errors")
    sgd, _ = factors_order(report.study)["optimizer"]
    plot.points(report, ax, {"optimizer": sgd, "activation": "tanh"}, kind="errors", part="train")
    assert clouds(ax) == clouds(figure.axes[0])
    assert clouds(ax)
    assert ax.get_title() == figure.axes[0].get_title()
    bordered = plot.points(report, Figure().subplots(), {"optimizer": sgd, "activation": "tanh"})
    assert bordered.get_title() != ax.get_title()


def test_reported_numbers_are_those_of_the_overview(report: Results, ax: Axes) -> None:
    with theme():
        numbers = ReportedNumbers()
        wanted = numbers.draw(numbers.rows([report.study], report.evidence)).axes[0]
    assert lines(plot.reported(report, ax)) == lines(wanted)
    assert [text.get_text() for text in ax.texts] == [text.get_text() for text in wanted.texts]


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("where: expected levels of one cell, found 6 cells", plot.points),
        (
            "seed: expected one of keep_seeds whose run is in a plane and ok (0), found 1",
            lambda results: plot.points(results, where={"optimizer": TAME, "activation": "relu"}, seed=1),
        ),
        (
            "expected kind boundary, errors, data and part train or test, found 'error' and 'test'",
            lambda results: plot.points(results, kind="error"),
        ),
    ],
)
def test_what_points_there_are_not_is_said(message: str, call: Callable[..., Axes], report: Results) -> None:
    with pytest.raises(InputError) as caught:
        call(report)
    assert str(caught.value) == message


def test_points_need_a_store_and_numbers_a_report(report: Results, results: Results, tmp_path: Path) -> None:
    apart = Results([report.study], report.evidence, tmp_path)
    for message, call in (
        (
            f"{tmp_path}: expected a store, which keeps points, found none",
            lambda: plot.points(apart, where={"optimizer": TAME, "activation": "relu"}),
        ),
        ("expected a study with reported errors, found study, which has none", lambda: plot.reported(results)),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message


def test_current_axes_are_drawn_on_if_none_are_given(results: Results) -> None:
    figure, ax = plt.subplots()
    assert plot.curves(results, where={"problem": "iris", "tuned": True}) is ax
    plt.close(figure)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (
            "where: expected at most 1 factor of several levels, found problem, optimizer, tuned; where chooses, as"
            " {'problem': 'iris'}",
            plot.curves,
        ),
        (
            "where: expected at most 2 factors of several levels, found problem, optimizer, tuned; where chooses, as"
            " {'problem': 'iris'}",
            plot.errors,
        ),
        (
            "where: expected a factor of the study, found 'optimiser'; nearest: 'optimizer'",
            lambda results, ax: plot.curves(results, ax, {"optimiser": "sgd"}),
        ),
        (
            "where: optimizer: expected a level of it, found 'adamw'; nearest: 'adam'",
            lambda results, ax: plot.differences(results, ax, {"optimizer": ["sgd", "adamw"]}),
        ),
        (
            "factor: expected a factor of the study, found 'tune'; nearest: 'tuned'",
            lambda results, ax: plot.differences(results, ax, factor="tune"),
        ),
        (
            "factor: expected a factor that several problems have, found problem; known: optimizer, tuned",
            lambda results, ax: plot.profiles(results, ax, "problem"),
        ),
        (
            "target: expected one that the study declares (0.1, 0.5), found 0.2",
            lambda results, ax: plot.times(results, 0.2, ax),
        ),
    ],
)
def test_what_a_panel_cannot_show_is_said(message: str, call: Callable[..., Axes], results: Results, ax: Axes) -> None:
    with pytest.raises(InputError) as caught:
        call(results, ax)
    assert str(caught.value) == message
