"""The share of runs that have reached a test error, over the work done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.time_to_target import reaching_of
from fairgrid.experiments.reporting.figures.figure import StudyFigure, automatic
from fairgrid.experiments.reporting.figures.panels import (
    assign,
    dashed,
    finish_panels,
    keys,
    panels_of,
    shades,
    where,
    with_factors,
)
from fairgrid.experiments.reporting.figures.phrases import NOTHING_EVALUATED
from fairgrid.experiments.reporting.figures.style import Colour
from fairgrid.experiments.reporting.wording import percent, spelled, word
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.labels import factors_order, factors_text
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = ("gradient evaluations", "share of runs")
_TARGET = "test error ≤"  # a column of panels per target
_COLUMNS = ["factors", "target", "evaluations", "share", "share_low", "share_high"]


@automatic
class TimesToTarget(StudyFigure):
    """Kaplan-Meier curves with pointwise 95 % intervals: a column per target, a row per level of one factor."""

    name = "times"
    caption = "The share of runs that have reached a test error, over the work done"
    when = "studies that declare targets"
    position = 60

    @classmethod
    def applies(cls, study: Study) -> bool:
        """Whether a cell has targets."""
        return any(cell.config.targets for cell in study.cells)

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """A row per corner of a cell's steps, with a column per factor: from 0 to all gradient evaluations of a run.

        A cell with a run that has no outcome has no rows.
        """
        steps = []
        for cell in study.cells:
            for target in cell.config.targets:
                times = reaching_of(cell, target, evidence)
                if times is None:
                    continue
                end = float(cell.config.epochs * cell.config.samples("train"))
                share, low, high = (
                    np.concatenate([[0.0], values, [values[-1] if len(values) else 0.0]])
                    for values in (times.fraction, times.fraction_low, times.fraction_high)
                )
                evaluations = np.concatenate([[0.0], times.times, [end]])
                factors = [factors_text(cell.factors)] * len(share)
                columns = (factors, [target] * len(share), evaluations, share, low, high)
                steps.append(pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True))))
        return with_factors(pd.concat(steps, ignore_index=True) if steps else pd.DataFrame(columns=_COLUMNS), study)

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
        """Draws a panel for every target and level of a factor."""
        order = factors_order(study)
        colour, row, _ = assign(order)
        shown = [name for name in (colour, row) if name]
        others = {name: levels[0] for name, levels in order.items() if name not in shown}
        targets = sorted({target for cell in study.cells for target in cell.config.targets}, reverse=True)
        labels = {target: f"{100 * target:g} %" for target in targets}
        data = where(rows, others)
        data = data.assign(**{_TARGET: data["target"].map(labels)})
        figure, panels = panels_of({**order, _TARGET: list(labels.values())}, _TARGET, row)
        palette = shades(order, colour)
        for place, ax in panels.items():
            draw_steps(ax, where(data, dict(zip((row, _TARGET), place, strict=True))), colour, palette)
        scale(panels.values(), data)
        note = (
            "of all runs, those that diverged among them, with 95 % intervals; the end of a line is the share that ever"
            " did"
        )
        note += "".join(f"; {word(name)} {spelled(level)} only" for name, level in others.items())
        legend = (keys(palette) if colour else [], colour)
        return finish_panels(figure, panels, (_TARGET, row), AXES, (study.title, note), legend)

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The range of shares over cells, in the end, for every target."""
        if not len(rows):
            return NOTHING_EVALUATED
        ends = rows.groupby(["factors", "target"], sort=False)["share"].last()
        details = "; ".join(
            f"test error {percent(target)}: {100 * own.min():.0f} % to {100 * own.max():.0f} % of a cell's runs"
            for target, own in reversed(list(ends.groupby("target")))
        )
        return f"Rising steps: the share of runs that have reached a test error, over the work. In the end, {details}."


def draw_steps(ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
    """Draws the steps of every level of a factor, with their band.

    Args:
        ax: the axes to draw on.
        rows: the rows of one target and of at most one cell per level.
        colour: the factor that colours tell apart, if there is one.
        palette: its levels' colours.
    """
    for level, look in dashed(palette).items():
        steps = where(rows, {colour: level})
        if len(steps):
            at, low, high = (steps[name].to_numpy(float) for name in ("evaluations", "share_low", "share_high"))
            ax.step(at, steps["share"].to_numpy(float), where="post", lw=1.4, **look)
            ax.fill_between(at, low, high, step="post", color=palette[level], alpha=0.2, lw=0)


def scale(axes: Iterable[Axes], rows: pd.DataFrame) -> None:
    """Scales axes to the steps that they show."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    end = rows["evaluations"].max() if len(rows) else 1
    for ax in axes:
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlim(0, end)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
