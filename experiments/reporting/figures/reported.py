"""Every number that the reports state, as a mark on the distribution of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.reproduction import IncompleteError, cell_values
from fairgrid.experiments.analysis.statistics.reproduction import resampled
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.errors import one_line
from fairgrid.experiments.reporting.figures.style import Colour, colours, finish, line_key, new_figure
from fairgrid.experiments.reporting.wording import cut
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.schema import Reported, Statistic
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_DRAWS = 20_000
_TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50, 100)
_ROW = 0.165  # inches
_TEXT = 7.5  # points
_ERRORS = ("train_error", "validation_error", "test_error")
_QUANTILES = {"q025": 0.025, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q975": 0.975}
_COLUMNS = ["study", "quote", "reading", "metric", "statistic", "runs", "reported", "primary", "verdict", "jointly"]


class ReportedNumbers:
    """Rows of readings under a heading for each number's place in its report, of several studies."""

    caption = "The reports' numbers on the distribution of ours"

    def applies(self, studies: Sequence[Study]) -> bool:
        """Whether a study's report states numbers."""
        return any(study.reported for study in studies)

    def rows(self, studies: Sequence[Study], evidence: ResultTables) -> pd.DataFrame:
        """A row per statistic of every reading of an error: the report's value, and quantiles of ours.

        `verdict` is None on the second row of a reading that is judged jointly; quantiles are NaN where runs are
        missing.
        """
        rows = [
            row
            for study in sorted(studies, key=lambda study: study.name)
            for reported in study.reported
            if reported.metric in _ERRORS
            for row in _rows(study, reported, evidence.of(study.name))
        ]
        return pd.DataFrame(rows, columns=[*_COLUMNS, *_QUANTILES])

    def draw(self, rows: pd.DataFrame) -> Figure:
        """Draws all rows, a heading for each study and quote."""
        headings = [
            f"{one_line(study).replace('_', ' ').capitalize()}: {cut(quote)}"
            for study, quote in zip(rows["study"], rows["quote"], strict=True)
        ]
        figure, axes = new_figure(1, 1, (8, _ROW * (len(rows) + len(set(headings))) + 2.0))
        draw_readings(axes[0, 0], rows, headings)
        figure.legend(handles=keys(), loc="upper right", bbox_to_anchor=(1, 0), ncols=3, frameon=False, fontsize=_TEXT)
        return finish(
            figure,
            self.caption,
            "bars: our runs, or statistics of as many of them as the report had, drawn with replacement; thin from"
            " 2.5 % to 97.5 %, thick from quartile to quartile, with the median; the error of a diverged run is 100 %;"
            " the axis is linear below 1 %".replace(" %", "\N{NO-BREAK SPACE}%"),
        )

    def describe(self, rows: pd.DataFrame) -> str:
        """How many readings have which verdict."""
        judged = rows[rows["verdict"].notna()]
        counts = ", ".join(f"{count} {verdict}" for verdict, count in judged["verdict"].value_counts().items())
        numbers = len(judged[["study", "quote"]].drop_duplicates())
        return (
            f"For each of {len(judged)} readings of {numbers} reported numbers, a bar for the middle 95 % of our runs"
            f" and a diamond at the report's value. Verdicts beside the bars: {counts}."
        )


def _rows(study: Study, reported: Reported, evidence: ResultTables) -> list[dict[str, Any]]:
    """A row per statistic of one reading."""
    try:
        values = np.asarray(cell_values(study, reported.where, reported.metric, evidence), np.float64)
        stream = np.random.Generator(np.random.PCG64(0))
        single = reported.statistic == (Statistic.SINGLE,)
        ours = values[:, None] if single else resampled(values, reported.statistic, reported.runs, _DRAWS, stream)
        quantiles = np.quantile(ours, list(_QUANTILES.values()), axis=0).T
    except IncompleteError:
        quantiles = np.full((len(reported.statistic), len(_QUANTILES)), np.nan)
    return [
        {
            "study": study.name,
            "quote": reported.quote,
            "reading": reported.reading,
            "metric": reported.metric,
            "statistic": statistic,
            "runs": reported.runs,
            "reported": value,
            "primary": reported.primary,
            "verdict": _verdict(reported, evidence) if number == 0 else None,
            "jointly": len(reported.statistic) > 1,
            **dict(zip(_QUANTILES, quantiles[number], strict=True)),
        }
        for number, (statistic, value) in enumerate(zip(reported.statistic, reported.value, strict=True))
    ]


