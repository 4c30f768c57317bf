"""Validation error over the learning rate: how much a choice matters, and whether it lies on the edge."""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from fairgrid.experiments.analysis.trials import trials_table
from fairgrid.experiments.reporting.figures.lines import Lines
from fairgrid.experiments.reporting.figures.panels import Order, dashed, where, with_factors
from fairgrid.experiments.reporting.figures.style import Colour, percent_axis
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study


def sensitivity(study: Study, evidence: Evidence) -> Figure:
    """Mean validation error of every learning rate tried, with its interval; the chosen one marked."""
    words = "mean over tuning seeds with its 95 % interval; a diverged run is an error of 100 %"
    return TRIALS.figure(study.title, words, *trials(study, evidence))


def trials(study: Study, evidence: Evidence) -> tuple[pd.DataFrame, Order]:
    """What is drawn: tuning.csv's rows with a column per factor; and the factors of tuned cells."""
    every = trials_table(study, evidence.runs)
    tried = factors_order(study)
    tried.pop(TUNED, None)
    return with_factors(every.drop(columns="optimizer") if "optimizer" in tried else every, study), tried


def _draw(ax: Axes, rows: pd.DataFrame, colour: str | None, palette: Mapping[str, Colour]) -> None:
    """A line and a band for each cell, and a mark on its choice.

    Args:
        ax: to draw on.
        rows: of `trials`, those that are to be seen.
        colour: the factor that colours tell apart.
        palette: its levels' colours.
    """
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


def _scale(axes: Collection[Axes], rows: pd.DataFrame) -> str:
    """Scales axes to all that they show; returns what there is to say of that."""
    for ax in axes:
        ax.set_xscale("log")
        if not rows["validation_error"].notna().any():
            ax.set_xlim(1e-4, 1)
        ax.xaxis.set_minor_locator(NullLocator())
    errors = 100 * rows["validation_error"]
    return percent_axis([ax.yaxis for ax in axes], errors.min(), errors.max())


def _marks(rows: pd.DataFrame) -> Sequence[Line2D]:
    """A legend's entries for the marks of choices."""
    edges = [False, True] if (rows["edge"] != "").any() else [False]
    return [
        Line2D([], [], ls="", marker="o", ms=6.5, mec="0.3", mfc="white" if edge else "0.3", mew=1.4, label=text)
        for edge, text in zip(edges, ("chosen", "chosen, on the edge"), strict=False)
    ]


TRIALS = Lines(("learning rate", "validation error (%)"), _draw, _scale, _marks)
