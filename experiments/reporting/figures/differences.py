"""Forest plots: the mean difference of every two cells that differ in one factor, with its interval and verdict."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.reporting.figures.style import Colour, colours, finish, sheet, spelled, word
from fairgrid.experiments.reporting.sentences import exploratory
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.study import Study

_ROW = 0.185  # inches
_TEXT = 7.5  # points
_MOST = 80  # rows that a figure has
_REST = "not decided"
_SPAN = ("mean_difference", "ci_low", "ci_high")
_BEYOND = 1e6  # where intervals without an end are cut, far outside of the axis
_REACH = 10_000  # seeds that someone would train
_MARKS: dict[str, str] = {Verdict.BETTER: "<", Verdict.WORSE: ">", Verdict.EQUIVALENT: "s", _REST: "o"}
_MIRRORED: dict[str, str] = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
_LETTER = 0.055  # inches, of a pair's name
_TICKS = (0, 1, 3, 10, 30, 100)


def differences(study: Study, evidence: Evidence, factors: tuple[str, ...]) -> Figure:
    """A row for every pair, under a heading for each factor and what else the pairs have in common.

    Args:
        study: any.
        evidence: of the study.
        factors: whose pairs are shown.
    """
    rows = evidence.comparisons
    rows = rows[rows["factor"].isin(factors)] if len(rows) else pd.DataFrame({"factor": [], "context": []})
    left_out = len(rows) - _MOST
    rows = rows.iloc[:_MOST]
    several = len(factors) > 1
    groups = grouped(rows, several)
    names = max((len(f"{row.a} − {row.b}") for row in rows.itertuples()), default=0)
    width = max(6, 2.2 + 1.35 * _LETTER * max(map(len, groups), default=0)) + _LETTER * names
    figure, axes = sheet(1, 1, (width, _ROW * max(len(rows) + len(groups), 4) + 1.8))
    ax = axes[0, 0]
    panel(ax, study, groups)
    note = (
        f"means over seeds of a's {word(study.comparison.metric)} less b's on the same seed, with 95 % intervals; the"
        " verdicts are corrected for the number of pairs, the intervals are not; shaded: differences that count as none"
    )
    if ax.get_xscale() == "symlog":
        note += "; the axis is linear within ±1"
    if left_out > 0:
        note += f"; {left_out} more pairs are in comparisons.csv"
    title = study.title if several else f"{study.title}: {word(factors[0])}"
    return finish(figure, title, note.replace(" %", "\N{NO-BREAK SPACE}%"))


def grouped(rows: pd.DataFrame, several: bool) -> dict[str, pd.DataFrame]:
    """Rows of comparisons.csv by what is written above them: their factor, if there are several, and their context."""
    return {
        _heading(str(factor), str(context), several): group
        for (factor, context), group in rows.groupby(["factor", "context"], sort=False)
    }


def panel(ax: Axes, study: Study, groups: dict[str, pd.DataFrame]) -> None:
    """Draws a study's pairs, `grouped`, from top to bottom onto empty axes."""
    error = study.comparison.metric.endswith("_error")
    more = direction_of(study) == "max"
    forest(ax, groups, study.comparison.region, 100 if error else 1, more)
    name = f"{word(study.comparison.metric)}{', points' if error else ''}{' (more is better)' if more else ''}"
    ax.set_xlabel(f"difference in {name}: a − b", size="small")


def forest(ax: Axes, groups: dict[str, pd.DataFrame], region: float, unit: float = 100, more: bool = False) -> None:
    """Draws pairs from top to bottom.

    Args:
        ax: empty.
        groups: rows of comparisons.csv by what is written above them; "" writes nothing.
        region: half the width of the region of equivalence, in the metric's unit.
        unit: what differences are multiplied by: 100 shows errors in points.
        more: whether more is better, so that the better of a pair lies on the other side.
    """
    ticks: list[float] = []
    texts: list[str] = []
    ax.axvspan(-unit * region, unit * region, color="0.88", lw=0, zorder=0)
    ax.axvline(0, color="0.4", lw=0.8, zorder=1)
    place = 0
    for heading, rows in groups.items():
        if heading:
            ax.axhspan(place - 0.5, place + 0.5, color="0.94", lw=0, zorder=1.5)
            aside = ax.get_yaxis_transform()
            shape: dict[str, Any] = {"va": "center_baseline", "size": _TEXT, "weight": "bold", "parse_math": False}
            ax.text(0.01, place, heading, transform=aside, **shape)
            place += 1
        for row in rows.to_dict("records"):
            _draw(ax, place, row, unit, more)
            ticks.append(place)
            texts.append(f"{spelled(str(row['a']))} − {spelled(str(row['b']))}")
            place += 1
    ax.set_yticks(ticks, texts, size=_TEXT)
    ax.set_ylim(max(place, 1) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    _scale(ax, [unit * end for rows in groups.values() for end in rows[list(_SPAN)].to_numpy().flat], unit * region)


def _draw(ax: Axes, place: int, row: dict[Any, Any], unit: float, more: bool) -> None:
    verdict = str(row["verdict"])
    kind = verdict if verdict in _MARKS else _REST
    mean, low, high = (unit * float(row[name]) for name in _SPAN)
    if math.isfinite(mean):
        ax.plot(
            [max(low, -_BEYOND), min(high, _BEYOND)],
            [place, place],
            color=_shade(kind),
            lw=1.4,
            solid_capstyle="butt",
            zorder=2,
        )
        ax.plot(
            [mean],
            [place],
            color=_shade(kind),
            marker=_MARKS[_MIRRORED.get(kind, kind) if more else kind],
            ms=4.5,
            ls="",
            zorder=3,
        )
    told = f"{verdict}; {_seeds(row):,} seeds might decide" if verdict == Verdict.UNDECIDED and _seeds(row) else verdict
    told += "; exploratory" if exploratory(row) else ""
    ax.text(1.01, place, told, transform=ax.get_yaxis_transform(), va="center", size=_TEXT, color=_shade(kind))


def _seeds(row: dict[Any, Any]) -> int:
    """How many might decide; 0 where that is not known or out of reach."""
    needed = row["needs_seeds"]
    return 0 if pd.isna(needed) or needed >= _REACH else int(needed)


def _scale(ax: Axes, ends: list[float], region: float) -> None:
    """Shows 0, the region and every interval; logarithmic beyond ±1 where they differ by orders of magnitude."""
    known = [end for end in ends if math.isfinite(end)]
    low, high = min([-1.5 * region, *known]), max([1.5 * region, *known])
    margin = 1.15
    if max(-low, high) > 10:
        ax.set_xscale("symlog", linthresh=1, linscale=0.6)
        places = [*(-tick for tick in _TICKS[:0:-1]), *_TICKS]
        ax.set_xticks(places, [f"{tick:g}".replace("-", "−") for tick in places], size="small")
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(margin * low or -1, margin * high or 1)


def _heading(factor: str, context: str, several: bool) -> str:
    """What pairs differ in, if the figure shows several factors, and what they share."""
    return "; ".join(part for part in (word(factor) if several else "", spelled(context)) if part)


def _shade(kind: str) -> Colour:
    blue, orange, green = colours(3)
    return {Verdict.BETTER: blue, Verdict.WORSE: orange, Verdict.EQUIVALENT: green, _REST: (0.45, 0.45, 0.45)}[kind]
