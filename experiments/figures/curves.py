"""Test error over epochs of every cell of a study."""

from matplotlib.figure import Figure

from experiments.evidence import Evidence
from experiments.figures.panels import assign, finish_panels, first_of_others, panels_of, shades, where, with_factors
from experiments.figures.style import DASHES, percent_axis
from experiments.report_tables import factors_order
from experiments.study import Study


def curves(study: Study, evidence: Evidence) -> Figure:
    """Median test error over epochs with the band of the middle 80 % of runs; a panel per level of two factors."""
    order = factors_order(study)
    data, order, note = first_of_others(
        with_factors(evidence.curves[evidence.curves["metric"] == "test_error"], study), order
    )
    colour, column, row = assign(order)
    figure, panels = panels_of(order, column, row)
    for place, ax in panels.items():
        panel = where(data, dict(zip((row, column), place, strict=True)))
        for number, (level, shade) in enumerate(shades(order, colour).items()):
            line = where(panel, {colour: level}).sort_values("epoch")
            for _, cell in line.groupby("cell", sort=False):
                ax.plot(cell["epoch"], 100 * cell["median"], color=shade, dashes=DASHES[number % len(DASHES)])
                ax.fill_between(cell["epoch"], 100 * cell["q10"], 100 * cell["q90"], color=shade, alpha=0.2, lw=0)
    percent_axis(panels.values(), data["q10"].min())
    return finish_panels(
        figure,
        panels,
        order,
        (colour, column, row),
        ("epoch", "test error (%)"),
        study.title,
        f"median over runs and the band between the 10 % and 90 % quantiles{note}",
    )
