"""The final test error of every run of every cell of a study."""

import textwrap
from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fairgrid.experiments.analysis.outcomes import Metric, has_outcome, outcomes_of
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.figures.panels import Order, assign, first_of_others, shades, where, with_factors
from fairgrid.experiments.reporting.figures.style import Colour, colours, finish, percent_axis, sheet, spelled, word
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.labels import factors_order
from fairgrid.experiments.study.study import Study

AXIS = "test error (%)"
_BOX = 0.21  # inches of a box and the gap to the next
_GAP = 0.5  # of a box, between groups of boxes
_LETTER = 0.085  # inches, upright


def test_error(study: Study, evidence: Evidence) -> Figure:
    """A box per cell, from quartile to quartile, whiskers at 5 % and 95 %, and the runs beyond; a panel per level."""
    data, order, note = first_of_others(outcomes(study, evidence), factors_order(study))
    colour, panelled, grouped = assign(order)
    if not grouped:
        colour, grouped = None, colour
    palette = shades(order, colour) if colour else {"": colours(1)[0]}
    groups = {
        level: boxes_of(where(data, {panelled: level}), grouped, colour, order) for level in _levels(order, panelled)
    }
    heights = [_BOX * max(1.5, _height(boxes)) for boxes in groups.values()]
    size = (7, sum(heights) + 0.55 * len(groups) + 0.9)
    figure, axes = sheet(len(groups), 1, size, height_ratios=heights, sharex=True)
    for ax, (level, boxes), height in zip(axes[:, 0], groups.items(), heights, strict=True):
        draw(ax, boxes, palette)
        ax.set_title(f"{word(panelled)} {spelled(level)}" if panelled else "")
        ax.set_ylabel("\n".join(textwrap.wrap(word(grouped), max(12, int(height / _LETTER)))))
    axes[-1, 0].set_xlabel(AXIS)
    figure.align_ylabels()
    note += scale(axes[:, 0], data)
    words = "every run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %"
    return finish(figure, study.title, words + note, keys(palette) if colour else [], word(colour))


def outcomes(study: Study, evidence: Evidence) -> pd.DataFrame:
    """What is drawn: evaluation runs with a column per factor, and `error`, in percent, a diverged run's 100."""
    runs = evidence.runs[(evidence.runs["phase"] == Phase.EVALUATION) & has_outcome(evidence.runs)]
    data = with_factors(runs, study)
    return data.assign(error=100 * outcomes_of(data, Metric("test_error")))


def scale(axes: Iterable[Axes], rows: pd.DataFrame) -> str:
    """Scales axes to all that they show; returns what there is to say of that."""
    return percent_axis([ax.xaxis for ax in axes], rows["error"].min(), rows["error"].max())


def keys(palette: Mapping[str, Colour]) -> list[Patch]:
    """A legend's entry for the boxes of every level."""
    return [Patch(color=shade, label=spelled(level)) for level, shade in palette.items()]


Boxes = dict[str, dict[str, "pd.Series[float]"]]  # errors in percent, by group and colour


def _levels(order: Order, factor: str | None) -> list[str]:
    return order[factor] if factor else [""]


def boxes_of(rows: pd.DataFrame, grouped: str | None, colour: str | None, order: Order) -> Boxes:
    """The errors of the cells that a panel has.

    Args:
        rows: of `outcomes`, those that are to be seen.
        grouped: the factor whose levels are groups of boxes.
        colour: the factor that tells the boxes of a group apart.
        order: of levels.
    """
    found: Boxes = {}
    for group in _levels(order, grouped):
        for level in _levels(order, colour):
            errors = where(rows, {grouped: group, colour: level})["error"].astype(float)
            if len(errors):
                found.setdefault(group, {})[level] = errors
    return found


def _height(boxes: Boxes) -> float:
    """Of a panel, in boxes."""
    return sum(map(len, boxes.values())) + _GAP * (len(boxes) + 1)


def draw(ax: Axes, boxes: Boxes, palette: Mapping[str, Colour]) -> None:
    """Groups of boxes from top to bottom, their levels beside them."""
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
