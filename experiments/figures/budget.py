"""Test error over the number of learning rates tried: what a budget of trials is worth."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from experiments.evidence import Evidence
from experiments.figures.panels import assign, finish_panels, first_of_others, panels_of, shades, where, with_factors
from experiments.figures.style import DASHES, percent_axis, spelled
from experiments.report_tables import factors_order
from experiments.study import TUNED, Study
from experiments.trials import budget_table


def budget(study: Study, evidence: Evidence) -> Figure:
    """Expected test error of the best of k rates by validation error, and of the default rate at 0, with intervals."""
    every = budget_table(study, evidence.runs)
    tried = factors_order(study)
    tried.pop(TUNED, None)
    table = every.drop(columns="optimizer") if "optimizer" in tried else every
    data, order, note = first_of_others(with_factors(table.assign(cell=""), study), tried, wrapped=True)
    colour, column, row = assign(order, wrapped=True)
    figure, panels = panels_of(order, column, row)
    palette = shades(order, colour)
    for place, ax in panels.items():
        panel = where(data, dict(zip((row, column), place, strict=True)))
        for number, (level, shade) in enumerate(palette.items()):
            line = where(panel, {colour: level}).sort_values("trials")
            searched, untuned = line[line["trials"] > 0], line[line["trials"] == 0]
            ax.plot(
                searched["trials"],
                100 * searched["test_error"],
                color=shade,
                dashes=DASHES[number % len(DASHES)],
                lw=1.4,
            )
            low, high = (100 * line[f"test_error_ci_{end}"].clip(0, 1) for end in ("low", "high"))
            ax.fill_between(searched["trials"], low[searched.index], high[searched.index], color=shade, alpha=0.2, lw=0)
            # beside each other, as they may coincide
            at = untuned["trials"] + 0.3 * (number - (len(palette) - 1) / 2)
            ax.vlines(at, low[untuned.index], high[untuned.index], color=shade, lw=1.2)
            ax.plot(at, 100 * untuned["test_error"], ls="", marker="s", ms=4, color=shade)
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    note += percent_axis(
        [ax.yaxis for ax in panels.values()], 100 * data["test_error"].min(), 100 * data["test_error"].max()
    )
    lines = [
        Line2D([], [], color=shade, dashes=DASHES[number % len(DASHES)], label=spelled(level))
        for number, (level, shade) in enumerate(palette.items())
    ]
    squares = [Line2D([], [], ls="", marker="s", ms=4, color="0.3", label="untuned, at 0")]
    words = (
        "of the best of so many rates by validation error, each trained once; mean over tuning seeds with its 95 %"
        " interval; a diverged run is an error of 100 %"
    )
    return finish_panels(
        figure,
        panels,
        (column, row),
        ("learning rates tried", "expected test error (%)"),
        (study.title, words + note),
        ([*(lines if colour else []), *(squares if (data["trials"] == 0).any() else [])], colour),
    )
