"""Errors on different problems, and the share of problems on which each contestant is nearly the best."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairgrid.experiments.analysis.cross_problem import Block, blocks
from fairgrid.experiments.analysis.statistics.ranks import LEAST_PROBLEMS
from fairgrid.experiments.reporting.figures.style import (
    DASHES,
    Colour,
    colours,
    finish,
    log_axis,
    percent_axis,
    sheet,
    spelled,
    word,
)
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.study import Study

ERRORS = "mean test error (%)"
PROFILES = ("error / best error", "share of problems")
_MARKS = ("o", "s", "^", "D", "v", "P")
_ROW = 0.3  # inches
_NARROW = 4  # ratios up to which their axis is linear

Palette = list[Colour]  # of a block's levels


def across(study: Study, evidence: Evidence) -> Figure:
    """Of the first factor with enough problems, its levels' mean test errors by problem, and their profiles.

    A profile is the share of problems on which the error is within a factor of the best one's (Dolan and Moré 2002).
    """
    found = [block for block in blocks(study, evidence.runs) if len(block.problems) >= LEAST_PROBLEMS]
    block = next((block for block in found if not np.isnan(block.errors).any()), None)
    problems = len(block.problems) if block else LEAST_PROBLEMS
    figure, axes = sheet(1, 2, (8.2, _ROW * problems + 2.0), width_ratios=(1.15, 1))
    left, right = axes[0]
    left.set_xlabel(ERRORS)
    right.set_xlabel(PROFILES[0])
    right.set_ylabel(PROFILES[1])
    if block is None:
        return finish(figure, study.title, "no problems whose runs are all there")
    palette = colours(len(block.levels))
    errors(left, block, palette)
    profiles(right, block, palette)
    note = (
        "each problem's mean over runs and its variants, a diverged run's error 100 %; right: the share of problems on"
        " which the error is at most so many times the best, errors below one test point as one"
    )
    note += scale(left, block)
    note += f"; {spelled(block.context)} only" if block.context else ""
    return finish(figure, study.title, note, keys(block, palette), word(block.factor))


def keys(block: Block, palette: Palette) -> list[Line2D]:
    """A legend's entry for every level."""
    return [
        Line2D([], [], color=shade, dashes=DASHES[at % len(DASHES)], marker=_MARKS[at % len(_MARKS)], ms=5, label=name)
        for at, (shade, name) in enumerate(zip(palette, map(spelled, block.levels), strict=True))
    ]


def scale(ax: Axes, block: Block) -> str:
    """Scales an axis to the errors that it shows; returns what there is to say of that."""
    return percent_axis([ax.xaxis], 100 * block.errors.min(), 100 * block.errors.max())


def errors(ax: Axes, block: Block, palette: Palette) -> None:
    """A mark per problem and level, the problems from the hardest to the easiest."""
    order = np.argsort(block.errors.mean(1), kind="stable")
    places = np.arange(len(order))
    ax.hlines(places, 100 * block.errors[order].min(1), 100 * block.errors[order].max(1), color="0.8", lw=1.2, zorder=1)
    for at, shade in enumerate(palette):
        marker = _MARKS[at % len(_MARKS)]
        beside = places - 0.44 * ((at + 0.5) / len(palette) - 0.5)
        ax.plot(100 * block.errors[order, at], beside, ls="", marker=marker, ms=4.5, color=shade, zorder=2)
    ax.set_yticks(places, [spelled(block.problems[at]) for at in order])
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.grid(visible=False, axis="y")


def profiles(ax: Axes, block: Block, palette: Palette) -> None:
    """Rising steps, one per level."""
    end = 1.06 * max(1.25, float(block.ratios.max()))
    for at, shade in enumerate(palette):
        ratios = pd.Series(block.ratios[:, at]).sort_values().to_numpy()
        share = np.arange(1, len(ratios) + 1) / len(ratios)
        x, y = np.concatenate([[1.0], ratios, [end]]), np.concatenate([[0.0], share, [1.0]])
        ax.step(x, y, where="post", color=shade, dashes=DASHES[at % len(DASHES)], lw=1.6)
    if end > _NARROW:
        log_axis(ax.xaxis, 1.0, end)
    ax.set_xlim(1, end)
    ax.set_ylim(-0.03, 1.03)
