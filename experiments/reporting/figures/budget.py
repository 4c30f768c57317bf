"""Test error over the number of learning rates tried: what a budget of trials is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from fairgrid.experiments.reporting.figures.figure import automatic
from fairgrid.experiments.reporting.figures.line_figure import TuningFigure
from fairgrid.experiments.reporting.figures.panels import dashed, where, with_factors
from fairgrid.experiments.reporting.figures.phrases import NOTHING_CHOSEN
from fairgrid.experiments.reporting.figures.style import Colour, line_key, percent_axis
from fairgrid.experiments.reporting.wording import percent
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


@automatic
class Budget(TuningFigure):
    """Expected test error of the best of k rates by validation error, and of the default rate at 0, with intervals."""

    name = "budget"
    caption = "Expected test error over the number of learning rates tried"
    position = 50
    axes = ("learning rates tried", "expected test error (%)")

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of budgets.csv, with a column per factor."""
        return with_factors(evidence.budgets, study)

    def draw_panel(self, ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
        """Draws a line and a band for each cell, and a square with its interval for the untuned one."""
        from matplotlib.ticker import MaxNLocator

        for number, (level, look) in enumerate(dashed(palette).items()):
            line, shade = where(rows, {colour: level}).sort_values("trials"), palette[level]
            searched, untuned = line[line["trials"] > 0], line[line["trials"] == 0]
            ax.plot(searched["trials"], 100 * searched["test_error"], lw=1.4, **look)
            low, high = (100 * line[f"test_error_ci_{end}"].clip(0, 1) for end in ("low", "high"))
            ax.fill_between(searched["trials"], low[searched.index], high[searched.index], color=shade, alpha=0.2, lw=0)
            # next to each other, as they may coincide
            at = untuned["trials"] + 0.3 * (number - (len(palette) - 1) / 2)
            ax.vlines(at, low[untuned.index], high[untuned.index], color=shade, lw=1.2)
            ax.plot(at, 100 * untuned["test_error"], ls="", marker="s", ms=4, color=shade)
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))

    def scale(self, axes: Collection[Axes], rows: pd.DataFrame) -> str:
        """Scales axes to the expected errors."""
        errors = 100 * rows["test_error"]
        return percent_axis([ax.yaxis for ax in axes], errors.min(), errors.max())

    def note(self, rows: pd.DataFrame) -> str:
        """What lines and bands are."""
        return (
            "of the best of so many rates by validation error, each trained once; mean over tuning seeds, untuned over"
            " evaluation seeds, with its 95 % interval; a diverged run is an error of 100 %"
        )

    def marks(self, rows: pd.DataFrame) -> Sequence[Artist]:
        """The squares of untuned cells, if there are any."""
        squares = [line_key("untuned, at 0", ls="", marker="s", ms=4, color="0.3")]
        return squares if (rows["trials"] == 0).any() else []

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The range of errors over cells: untuned, of one rate, of all rates."""
        if not len(rows):
            return NOTHING_CHOSEN
        last = rows.groupby("factors", sort=False)["trials"].transform("max")
        numbers = {"untuned": rows["trials"] == 0, "one": rows["trials"] == 1, "all": rows["trials"] == last}
        errors = {name: rows.loc[chosen, "test_error"] for name, chosen in numbers.items() if chosen.any()}
        details = "; ".join(f"{name}: {percent(own.min())} to {percent(own.max())}" for name, own in errors.items())
        return (
            f"Lines of expected test error over the number of rates tried, of {rows['factors'].nunique()} cells. By"
            f" that number, {details}."
        )
