"""Figures of a study, whole or one panel on given axes, by the code that draws those in `results/figures`.

`figure` draws any of a study's figures by its name; `rows` and `description` return its numbers and its words. Every
other function draws one panel of the cells that `where` chooses: a level, or a list of levels, for any of the study's
factors, as tables spell them: {"optimizer": ["sgd", "adam"], "batch_size": 10}. Colours are those of the study's own
figures. A panel's function returns the axes; it raises InputError if the results are of several studies, a level does
not exist, or more factors have several levels than a panel can tell apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairgrid.experiments.analysis.comparisons import context_text
from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.reporting.figures import cross_problem, figure_of, scatter
from fairgrid.experiments.reporting.figures import errors as boxes
from fairgrid.experiments.reporting.figures import reported as numbers
from fairgrid.experiments.reporting.figures import times as steps
from fairgrid.experiments.reporting.figures.budget import Budget
from fairgrid.experiments.reporting.figures.curves import LearningCurves
from fairgrid.experiments.reporting.figures.differences import Differences, draw_pairs, grouped
from fairgrid.experiments.reporting.figures.figure import StudyFigure
from fairgrid.experiments.reporting.figures.line_figure import LineFigure
from fairgrid.experiments.reporting.figures.panels import assign, keys, shades
from fairgrid.experiments.reporting.figures.sensitivity import Sensitivity
from fairgrid.experiments.reporting.figures.style import as_written, colours, entries, theme
from fairgrid.experiments.reporting.wording import cut, spelled, word
from fairgrid.experiments.results import Results
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.study.labels import factor_labels, factors_order, factors_text, label
from fairgrid.experiments.study.schema import FigureKind, FigurePart
from fairgrid.experiments.study.study import Study

Where = Mapping[str, Any]
Order = dict[str, list[str]]
_POINTS = ("boundary", "errors", "data")  # the kinds of figures of points


def figure(results: Results, name: str) -> Figure:
    """A whole figure of a study, as it is drawn to results/figures/STUDY_NAME.png.

    Args:
        results: results of one study.
        name: the figure's name: "curves", "test_error", "differences" …, or one that the study declares.

    Raises:
        InputError: the study has no such figure, or nothing is recorded that it can show.
    """
    with theme():
        drawn = _figure(results, name).figure(results.study, results.evidence)
    if drawn is None:
        raise InputError(f"{name}: expected recorded runs that the figure can show, found none")
    return drawn


def rows(results: Results, name: str) -> pd.DataFrame:
    """The numbers that a figure shows, as a typed table: errors are fractions.

    Args:
        results: results of one study.
        name: the figure's name, as for `figure`.
    """
    return _figure(results, name).rows(results.study, results.evidence)


def description(results: Results, name: str) -> str:
    """A figure in words, as the page describes it to readers who do not see it.

    Args:
        results: results of one study.
        name: the figure's name, as for `figure`.
    """
    return _figure(results, name).description(results.study, results.evidence)


def _figure(results: Results, name: str) -> StudyFigure:
    return figure_of(results.study, name, _artifacts(results))


def _artifacts(results: Results) -> scatter.Artifacts:
    """Arrays of single runs; none without a store."""
    if not (results.directory / FILE).exists():
        return {}
    with Store(results.directory) as store:
        return store.kept(results.study.name)


def curves(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Median test error over epochs, in percent, with the band of the middle 80 % of runs; a line per cell.

    Args:
        results: results of one study.
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    return _lines(LearningCurves(), results, ax, where)


def errors(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """The final test error of every run, in percent: boxes from quartile to quartile, whiskers at 5 % and 95 %.

    A diverged run is at 100 %.

    Args:
        results: results of one study.
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; two factors may have several.
    """
    order = factors_order(results.study)
    runs, varied = _chosen(boxes.FinalErrors().rows(results.study, results.evidence), order, where, 2)
    colour, group, _ = assign(varied)
    colour, group = (colour, group) if group else (None, colour)
    palette = boxes.shades_of_boxes(order, colour)
    ax = _axes(ax)
    boxes.draw_boxes(ax, boxes.boxes_of(runs, group, colour, order), palette)
    boxes.scale([ax], runs)
    return _finished(ax, (boxes.AXIS, word(group)), boxes.keys(palette), varied, colour)


def differences(
    results: Results, ax: Axes | None = None, where: Where | None = None, factor: str | None = None
) -> Axes:
    """A forest plot: the mean difference of every two cells that differ in one factor, a − b, with its 95 % interval.

    Errors are in points; differences in the shaded region count as none. Verdicts stand on the right.

    Args:
        results: results of one study.
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; any number may have several.
        factor: the only factor whose pairs are shown; by default all factors.
    """
    study, order = results.study, factors_order(results.study)
    if factor is not None and factor not in order:
        raise InputError(f"factor: expected a factor of the study, found {factor!r}{nearest(factor, order)}")
    cells = _cells(study, where)
    chosen = {
        (pair.factor, *pair.levels, context_text(pair.context))
        for pair in pairs(study, study.comparison.factors)
        if pair.a in cells and pair.b in cells
    }
    compared = Differences((factor,) if factor else tuple(order)).rows(study, results.evidence)
    shown = [tuple(row) in chosen for row in compared[["factor", "a", "b", "context"]].to_numpy()]
    compared = compared[np.array(shown, bool)]
    ax = _axes(ax)
    draw_pairs(ax, study, grouped(compared, compared["factor"].nunique() > 1))
    as_written(ax)
    return ax


def sensitivity(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Mean validation error of every learning rate tried, in percent, with its 95 % interval; the choice is marked.

    Args:
        results: results of one study, with [tuning].
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    _require_tuning(results)
    return _lines(Sensitivity(), results, ax, where)


def budget(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Expected test error, in percent, of the best of so many learning rates, the untuned one at 0, with intervals.

    Args:
        results: results of one study, with [tuning].
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    _require_tuning(results)
    return _lines(Budget(), results, ax, where)


def times(results: Results, target: float, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """The share of all runs that have reached a test error, over gradient evaluations, with 95 % intervals.

    Args:
        results: results of one study.
        target: a test error that the study declares in `targets`, a fraction.
        ax: the axes to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    study, order = results.study, factors_order(results.study)
    targets = sorted({declared for cell in study.cells for declared in cell.config.targets})
    if target not in targets:
        raise InputError(
            f"target: expected one that the study declares ({', '.join(map(str, targets))}), found {target!r}"
        )
    labels = factor_labels(study)
    cells = [labels[factors_text(cell.factors)] for cell in study.cells if target in cell.config.targets]
    _, varied = _chosen(pd.DataFrame(cells, columns=list(order)), order, where, 1)
    reaching = steps.TimesToTarget().rows(study, results.evidence)
    reaching, _ = _chosen(reaching[reaching["target"] == target], order, where, 1)
    colour = assign(varied)[0] or assign(order)[0]
    palette = shades(order, colour)
    ax = _axes(ax)
    steps.draw_steps(ax, reaching, colour, palette)
    steps.scale([ax], reaching)
    return _finished(ax, steps.AXES, keys(palette), varied, colour)


