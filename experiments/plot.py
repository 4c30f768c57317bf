"""One panel of a figure on given axes. The figures in `results/figures` are drawn by the same code.

Every function takes results of one study, and draws the cells that `where` chooses: a level, or a list of levels, for
any of the study's factors, as tables write it: {"optimizer": ["sgd", "adam"], "batch_size": 10}. Colours are those of
the study's own figures. Each returns the axes; raises InputError where results are of several studies, a level is not
one, or more factors have several levels than a panel can tell apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from fairgrid.experiments.analysis.comparisons import COLUMNS, context_text
from fairgrid.experiments.analysis.cross_problem import Block, blocks
from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.reporting.figures import cross_problem as across_figure
from fairgrid.experiments.reporting.figures import differences as differences_figure
from fairgrid.experiments.reporting.figures import errors as errors_figure
from fairgrid.experiments.reporting.figures import overview as overview_figure
from fairgrid.experiments.reporting.figures import scatter as scatter_figure
from fairgrid.experiments.reporting.figures import times as times_figure
from fairgrid.experiments.reporting.figures.budget import BUDGETS, budgets
from fairgrid.experiments.reporting.figures.checkpoints import reached
from fairgrid.experiments.reporting.figures.curves import CURVES, checkpoints
from fairgrid.experiments.reporting.figures.lines import Lines
from fairgrid.experiments.reporting.figures.panels import assign, keys, shades
from fairgrid.experiments.reporting.figures.sensitivity import TRIALS, trials
from fairgrid.experiments.reporting.figures.style import as_written, colours, entries, spelled, word
from fairgrid.experiments.results import Results
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.study.labels import factor_labels, factors_order, factors_text, label
from fairgrid.experiments.study.schema import FigureKind, FigurePart
from fairgrid.experiments.study.study import Study

Where = Mapping[str, Any]
Order = dict[str, list[str]]
_SHOWN = ("boundary", "errors", "data")


def curves(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Median test error over epochs, in percent, with the band of the middle 80 % of runs; a line per cell.

    Args:
        results: of one study.
        ax: to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    rows = reached(checkpoints(results.study, results.evidence))
    return _lines(CURVES, rows, factors_order(results.study), ax, where)


def errors(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """The final test error of every run, in percent: boxes from quartile to quartile, whiskers at 5 % and 95 %.

    A diverged run is at 100 %.

    Args:
        results: of one study.
        ax: to draw on; by default the current ones.
        where: levels of factors; two factors may have several.
    """
    order = factors_order(results.study)
    rows, several = _chosen(errors_figure.outcomes(results.study, results.evidence), order, where, 2)
    colour, grouped, _ = assign(several)
    if not grouped:
        colour, grouped = None, colour
    palette = shades(order, colour) if colour else {"": colours(1)[0]}
    ax = _axes(ax)
    errors_figure.draw(ax, errors_figure.boxes_of(rows, grouped, colour, order), palette)
    errors_figure.scale([ax], rows)
    return _finished(ax, (errors_figure.AXIS, word(grouped)), errors_figure.keys(palette), several, colour)


def differences(
    results: Results, ax: Axes | None = None, where: Where | None = None, factor: str | None = None
) -> Axes:
    """A forest plot: the mean difference of every two cells that differ in one factor, a − b, with its 95 % interval.

    Errors are in points; differences in the shaded region count as none. Verdicts stand on the right.

    Args:
        results: of one study.
        ax: to draw on; by default the current ones.
        where: levels of factors; any number may have several.
        factor: whose pairs alone are shown.
    """
    study, rows = results.study, results.comparisons
    order = factors_order(study)
    if factor is not None and factor not in order:
        raise InputError(f"factor: expected a factor of the study, found {factor!r}{nearest(factor, order)}")
    cells = _cells(study, where)
    kept = {
        (pair.factor, *pair.levels, context_text(pair.context))
        for pair in pairs(study, study.comparison.factors)
        if pair.a in cells and pair.b in cells and factor in (None, pair.factor)
    }
    shown = [tuple(row) in kept for row in rows.reindex(columns=["factor", "a", "b", "context"]).to_numpy()]
    ax = _axes(ax)
    rows = rows[np.array(shown, bool)].reindex(columns=COLUMNS)
    differences_figure.panel(ax, study, differences_figure.grouped(rows, rows["factor"].nunique() > 1))
    as_written(ax)
    return ax


def sensitivity(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Mean validation error of every learning rate tried, in percent, with its 95 % interval; the choice is marked.

    Args:
        results: of one study, with [tuning].
        ax: to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    _tuned(results)
    return _lines(TRIALS, *trials(results.study, results.evidence), ax, where)


def budget(results: Results, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """Expected test error, in percent, of the best of so many learning rates, the untuned one at 0, with intervals.

    Args:
        results: of one study, with [tuning].
        ax: to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    _tuned(results)
    return _lines(BUDGETS, *budgets(results.study, results.evidence), ax, where)