def _verdict(reported: Reported, evidence: ResultTables) -> str | None:
    table = evidence.reproduction
    if not len(table):
        return None
    chosen = table[
        (table["quote"] == reported.quote)
        & (table["reading"] == reported.reading)
        & (table["metric"] == reported.metric)
        & (table["statistic"] == "+".join(reported.statistic))
    ]
    return str(chosen["verdict"].iloc[0]) if len(chosen) else None


def draw_readings(ax: Axes, rows: pd.DataFrame, headings: Sequence[str]) -> None:
    """Draws rows from top to bottom under their headings.

    Args:
        ax: empty axes.
        rows: rows of `ReportedNumbers`.
        headings: the heading of each row; rows of the same heading are drawn together.
    """
    from matplotlib.ticker import NullLocator

    texts: list[str] = []
    bold: set[int] = set()
    for heading, group in rows.groupby(list(headings), sort=False):
        bold.add(len(texts))
        ax.axhspan(len(texts) - 0.5, len(texts) + 0.5, color="0.94", lw=0, zorder=0)
        texts.append(str(heading))
        for row in group.to_dict("records"):
            _draw_row(ax, len(texts), row)
            counted = "" if row["statistic"] == Statistic.SINGLE else f", {row['statistic']} of {row['runs']}"
            texts.append(f"{row['metric'].replace('_', ' ')}{counted}: {cut(row['reading'])}")
    ax.set_yticks(range(len(texts)), texts)
    for place, text in enumerate(ax.get_yticklabels()):
        if place in bold:
            text.set_fontweight("bold")
        text.set_fontsize(_TEXT)
    ax.set_ylim(max(len(texts), 1) - 0.5, -0.5)  # no row where all numbers are losses
    ax.grid(visible=False, axis="y")
    ax.set_xscale("symlog", linthresh=1, linscale=0.6)
    ax.set_xlim(-0.1, 110)
    ax.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS], size="small")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("error, or its standard deviation (%)", size="small")


def _draw_row(ax: Axes, place: int, row: dict[Any, Any]) -> None:
    shade = _shade(row["primary"])
    if not np.isnan(row["q50"]):
        low, first, median, third, high = (100 * row[name] for name in _QUANTILES)
        ax.plot([low, high], [place, place], color=shade, lw=1.2, solid_capstyle="butt", zorder=2)
        ax.plot([first, third], [place, place], color=shade, lw=5, solid_capstyle="butt", zorder=2)
        ax.plot([median], [place], marker="|", color="white", ms=5, mew=1.5, zorder=3)
    ax.plot([100 * row["reported"]], [place], zorder=4, **_mark())
    verdict = "" if pd.isna(row["verdict"]) else f"{row['verdict']}{', jointly' if row['jointly'] else ''}"
    weight = "bold" if row["verdict"] == Verdict.INCONSISTENT else "normal"
    ax.text(1.01, place, verdict, transform=ax.get_yaxis_transform(), va="center", size=_TEXT, weight=weight)


def _shade(primary: bool) -> Colour:
    return colours(1)[0] if primary else (0.6, 0.6, 0.6)


def _mark() -> dict[str, Any]:
    return {"marker": "D", "ms": 4.5, "mfc": colours(2)[1], "mec": "black", "mew": 0.7, "ls": ""}


def keys() -> list[Line2D]:
    """A legend's entries."""
    return [
        line_key("ours, primary reading", color=_shade(True), lw=5),
        line_key("ours, another reading", color=_shade(False), lw=5),
        line_key("the report's number", **_mark()),
    ]