def errors_by_problem(results: Results, ax: Axes | None = None, factor: str | None = None) -> Axes:
    """The mean test error of every level of a factor on every problem, in percent, the hardest problem on top.

    Args:
        results: results of one study, of at least two problems.
        ax: the axes to draw on; by default the current ones.
        factor: the factor; by default the first that all problems have.
    """
    scores, palette, ax = _of_problems(results, ax, factor)
    cross_problem.draw_errors(ax, scores, palette)
    cross_problem.scale(ax, scores)
    ax.set_xlabel(cross_problem.ERRORS)
    as_written(ax)
    return ax


def profiles(results: Results, ax: Axes | None = None, factor: str | None = None) -> Axes:
    """For every level of a factor, the share of problems on which its error is within a ratio of the best one's.

    Args:
        results: results of one study, of at least two problems.
        ax: the axes to draw on; by default the current ones.
        factor: the factor; by default the first that all problems have.
    """
    scores, palette, ax = _of_problems(results, ax, factor)
    cross_problem.draw_profiles(ax, scores, palette)
    ax.set(xlabel=cross_problem.PROFILES[0], ylabel=cross_problem.PROFILES[1])
    as_written(ax)
    return ax


def _lines(lines: LineFigure, results: Results, ax: Axes | None, where: Where | None) -> Axes:
    """Draws one panel of a figure that has a line per cell."""
    order = lines.order(results.study)
    chosen, varied = _chosen(lines.rows(results.study, results.evidence), order, where, 1)
    colour = assign(varied)[0] or assign(order)[0]
    palette = shades(order, colour)
    ax = _axes(ax)
    lines.draw_panel(ax, chosen, colour, palette)
    lines.scale([ax], chosen)
    return _finished(ax, lines.axes, keys(palette), varied, colour, lines.marks(chosen))