def times(results: Results, target: float, ax: Axes | None = None, where: Where | None = None) -> Axes:
    """The share of all runs that have reached a test error, over gradient evaluations, with 95 % intervals.

    Args:
        results: of one study.
        target: a test error that the study declares in `targets`, a fraction.
        ax: to draw on; by default the current ones.
        where: levels of factors; one factor may have several.
    """
    study, order = results.study, factors_order(results.study)
    cells = [cell for cell in study.cells if target in cell.config.targets]
    if not cells:
        known = sorted({known for cell in study.cells for known in cell.config.targets})
        raise InputError(
            f"target: expected one that the study declares ({', '.join(map(str, known))}), found {target!r}"
        )
    names = factor_labels(study)
    table = pd.DataFrame([names[factors_text(cell.factors)] for cell in cells], columns=list(order))
    rows, several = _chosen(table, order, where, 1)
    colour = assign(several)[0] or assign(order)[0]
    palette = shades(order, colour)
    ax = _axes(ax)
    ends = [
        times_figure.draw(
            ax, cells[place], target, results.evidence, str(rows[colour][place]) if colour else "", palette
        )
        for place in rows.index
    ]
    times_figure.scale([ax], max(ends, default=0.0))
    return _finished(ax, times_figure.AXES, keys(palette), several, colour)


def errors_by_problem(results: Results, ax: Axes | None = None, factor: str | None = None) -> Axes:
    """The mean test error of every level of a factor on every problem, in percent, the hardest problem on top.

    Args:
        results: of one study, of at least two problems.
        ax: to draw on; by default the current ones.
        factor: by default the first that all problems have.
    """
    block, palette, ax = _of_problems(results, ax, factor)
    across_figure.errors(ax, block, palette)
    across_figure.scale(ax, block)
    ax.set_xlabel(across_figure.ERRORS)
    as_written(ax)
    return ax


def profiles(results: Results, ax: Axes | None = None, factor: str | None = None) -> Axes:
    """For every level of a factor, the share of problems on which its error is within a ratio of the best one's.

    Args:
        results: of one study, of at least two problems.
        ax: to draw on; by default the current ones.
        factor: by default the first that all problems have.
    """
    block, palette, ax = _of_problems(results, ax, factor)
    across_figure.profiles(ax, block, palette)
    ax.set(xlabel=across_figure.PROFILES[0], ylabel=across_figure.PROFILES[1])
    as_written(ax)
    return ax


def _lines(lines: Lines, rows: pd.DataFrame, order: Order, ax: Axes | None, where: Where | None) -> Axes:
    """A panel of a figure that has a line per cell."""
    rows, several = _chosen(rows, order, where, 1)
    colour = assign(several)[0] or assign(order)[0]
    palette = shades(order, colour)
    ax = _axes(ax)
    lines.draw(ax, rows, colour, palette)
    lines.scale([ax], rows)
    return _finished(ax, lines.axes, keys(palette), several, colour, lines.marks(rows))


def _tuned(results: Results) -> None:
    """Refuses a study that tunes nothing."""
    if not any(cell.rates for cell in results.study.cells):
        raise InputError(f"expected a study with [tuning], found {results.study.name}, which has none")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.gca()


def _levels(order: Order, where: Where | None) -> Order:
    """The levels that are chosen of each factor that is named."""
    if not isinstance(where, Mapping | None):
        raise InputError(f"where: expected a dictionary of factors and levels, found {where!r}")
    found = {}
    for factor, given in (where or {}).items():
        if factor not in order:
            raise InputError(f"where: expected a factor of the study, found {factor!r}{nearest(str(factor), order)}")
        given = given.tolist() if isinstance(given, np.generic | np.ndarray) else given
        levels = [_text(each) for each in (given if isinstance(given, list | tuple | range) else [given])]
        if not levels:
            raise InputError(f"where: {factor}: expected at least one level, found none")
        for level in levels:
            if level not in order[factor]:
                hint = nearest(level, order[factor])
                raise InputError(f"where: {factor}: expected a level of it, found {level!r}{hint}")
        found[factor] = levels
    return found


def _cells(study: Study, where: Where | None) -> list[str]:
    """The cells that are chosen, by their factors, as text."""
    chosen = _levels(factors_order(study), where)
    return [
        text
        for text, levels in factor_labels(study).items()
        if all(levels.get(name) in wanted for name, wanted in chosen.items())
    ]


