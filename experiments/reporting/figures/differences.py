"""Forest plots: the mean difference of every two cells that differ in one factor, with its interval and verdict."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from fairgrid.experiments.analysis.comparisons import COMPARISONS, MOST
from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.reporting.figures.figure import StudyFigure, automatic
from fairgrid.experiments.reporting.figures.style import Colour, colours, finish, new_figure
from fairgrid.experiments.reporting.sentences import exploratory
from fairgrid.experiments.reporting.wording import spelled, word
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.185  # inches
_TEXT = 7.5  # points
_MOST = 80  # rows of a figure
_LONGEST = 40  # pairs in a figure of several factors
_REST = "not decided"
_SPAN = ("mean_difference", "ci_low", "ci_high")
_BEYOND = 1e6  # where intervals without an end are cut, far outside of the axis
_REACH = 10_000  # seeds that someone would train
_MARKS: dict[str, str] = {Verdict.BETTER: "<", Verdict.WORSE: ">", Verdict.EQUIVALENT: "s", _REST: "o"}
_MIRRORED: dict[str, str] = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
_LETTER = 0.055  # inches, of a pair's name
_TICKS = (0, 1, 3, 10, 30, 100)


@automatic
class Differences(StudyFigure):
    """A row for every pair, under a heading for each factor and what else the pairs have in common.

    Attributes:
        factors: the factors whose pairs are shown.
    """

    name = "differences"
    caption = "Mean difference of every two cells that differ in one factor"
    when = "studies that compare cells; a figure for each factor where there are many pairs"
    position = 30

    def __init__(self, factors: tuple[str, ...], split: bool = False) -> None:
        self.factors = factors
        if split:
            self.name = f"{self.name}_{factors[0].replace('.', '_')}"
            self.caption = f"{self.caption}: {factors[0]}"

    @classmethod
    def applies(cls, study: Study) -> bool:
        """Whether any cells are compared."""
        return bool(cls.figures_of(study))

    @classmethod
    def figures_of(cls, study: Study) -> list[StudyFigure]:
        """One figure of all factors that are compared, or one for each where it would be long."""
        counts = Counter(pair.factor for pair in pairs(study, study.comparison.factors))
        if not 0 < counts.total() <= MOST:
            return []
        if counts.total() <= _LONGEST or len(counts) == 1:
            return [cls(tuple(counts))]
        return [cls((factor,), split=True) for factor in counts]

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of comparisons.csv of these factors."""
        rows = evidence.comparisons
        return rows[rows["factor"].isin(self.factors)] if len(rows) else COMPARISONS.frame()

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
        """Draws the first pairs, as many as a figure holds, and says how many more there are."""
        omitted = len(rows) - _MOST
        rows = rows.iloc[:_MOST]
        several_factors = len(self.factors) > 1
        groups = grouped(rows, several_factors)
        names = max((len(f"{row.a} − {row.b}") for row in rows.itertuples()), default=0)
        width = max(6, 2.2 + 1.35 * _LETTER * max(map(len, groups), default=0)) + _LETTER * names
        figure, axes = new_figure(1, 1, (width, _ROW * max(len(rows) + len(groups), 4) + 1.8))
        ax = axes[0, 0]
        draw_pairs(ax, study, groups)
        note = (
            f"means over seeds of a's {word(study.comparison.metric)} less b's on the same seed, with 95 % intervals;"
            " the verdicts are corrected for the number of pairs, the intervals are not; shaded: differences that count"
            " as none"
        )
        if ax.get_xscale() == "symlog":
            note += "; the axis is linear within ±1"
        if omitted > 0:
            note += f"; {omitted} more pairs are in comparisons.csv"
        title = study.title if several_factors else f"{study.title}: {word(self.factors[0])}"
        return finish(figure, title, note.replace(" %", "\N{NO-BREAK SPACE}%"))

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """How many pairs have which verdict."""
        if not len(rows):
            return "Empty axes: nothing has been compared yet."
        counts = Counter(rows["verdict"].str.partition(":")[0])
        counted = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
        return f"Marks at the mean differences of {len(rows)} pairs, with their intervals and verdicts: {counted}."


def grouped(rows: pd.DataFrame, several_factors: bool) -> dict[str, pd.DataFrame]:
    """Rows of comparisons.csv by the heading above them: their factor, if there are several, and their context."""
    return {
        _heading(str(factor), str(context), several_factors): group
        for (factor, context), group in rows.groupby(["factor", "context"], sort=False)
    }


def draw_pairs(ax: Axes, study: Study, groups: dict[str, pd.DataFrame]) -> None:
    """Draws a study's pairs, `grouped`, from top to bottom onto empty axes."""
    error = study.comparison.metric.endswith("_error")
    more = direction_of(study) == "max"
    forest(ax, groups, study.comparison.region, 100 if error else 1, more)
    name = f"{word(study.comparison.metric)}{', points' if error else ''}{' (more is better)' if more else ''}"
    ax.set_xlabel(f"difference in {name}: a − b", size="small")


def forest(ax: Axes, groups: dict[str, pd.DataFrame], region: float, unit: float = 100, more: bool = False) -> None:
    """Draws pairs from top to bottom.

    Args:
        ax: empty axes.
        groups: rows of comparisons.csv by their heading; "" has none.
        region: half the width of the region of equivalence, in the metric's unit.
        unit: the factor that differences are multiplied by; 100 shows errors in points.
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
        marker = _MARKS[_MIRRORED.get(kind, kind) if more else kind]
        ax.plot([mean], [place], color=_shade(kind), marker=marker, ms=4.5, ls="", zorder=3)
    text = f"{verdict}; {_seeds(row):,} seeds might decide" if verdict == Verdict.UNDECIDED and _seeds(row) else verdict
    text += "; exploratory" if exploratory(row) else ""
    ax.text(1.01, place, text, transform=ax.get_yaxis_transform(), va="center", size=_TEXT, color=_shade(kind))


def _seeds(row: dict[Any, Any]) -> int:
    """The number of seeds that might decide; 0 if it is unknown or out of reach."""
    needed = row["needs_seeds"]
    return 0 if pd.isna(needed) or needed >= _REACH else int(needed)


def _scale(ax: Axes, ends: list[float], region: float) -> None:
    """Shows 0, the region and every interval; logarithmic beyond ±1 where they differ by orders of magnitude."""
    from matplotlib.ticker import NullLocator

    finite = [end for end in ends if math.isfinite(end)]
    low, high = min([-1.5 * region, *finite]), max([1.5 * region, *finite])
    margin = 1.15
    if max(-low, high) > 10:
        ax.set_xscale("symlog", linthresh=1, linscale=0.6)
        places = [*(-tick for tick in _TICKS[:0:-1]), *_TICKS]
        ax.set_xticks(places, [f"{tick:g}".replace("-", "−") for tick in places], size="small")
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(margin * low or -1, margin * high or 1)


def _heading(factor: str, context: str, several_factors: bool) -> str:
    """The factor that pairs differ in, if the figure shows several, and the levels that they share."""
    return "; ".join(part for part in (word(factor) if several_factors else "", spelled(context)) if part)


def _shade(kind: str) -> Colour:
    blue, orange, green = colours(3)
    return {Verdict.BETTER: blue, Verdict.WORSE: orange, Verdict.EQUIVALENT: green, _REST: (0.45, 0.45, 0.45)}[kind]
