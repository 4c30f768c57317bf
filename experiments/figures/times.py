"""The share of runs that have reached a test error, over the work done."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from experiments.evidence import Evidence
from experiments.figures.panels import Order, assign, finish_panels, panels_of, shades
from experiments.figures.style import DASHES, spelled, word
from experiments.report_tables import factor_labels, factors_order
from experiments.settings import Settings
from experiments.study import Cell, Study
from experiments.tables import factors_text
from experiments.targets import reaching_of

_TARGET = "test error ≤"


def times(study: Study, evidence: Evidence) -> Figure:
    """Kaplan-Meier curves with pointwise 95 % intervals: a column per target, a row per level of one factor."""
    levels = factor_labels(study)
    order, note = _first(factors_order(study))
    colour, row, _ = assign(order)
    targets = sorted({target for cell in study.cells for target in Settings(**cell.config).targets}, reverse=True)
    order[_TARGET] = [f"{100 * target:g} %" for target in targets]
    figure, panels = panels_of(order, _TARGET, row)
    palette = shades(order, colour)
    end = 0.0
    for cell in study.cells:
        mine = levels[factors_text(cell.factors)]
        if any(level not in order[name] for name, level in mine.items()):
            continue
        number = list(palette).index(mine.get(colour or "", ""))
        for target in Settings(**cell.config).targets:
            found = reaching_of(cell, target, evidence)
            if found is None:
                continue
            budget = _budget(cell)
            end = max(end, budget)
            ax = panels[mine.get(row or "", ""), f"{100 * target:g} %"]
            shade = list(palette.values())[number]
            at = np.concatenate([[0.0], found.times, [budget]])
            share, low, high = (
                np.concatenate([[0.0], values, [values[-1] if len(values) else 0.0]])
                for values in (found.fraction, found.fraction_low, found.fraction_high)
            )
            ax.step(at, share, where="post", color=shade, dashes=DASHES[number % len(DASHES)], lw=1.4)
            ax.fill_between(at, low, high, step="post", color=shade, alpha=0.2, lw=0)
    for ax in panels.values():
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlim(0, end or 1)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    lines = [
        Line2D([], [], color=shade, dashes=DASHES[number % len(DASHES)], label=spelled(level))
        for number, (level, shade) in enumerate(palette.items())
    ]
    words = (
        "of all runs, those that diverged among them, with 95 % intervals; the end of a line is the share that ever did"
    )
    return finish_panels(
        figure,
        panels,
        (_TARGET, row),
        ("gradient evaluations", "share of runs"),
        (study.title, words + note),
        (lines if colour else [], colour),
    )


def _first(order: Order) -> tuple[Order, str]:
    """The factors that colours and rows tell apart, and of every other its first level, with a note that says so."""
    shown = assign(order)[:2]
    others = [name for name in order if name not in shown]
    note = "".join(f"; {word(name)} {spelled(order[name][0])} only" for name in others)
    return {name: levels if name in shown else levels[:1] for name, levels in order.items()}, note


def _budget(cell: Cell) -> float:
    settings = Settings(**cell.config)
    return float(settings.epochs * settings.build_problem().train)
