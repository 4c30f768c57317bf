"""Validation error over the learning rate: how much a choice matters, and whether it lies on the edge."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments.evidence import Evidence
from experiments.figures.panels import assign, finish_panels, first_of_others, panels_of, shades, where, with_factors
from experiments.figures.style import DASHES, percent_axis, spelled
from experiments.report_tables import factors_order
from experiments.study import TUNED, Study
from experiments.trials import trials_table


def sensitivity(study: Study, evidence: Evidence) -> Figure:
    """Mean validation error of every learning rate tried, with its interval; the chosen one marked."""
    every = trials_table(study, evidence.runs)
    tried = factors_order(study)
    tried.pop(TUNED, None)
    table = every.drop(columns="optimizer") if "optimizer" in tried else every
    data, order, note = first_of_others(with_factors(table, study), tried, wrapped=True)
    colour, column, row = assign(order, wrapped=True)
    figure, panels = panels_of(order, column, row)
    palette = shades(order, colour)
    for place, ax in panels.items():
        panel = where(data, dict(zip((row, column), place, strict=True)))
        for number, (level, shade) in enumerate(palette.items()):
            line = where(panel, {colour: level}).sort_values("learning_rate")
            rates, errors = line["learning_rate"], 100 * line["validation_error"]
            low, high = (100 * line[f"validation_error_ci_{end}"].clip(0, 1) for end in ("low", "high"))
            ax.plot(rates, errors, color=shade, dashes=DASHES[number % len(DASHES)], lw=1.4, marker=".", ms=3.5)
            ax.fill_between(rates, low, high, color=shade, alpha=0.2, lw=0)
            best = line["chosen"].astype(bool)
            for edge, face in ((False, shade), (True, "white")):
                marked = best & ((line["edge"] != "") == edge)
                ax.plot(rates[marked], errors[marked], ls="", marker="o", ms=6.5, mec=shade, mfc=face, mew=1.4)
        ax.set_xscale("log")
        if not data["validation_error"].notna().any():
            ax.set_xlim(1e-4, 1)
        ax.xaxis.set_minor_locator(NullLocator())
    note += percent_axis(
        [ax.yaxis for ax in panels.values()], 100 * data["validation_error"].min(), 100 * data["validation_error"].max()
    )
    lines = [
        Line2D([], [], color=shade, dashes=DASHES[number % len(DASHES)], label=spelled(level))
        for number, (level, shade) in enumerate(palette.items())
    ]
    edges = [False, True] if (data["edge"] != "").any() else [False]
    marks = [
        Line2D([], [], ls="", marker="o", ms=6.5, mec="0.3", mfc="white" if edge else "0.3", mew=1.4, label=text)
        for edge, text in zip(edges, ("chosen", "chosen, on the edge"), strict=False)
    ]
    words = "mean over tuning seeds with its 95 % interval; a diverged run is an error of 100 %"
    return finish_panels(
        figure,
        panels,
        (column, row),
        ("learning rate", "validation error (%)"),
        (study.title, words + note),
        ([*(lines if colour else []), *marks], colour),
    )
