"""Test error over epochs of every cell of a study."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.evidence import Evidence
from experiments.figures.checkpoints import reached
from experiments.figures.panels import assign, finish_panels, first_of_others, panels_of, shades, where, with_factors
from experiments.figures.style import DASHES, epoch_axis, percent_axis, spelled
from experiments.report_tables import factors_order
from experiments.study import Study


def curves(study: Study, evidence: Evidence) -> Figure:
    """Median test error over epochs with the band of the middle 80 % of runs; a panel per level of two factors."""
    every = with_factors(evidence.curves[evidence.curves["metric"] == "test_error"], study)
    data, order, note = first_of_others(reached(every), factors_order(study), wrapped=True)
    colour, column, row = assign(order, wrapped=True)
    figure, panels = panels_of(order, column, row)
    styles = {
        level: (shade, DASHES[number % len(DASHES)])
        for number, (level, shade) in enumerate(shades(order, colour).items())
    }
    for place, ax in panels.items():
        panel = where(data, dict(zip((row, column), place, strict=True)))
        for level, (shade, dashes) in styles.items():
            line = where(panel, {colour: level}).sort_values("epoch")
            for _, cell in line.groupby("cell", sort=False):
                ax.plot(cell["epoch"], 100 * cell["median"], color=shade, dashes=dashes)
                ax.fill_between(cell["epoch"], 100 * cell["q10"], 100 * cell["q90"], color=shade, alpha=0.2, lw=0)
        epoch_axis(ax)
        ax.margins(x=0.02)
    note += "; shown while half of the runs are still training" if len(reached(every)) < len(every) else ""
    note += percent_axis([ax.yaxis for ax in panels.values()], 100 * data["q10"].min(), 100 * data["q90"].max())
    lines = [
        Line2D([], [], color=shade, dashes=dashes, label=spelled(level)) for level, (shade, dashes) in styles.items()
    ]
    return finish_panels(
        figure,
        panels,
        (column, row),
        ("epoch", "test error (%)"),
        (study.title, f"median over runs and the band between the 10 % and 90 % quantiles{note}"),
        (lines if colour else [], colour),
    )
