"""Test error over the number of learning rates tried: what a budget of trials is worth."""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fairgrid.experiments.analysis.trials import budget_table
from fairgrid.experiments.reporting.figures.lines import Lines
from fairgrid.experiments.reporting.figures.panels import Order, dashed, where, with_factors
from fairgrid.experiments.reporting.figures.style import Colour, percent_axis
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study


def budget(study: Study, evidence: Evidence) -> Figure:
    """Expected test error of the best of k rates by validation error, and of the default rate at 0, with intervals."""
    words = (
        "of the best of so many rates by validation error, each trained once; mean over tuning seeds, untuned over"
        " evaluation seeds, with its 95 % interval; a diverged run is an error of 100 %"
    )
    return BUDGETS.figure(study.title, words, *budgets(study, evidence))


def budgets(study: Study, evidence: Evidence) -> tuple[pd.DataFrame, Order]:
    """What is drawn: budgets.csv's rows with a column per factor; and the factors of tuned cells."""
    every = budget_table(study, evidence.runs)
    tried = factors_order(study)
    tried.pop(TUNED, None)
    table = every.drop(columns="optimizer") if "optimizer" in tried else every
    return with_factors(table.assign(cell=""), study), tried


def _draw(ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
    """A line and a band for each cell, and a square with its interval for the untuned one.

    Args:
        ax: to draw on.
        rows: of `budgets`, those that are to be seen.
        colour: the factor that colours tell apart.
        palette: its levels' colours.
    """
    for number, (level, look) in enumerate(dashed(palette).items()):
        line, shade = where(rows, {colour: level}).sort_values("trials"), palette[level]
        searched, untuned = line[line["trials"] > 0], line[line["trials"] == 0]
        ax.plot(searched["trials"], 100 * searched["test_error"], lw=1.4, **look)
        low, high = (100 * line[f"test_error_ci_{end}"].clip(0, 1) for end in ("low", "high"))
        ax.fill_between(searched["trials"], low[searched.index], high[searched.index], color=shade, alpha=0.2, lw=0)
        # beside each other, as they may coincide
        at = untuned["trials"] + 0.3 * (number - (len(palette) - 1) / 2)
        ax.vlines(at, low[untuned.index], high[untuned.index], color=shade, lw=1.2)
        ax.plot(at, 100 * untuned["test_error"], ls="", marker="s", ms=4, color=shade)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def _scale(axes: Collection[Axes], rows: pd.DataFrame) -> str:
    """Scales axes to all that they show; returns what there is to say of that."""
    errors = 100 * rows["test_error"]
    return percent_axis([ax.yaxis for ax in axes], errors.min(), errors.max())


def _marks(rows: pd.DataFrame) -> Sequence[Line2D]:
    """A legend's entry for the squares of untuned cells, where there are any."""
    squares = [Line2D([], [], ls="", marker="s", ms=4, color="0.3", label="untuned, at 0")]
    return squares if (rows["trials"] == 0).any() else []


BUDGETS = Lines(("learning rates tried", "expected test error (%)"), _draw, _scale, _marks)
