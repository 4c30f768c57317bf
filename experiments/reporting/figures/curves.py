"""Test error over epochs of every cell of a study."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from fairgrid.experiments.reporting.figures.figure import automatic
from fairgrid.experiments.reporting.figures.line_figure import LineFigure
from fairgrid.experiments.reporting.figures.panels import dashed, where, with_factors
from fairgrid.experiments.reporting.figures.phrases import NOTHING_EVALUATED, cell_errors, one_per_cell
from fairgrid.experiments.reporting.figures.style import Colour, epoch_axis, percent_axis
from fairgrid.experiments.reporting.wording import percent, percent_range
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@automatic
class LearningCurves(LineFigure):
    """Median test error of runs that are ok over epochs, with the band of their middle 80 %."""

    name = "curves"
    caption = "Test error over the epochs, every cell"
    position = 0
    axes = ("epoch", "test error (%)")

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of curves.csv with test errors, as `reached` leaves them, with a column per factor."""
        return reached(with_factors(evidence.curves[evidence.curves["metric"] == "test_error"], study))

    def draw_panel(self, ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
        """Draws a line and a band for each cell."""
        for level, look in dashed(palette).items():
            line = where(rows, {colour: level}).sort_values("epoch")
            for _, cell in line.groupby("cell", sort=False):
                low, high = 100 * cell["q10"], 100 * cell["q90"]
                ax.plot(cell["epoch"], 100 * cell["median"], **look)
                ax.fill_between(cell["epoch"], low, high, color=palette[level], alpha=0.2, lw=0)
        epoch_axis(ax)
        ax.margins(x=0.02)

    def scale(self, axes: Collection[Axes], rows: pd.DataFrame) -> str:
        """Scales axes to the bands."""
        return percent_axis([ax.yaxis for ax in axes], 100 * rows["q10"].min(), 100 * rows["q90"].max())

    def note(self, rows: pd.DataFrame) -> str:
        """What lines and bands are, and where they end."""
        note = "median over runs that are ok and the band between the 10 % and 90 % quantiles"
        return f"{note}; shown while half of the runs are still training" if rows["shortened"].any() else note

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The errors at the first and at the last checkpoint."""
        lines = rows.sort_values("epoch").groupby("factors", sort=True)[["epoch", "median"]]
        first, last = lines.first(), lines.last()
        if not len(first):
            return NOTHING_EVALUATED
        start = percent(first["median"].iloc[0]) if len(first) == 1 else f"a median of {percent_range(first['median'])}"
        return (
            f"Lines of median test error over epochs {first['epoch'].min():.0f} to {last['epoch'].max():.0f},"
            f" {one_per_cell(study)}, from {start}. At the end: {cell_errors(study, last['median'])}."
        )


def reached(rows: pd.DataFrame) -> pd.DataFrame:
    """The checkpoints that at least half of a cell's runs reached: later ones are of the few that trained longest.

    Args:
        rows: rows of curves.csv of one metric.

    Returns:
        These rows, with a column `shortened`: whether the cell has later checkpoints.
    """
    early = rows["n"] >= rows.groupby("factors")["n"].transform("max") / 2
    shortened = (~early).groupby(rows["factors"]).transform("any").astype(bool)
    return rows.assign(shortened=shortened)[early]
