"""How often intervals miss the truth, over how often they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.calibration import AA
from fairgrid.experiments.reporting.figures.style import (
    DASHES,
    MARKERS,
    Colour,
    colours,
    finish,
    line_key,
    log_axis,
    new_figure,
)
from fairgrid.experiments.reporting.wording import spelled, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calibration(table: pd.DataFrame) -> Figure:
    """A panel per number of seeds; a line per cell against itself and per pair of cells.

    Args:
        table: the rows of calibration.csv.
    """
    seeds = sorted(table["n"].unique())
    keys = ["kind", "factor", "a", "b", "context"]
    cases = [(tuple(map(str, key)), rows) for key, rows in table.groupby(keys, sort=False)]
    palette = colours(len(cases))
    figure, axes = new_figure(1, len(seeds), (3.6 * len(seeds), 3.9), sharex=True, sharey=True)
    for n, ax in zip(seeds, axes[0], strict=True):
        for place, ((_, rows), shade) in enumerate(zip(cases, palette, strict=True)):
            _line(ax, rows[rows["n"] == n], shade, place)
        ends = 100 * table["level"].min() / 1.6, 100 * table["level"].max() * 1.6
        ax.plot(ends, ends, color="0.4", lw=0.9, zorder=1)
        for axis in (ax.xaxis, ax.yaxis):
            log_axis(axis, *ends)
        ax.set_xlim(*ends)
        ax.set_title(f"{n} seeds")
        ax.set_xlabel("intervals that should miss the truth (%)")
    axes[0][0].set_ylabel("intervals that miss it (%)")
    handles = [
        line_key(_label(key), color=shade, marker=MARKERS[place % len(MARKERS)], dashes=_dashes(key[0]))
        for place, ((key, _), shade) in enumerate(zip(cases, palette, strict=True))
    ]
    title = "Calibration of comparisons: intervals for the mean difference of two cells"
    note = (
        f"{table['repeats'].iloc[0]:,} comparisons each, drawn from {table['pool'].min():,} runs a cell, with 95 %"
        " intervals; A/A: a cell against itself on other seeds, A/B: two cells on the same seeds"
    )
    return finish(figure, title, note, handles)


def _line(ax: Axes, rows: pd.DataFrame, shade: Colour, place: int) -> None:
    missed = 100 * (1 - rows["coverage"].to_numpy())
    ends = 100 * (1 - rows[["coverage_high", "coverage_low"]].to_numpy().T)
    x = 100 * rows["level"].to_numpy() * 1.04 ** (place - 2.5)
    ax.errorbar(
        x,
        missed,
        yerr=np.abs(ends - missed),
        color=shade,
        fmt=MARKERS[place % len(MARKERS)],
        dashes=_dashes(str(rows["kind"].iloc[0])),
        ls="-",
        ms=3.5,
        lw=1,
        capsize=1.5,
    )


def _dashes(kind: str) -> tuple[float, ...]:
    return DASHES[1] if kind == AA else DASHES[0]


def _label(key: tuple[str, ...]) -> str:
    kind, factor, a, b, _ = key
    return f"{kind}, {word(factor)}:\n{spelled(a) if kind == AA else f'{spelled(a)} − {spelled(b)}'}"
