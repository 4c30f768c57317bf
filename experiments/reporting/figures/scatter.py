"""One run in the plane: its data, the points that it misclassifies, the boundary that it learned."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.reporting.figures.series import Arm, arms_of
from fairgrid.experiments.reporting.figures.style import PLANE, colours, finish, sheet
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.schema import FigureKind, FigurePart, ReportFigure
from fairgrid.experiments.study.study import Study

Array = NDArray[Any]
Arrays = dict[str, Array]
Kept = dict[tuple[str, int], Arrays]

AXES = PLANE
_PARTS = {"train": "training set", "test": "test set"}
_SIZE = 2.9  # inches of a panel's side
_MOST_COLUMNS = 3


def scatter(study: Study, wanted: ReportFigure, evidence: Evidence, kept: Kept) -> Figure | None:
    """A panel per arm and part. None where nothing of the arms' runs is kept.

    Args:
        study: that declares the figure.
        wanted: a figure of points.
        evidence: the study's.
        kept: arrays by (factors, seed), then by name, as `Store.kept` gives them.
    """
    seed = study.keep_seeds[0]
    arms = arms_of(study, wanted, width=32)
    if not any(_has(kept.get((arm.factors, seed)), wanted.parts) for arm in arms):
        return None
    shown = [(arm, part) for arm in arms for part in wanted.parts]
    columns = len(wanted.parts) if len(wanted.parts) > 1 else {4: 2}.get(len(arms), min(len(arms), _MOST_COLUMNS))
    rows = math.ceil(len(shown) / columns)
    titles = 0.4 + 0.2 * max(arm.label.count("\n") + 1 if arm.label else 0 for arm in arms)
    size = (_SIZE * columns, (_SIZE - 0.1 + titles) * rows + 0.55)
    figure, axes = sheet(rows, columns, size)
    for number, ax in enumerate(axes.flat):
        if number >= len(shown):
            ax.set_axis_off()
            continue
        arm, part = shown[number]
        arrays = kept.get((arm.factors, seed))
        if arrays is None or not _has(arrays, (part,)):
            heading = _state(arm, seed, evidence)
            ax.set_xticks([])
            ax.set_yticks([])
        else:
            heading = panel(ax, wanted.kind, part, arrays)
        ax.set_title("\n".join([arm.label, heading] if arm.label else [heading]))
        if number + columns >= len(shown):
            ax.set_xlabel(AXES[0])
        if number % columns == 0:
            ax.set_ylabel(AXES[1])
    note = f"the run with seed {seed}" if wanted.kind != "data" else f"seed {seed}"
    bordered = any("border.points" in kept.get((arm.factors, seed), {}) for arm in arms)
    return finish(figure, wanted.title, note, keys(wanted.kind, bordered))


def _has(arrays: Arrays | None, parts: tuple[FigurePart, ...]) -> bool:
    return arrays is not None and all(f"{part}.points" in arrays for part in parts)


def _state(arm: Arm, seed: int, evidence: Evidence) -> str:
    """Why there is nothing to draw."""
    runs = arm.of(evidence.runs)
    status = runs.loc[runs["seed"] == seed, "status"]
    return f"the run {status.iloc[0]}" if len(status) and status.iloc[0] == Status.DIVERGED else "not recorded"


def misclassified(arrays: Arrays, part: FigurePart) -> Array:
    """Which points of a part a run's final model decides wrongly, (N,)."""
    wrong: Array = arrays[f"{part}.decided"] != arrays[f"{part}.label"]
    return wrong


def panel(ax: Axes, kind: FigureKind, part: FigurePart, arrays: Arrays) -> str:
    """Draws the points of one part of one run; returns a heading.

    Args:
        ax: to draw on.
        kind: data, errors or boundary.
        part: train or test.
        arrays: what is kept of the run, by name.
    """
    points, label = arrays[f"{part}.points"], arrays[f"{part}.label"]
    classes = arrays[f"{part}.decided"] if kind == "boundary" else label
    shades = _shades()
    # crosses stand out from the learned border, and leave the colour below them to be seen where there is none
    dot, cross = (9, 18) if kind == "boundary" else (13, 11)
    if kind == "boundary" and "canvas.points" in arrays:
        _boundary(ax, arrays["canvas.points"], arrays["canvas.decided"])
    for number, shade in enumerate(shades):
        chosen = points[classes == number]
        ax.scatter(chosen[:, 0], chosen[:, 1], s=dot, color=shade, linewidths=0, zorder=2)
    if "border.points" in arrays:
        _true_border(ax, arrays["border.points"])
    heading = f"{_PARTS[part]}\n{len(points)} points"
    if kind != "data":
        wrong = misclassified(arrays, part)
        ax.scatter(points[wrong, 0], points[wrong, 1], marker="x", s=cross, color="black", linewidths=0.8, zorder=4)
        heading = f"{_PARTS[part]}\n{wrong.sum()} of {len(points)} wrong ({100 * wrong.mean():.1f} %)"
    low, high = _limits(arrays)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.grid(False)
    return heading


def _boundary(ax: Axes, points: Array, decided: Array) -> None:
    """The regions of a grid over the plane, and the line between them."""
    side = math.isqrt(len(points))
    x, y, z = points[:, 0].reshape(side, side), points[:, 1].reshape(side, side), decided.reshape(side, side)
    ax.contourf(x, y, z, levels=[-0.5, 0.5, 1.5], colors=_shades(), alpha=0.18, zorder=0)
    if z.min() < z.max():
        ax.contour(x, y, z, levels=[0.5], colors="black", linewidths=1.4, zorder=3)


def _true_border(ax: Axes, points: Array) -> None:
    if len(points) == 2:  # a straight line does not end where the canvas does
        ax.axline(points[0], points[1], color="0.15", dashes=(4, 2), lw=1.1, zorder=3)
    else:
        ax.plot(points[:, 0], points[:, 1], color="0.15", dashes=(4, 2), lw=1.1, zorder=3)


def _limits(arrays: Arrays) -> tuple[Array, Array]:
    """Corners around the canvas and all points, with a small margin."""
    everything = np.concatenate(
        [array for name, array in arrays.items() if name.endswith(".points") and name[0] != "b"]
    )
    low, high = everything.min(0), everything.max(0)
    margin = 0.02 * (high - low)
    return low - margin, high + margin


def _shades() -> list[tuple[float, float, float]]:
    return [colours(2)[1], colours(2)[0]]


def keys(kind: FigureKind, bordered: bool) -> list[Line2D]:
    """A legend's entries.

    Args:
        kind: data, errors or boundary.
        bordered: whether the true border is drawn.
    """
    decided = "decided " if kind == "boundary" else ""
    handles = [
        Line2D([], [], ls="", marker="o", ms=4, mew=0, color=shade, label=f"{decided}class {number}")
        for number, shade in enumerate(_shades())
    ]
    if kind != "data":
        handles.append(Line2D([], [], ls="", marker="x", ms=5, color="black", label="misclassified"))
    if kind == "boundary":
        handles.append(Line2D([], [], color="black", lw=1.4, label="learned border"))
    if bordered:
        handles.append(Line2D([], [], color="0.15", dashes=(4, 2), lw=1.1, label="true border"))
    return handles
