"""Loss, error or accuracy over epochs of the cells that a study names: medians of runs, bands of their middle 80 %."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pandas as pd

from fairgrid.experiments.reporting.figures.curves import reached
from fairgrid.experiments.reporting.figures.figure import StudyFigure
from fairgrid.experiments.reporting.figures.phrases import NOTHING_EVALUATED
from fairgrid.experiments.reporting.figures.series import Series, series_of
from fairgrid.experiments.reporting.figures.style import (
    DASHES,
    Colour,
    colours,
    epoch_axis,
    finish,
    line_key,
    log_axis,
    new_figure,
    percent_axis,
)
from fairgrid.experiments.reporting.wording import percent
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.labels import label
from fairgrid.experiments.study.schema import FigureMetric, ReportFigure
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"train": "training set", "test": "test set"}
_FEW = 12  # checkpoints that are marked
_VALUES = ["median", "q10", "q90"]
_COUNTS = ["n_ok", "n_planned", "n_diverged"]


class DeclaredCurves(StudyFigure):
    """One series: a panel per metric, a line per part. Several: rows of metrics, columns of parts, a line per series.

    Attributes:
        declared: the study's declaration of the figure.
    """

    def __init__(self, declared: ReportFigure) -> None:
        self.declared = declared
        self.name = declared.name
        self.caption = declared.title

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """A row per series, part, metric and checkpoint that is reached; NaN where a series has no checkpoint.

        `series` is its position, `label` its label, and `n_ok`, `n_planned` and `n_diverged` count its runs.
        """
        frames = []
        for position, series in enumerate(series_of(study, self.declared)):
            curves, summary = series.of(evidence.curves), series.of(evidence.summary)
            counts = {name: int(summary[name].sum()) for name in _COUNTS}
            for part, metric in itertools.product(self.declared.parts, self.declared.metrics):
                column = f"{part}_{'loss' if metric == 'loss' else 'error'}"
                line = reached(curves[curves["metric"] == column]).sort_values("epoch")
                values = line[_VALUES].astype(float)
                line = line[["epoch", "shortened"]].astype({"epoch": float})
                line = line.join(1 - values if metric == "accuracy" else values)
                if not len(line):
                    line = line.astype({"shortened": bool}).reindex([0]).assign(shortened=False)
                frames.append(line.assign(part=part, metric=metric, series=position, label=series.label, **counts))
        return pd.concat(frames, ignore_index=True)

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure | None:
        """Draws the lines; None where no run has been evaluated."""
        if rows["epoch"].isna().all():
            return None
        metrics, parts = self.declared.metrics, self.declared.parts
        count = rows["series"].nunique()
        compared = count > 1
        down, across = (len(metrics), len(parts)) if compared else (1, len(metrics))
        size = (max(3.0 * across, 4.5), 2.4 * down + 0.8)
        figure, axes = new_figure(down, across, size, sharex=True, sharey="row" if compared else False)
        shades = colours(max(count, len(parts)))
        handles = []
        for _, line in rows.groupby(["series", "part", "metric"], sort=False):
            first = line.iloc[0]
            at, place = parts.index(first["part"]), metrics.index(first["metric"])
            style = int(first["series"]) if compared else at
            if place == 0 and (at == 0 or not compared):
                text = f"{first['label']}\n{_counted(line)}" if compared else PARTS[parts[at]]
                handles.append(line_key(text, color=shades[style], dashes=DASHES[style % len(DASHES)]))
            _draw(axes[place][at] if compared else axes[0][place], _in_unit(line), shades[style], style)
        linear = ""
        for place, metric in enumerate(metrics):
            row = axes[place] if compared else axes[:, place]
            text = f"{metric}{_unit(metric, series_of(study, self.declared))}"
            linear += _metric_axis(list(row), metric, text, _in_unit(rows[rows["metric"] == metric]))
        for ax in axes[-1]:
            ax.set_xlabel("epoch")
            epoch_axis(ax)
        if compared:
            for at, part in enumerate(parts):
                axes[0][at].set_title(PARTS[part])
                for row in axes if at else ():
                    row[at].set_ylabel("")
        note = "median over runs that are ok, band between the 10 % and 90 % quantiles"
        note += "" if compared else f"; {_counted(rows)}"
        note += "; shown while half of the runs are still training" if rows["shortened"].any() else ""
        return finish(figure, self.declared.title, note + linear, handles)

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The first and the last median of every line."""
        lines = []
        for _, series in rows.dropna(subset=["epoch"]).groupby("series"):
            name = " ".join(series["label"].iloc[0].split())
            ends = ", ".join(
                f"{part} {metric} {_change(line['median'], str(metric))}"
                for (part, metric), line in series.groupby(["part", "metric"], sort=False)
            )
            lines.append(f"{name}: {ends}" if name else ends)
        if not lines:
            return NOTHING_EVALUATED
        return f"Lines of the median of our runs over the epochs, from first to last. {'; '.join(lines)}."


def _counted(rows: pd.DataFrame) -> str:
    """The number of runs that are ok, out of all if that is another, and of those that diverged, if any."""
    ok, planned, diverged = (rows[name].iloc[0] for name in _COUNTS)
    words = f"{ok} runs" if ok == planned else f"{ok} of {planned} runs"
    return f"{words} ({diverged} diverged)" if diverged else words


def _in_unit(line: pd.DataFrame) -> pd.DataFrame:
    """Checkpoints of one metric, in the unit of its axis: errors and accuracies in percent."""
    line = line.dropna(subset=["epoch"])
    factor = 1 if (line["metric"] == "loss").all() else 100
    return line.assign(**{name: factor * line[name] for name in _VALUES})


def _change(medians: pd.Series[float], metric: str) -> str:
    first, last = float(medians.iloc[0]), float(medians.iloc[-1])
    return f"{first:.3g} to {last:.3g}" if metric == "loss" else f"{percent(first)} to {percent(last)}"


def _draw(ax: Axes, line: pd.DataFrame, shade: Colour, style: int) -> None:
    marker = "o" if len(line) <= _FEW else ""
    ax.plot(line["epoch"], line["median"], color=shade, dashes=DASHES[style % len(DASHES)], marker=marker, ms=3)
    ax.fill_between(line["epoch"], line["q10"], line["q90"], color=shade, alpha=0.2, lw=0)


def _metric_axis(row: list[Axes], metric: FigureMetric, text: str, drawn: pd.DataFrame) -> str:
    """Sets scale, limits and label of a metric's axes; returns a note on the scale, or ""."""
    note = ""
    if metric == "error":
        note = percent_axis([ax.yaxis for ax in row], drawn["q10"].min(), drawn["q90"].max())
    for ax in row:
        if metric == "loss":
            log_axis(ax.yaxis)
        elif metric == "accuracy":
            ax.set_ylim(top=100.5)
        ax.set_ylabel(text)
        ax.margins(x=0.02)
    return note


def _unit(metric: FigureMetric, series: list[Series]) -> str:
    if metric != "loss":
        return " (%)"
    names = {item.cell.config.loss.name for item in series}
    return f" ({_spaced(label(names.pop()))})" if len(names) == 1 else ""


def _spaced(name: str) -> str:
    """A loss spelled for people: mse → MSE, cross_entropy → cross entropy, summed_half_mse → summed half MSE."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).split("_")
    return " ".join(part.upper() if part in ("mse", "MSE") else part.lower() for part in words)
