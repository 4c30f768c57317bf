"""The final test error of every run of every cell of a study."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from fairgrid.experiments.analysis.outcomes import Metric, has_outcome, outcomes_of
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.figures.figure import StudyFigure, automatic
from fairgrid.experiments.reporting.figures.panels import Order, assign, first_of_others, shades, where, with_factors
from fairgrid.experiments.reporting.figures.phrases import NOTHING_EVALUATED, cell_errors, one_per_cell
from fairgrid.experiments.reporting.figures.style import Colour, colours, finish, new_figure, percent_axis
from fairgrid.experiments.reporting.wording import spelled, word
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

AXIS = "test error (%)"
_BOX = 0.21  # inches of a box and the gap to the next
_GAP = 0.5  # of a box, between groups of boxes
_LETTER = 0.085  # inches, upright

Boxes = dict[str, dict[str, "pd.Series[float]"]]  # errors in percent, by group and colour


@automatic
class FinalErrors(StudyFigure):
    """A box per cell, from quartile to quartile, whiskers at 5 % and 95 %, and the runs beyond; a panel per level."""

    name = "test_error"
    caption = "Final test error of every run"
    position = 10

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The evaluation runs that have an outcome, with a column per factor; `error` is 1 for a diverged run."""
        runs = evidence.runs
        rows = with_factors(runs[(runs["phase"] == Phase.EVALUATION) & has_outcome(runs)], study)
        return rows.assign(error=outcomes_of(rows, Metric("test_error")))

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
        """Draws a panel for every level of a factor."""
        data, order, note = first_of_others(rows, factors_order(study))
        colour, panelled, grouped = assign(order)
        colour, grouped = (colour, grouped) if grouped else (None, colour)
        palette = shades_of_boxes(order, colour)
        groups = {
            level: boxes_of(where(data, {panelled: level}), grouped, colour, order)
            for level in _levels(order, panelled)
        }
        heights = [_BOX * max(1.5, _height(boxes)) for boxes in groups.values()]
        size = (7, sum(heights) + 0.55 * len(groups) + 0.9)
        figure, axes = new_figure(len(groups), 1, size, height_ratios=heights, sharex=True)
        for ax, (level, boxes), height in zip(axes[:, 0], groups.items(), heights, strict=True):
            draw_boxes(ax, boxes, palette)
            ax.set_title(f"{word(panelled)} {spelled(level)}" if panelled else "")
            ax.set_ylabel("\n".join(textwrap.wrap(word(grouped), max(12, int(height / _LETTER)))))
        axes[-1, 0].set_xlabel(AXIS)
        figure.align_ylabels()
        note += scale(axes[:, 0], data)
        words = "every run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %"
        return finish(figure, study.title, words + note, keys(palette) if colour else [], word(colour))

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The median of every box."""
        medians = rows.groupby("factors")["error"].median()
        if not len(medians):
            return NOTHING_EVALUATED
        return (
            f"Boxes of the final test error of every run, {one_per_cell(study)}. Medians:"
            f" {cell_errors(study, medians)}."
        )


def shades_of_boxes(order: Order, colour: str | None) -> dict[str, Colour]:
    """A colour for every level of a factor; one for all boxes if there is no factor."""
    return shades(order, colour) if colour else {"": colours(1)[0]}


def scale(axes: Iterable[Axes], rows: pd.DataFrame) -> str:
    """Scales axes to all errors that they show; returns a note on the scale, or ""."""
    return percent_axis([ax.xaxis for ax in axes], 100 * rows["error"].min(), 100 * rows["error"].max())


def keys(palette: Mapping[str, Colour]) -> list[Patch]:
    """A legend's entry for the boxes of every level."""
    from matplotlib.patches import Patch

    return [Patch(color=shade, label=spelled(level)) for level, shade in palette.items()]


def _levels(order: Order, factor: str | None) -> list[str]:
    return order[factor] if factor else [""]


def boxes_of(rows: pd.DataFrame, grouped: str | None, colour: str | None, order: Order) -> Boxes:
    """The errors of a panel's cells, in percent.

    Args:
        rows: the panel's rows of a figure of final errors.
        grouped: the factor whose levels are groups of boxes.
        colour: the factor that tells the boxes of a group apart.
        order: the factors and their levels.
    """
    boxes: Boxes = {}
    for group in _levels(order, grouped):
        for level in _levels(order, colour):
            errors = 100 * where(rows, {grouped: group, colour: level})["error"]
            if len(errors):
                boxes.setdefault(group, {})[level] = errors
    return boxes


def _height(boxes: Boxes) -> float:
    """The height of a panel, in boxes."""
    return sum(map(len, boxes.values())) + _GAP * (len(boxes) + 1)


def draw_boxes(ax: Axes, boxes: Boxes, palette: Mapping[str, Colour]) -> None:
    """Draws groups of boxes from top to bottom, with their levels as ticks."""
    place, ticks = _GAP, []
    for group in boxes.values():
        ticks.append(place + len(group) / 2)
        for level, errors in group.items():
            ax.boxplot(
                errors,
                positions=[place + 0.5],
                widths=0.8,
                whis=(5, 95),
                orientation="horizontal",
                patch_artist=True,
                boxprops={"facecolor": palette[level], "linewidth": 0.8},
                medianprops={"color": "black", "linewidth": 1.2},
                whiskerprops={"linewidth": 0.8},
                capprops={"linewidth": 0.8},
                flierprops={"markersize": 1.5, "markeredgewidth": 0.6},
                manage_ticks=False,
            )
            place += 1
        place += _GAP
    ax.set_yticks(ticks, [spelled(name) for name in boxes])
    ax.set_ylim(max(place, 1), 0)
    ax.grid(visible=False, axis="y")
