"""How the cells of a study are laid out: colours, columns and rows of panels for the factors that it varies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from fairgrid.experiments.reporting.figures.style import DASHES, Colour, colours, finish, line_key, new_figure
from fairgrid.experiments.reporting.wording import spelled, word
from fairgrid.experiments.study.labels import factor_labels, factors_order
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# colours tell apart the first of these factors that a study varies
_COLOURED = ("optimizer", "initializer", "engine")
_COLUMNS = 5  # of panels that fit a page

Order = dict[str, list[str]]  # a study's factors and their levels
Panels = dict[tuple[str, str], "Axes"]  # by the levels of row and column


def with_factors(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of the study's cells, with a column of labels per factor, which replaces a column of the same name."""
    columns, order = factor_labels(study), factors_order(study)
    frame = frame[frame["factors"].isin(list(columns))]
    levels = pd.DataFrame([columns[text] for text in frame["factors"]], index=frame.index, columns=list(order))
    return frame.drop(columns=[name for name in levels if name in frame]).join(levels)


def assign(order: Order, wrapped: bool = False) -> tuple[str | None, str | None, str | None]:
    """The factors told apart by colour, by columns and by rows of panels.

    Args:
        order: a study's factors.
        wrapped: whether a factor with more levels than fit in a row of panels takes all panels.
    """
    varied = list(order)
    if not varied:
        return None, None, None
    colour = next((name for name in _COLOURED if name in varied), varied[0])
    rest = sorted((name for name in varied if name != colour), key=lambda name: -len(order[name]))
    if wrapped and rest and len(order[rest[0]]) > _COLUMNS:
        rest = rest[:1]
    return colour, rest[0] if rest else None, rest[1] if len(rest) > 1 else None


def first_of_others(data: pd.DataFrame, order: Order, wrapped: bool = False) -> tuple[pd.DataFrame, Order, str]:
    """The rows of the first level of every factor that `assign` leaves out, with a note that says so.

    The order that is returned lacks levels without a row, unless no row is left at all; numbers ascend in it.
    """
    others = [name for name in order if name not in assign(order, wrapped)]
    note = "".join(f"; {word(name)} {spelled(order[name][0])} only" for name in others)
    rows = where(data, {name: order[name][0] for name in others})
    left = {
        name: _rising([level for level in levels if not len(rows) or (rows[name] == level).any()])
        for name, levels in order.items()
    }
    return rows, left, note


def _rising(levels: list[str]) -> list[str]:
    try:
        return sorted(levels, key=float)
    except ValueError:
        return levels


def panels_of(order: Order, column: str | None, row: str | None) -> tuple[Figure, Panels]:
    """An empty panel for every pair of levels of two factors; the many levels of a single factor wrap into rows."""
    columns, rows = order.get(column or "", [""]), order.get(row or "", [""])
    places = [(r, c) for r in rows for c in columns]
    across, down = len(columns), len(rows)
    if down == 1 and across > _COLUMNS:
        across = math.ceil(math.sqrt(len(places)))
        down = math.ceil(len(places) / across)
    size = (max(3.0 * across, 5.0) + 1.2, 2.3 * down + 1.4)
    figure, axes = new_figure(down, across, size, sharex=True, sharey=True)
    for ax in axes.flat[len(places) :]:
        ax.set_visible(False)
    return figure, dict(zip(places, axes.flat[: len(places)], strict=True))


def shades(order: Order, colour: str | None) -> dict[str, Colour]:
    """A colour for every level of a factor."""
    levels = order.get(colour or "", [""])
    return dict(zip(levels, colours(len(levels)), strict=True))


def dashed(palette: Mapping[str, Colour]) -> dict[str, dict[str, Any]]:
    """The colour and dashes of every level's line."""
    return {
        level: {"color": shade, "dashes": DASHES[number % len(DASHES)]}
        for number, (level, shade) in enumerate(palette.items())
    }


def keys(palette: Mapping[str, Colour]) -> list[Line2D]:
    """A legend's entry for the line of every level."""
    return [line_key(spelled(level), **look) for level, look in dashed(palette).items()]


def where(frame: pd.DataFrame, levels: Mapping[Any, str]) -> pd.DataFrame:
    """The rows with these levels, by factor; a factor of None selects nothing."""
    for name, level in levels.items():
        if name is not None:
            frame = frame[frame[name] == level]
    return frame


def finish_panels(
    figure: Figure,
    panels: Panels,
    factors: tuple[str | None, str | None],
    axis_labels: tuple[str, str],
    heading: tuple[str, str],
    legend: tuple[Sequence[Artist], str | None],
) -> Figure:
    """Adds panel titles, outer axis labels, a heading and a legend; hides panels that no cell belongs to.

    Args:
        figure: the figure of the panels.
        panels: the panels by the levels of row and column.
        factors: the factors of the columns and of the rows.
        axis_labels: the labels of x and y.
        heading: a title and a note.
        legend: the legend's entries and the factor that they tell apart.
    """
    column, row = factors
    shown = {place: ax for place, ax in panels.items() if ax.get_lines()} or panels
    for place, ax in panels.items():
        ax.set_visible(place in shown)
    spots = {_spot(ax) for ax in shown.values()}
    for (row_level, column_level), ax in shown.items():
        down, across = _spot(ax)
        named = [f"{word(name)} {spelled(level)}" for name, level in ((row, row_level), (column, column_level)) if name]
        ax.set_title("\n".join(named))
        if not any(i > down and j == across for i, j in spots):
            ax.set_xlabel(axis_labels[0])
            ax.tick_params(labelbottom=True)
        if not any(i == down and j < across for i, j in spots):
            ax.set_ylabel(axis_labels[1])
            ax.tick_params(labelleft=True)
    handles, told_apart = legend
    return finish(figure, *heading, handles, word(told_apart))


def _spot(ax: Axes) -> tuple[int, int]:
    """The row and the column of a panel."""
    place = ax.get_subplotspec()
    assert place is not None
    return place.rowspan.start, place.colspan.start
