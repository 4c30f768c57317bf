"""The final test error of every run of every cell of a study."""

import seaborn as sns
from matplotlib.figure import Figure

from experiments.evidence import Evidence
from experiments.figures.panels import assign, finish_panels, panels_of, shades, where, with_factors
from experiments.figures.style import percent_axis, word
from experiments.report_tables import factors_order
from experiments.study import Study


def test_error(study: Study, evidence: Evidence) -> Figure:
    """A box per cell, from quartile to quartile, whiskers at 5 % and 95 %, and the runs beyond."""
    runs = evidence.runs[(evidence.runs["phase"] == "evaluation") & evidence.runs["status"].isin(["ok", "diverged"])]
    order = factors_order(study)
    data = with_factors(runs, order)
    data["error"] = 100 * data["test_error"].where(data["status"] == "ok", 1.0)
    colour, column, row = assign(order)
    figure, panels = panels_of(order, column, None)
    for (_, level), ax in panels.items():
        sns.boxplot(
            where(data, {column: level}),
            x=row or colour,
            y="error",
            hue=colour if row else None,
            order=order.get(row or colour or "", None),
            hue_order=order.get(colour or "", None) if row else None,
            palette=list(shades(order, colour).values()) if row and colour else None,
            whis=(5, 95),
            fliersize=1.5,
            linewidth=0.8,
            legend=False,
            ax=ax,
        )
    percent_axis(panels.values(), data["error"].min() / 100)
    return finish_panels(
        figure,
        panels,
        order,
        (colour if row else None, column, None),
        (word(row or colour), "test error (%)"),
        study.title,
        "every run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %",
    )
