"""How the cells of a study are laid out: colours, columns and rows of panels for the factors that it varies."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import Colour, colours, finish, spelled, word
from experiments.report_tables import factor_labels, factors_order
from experiments.study import Study

# the factor that colours tell apart is the first of these that a study varies
_COLOURED = ("optimizer", "initializer", "engine")

Order = dict[str, list[str]]  # a study's factors and their levels
Panels = dict[tuple[str, str], Axes]  # by the levels of row and column


def with_factors(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of the study's cells, with a column per factor, as people read it."""
    columns, order = factor_labels(study), factors_order(study)
    frame = frame[frame["factors"].isin(list(columns))]
    added = pd.DataFrame([columns[text] for text in frame["factors"]], index=frame.index, columns=list(order))
    return frame[["cell", *(name for name in frame if name not in added and name != "cell")]].join(added)


def assign(order: Order) -> tuple[str | None, str | None, str | None]:
    """The factors told apart by colour, by columns and by rows of panels."""
    varied = list(order)
    if not varied:
        return None, None, None
    colour = next((name for name in _COLOURED if name in varied), varied[0])
    rest = sorted((name for name in varied if name != colour), key=lambda name: -len(order[name]))
    return colour, rest[0] if rest else None, rest[1] if len(rest) > 1 else None


def first_of_others(data: pd.DataFrame, order: Order) -> tuple[pd.DataFrame, Order, str]:
    """The rows that three factors tell apart: of every other factor its first level, and a note that says so.

    Levels that no row is left of, while there are rows, are not in the order that is returned; numbers rise in it.
    """
    others = [name for name in order if name not in assign(order)]
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
    """An empty panel for every level of two factors."""
    columns, rows = order.get(column or "", [""]), order.get(row or "", [""])
    size = (max(3.0 * len(columns), 5.0) + 1.2, 2.3 * len(rows) + 1.4)
    figure, axes = plt.subplots(len(rows), len(columns), figsize=size, sharex=True, sharey=True, squeeze=False)
    return figure, {(r, c): axes[i][j] for i, r in enumerate(rows) for j, c in enumerate(columns)}


def shades(order: Order, colour: str | None) -> dict[str, Colour]:
    """A colour for every level of a factor."""
    levels = order.get(colour or "", [""])
    return dict(zip(levels, colours(len(levels)), strict=True))


def where(frame: pd.DataFrame, levels: Mapping[Any, str]) -> pd.DataFrame:
    """The rows of these levels."""
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
    """Panel titles, outer axis labels, a heading and a legend; panels that no cell belongs to are left out.

    Args:
        figure: that has the panels.
        panels: by the levels of row and column.
        factors: of the columns and of the rows.
        axis_labels: of x and of y.
        heading: a title and a note.
        legend: its entries and the factor that they tell apart.
    """
    column, row = factors
    shown = {place: ax for place, ax in panels.items() if ax.get_lines()} or panels
    for place, ax in panels.items():
        ax.set_visible(place in shown)
    rows, columns = ([*dict.fromkeys(place[axis] for place in panels)] for axis in (0, 1))
    for (row_level, column_level), ax in shown.items():
        named = [f"{word(name)} {spelled(level)}" for name, level in ((row, row_level), (column, column_level)) if name]
        ax.set_title("\n".join(named))
        below = rows[rows.index(row_level) + 1 :]
        if not any((level, column_level) in shown for level in below):
            ax.set_xlabel(axis_labels[0])
            ax.tick_params(labelbottom=True)
        if not any((row_level, level) in shown for level in columns[: columns.index(column_level)]):
            ax.set_ylabel(axis_labels[1])
            ax.tick_params(labelleft=True)
    handles, told_apart = legend
    return finish(figure, *heading, handles, word(told_apart))
