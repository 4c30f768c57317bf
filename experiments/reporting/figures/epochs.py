"""Loss, error or accuracy over epochs, of a report's arms: the median of our runs and the band of their middle 80 %."""

import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fairgrid.experiments.reporting.figures.checkpoints import reached
from fairgrid.experiments.reporting.figures.series import Arm, arms_of
from fairgrid.experiments.reporting.figures.style import (
    DASHES,
    Colour,
    colours,
    epoch_axis,
    finish,
    log_axis,
    percent_axis,
    sheet,
)
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.labels import label
from fairgrid.experiments.study.schema import FigureMetric, FigurePart, ReportFigure
from fairgrid.experiments.study.study import Study

_PARTS = {"train": "training set", "test": "test set"}
_FEW = 12  # checkpoints that are shown as such


def epochs(study: Study, wanted: ReportFigure, evidence: Evidence) -> Figure | None:
    """One arm: a panel per metric, a line per part. Several: rows of metrics, columns of parts, a line per arm.

    None where no run of the arms has been evaluated.
    """
    arms = arms_of(study, wanted)
    if not any(len(arm.of(evidence.curves)) for arm in arms):
        return None
    several = len(arms) > 1
    rows, columns = (len(wanted.metrics), len(wanted.parts)) if several else (1, len(wanted.metrics))
    size = (max(3.0 * columns, 4.5), 2.4 * rows + 0.8)
    figure, axes = sheet(rows, columns, size, sharex=True, sharey="row" if several else False)
    shades = colours(max(len(arms), len(wanted.parts)))
    handles = []
    shortened = False
    drawn: dict[FigureMetric, list[pd.DataFrame]] = {metric: [] for metric in wanted.metrics}
    for number, arm in enumerate(arms):
        for position, part in enumerate(wanted.parts):
            style = number if several else position
            text = f"{arm.label}\n{arm.runs(evidence)}" if several else _PARTS[part]
            if position == 0 or not several:
                handles.append(Line2D([], [], color=shades[style], dashes=DASHES[style % len(DASHES)], label=text))
            for place, metric in enumerate(wanted.metrics):
                ax = axes[place][position] if several else axes[0][place]
                line, cut = _line(arm, part, metric, evidence)
                shortened |= cut
                drawn[metric].append(line)
                _draw(ax, line, shades[style], style)
    linear = ""
    for place, metric in enumerate(wanted.metrics):
        row = axes[place] if several else axes[:, place]
        linear += _metric_axis(list(row), metric, f"{metric}{_unit(metric, arms)}", pd.concat(drawn[metric]))
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
        epoch_axis(ax)
    if several:
        for position, part in enumerate(wanted.parts):
            axes[0][position].set_title(_PARTS[part])
            if position:
                for row in axes:
                    row[position].set_ylabel("")
    note = "median over runs that are ok, band between the 10 % and 90 % quantiles"
    note += "" if several else f"; {arms[0].runs(evidence)}"
    note += "; shown while half of the runs are still training" if shortened else ""
    return finish(figure, wanted.title, note + linear, handles)


def _line(arm: Arm, part: FigurePart, metric: FigureMetric, evidence: Evidence) -> tuple[pd.DataFrame, bool]:
    """Checkpoints that at least half of the runs reached, in the metric's unit, and whether there are others."""
    rows = arm.of(evidence.curves)
    rows = rows[rows["metric"] == f"{part}_{'loss' if metric == 'loss' else 'error'}"].sort_values("epoch")
    kept = reached(rows)
    line = kept[["epoch", "median", "q10", "q90"]].astype(float)
    values = line[["median", "q10", "q90"]]
    if metric == "accuracy":
        values = 1 - values
    line[["median", "q10", "q90"]] = values if metric == "loss" else 100 * values
    return line, len(kept) < len(rows)


def _draw(ax: Axes, line: pd.DataFrame, shade: Colour, style: int) -> None:
    marker = "o" if len(line) <= _FEW else ""
    ax.plot(line["epoch"], line["median"], color=shade, dashes=DASHES[style % len(DASHES)], marker=marker, ms=3)
    ax.fill_between(line["epoch"], line["q10"], line["q90"], color=shade, alpha=0.2, lw=0)


def _metric_axis(row: list[Axes], metric: FigureMetric, text: str, drawn: pd.DataFrame) -> str:
    """Scale, limits and label of a metric's axes; returns what there is to say of them."""
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


def _unit(metric: FigureMetric, arms: list[Arm]) -> str:
    if metric != "loss":
        return " (%)"
    names = {arm.cell.config.loss.name for arm in arms}
    return f" ({_spaced(label(names.pop()))})" if len(names) == 1 else ""


def _spaced(name: str) -> str:
    """A loss as people read it: mse → MSE, cross_entropy → cross entropy, summed_half_mse → summed half MSE."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).split("_")
    return " ".join(each.upper() if each in ("mse", "MSE") else each.lower() for each in words)
