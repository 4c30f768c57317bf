"""The final test error of every run of every cell of a study."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.evidence import Evidence
from experiments.figures.panels import Order, assign, first_of_others, shades, where, with_factors
from experiments.figures.style import Colour, colours, finish, percent_axis, sheet, spelled, word
from experiments.report_tables import factors_order
from experiments.study import Study

_BOX = 0.21  # inches of a box and the gap to the next
_GAP = 0.5  # of a box, between groups of boxes
_LETTER = 0.085  # inches, upright


def test_error(study: Study, evidence: Evidence) -> Figure:
    """A box per cell, from quartile to quartile, whiskers at 5 % and 95 %, and the runs beyond; a panel per level."""
    runs = evidence.runs[(evidence.runs["phase"] == "evaluation") & evidence.runs["status"].isin(["ok", "diverged"])]
    data, order, note = first_of_others(with_factors(runs, study), factors_order(study))
    data["error"] = 100 * data["test_error"].where(data["status"] == "ok", 1.0)
    colour, panelled, grouped = assign(order)
    if not grouped:
        colour, grouped = None, colour
    palette = shades(order, colour) if colour else {"": colours(1)[0]}
    groups = {
        level: _groups(where(data, {panelled: level}), grouped, colour, order) for level in _levels(order, panelled)
    }
    heights = [_BOX * max(1.5, _height(boxes)) for boxes in groups.values()]
    size = (7, sum(heights) + 0.55 * len(groups) + 0.9)
    figure, axes = sheet(len(groups), 1, size, height_ratios=heights, sharex=True)
    for ax, (level, boxes), height in zip(axes[:, 0], groups.items(), heights, strict=True):
        _draw(ax, boxes, palette)
        ax.set_title(f"{word(panelled)} {spelled(level)}" if panelled else "")
        ax.set_ylabel("\n".join(textwrap.wrap(word(grouped), max(12, int(height / _LETTER)))))
    axes[-1, 0].set_xlabel("test error (%)")
    figure.align_ylabels()
    note += percent_axis([ax.xaxis for ax in axes[:, 0]], data["error"].min(), data["error"].max())
    patches = [Patch(color=shade, label=spelled(level)) for level, shade in palette.items()] if colour else []
    words = "every run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %"
    return finish(figure, study.title, words + note, patches, word(colour))


Boxes = dict[str, dict[str, "pd.Series[float]"]]  # errors in percent, by group and colour


def _levels(order: Order, factor: str | None) -> list[str]:
    return order[factor] if factor else [""]


def _groups(panel: pd.DataFrame, grouped: str | None, colour: str | None, order: Order) -> Boxes:
    """The errors of the cells that a panel has."""
    found: Boxes = {}
    for group in _levels(order, grouped):
        for level in _levels(order, colour):
            errors = where(panel, {grouped: group, colour: level})["error"].astype(float)
            if len(errors):
                found.setdefault(group, {})[level] = errors
    return found


def _height(boxes: Boxes) -> float:
    """Of a panel, in boxes."""
    return sum(map(len, boxes.values())) + _GAP * (len(boxes) + 1)


def _draw(ax: Axes, boxes: Boxes, palette: dict[str, Colour]) -> None:
    place, ticks = _GAP, []
    for group in boxes.values():
        ticks.append(place + len(group) / 2)
        for level, errors in group.items():
            ax.boxplot(
                errors,
                positions=[place + 0.5],
                widths=0.8,
                whis=(5, 95),
                orientation="horizontal",
                patch_artist=True,
                boxprops={"facecolor": palette[level], "linewidth": 0.8},
                medianprops={"color": "black", "linewidth": 1.2},
                whiskerprops={"linewidth": 0.8},
                capprops={"linewidth": 0.8},
                flierprops={"markersize": 1.5, "markeredgewidth": 0.6},
                manage_ticks=False,
            )
            place += 1
        place += _GAP
    ax.set_yticks(ticks, [spelled(name) for name in boxes])
    ax.set_ylim(max(place, 1), 0)
    ax.grid(visible=False, axis="y")
