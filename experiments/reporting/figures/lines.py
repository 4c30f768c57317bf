"""Figures that have a line for every cell of a study."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairgrid.experiments.reporting.figures.panels import (
    Order,
    assign,
    finish_panels,
    first_of_others,
    keys,
    panels_of,
    shades,
    where,
)
from fairgrid.experiments.reporting.figures.style import Colour


def _nothing(rows: pd.DataFrame) -> Sequence[Line2D]:
    return []


@dataclass(frozen=True)
class Lines:
    """What such a figure shows, in each of its panels.

    Attributes:
        axes: labels of x and y.
        draw: onto axes, rows that are to be seen: a line for every level of the factor that colours tell apart, if
            there is one, in the palette's colours.
        scale: axes to all rows that they show; returns what there is to say of that.
        marks: entries of a legend for these rows, beside those of the palette.
    """

    axes: tuple[str, str]
    draw: Callable[[Axes, pd.DataFrame, str | None, Mapping[str, Colour]], None]
    scale: Callable[[Collection[Axes], pd.DataFrame], str]
    marks: Callable[[pd.DataFrame], Sequence[Line2D]] = _nothing

    def figure(self, title: str, words: str, rows: pd.DataFrame, order: Order) -> Figure:
        """A panel per level of two factors.

        Args:
            title: of the figure.
            words: what lines and bands are.
            rows: with a column per factor.
            order: of the factors and their levels.
        """
        data, order, note = first_of_others(rows, order, wrapped=True)
        colour, column, row = assign(order, wrapped=True)
        figure, panels = panels_of(order, column, row)
        palette = shades(order, colour)
        for place, ax in panels.items():
            self.draw(ax, where(data, dict(zip((row, column), place, strict=True))), colour, palette)
        note += self.scale(panels.values(), data)
        legend = [*(keys(palette) if colour else []), *self.marks(data)]
        return finish_panels(figure, panels, (column, row), self.axes, (title, words + note), (legend, colour))