def _text(level: Any) -> str:
    return level if isinstance(level, str) else label(level)


def _chosen(rows: pd.DataFrame, order: Order, where: Where | None, most: int) -> tuple[pd.DataFrame, Order]:
    """The rows of what is chosen, and the factors of which they have several levels, with those."""
    for factor, levels in _levels(order, where).items():
        rows = rows[rows[factor].isin(levels)]
    several = {
        factor: [level for level in levels if (rows[factor] == level).any()]
        for factor, levels in order.items()
        if rows[factor].nunique() > 1
    }
    if len(several) > most:
        raise InputError(
            f"where: expected at most {most} {'factor' if most == 1 else 'factors'} of several levels, found"
            f" {', '.join(several)}; where chooses, as {{{next(iter(several))!r}: {next(iter(several.values()))[0]!r}}}"
        )
    return rows, several


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
        results: of one study, in a directory with its store.
        ax: to draw on; by default the current ones.
        where: levels of factors; one cell's.
        seed: of `keep_seeds`; by default the first.
        part: "train" or "test".
        kind: "boundary", "errors" without it, or "data" alone.
    """
    study = results.study
    if kind not in _SHOWN or part not in get_args(FigurePart):
        raise InputError(f"expected kind {', '.join(_SHOWN)} and part train or test, found {kind!r} and {part!r}")
    cells = _cells(study, where)
    if len(cells) != 1:
        raise InputError(f"where: expected levels of one cell, found {len(cells)} cells")
    if not (results.directory / FILE).exists():
        raise InputError(f"{results.directory}: expected a store, which keeps points, found none")
    with Store(results.directory) as store:
        kept = {at: arrays for (text, at), arrays in store.kept(study.name).items() if text == cells[0]}
    wanted = seed if seed is not None else next(iter(study.keep_seeds), None)
    if wanted not in kept or f"{part}.points" not in kept[wanted]:
        known = ", ".join(map(str, kept)) or "none"
        raise InputError(f"seed: expected one of keep_seeds whose run is in a plane and ok ({known}), found {wanted}")
    ax = _axes(ax)
    ax.set_title(scatter_figure.panel(ax, kind, part, kept[wanted]))
    ax.set(xlabel=scatter_figure.AXES[0], ylabel=scatter_figure.AXES[1])
    handles = scatter_figure.keys(kind, "border.points" in kept[wanted])
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def reported(results: Results, ax: Axes | None = None) -> Axes:
    """Every number that the study's report states, as a mark on the distribution of ours, with its verdict.

    Args:
        results: of one study, with [[reported]] numbers.
        ax: to draw on; by default the current ones.
    """
    groups = overview_figure.readings(results.study, results.evidence)
    if not groups:
        raise InputError(f"expected a study with reported errors, found {results.study.name}, which has none")
    ax = _axes(ax)
    overview_figure.draw(ax, groups)
    ax.legend(handles=overview_figure.keys(), fontsize="small")
    as_written(ax)
    return ax


def _of_problems(results: Results, ax: Axes | None, factor: str | None) -> tuple[Block, across_figure.Palette, Axes]:
    """A factor's levels on different problems, each with all its runs; their colours; axes with a legend of them."""
    found = blocks(results.study, results.evidence.runs)
    known = list(dict.fromkeys(block.factor for block in found))
    if not found or factor not in (None, *known):
        wanted = "a factor of several problems" if factor is None else "a factor that several problems have"
        raise InputError(f"factor: expected {wanted}, found {factor or 'none'}{nearest(factor or '', known)}")
    block = next(block for block in found if factor in (None, block.factor))
    if np.isnan(block.errors).any():
        raise InputError(f"factor: expected problems whose runs are all there, found some missing of {block.factor}")
    palette = colours(len(block.levels))
    ax = _axes(ax)
    ax.legend(handles=entries(across_figure.keys(block, palette)), title=word(block.factor))
    return block, palette, ax


def _finished(
    ax: Axes,
    labels: tuple[str, str],
    handles: Sequence[Artist],
    several: Order,
    colour: str | None,
    marks: Sequence[Artist] = (),
) -> Axes:
    """Labels and a legend: of the levels that are seen, and of marks."""
    ax.set(xlabel=labels[0], ylabel=labels[1])
    seen = {spelled(level) for level in several.get(colour or "", [])}
    shown = [*(handle for handle in handles if handle.get_label() in seen), *marks]
    if shown:
        ax.legend(handles=entries(shown), title=word(colour) if seen else None)
    as_written(ax)
    return ax
