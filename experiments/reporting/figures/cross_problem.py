"""Errors on different problems, and the share of problems on which each contestant is nearly the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.cross_problem import SCORES, layouts
from fairgrid.experiments.analysis.statistics.ranks import LEAST_PROBLEMS
from fairgrid.experiments.reporting.figures.figure import StudyFigure, automatic
from fairgrid.experiments.reporting.figures.style import (
    DASHES,
    MARKERS,
    Colour,
    colours,
    finish,
    line_key,
    log_axis,
    new_figure,
    percent_axis,
)
from fairgrid.experiments.reporting.wording import spelled, word
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

ERRORS = "mean test error (%)"
PROFILES = ("error / best error", "share of problems")
_ROW = 0.3  # inches
_NARROW = 4  # ratios up to which their axis is linear

Palette = list[Colour]  # a colour per level


@automatic
class CrossProblem(StudyFigure):
    """The mean test errors of a factor's levels by problem, and their performance profiles.

    A profile is the share of problems on which the error is within a factor of the best one's (Dolan and Moré 2002).
    """

    name = "across"
    caption = "Mean test error on different problems, and the share of problems within a factor of the best"
    when = f"studies of at least {LEAST_PROBLEMS} problems, of the first factor that all of them have"
    position = 70

    @classmethod
    def applies(cls, study: Study) -> bool:
        """Whether a factor's levels are on enough problems."""
        return any(len(layout.cells) >= LEAST_PROBLEMS for layout in layouts(study))

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of scores.csv of the first factor and context with enough problems, all of whose runs ended."""
        for scores in score_groups(study, evidence):
            if scores["problem"].nunique() >= LEAST_PROBLEMS and scores["test_error"].notna().all():
                return scores
        return SCORES.frame()

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
        """Draws errors on the left, profiles on the right."""
        problems = rows["problem"].nunique() if len(rows) else LEAST_PROBLEMS
        figure, axes = new_figure(1, 2, (8.2, _ROW * problems + 2.0), width_ratios=(1.15, 1))
        left, right = axes[0]
        left.set_xlabel(ERRORS)
        right.set_xlabel(PROFILES[0])
        right.set_ylabel(PROFILES[1])
        if not len(rows):
            return finish(figure, study.title, "no problems whose runs are all there")
        palette = colours(rows["level"].nunique())
        draw_errors(left, rows, palette)
        draw_profiles(right, rows, palette)
        note = (
            "each problem's mean over runs and its variants, a diverged run's error 100 %; right: the share of problems"
            " on which the error is at most so many times the best, errors below one test point as one"
        )
        note += scale(left, rows)
        context = rows["context"].iloc[0]
        note += f"; {spelled(context)} only" if context else ""
        return finish(figure, study.title, note, keys(rows, palette), word(rows["factor"].iloc[0]))

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """Every level's mean rank and greatest ratio to the best."""
        if not len(rows):
            return "Empty axes: not every run has been evaluated yet."
        levels = rows.groupby("level", sort=False)
        details = "; ".join(
            f"{spelled(str(level))} has the mean rank {own['rank'].mean():.2f}, never more than"
            f" {own['ratio'].max():.2f} times the best error"
            for level, own in levels
        )
        return (
            f"On the left, marks at the mean test errors on {rows['problem'].nunique()} problems; on the right, steps"
            f" of the share of problems within a factor of the best error. {details}."
        )


def score_groups(study: Study, evidence: ResultTables) -> list[pd.DataFrame]:
    """The rows of scores.csv, apart for every factor and context."""
    scores = evidence.scores
    return [group for _, group in scores.groupby(["factor", "context"], sort=False)]


def _by_problem(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """A column of scores, a row per problem and a column per level, as the study orders them."""
    table = rows.pivot(index="problem", columns="level", values=name)
    return table.loc[rows["problem"].unique(), rows["level"].unique()]


def keys(rows: pd.DataFrame, palette: Palette) -> list[Line2D]:
    """A legend's entry for every level."""
    return [
        line_key(spelled(level), color=shade, dashes=DASHES[at % len(DASHES)], marker=MARKERS[at % len(MARKERS)], ms=5)
        for at, (shade, level) in enumerate(zip(palette, rows["level"].unique(), strict=True))
    ]


def scale(ax: Axes, rows: pd.DataFrame) -> str:
    """Scales an axis to the errors that it shows; returns a note on the scale, or ""."""
    return percent_axis([ax.xaxis], 100 * rows["test_error"].min(), 100 * rows["test_error"].max())


def draw_errors(ax: Axes, rows: pd.DataFrame, palette: Palette) -> None:
    """Draws a mark per problem and level, the problems from the hardest to the easiest."""
    table = 100 * _by_problem(rows, "test_error")
    table = table.iloc[np.argsort(table.to_numpy().mean(1), kind="stable")]
    places = np.arange(len(table))
    ax.hlines(places, table.min(axis=1), table.max(axis=1), color="0.8", lw=1.2, zorder=1)
    for at, (shade, level) in enumerate(zip(palette, table, strict=True)):
        marker = MARKERS[at % len(MARKERS)]
        shifted = places - 0.44 * ((at + 0.5) / len(palette) - 0.5)
        ax.plot(table[level].to_numpy(), shifted, ls="", marker=marker, ms=4.5, color=shade, zorder=2)
    ax.set_yticks(places, [spelled(str(problem)) for problem in table.index])
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.grid(visible=False, axis="y")


def draw_profiles(ax: Axes, rows: pd.DataFrame, palette: Palette) -> None:
    """Draws rising steps, one line per level."""
    table = _by_problem(rows, "ratio")
    end = 1.06 * max(1.25, float(rows["ratio"].max()))
    for at, (shade, level) in enumerate(zip(palette, table, strict=True)):
        ratios = table[level].sort_values().to_numpy()
        share = np.arange(1, len(ratios) + 1) / len(ratios)
        x, y = np.concatenate([[1.0], ratios, [end]]), np.concatenate([[0.0], share, [1.0]])
        ax.step(x, y, where="post", color=shade, dashes=DASHES[at % len(DASHES)], lw=1.6)
    if end > _NARROW:
        log_axis(ax.xaxis, 1.0, end)
    ax.set_xlim(1, end)
    ax.set_ylim(-0.03, 1.03)