def _require_tuning(results: Results) -> None:
    """Refuses a study that tunes nothing."""
    if not any(cell.rates for cell in results.study.cells):
        raise InputError(f"expected a study with [tuning], found {results.study.name}, which has none")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.gca()


def _levels(order: Order, where: Where | None) -> Order:
    """The chosen levels of every factor that `where` names, as labels."""
    if not isinstance(where, Mapping | None):
        raise InputError(f"where: expected a dictionary of factors and levels, found {where!r}")
    chosen = {}
    for factor, given in (where or {}).items():
        if factor not in order:
            raise InputError(f"where: expected a factor of the study, found {factor!r}{nearest(str(factor), order)}")
        given = given.tolist() if isinstance(given, np.generic | np.ndarray) else given
        levels = [_text(level) for level in (given if isinstance(given, list | tuple | range) else [given])]
        if not levels:
            raise InputError(f"where: {factor}: expected at least one level, found none")
        for level in levels:
            if level not in order[factor]:
                hint = nearest(level, order[factor])
                raise InputError(f"where: {factor}: expected a level of it, found {level!r}{hint}")
        chosen[factor] = levels
    return chosen


def _cells(study: Study, where: Where | None) -> list[str]:
    """The factors of the chosen cells, as records hold them."""
    chosen = _levels(factors_order(study), where)
    return [
        text
        for text, levels in factor_labels(study).items()
        if all(levels.get(name) in wanted for name, wanted in chosen.items())
    ]


def _text(level: Any) -> str:
    return level if isinstance(level, str) else label(level)


def _chosen(rows: pd.DataFrame, order: Order, where: Where | None, most: int) -> tuple[pd.DataFrame, Order]:
    """The chosen rows, and the factors of which they have several levels, with these levels.

    Args:
        rows: rows with a column per factor.
        order: the study's factors and their levels.
        where: levels of factors, as users give them.
        most: the number of factors that may have several levels.
    """
    for factor, levels in _levels(order, where).items():
        rows = rows[rows[factor].isin(levels)]
    varied = {
        factor: [level for level in levels if (rows[factor] == level).any()]
        for factor, levels in order.items()
        if rows[factor].nunique() > 1
    }
    if len(varied) > most:
        raise InputError(
            f"where: expected at most {most} {'factor' if most == 1 else 'factors'} of several levels, found"
            f" {', '.join(varied)}; where chooses, as {{{next(iter(varied))!r}: {next(iter(varied.values()))[0]!r}}}"
        )
    return rows, varied


