"""Every number that the reports state, as a mark on the distribution of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from fairgrid.experiments.analysis.reproduction import IncompleteError, cell_values
from fairgrid.experiments.analysis.statistics.reproduction import Floats, resampled
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.errors import one_line
from fairgrid.experiments.reporting.figures.style import Colour, colours, cut, finish, sheet
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.schema import Reported
from fairgrid.experiments.study.study import Study

_DRAWS = 20_000
_TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50, 100)
_ROW = 0.165  # inches
_TEXT = 7.5  # points
_ERRORS = ("train_error", "validation_error", "test_error")


@dataclass(frozen=True)
class Row:
    """A line of the figure: one statistic of one reading.

    Attributes:
        text: what the statistic is of.
        reported: the report's value; an error, as a fraction.
        ours: draws of the same statistic from our runs; none where runs are missing.
        primary: whether the reading is the one declared beforehand.
        verdict: on the reading; "" on the second line of one that is judged jointly.
    """

    text: str
    reported: float
    ours: Floats
    primary: bool
    verdict: str


def overview(studies: Sequence[Study], evidence: Evidence) -> Figure:
    """Rows of readings under a heading for each number's place in its report.

    Args:
        studies: with [[reported]] numbers.
        evidence: of all of them.
    """
    groups = {
        f"{one_line(study.name).replace('_', ' ').capitalize()}: {quote}": rows
        for study in studies
        for quote, rows in readings(study, evidence.of(study.name)).items()
    }
    lines = sum(1 + len(rows) for rows in groups.values())
    figure, axes = sheet(1, 1, (8, _ROW * lines + 2.0))
    draw(axes[0, 0], groups)
    figure.legend(handles=keys(), loc="upper right", bbox_to_anchor=(1, 0), ncols=3, frameon=False, fontsize=_TEXT)
    return finish(
        figure,
        "The reports' numbers on the distribution of ours",
        "bars: our runs, or statistics of as many of them as the report had, drawn with replacement; thin from 2.5 % to"
        " 97.5 %, thick from quartile to quartile, with the median; the error of a diverged run is 100 %; the axis is"
        " linear below 1 %".replace(" %", "\N{NO-BREAK SPACE}%"),
    )


def draw(ax: Axes, groups: Mapping[str, Sequence[Row]]) -> None:
    """Rows from top to bottom under their headings, onto empty axes."""
    ticks: list[float] = []
    texts: list[str] = []
    for heading, rows in groups.items():
        place = len(ticks)
        ax.axhspan(place - 0.5, place + 0.5, color="0.94", lw=0, zorder=0)
        ticks.append(place)
        texts.append(heading)
        for row in rows:
            _line(ax, len(ticks), row)
            ticks.append(len(ticks))
            texts.append(row.text)
    ax.set_yticks(ticks, texts)
    for text in ax.get_yticklabels():
        if text.get_text() in groups:
            text.set_fontweight("bold")
        text.set_fontsize(_TEXT)
    ax.set_ylim(max(len(ticks), 1) - 0.5, -0.5)  # no row where all numbers are losses
    ax.grid(visible=False, axis="y")
    ax.set_xscale("symlog", linthresh=1, linscale=0.6)
    ax.set_xlim(-0.1, 110)
    ax.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS], size="small")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("error, or its standard deviation (%)", size="small")


def readings(study: Study, evidence: Evidence) -> dict[str, list[Row]]:
    """A study's lines by quote."""
    found: dict[str, list[Row]] = {}
    for reported in study.reported:
        if reported.metric not in _ERRORS:
            continue
        try:
            values = np.asarray(cell_values(study, reported.where, reported.metric, evidence), np.float64)
            stream = np.random.Generator(np.random.PCG64(0))
            single = reported.statistic == ("single",)
            ours = values[:, None] if single else resampled(values, reported.statistic, reported.runs, _DRAWS, stream)
        except IncompleteError:
            ours = np.empty((0, len(reported.statistic)))
        for number, (statistic, value) in enumerate(zip(reported.statistic, reported.value, strict=True)):
            several = "" if statistic == "single" else f", {statistic} of {reported.runs}"
            text = f"{reported.metric.replace('_', ' ')}{several}: {cut(reported.reading)}"
            verdict = _verdict(reported, evidence) if number == 0 else ""
            found.setdefault(cut(reported.quote), []).append(
                Row(text, value, ours[:, number], reported.primary, verdict)
            )
    return found


def _verdict(reported: Reported, evidence: Evidence) -> str:
    table = evidence.reproduction
    if not len(table):
        return ""
    chosen = table[
        (table["quote"] == reported.quote)
        & (table["reading"] == reported.reading)
        & (table["metric"] == reported.metric)
        & (table["statistic"] == "+".join(reported.statistic))
    ]
    jointly = ", jointly" if len(reported.statistic) > 1 else ""
    return f"{chosen['verdict'].iloc[0]}{jointly}" if len(chosen) else ""


def _line(ax: Axes, place: int, row: Row) -> None:
    shade = _shade(row.primary)
    if len(row.ours):
        low, first, median, third, high = 100 * np.quantile(row.ours, [0.025, 0.25, 0.5, 0.75, 0.975])
        ax.plot([low, high], [place, place], color=shade, lw=1.2, solid_capstyle="butt", zorder=2)
        ax.plot([first, third], [place, place], color=shade, lw=5, solid_capstyle="butt", zorder=2)
        ax.plot([median], [place], marker="|", color="white", ms=5, mew=1.5, zorder=3)
    ax.plot([100 * row.reported], [place], zorder=4, **_mark())
    weight = "bold" if row.verdict.startswith(Verdict.INCONSISTENT) else "normal"
    ax.text(1.01, place, row.verdict, transform=ax.get_yaxis_transform(), va="center", size=_TEXT, weight=weight)


def _shade(primary: bool) -> Colour:
    return colours(1)[0] if primary else (0.6, 0.6, 0.6)


def _mark() -> dict[str, Any]:
    return {"marker": "D", "ms": 4.5, "mfc": colours(2)[1], "mec": "black", "mew": 0.7, "ls": ""}


def keys() -> list[Line2D]:
    """A legend's entries."""
    return [
        Line2D([], [], color=_shade(True), lw=5, label="ours, primary reading"),
        Line2D([], [], color=_shade(False), lw=5, label="ours, another reading"),
        Line2D([], [], label="the report's number", **_mark()),
    ]
