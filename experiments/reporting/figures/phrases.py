"""Phrases that descriptions of several figures share."""

import pandas as pd

from fairgrid.experiments.reporting.wording import cell_name, percent, word
from fairgrid.experiments.study.labels import factor_labels, factors_order
from fairgrid.experiments.study.study import Study

FEW = 6  # cells that are described one by one
NOTHING_EVALUATED = "Empty axes: no run has been evaluated yet."
NOTHING_CHOSEN = "Empty axes: no learning rate has been chosen yet."


def one_per_cell(study: Study) -> str:
    """How many marks a figure of all cells has, and what tells them apart."""
    order = factors_order(study)
    if not order:
        return "one cell"
    return f"one for each of {len(study.cells)} cells, told apart by {', '.join(word(name) for name in order)}"


def cell_errors(study: Study, errors: "pd.Series[float]") -> str:
    """Every cell with its error; of many cells, those with the lowest and the highest.

    Args:
        study: the study of the cells.
        errors: an error per cell, a fraction, by the cell's factors as tables hold them.
    """
    labels = factor_labels(study)
    if len(errors) == 1:
        return percent(errors.iloc[0])
    ordered = errors.sort_index().sort_values(kind="stable")
    names = [cell_name(labels[str(factors)]) for factors in ordered.index]
    if len(ordered) <= FEW:
        return "; ".join(f"{name}: {percent(error)}" for name, error in zip(names, ordered, strict=True))
    return f"lowest {percent(ordered.iloc[0])} ({names[0]}), highest {percent(ordered.iloc[-1])} ({names[-1]})"