def points(
    results: Results,
    ax: Axes | None = None,
    where: Where | None = None,
    *,
    seed: int | None = None,
    part: FigurePart = "test",
    kind: FigureKind = "boundary",
) -> Axes:
    """One run in the plane: its data, the points that it misclassifies, the boundary that it learned.

    Args:
        results: results of one study, in a directory with its store.
        ax: the axes to draw on; by default the current ones.
        where: levels of factors that choose one cell.
        seed: one of `keep_seeds`; by default the first.
        part: "train" or "test".
        kind: "boundary", "errors" without the boundary, or only "data".
    """
    study = results.study
    if kind not in _POINTS or part not in get_args(FigurePart):
        raise InputError(f"expected kind {', '.join(_POINTS)} and part train or test, found {kind!r} and {part!r}")
    cells = _cells(study, where)
    if len(cells) != 1:
        raise InputError(f"where: expected levels of one cell, found {len(cells)} cells")
    if not (results.directory / FILE).exists():
        raise InputError(f"{results.directory}: expected a store, which keeps points, found none")
    runs = {number: arrays for (factors, number), arrays in _artifacts(results).items() if factors == cells[0]}
    wanted = seed if seed is not None else next(iter(study.keep_seeds), None)
    if wanted not in runs or f"{part}.points" not in runs[wanted]:
        seeds = ", ".join(map(str, runs)) or "none"
        raise InputError(f"seed: expected one of keep_seeds whose run is in a plane and ok ({seeds}), found {wanted}")
    ax = _axes(ax)
    ax.set_title(scatter.draw_points(ax, kind, part, scatter.points_of(runs[wanted])))
    ax.set(xlabel=scatter.AXES[0], ylabel=scatter.AXES[1])
    handles = scatter.keys(kind, "border.points" in runs[wanted])
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def reported(results: Results, ax: Axes | None = None) -> Axes:
    """Every number that the study's report states, as a mark on the distribution of ours, with its verdict.

    Args:
        results: results of one study, with [[reported]] numbers.
        ax: the axes to draw on; by default the current ones.
    """
    readings = numbers.ReportedNumbers().rows([results.study], results.evidence)
    if not len(readings):
        raise InputError(f"expected a study with reported errors, found {results.study.name}, which has none")
    ax = _axes(ax)
    numbers.draw_readings(ax, readings, [cut(quote) for quote in readings["quote"]])
    ax.legend(handles=numbers.keys(), fontsize="small")
    as_written(ax)
    return ax


def _of_problems(
    results: Results, ax: Axes | None, factor: str | None
) -> tuple[pd.DataFrame, cross_problem.Palette, Axes]:
    """Scores of a factor's levels on different problems, the levels' colours, and axes with a legend of them."""
    groups = cross_problem.score_groups(results.study, results.evidence)
    factors = list(dict.fromkeys(scores["factor"].iloc[0] for scores in groups))
    if not groups or factor not in (None, *factors):
        wanted = "a factor of several problems" if factor is None else "a factor that several problems have"
        raise InputError(f"factor: expected {wanted}, found {factor or 'none'}{nearest(factor or '', factors)}")
    scores = next(scores for scores in groups if factor in (None, scores["factor"].iloc[0]))
    name = scores["factor"].iloc[0]
    if scores["test_error"].isna().any():
        raise InputError(f"factor: expected problems whose runs are all there, found some missing of {name}")
    palette = colours(scores["level"].nunique())
    ax = _axes(ax)
    ax.legend(handles=entries(cross_problem.keys(scores, palette)), title=word(name))
    return scores, palette, ax


def _finished(
    ax: Axes,
    labels: tuple[str, str],
    handles: Sequence[Artist],
    varied: Order,
    colour: str | None,
    marks: Sequence[Artist] = (),
) -> Axes:
    """Adds labels of axes, and a legend of the levels that are visible and of marks."""
    ax.set(xlabel=labels[0], ylabel=labels[1])
    seen = {spelled(level) for level in varied.get(colour or "", [])}
    shown = [*(handle for handle in handles if handle.get_label() in seen), *marks]
    if shown:
        ax.legend(handles=entries(shown), title=word(colour) if seen else None)
    as_written(ax)
    return ax
