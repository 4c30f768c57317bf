"""Validation error over the learning rate: how much a choice matters, and whether it lies on the edge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from fairgrid.experiments.reporting.figures.figure import automatic
from fairgrid.experiments.reporting.figures.line_figure import TuningFigure
from fairgrid.experiments.reporting.figures.panels import dashed, where, with_factors
from fairgrid.experiments.reporting.figures.phrases import FEW, NOTHING_CHOSEN
from fairgrid.experiments.reporting.figures.style import Colour, line_key, percent_axis
from fairgrid.experiments.reporting.wording import cell_name
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factor_labels
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


@automatic
class Sensitivity(TuningFigure):
    """Mean validation error of every learning rate tried, with its interval; the chosen one marked."""

    name = "sensitivity"
    caption = "Validation error over the learning rate"
    position = 40
    axes = ("learning rate", "validation error (%)")

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of tuning.csv, with a column per factor."""
        return with_factors(evidence.tuning, study)

    def draw_panel(self, ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
        """Draws a line and a band for each cell, and a mark on its choice."""
        for level, look in dashed(palette).items():
            line, shade = where(rows, {colour: level}).sort_values("learning_rate"), palette[level]
            rates, errors = line["learning_rate"], 100 * line["validation_error"]
            low, high = (100 * line[f"validation_error_ci_{end}"].clip(0, 1) for end in ("low", "high"))
            ax.plot(rates, errors, lw=1.4, marker=".", ms=3.5, **look)
            ax.fill_between(rates, low, high, color=shade, alpha=0.2, lw=0)
            best = line["chosen"].astype(bool)
            for edge, face in ((False, shade), (True, "white")):
                marked = best & ((line["edge"] != "") == edge)
                ax.plot(rates[marked], errors[marked], ls="", marker="o", ms=6.5, mec=shade, mfc=face, mew=1.4)

    def scale(self, axes: Collection[Axes], rows: pd.DataFrame) -> str:
        """Scales axes to the mean errors."""
        from matplotlib.ticker import NullLocator

        for ax in axes:
            ax.set_xscale("log")
            if not rows["validation_error"].notna().any():
                ax.set_xlim(1e-4, 1)
            ax.xaxis.set_minor_locator(NullLocator())
        errors = 100 * rows["validation_error"]
        return percent_axis([ax.yaxis for ax in axes], errors.min(), errors.max())

    def note(self, rows: pd.DataFrame) -> str:
        """What lines and bands are."""
        return "mean over tuning seeds with its 95 % interval; a diverged run is an error of 100 %"

    def marks(self, rows: pd.DataFrame) -> Sequence[Artist]:
        """The marks of choices."""
        edges = [False, True] if (rows["edge"] != "").any() else [False]
        return [
            line_key(text, ls="", marker="o", ms=6.5, mec="0.3", mfc="white" if edge else "0.3", mew=1.4)
            for edge, text in zip(edges, ("chosen", "chosen, on the edge"), strict=False)
        ]

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The rates that are chosen."""
        chosen = rows[rows["chosen"].astype(bool)]
        if not len(chosen):
            return NOTHING_CHOSEN
        on_edge = chosen["edge"] != ""
        if len(chosen) > FEW:
            rates = chosen["learning_rate"]
            details = (
                f"{rates.min():g} to {rates.max():g} in {len(chosen)} cells, {on_edge.sum()} on the edge of what was"
                " tried"
            )
        else:
            labels = factor_labels(study)
            details = "; ".join(
                f"{cell_name({name: labels[factors][name] for name in labels[factors] if name != TUNED})}: {rate:g}"
                f"{' (on the edge)' if edge else ''}"
                for factors, rate, edge in zip(chosen["factors"], chosen["learning_rate"], on_edge, strict=True)
            )
        return f"Lines of mean validation error over the learning rate, the chosen one marked. Chosen: {details}."
