"""One run in the plane: its data, the points that it misclassifies, the boundary that it learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.reporting.figures.epochs import PARTS
from fairgrid.experiments.reporting.figures.figure import StudyFigure
from fairgrid.experiments.reporting.figures.series import series_of
from fairgrid.experiments.reporting.figures.style import PLANE, Colour, colours, finish, line_key, new_figure
from fairgrid.experiments.reporting.wording import percent
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.schema import FigureKind, FigurePart, ReportFigure
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Artifacts = Mapping[tuple[str, int], Arrays]  # of runs, by factors and seed, then by name

AXES = PLANE
_SIZE = 2.9  # inches of a panel's side
_MOST_COLUMNS = 3
_COLUMNS = ["role", "x1", "x2", "label", "decided"]
_SHOWN = {
    "data": "Points in the plane, in the colours of their class, with the true border",
    "errors": "Points in the plane, in the colours of their class, with the true border, the misclassified crossed",
    "boundary": "Points in the plane on the regions that the network decides for either class, with its border and the"
    " true one, the misclassified crossed",
}


class DeclaredPoints(StudyFigure):
    """A panel per series and part: the points of the run with the first of the seeds whose arrays are kept.

    Attributes:
        declared: the study's declaration of the figure.
        artifacts: arrays of runs, as `Store.kept` returns them.
    """

    def __init__(self, declared: ReportFigure, artifacts: Artifacts) -> None:
        self.declared = declared
        self.artifacts = artifacts
        self.name = declared.name
        self.caption = declared.title

    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The rows of `points_of` for the run of every series; NaN coordinates for a part without arrays.

        `series` is its position and `name` its label; `status`, `error` and `n_points` are the run's, the latter two
        of the row's part.
        """
        seed = study.keep_seeds[0]
        frames = []
        for position, series in enumerate(series_of(study, self.declared, width=32)):
            runs = series.of(evidence.runs)
            run = runs[runs["seed"] == seed].iloc[:1]
            points = points_of(self.artifacts.get((series.factors, seed), {}))
            parts = pd.DataFrame({"role": list(self.declared.parts)})
            parts["n_points"] = [series.cell.config.problem.option(part) for part in self.declared.parts]
            parts["error"] = [run[f"{part}_error"].astype(float).max() for part in self.declared.parts]
            empty = parts[~parts["role"].isin(points["role"])]
            joined = pd.concat([points.merge(parts, on="role", how="left"), empty], ignore_index=True)
            status = run["status"].iloc[0] if len(run) else None
            frames.append(joined.assign(series=position, name=series.label, status=status))
        return pd.concat(frames, ignore_index=True)

    def draw(self, study: Study, rows: pd.DataFrame) -> Figure | None:
        """Draws the panels; None where no run's arrays are kept."""
        kind, parts = self.declared.kind, self.declared.parts
        if rows.loc[rows["role"].isin(parts), "x1"].isna().all():
            return None
        runs = [run for _, run in rows.groupby("series")]
        panels = [(run, part) for run in runs for part in parts]
        columns = len(parts) if len(parts) > 1 else {4: 2}.get(len(runs), min(len(runs), _MOST_COLUMNS))
        lines = max(name.count("\n") + 1 if name else 0 for name in rows["name"])
        height = math.ceil(len(panels) / columns)
        size = (_SIZE * columns, (_SIZE - 0.1 + 0.4 + 0.2 * lines) * height + 0.55)
        figure, axes = new_figure(height, columns, size)
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        for number, (ax, (run, part)) in enumerate(zip(axes.flat, panels, strict=False)):
            if run.loc[run["role"] == part, "x1"].isna().all():
                heading = "the run diverged" if run["status"].iloc[0] == Status.DIVERGED else "not recorded"
                ax.set_xticks([])
                ax.set_yticks([])
            else:
                heading = draw_points(ax, kind, part, run)
            name = run["name"].iloc[0]
            ax.set_title("\n".join([name, heading] if name else [heading]))
            if number + columns >= len(panels):
                ax.set_xlabel(AXES[0])
            if number % columns == 0:
                ax.set_ylabel(AXES[1])
        seed = study.keep_seeds[0]
        note = f"the run with seed {seed}" if kind != "data" else f"seed {seed}"
        return finish(figure, self.declared.title, note, keys(kind, "border" in set(rows["role"])))

    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The number of points, or the share of misclassified ones, in every panel."""
        panels = []
        for _, run in rows.groupby("series"):
            name = " ".join(run["name"].iloc[0].split())
            for part in self.declared.parts:
                point = run[run["role"] == part].iloc[0]
                result = "no result" if math.isnan(point["error"]) else f"{percent(point['error'])} wrong"
                result = f"{point['n_points']:.0f} points" if self.declared.kind == "data" else result
                panels.append(f"{f'{name}, ' if name else ''}{PARTS[part]}: {result}")
        return f"{_SHOWN[self.declared.kind]}; seed {study.keep_seeds[0]}. {'; '.join(panels)}."


def points_of(arrays: Arrays) -> pd.DataFrame:
    """The arrays of a run as a table: a row per point of the plane.

    Args:
        arrays: arrays of a run by name: `train.points`, (N, 2), `train.label` and `train.decided`, (N,), likewise of
            the test set, the canvas (a grid over the plane, without labels) and the true border (points only).

    Returns:
        `role`: the part, "canvas" or "border"; `x1` and `x2`; `label` and `decided`: classes, NaN where there are none.
    """
    roles = [name.removesuffix(".points") for name in arrays if name.endswith(".points")]
    frames = []
    for role in roles:
        x1, x2 = np.asarray(arrays[f"{role}.points"], float).T
        classes = {name: arrays.get(f"{role}.{name}", np.full(len(x1), np.nan)) for name in ("label", "decided")}
        frames.append(pd.DataFrame({"role": role, "x1": x1, "x2": x2, **classes}).astype(dict.fromkeys(classes, float)))
    empty = pd.DataFrame(columns=_COLUMNS).astype(dict.fromkeys(_COLUMNS[1:], float))
    return pd.concat(frames, ignore_index=True) if frames else empty


def misclassified(points: pd.DataFrame) -> pd.Series[bool]:
    """Which points the run's final model decides wrongly.

    Args:
        points: the rows of `points_of` of one part.
    """
    return points["decided"] != points["label"]


def draw_points(ax: Axes, kind: FigureKind, part: FigurePart, rows: pd.DataFrame) -> str:
    """Draws the points of one part of one run; returns a heading.

    Args:
        ax: the axes to draw on.
        kind: data, errors or boundary.
        part: train or test.
        rows: the rows of `points_of` of the run.
    """
    from matplotlib.ticker import MaxNLocator

    roles = dict(iter(rows.groupby("role")))
    points = roles[part]
    classes = points["decided"] if kind == "boundary" else points["label"]
    # crosses stand out from the learned border, and leave the colour below them visible where there is none
    dot, cross = (9, 18) if kind == "boundary" else (13, 11)
    if kind == "boundary" and "canvas" in roles:
        _draw_boundary(ax, roles["canvas"])
    for number, shade in enumerate(_shades()):
        own = points[classes == number]
        ax.scatter(own["x1"], own["x2"], s=dot, color=shade, linewidths=0, zorder=2)
    if "border" in roles:
        _draw_true_border(ax, roles["border"][["x1", "x2"]].to_numpy())
    heading = f"{PARTS[part]}\n{len(points)} points"
    if kind != "data":
        wrong = misclassified(points)
        crossed = points[wrong]
        ax.scatter(crossed["x1"], crossed["x2"], marker="x", s=cross, color="black", linewidths=0.8, zorder=4)
        heading = f"{PARTS[part]}\n{wrong.sum()} of {len(points)} wrong ({100 * wrong.mean():.1f} %)"
    within = rows.loc[rows["role"] != "border", ["x1", "x2"]]
    low, high = within.min(), within.max()
    margin = 0.02 * (high - low)
    ax.set_xlim(low["x1"] - margin["x1"], high["x1"] + margin["x1"])
    ax.set_ylim(low["x2"] - margin["x2"], high["x2"] + margin["x2"])
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.grid(False)
    return heading


def _draw_boundary(ax: Axes, canvas: pd.DataFrame) -> None:
    """Draws the regions of a grid over the plane, and the line between them."""
    side = math.isqrt(len(canvas))
    x, y, z = (canvas[name].to_numpy().reshape(side, side) for name in ("x1", "x2", "decided"))
    ax.contourf(x, y, z, levels=[-0.5, 0.5, 1.5], colors=_shades(), alpha=0.18, zorder=0)
    if z.min() < z.max():
        ax.contour(x, y, z, levels=[0.5], colors="black", linewidths=1.4, zorder=3)


def _draw_true_border(ax: Axes, points: Array) -> None:
    if len(points) == 2:  # a straight line does not end where the canvas does
        ax.axline(points[0], points[1], color="0.15", dashes=(4, 2), lw=1.1, zorder=3)
    else:
        ax.plot(points[:, 0], points[:, 1], color="0.15", dashes=(4, 2), lw=1.1, zorder=3)


def _shades() -> list[Colour]:
    return [colours(2)[1], colours(2)[0]]


def keys(kind: FigureKind, bordered: bool) -> list[Line2D]:
    """A legend's entries.

    Args:
        kind: data, errors or boundary.
        bordered: whether the true border is drawn.
    """
    decided = "decided " if kind == "boundary" else ""
    handles = [
        line_key(f"{decided}class {number}", ls="", marker="o", ms=4, mew=0, color=shade)
        for number, shade in enumerate(_shades())
    ]
    if kind != "data":
        handles.append(line_key("misclassified", ls="", marker="x", ms=5, color="black"))
    if kind == "boundary":
        handles.append(line_key("learned border", color="black", lw=1.4))
    if bordered:
        handles.append(line_key("true border", color="0.15", dashes=(4, 2), lw=1.1))
    return handles
