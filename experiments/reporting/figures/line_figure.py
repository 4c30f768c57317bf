"""Figures with a line for every cell of a study, in a panel for every level of two factors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from fairgrid.experiments.reporting.figures.figure import StudyFigure
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
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LineFigure(StudyFigure):
    """A figure whose rows have a column per factor, and whose panels have a line for every level of one factor.

    Attributes:
        axes: the labels of x and y.
    """

    axes: ClassVar[tuple[str, str]]

    def order(self, study: Study) -> Order:
        """The factors that the figure shows, with their levels."""
        return factors_order(study)

    @abstractmethod
    def draw_panel(self, ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
        """Draws a line for every level of a factor.

        Args:
            ax: the panel's axes.
            rows: the panel's rows.
            colour: the factor that colours tell apart, if there is one.
            palette: its levels' colours.
        """

    @abstractmethod
    def scale(self, axes: Collection[Axes], rows: pd.DataFrame) -> str:
        """Scales axes to all rows that they show; returns a note on the scale, or ""."""

    @abstractmethod
    def note(self, rows: pd.DataFrame) -> str:
        """What lines and bands are."""

    def marks(self, rows: pd.DataFrame) -> Sequence[Artist]:
        """Entries of the legend for marks, next to those of the palette."""
        return []

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
        """Draws a panel for every level of two factors."""
        data, order, aside = first_of_others(rows, self.order(study), wrapped=True)
        colour, column, row = assign(order, wrapped=True)
        figure, panels = panels_of(order, column, row)
        palette = shades(order, colour)
        for place, ax in panels.items():
            self.draw_panel(ax, where(data, dict(zip((row, column), place, strict=True))), colour, palette)
        note = self.note(rows) + aside + self.scale(panels.values(), data)
        legend = [*(keys(palette) if colour else []), *self.marks(data)]
        return finish_panels(figure, panels, (column, row), self.axes, (study.title, note), (legend, colour))


class TuningFigure(LineFigure):
    """A figure of what tuning tried: it has no lines for the untuned baselines."""

    when = "studies that tune learning rates"

    @classmethod
    def applies(cls, study: Study) -> bool:
        """Whether a cell has several rates to choose from."""
        return any(len(cell.rates) > 1 for cell in study.cells)

    def order(self, study: Study) -> Order:
        """All factors but the one that tells tuned cells from their baselines."""
        return {name: levels for name, levels in factors_order(study).items() if name != TUNED}
