"""Cells that differ in one factor, and their outcomes seed by seed.

outcomes.py says what a diverged run counts as; a target that was not reached has the worst rank. A cell with a run
that failed, has not run or has no value has no outcomes: it is incomplete. Cells of a study have the same seeds, or
those that their [[grid]] declares: then the common ones are compared. A seed that is missing otherwise is an error,
never a smaller n; a cell that has only the first of its seeds, while others have more, is incomplete.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairgrid.experiments.analysis.outcomes import Metric, compared_metric, have_outcomes, outcomes_of
from fairgrid.experiments.config.run import canonical_json
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import InputError, SeedError
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factor_labels, factors_text
from fairgrid.experiments.study.study import Study

Outcomes = Mapping[str, "pd.Series[float] | None"]  # by a cell's factors, as text: by seed, or None where incomplete


@dataclass(frozen=True)
class Pair:
    """Two cells on one problem that differ in one factor.

    Attributes:
        factor: in which they differ.
        a, b: the factors of each, as text.
        levels: of the factor, as people read them.
        context: the other factors, as people read them.
        problem: of both, as text.
    """

    factor: str
    a: str
    b: str
    levels: tuple[str, str]
    context: dict[str, str]
    problem: str


def pairs(study: Study, factors: Sequence[str] = ()) -> list[Pair]:
    """Every two cells that differ in one factor, as the study orders factors and cells.

    Args:
        study: the study.
        factors: the factors in which pairs differ; by default all.
    """
    labels = factor_labels(study)
    selected = []
    for factor in factors or list(dict.fromkeys(name for cell in study.cells for name in cell.factors)):
        groups: dict[str, list[Cell]] = {}
        for cell in study.cells:
            if factor in cell.factors:
                others = {name: value for name, value in cell.factors.items() if name != factor}
                groups.setdefault(canonical_json([others, cell.config.problem.spec]), []).append(cell)
        for cells in groups.values():
            problem = canonical_json(cells[0].config.problem.spec)
            for a, b in itertools.combinations([factors_text(cell.factors) for cell in cells], 2):
                context = {name: level for name, level in labels[a].items() if name != factor}
                selected.append(Pair(factor, a, b, (labels[a][factor], labels[b][factor]), context, problem))
    return selected


def outcomes(study: Study, runs: pd.DataFrame) -> Outcomes:
    """The outcomes of every cell of the study by the metric that it compares; less is better.

    Of a metric of which more is better the sign is turned.

    Args:
        study: the study.
        runs: runs.csv's rows of the study.

    Raises:
        SeedError: a cell lacks a seed that the study declares, or has one twice.
        InputError: a run has a value that is worse than what a diverged one counts as.
    """
    metric = compared_metric(study)
    declared = {factors_text(cell.factors): cell.seeds for cell in study.cells}
    evaluation = runs[runs["phase"] == Phase.EVALUATION]
    groups = {str(text): group for text, group in evaluation.groupby("factors", sort=False)}
    few = few_seeds(study, runs)
    return {text: None if text in few or text not in groups else _outcomes(groups[text], metric) for text in declared}


def few_seeds(study: Study, runs: pd.DataFrame) -> set[str]:
    """The cells that have only the first of the seeds that the study declares, unless --seeds N was for all of them.

    Args:
        study: the study.
        runs: runs.csv's rows of the study.

    Raises:
        SeedError: a cell lacks another seed that the study declares, or has one twice.
    """
    evaluation = runs[runs["phase"] == Phase.EVALUATION]
    seeds = {str(text): sorted(map(int, group)) for text, group in evaluation.groupby("factors")["seed"]}
    short, counts = set(), set()
    for cell in study.cells:
        text = factors_text(cell.factors)
        if text not in seeds:
            continue
        mine = seeds[text]
        counts.add(len(mine))
        for seed, following in itertools.pairwise(mine):
            if seed == following:
                raise SeedError(f"runs.csv: expected each seed once in a cell, found seed {seed} twice ({text})")
        lost = set(cell.seeds) - set(mine)
        if lost:
            if mine != list(range(len(mine))):
                raise SeedError(
                    f"runs.csv: {study.name}: expected the seeds that the study declares, found no run of seed"
                    f" {min(lost)} ({text})"
                )
            short.add(text)
    return short if len(counts) > 1 else set()


def _outcomes(runs: pd.DataFrame, metric: Metric) -> "pd.Series[float] | None":
    if not have_outcomes(runs):
        return None
    values = outcomes_of(runs, metric)
    if values.isna().any():
        return None
    oriented = metric.sign * values
    if (runs["status"] == Status.DIVERGED).any() and oriented.max() > metric.sign * metric.worst:
        raise InputError(
            f"runs.csv: expected no {metric.name} worse than {metric.worst:g}, which a diverged run counts as, found"
            f" {metric.sign * oriented.max():g}; worst = … in [comparison] states another"
        )
    return oriented.set_axis(runs["seed"].astype(int)).sort_index()


def diverged(runs: pd.DataFrame) -> dict[str, "pd.Series[bool]"]:
    """Which evaluation runs of each cell diverged, by its factors, by seed.

    Args:
        runs: runs.csv's rows of a study.
    """
    evaluation = runs[runs["phase"] == Phase.EVALUATION]
    return {
        str(text): (group["status"] == Status.DIVERGED).set_axis(group["seed"].astype(int))
        for text, group in evaluation.groupby("factors", sort=False)
    }


def empty(values: Sequence[NDArray[np.float64]], lost: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Seeds on which no cell has an outcome of its own: its run diverged, or has only the worst rank, (seeds,).

    Args:
        values: outcomes of cells, each (seeds,).
        lost: for each cell, whether its runs diverged, see `diverged`.
    """
    return np.asarray((np.isinf(values) | (np.stack(lost) > 0)).all(0))


def aligned(sides: Sequence["pd.Series[float] | pd.Series[bool] | None"]) -> list[NDArray[np.float64]] | None:
    """Outcomes of several cells on the seeds that all of them have; None where one is incomplete or none is common."""
    known = [side for side in sides if side is not None]
    if len(known) < len(sides):
        return None
    common = sorted(set.intersection(*(set(side.index) for side in known)))
    return [np.asarray(side[common], np.float64) for side in known] if common else None
