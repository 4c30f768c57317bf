"""The final test error of every run of every cell of a study."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.evidence import Evidence
from experiments.figures.panels import Order, assign, first_of_others, shades, where, with_factors
from experiments.figures.style import finish, log_axis, word
from experiments.report_tables import factors_order
from experiments.study import Study


def test_error(study: Study, evidence: Evidence) -> Figure:
    """A box per cell, from quartile to quartile, whiskers at 5 % and 95 %, and the runs beyond; a panel per level."""
    runs = evidence.runs[(evidence.runs["phase"] == "evaluation") & evidence.runs["status"].isin(["ok", "diverged"])]
    order = factors_order(study)
    data, order, note = first_of_others(with_factors(runs, study), order)
    data["error"] = 100 * data["test_error"].where(data["status"] == "ok", 1.0)
    colour, panelled, grouped = assign(order)
    along = grouped or colour
    levels = order.get(panelled or "", [""])
    # of the factor along the axis, the levels that a panel has
    shown = {level: _present(where(data, {panelled: level}), along, order) for level in levels}
    heights = [max(1, len(names)) for names in shown.values()]
    boxes = len(order[colour]) ** 0.5 if grouped and colour else 1
    figure, axes = plt.subplots(
        len(levels),
        1,
        figsize=(7, 0.3 * sum(heights) * boxes + 0.7 * len(levels) + 1),
        height_ratios=heights,
        sharex=True,
        squeeze=False,
    )
    for ax, level in zip(axes[:, 0], levels, strict=True):
        sns.boxplot(
            where(data, {panelled: level}),
            x="error",
            y=along,
            hue=colour if grouped else None,
            order=shown[level] or None,
            hue_order=order.get(colour or "", None) if grouped else None,
            palette=list(shades(order, colour).values()) if grouped else None,
            orient="h",
            whis=(5, 95),
            fliersize=1.5,
            linewidth=0.8,
            legend=False,
            ax=ax,
        )
        ax.set_title(f"{word(panelled)} {level}" if panelled else "")
        ax.set_ylabel(word(along))
        log_axis(ax.xaxis)
        ax.set_xlim(max(0.1, 0.7 * data["error"].min()), 110)
        ax.set_xlabel("")
    axes[-1, 0].set_xlabel("test error (%)")
    patches = [Patch(color=shade, label=level) for level, shade in shades(order, colour).items()] if grouped else []
    words = "every run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %"
    return finish(figure, study.title, words + note, patches, word(colour) if grouped else "")


def _present(panel: pd.DataFrame, along: str | None, order: Order) -> list[str]:
    return [name for name in order[along] if (panel[along] == name).any()] if along else []
