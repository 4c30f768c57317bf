"""Test error over epochs of every cell of a study."""

from collections.abc import Collection, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairgrid.experiments.reporting.figures.checkpoints import reached
from fairgrid.experiments.reporting.figures.lines import Lines
from fairgrid.experiments.reporting.figures.panels import dashed, where, with_factors
from fairgrid.experiments.reporting.figures.style import Colour, epoch_axis, percent_axis
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study


def curves(study: Study, evidence: Evidence) -> Figure:
    """Median test error of runs that are ok over epochs, with the band of their middle 80 %; a panel per level."""
    every = checkpoints(study, evidence)
    shown = reached(every)
    words = "median over runs that are ok and the band between the 10 % and 90 % quantiles"
    words += "; shown while half of the runs are still training" if len(shown) < len(every) else ""
    return CURVES.figure(study.title, words, shown, factors_order(study))


def checkpoints(study: Study, evidence: Evidence) -> pd.DataFrame:
    """What is drawn: curves.csv's rows of test errors, with a column per factor."""
    return with_factors(evidence.curves[evidence.curves["metric"] == "test_error"], study)


def _draw(ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
    """A line and a band for each cell.

    Args:
        ax: to draw on.
        rows: of `checkpoints`, those that are to be seen.
        colour: the factor that colours tell apart.
        palette: its levels' colours.
    """
    for level, look in dashed(palette).items():
        line = where(rows, {colour: level}).sort_values("epoch")
        for _, cell in line.groupby("cell", sort=False):
            ax.plot(cell["epoch"], 100 * cell["median"], **look)
            ax.fill_between(cell["epoch"], 100 * cell["q10"], 100 * cell["q90"], color=palette[level], alpha=0.2, lw=0)
    epoch_axis(ax)
    ax.margins(x=0.02)


def _scale(axes: Collection[Axes], rows: pd.DataFrame) -> str:
    """Scales axes to all that they show; returns what there is to say of that."""
    return percent_axis([ax.yaxis for ax in axes], 100 * rows["q10"].min(), 100 * rows["q90"].max())


CURVES = Lines(("epoch", "test error (%)"), _draw, _scale)
