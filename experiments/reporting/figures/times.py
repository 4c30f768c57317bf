"""The share of runs that have reached a test error, over the work done."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from fairgrid.experiments.analysis.time_to_target import reaching_of
from fairgrid.experiments.reporting.figures.panels import Order, assign, dashed, finish_panels, keys, panels_of, shades
from fairgrid.experiments.reporting.figures.style import Colour, spelled, word
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factor_labels, factors_order, factors_text
from fairgrid.experiments.study.study import Study

AXES = ("gradient evaluations", "share of runs")
_TARGET = "test error ≤"


def times(study: Study, evidence: Evidence) -> Figure:
    """Kaplan-Meier curves with pointwise 95 % intervals: a column per target, a row per level of one factor."""
    levels = factor_labels(study)
    order, note = _first(factors_order(study))
    colour, row, _ = assign(order)
    targets = sorted({target for cell in study.cells for target in cell.config.targets}, reverse=True)
    order[_TARGET] = [f"{100 * target:g} %" for target in targets]
    figure, panels = panels_of(order, _TARGET, row)
    palette = shades(order, colour)
    end = 0.0
    for cell in study.cells:
        mine = levels[factors_text(cell.factors)]
        if any(level not in order[name] for name, level in mine.items()):
            continue
        for target in cell.config.targets:
            ax = panels[mine.get(row or "", ""), f"{100 * target:g} %"]
            end = max(end, draw(ax, cell, target, evidence, mine.get(colour or "", ""), palette))
    scale(panels.values(), end)
    words = (
        "of all runs, those that diverged among them, with 95 % intervals; the end of a line is the share that ever did"
    )
    return finish_panels(
        figure,
        panels,
        (_TARGET, row),
        AXES,
        (study.title, words + note),
        (keys(palette) if colour else [], colour),
    )


def draw(ax: Axes, cell: Cell, target: float, evidence: Evidence, level: str, palette: Mapping[str, Colour]) -> float:
    """The steps of one cell with their band; nothing where it has a run without an outcome.

    Args:
        ax: to draw on.
        cell: whose runs.
        target: the test error that they are to reach, a fraction.
        evidence: of the cell's study.
        level: of the palette, the cell's.
        palette: colours of levels.

    Returns:
        where the steps end, in gradient evaluations; 0 where there are none.
    """
    found = reaching_of(cell, target, evidence)
    if found is None:
        return 0.0
    end = float(cell.config.epochs * cell.config.samples("train"))
    at = np.concatenate([[0.0], found.times, [end]])
    share, low, high = (
        np.concatenate([[0.0], values, [values[-1] if len(values) else 0.0]])
        for values in (found.fraction, found.fraction_low, found.fraction_high)
    )
    ax.step(at, share, where="post", lw=1.4, **dashed(palette)[level])
    ax.fill_between(at, low, high, step="post", color=palette[level], alpha=0.2, lw=0)
    return end


def scale(axes: Iterable[Axes], end: float) -> None:
    """Scales axes to what they show, which ends at so many gradient evaluations."""
    for ax in axes:
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlim(0, end or 1)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))


def _first(order: Order) -> tuple[Order, str]:
    """The factors that colours and rows tell apart, and of every other its first level, with a note that says so."""
    shown = assign(order)[:2]
    others = [name for name in order if name not in shown]
    note = "".join(f"; {word(name)} {spelled(order[name][0])} only" for name in others)
    return {name: levels if name in shown else levels[:1] for name, levels in order.items()}, note
