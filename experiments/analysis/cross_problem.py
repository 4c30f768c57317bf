"""Which level of a factor is better across different problems, each problem one observation.

A report's study is left out: it asks what the report asks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairgrid.experiments.analysis.outcomes import Metric, outcomes_of
from fairgrid.experiments.analysis.statistics.families import adjusted
from fairgrid.experiments.analysis.statistics.ranks import LEAST_PROBLEMS, friedman, rank, ratios, signed_rank
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.analysis.time_to_target import evaluation_of
from fairgrid.experiments.config.identity import files
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.store.columns import COUNTED, COUNTS, STUDY
from fairgrid.experiments.store.schema import fractions, integers, numbers, text
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factor_labels, factors_text, label
from fairgrid.experiments.study.study import Study

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """The levels of one factor on the same problems, all else fixed.

    Attributes:
        factor: whose levels are compared. context: the other factors' values, as JSON.
        problems: their names; levels: likewise.
        errors: mean test error, a diverged run's 1; not a number where runs have no outcome. (problems, levels)
        ranks, ratios: of the errors within each problem.
        counts: runs planned, ok, diverged, failed. (problems, levels, 4)
    """

    factor: str
    context: str
    problems: list[str]
    levels: list[str]
    errors: Floats
    ranks: Floats
    ratios: Floats
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """The cells of a block, by problem, then by level: one cell, or those of a problem's variants."""

    factor: str
    context: str
    cells: dict[str, dict[str, list[Cell]]]

    @property
    def levels(self) -> list[str]:
        """The same for every problem."""
        return list(next(iter(self.cells.values())))


def layouts(study: Study) -> list[Layout]:
    """Every factor's levels on at least two different problems, all else fixed.

    Problems that differ in options alone are one: their errors are averaged first, so that no problem counts twice.
    Files make a difference: tables read from different files are different problems. A problem that lacks a level is
    left out.

    Args:
        study: the study.
    """
    if study.reported:
        return []
    comparable = []
    for factor, context, table in _tables(study):
        levels = list(dict.fromkeys(level for cells in table.values() for level in cells))
        whole = {name: cells for name, cells in table.items() if list(cells) == levels}
        if len(levels) >= 2 and len(whole) >= 2:
            comparable.append(Layout(factor, context, whole))
    return comparable


def blocks(study: Study, runs: pd.DataFrame) -> list[Block]:
    """What was measured of every layout that has runs.

    Args:
        study: the study.
        runs: runs.csv's rows of the study.
    """
    measured_blocks = []
    for layout in layouts(study):
        levels = layout.levels
        measured = [[_measured(cells[level], runs) for level in levels] for cells in layout.cells.values()]
        errors = np.array([[error for error, _ in row] for row in measured])
        counts = np.array([[count for _, count in row] for row in measured])
        if not counts[..., 0].any():
            continue
        floor = np.array(
            [np.mean([1 / _test_points(cell) for cell in cells[levels[0]]]) for cells in layout.cells.values()]
        )
        ranks = np.where(np.isnan(errors).any(1, keepdims=True), np.nan, rank(errors))
        problems = list(layout.cells)
        measured_blocks.append(
            Block(layout.factor, layout.context, problems, levels, errors, ranks, ratios(errors, floor), counts)
        )
    return measured_blocks


def scores_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study; see `blocks`."""
    rows = [
        dict(
            zip(
                SCORES.header,
                (
                    *(study.name, block.factor, block.context, problem, level),
                    *(int(count) for count in block.counts[p, s]),
                    *(float(values[p, s]) for values in (block.errors, block.ranks, block.ratios)),
                ),
                strict=True,
            )
        )
        for block in blocks(study, runs)
        for p, problem in enumerate(block.problems)
        for s, level in enumerate(block.levels)
    ]
    return SCORES.frame(rows)


SCORES = derived(
    DerivedTable(
        "scores",
        "A row per factor, context, problem and level.",
        (
            *text("study", STUDY),
            *text("factor", "the factor whose levels are compared"),
            *text("context", "the other factors, which all levels share"),
            *text("problem level", "the problem and the level"),
            *integers(COUNTS, COUNTED),
            *fractions("test_error", "mean over runs, a diverged run's being 1"),
            *numbers("rank", "rank among the levels, 1 is best"),
            *numbers("ratio", "error over the best level's, errors below one test point as one"),
        ),
        make=lambda study, tables: scores_table(study, tables.runs),
        position=60,
    )
)


def across_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study: which level has the lower mean test error over different problems.

    `wins` are problems on which a has the lower error. Below six problems nothing is tested. p-values are of Wilcoxon's
    signed-rank test, adjusted by Holm over all pairs of one factor in the study; of three or more levels, a verdict
    needs Friedman's test to reject as well.
    """
    rows: list[dict[str, Any]] = []
    for block in blocks(study, runs):
        complete = not np.isnan(block.errors).any()
        enough = len(block.problems) >= LEAST_PROBLEMS
        common: dict[str, Any] = {"study": study.name, "factor": block.factor, "context": block.context}
        common |= {"metric": "test_error", "n_problems": len(block.problems)}
        if complete and enough and len(block.levels) > 2:
            common["friedman_statistic"], common["friedman_p"] = friedman(block.errors)
        for i, j in combinations(range(len(block.levels)), 2):
            row = common | {"a": block.levels[i], "b": block.levels[j], "verdict": Verdict.INCOMPLETE}
            rows.append(row)
            if not complete:
                continue
            row |= {"mean_rank_a": block.ranks[:, i].mean(), "mean_rank_b": block.ranks[:, j].mean()}
            difference = np.round(block.errors[:, i] - block.errors[:, j], 12)
            row |= {"wins": int((difference < 0).sum()), "losses": int((difference > 0).sum())}
            row |= {"ties": int((difference == 0).sum()), "median_difference": float(np.median(difference))}
            row["verdict"] = f"refused: needs at least {LEAST_PROBLEMS} problems, found {len(block.problems)}"
            if enough:
                tested = signed_rank(block.errors[:, i], block.errors[:, j])
                row |= {"p_value": tested.p_value, "least_p": tested.least_p, "direction": tested.direction}
    table = pd.DataFrame(rows, columns=[*ACROSS.header, "least_p", "direction"])
    has_test = table["p_value"].notna()
    # one that is incomplete stays in the family: a run that fails makes no other difference easier to find
    incomplete = (table["verdict"] == Verdict.INCOMPLETE) & (table["n_problems"] >= LEAST_PROBLEMS)
    family = table[has_test | incomplete]
    p_holm = pd.Series(adjusted(family["p_value"].to_list(), family["factor"].to_list()), family.index, dtype=float)
    pairs = family["factor"].map(family["factor"].value_counts())
    for at in table.index[has_test]:
        said = _verdict(table.loc[at].to_dict(), p_holm[at], pairs[at], study.comparison.level)
        table.loc[at, ["p_holm", "verdict"]] = (p_holm[at], said)
    return ACROSS.typed(table[ACROSS.header])


ACROSS = derived(
    DerivedTable(
        "across",
        "A row per pair of levels of a factor and context, each different problem one observation.",
        (
            *text("study", STUDY),
            *text("factor context a b", "two levels of a factor, and the other factors, which both share"),
            *text("metric", "the metric by which the two are compared"),
            *integers("n_problems", "different problems"),
            *numbers("mean_rank_a mean_rank_b", "mean ranks among all levels"),
            *integers("wins losses ties", "problems on which a is better, worse, the same", gaps=True),
            *numbers("median_difference", "median of a − b over problems"),
            *numbers("friedman_statistic friedman_p", "test of all levels together, if they are three or more"),
            *numbers("p_value p_holm", "Wilcoxon's signed-rank test; corrected by Holm's method"),
            *text("verdict", "the verdict on a"),
        ),
        make=lambda study, tables: across_table(study, tables.runs),
        position=70,
    )
)


def _verdict(row: dict[str, Any], p_holm: float, pairs: int, level: float) -> str:
    if row["least_p"] * pairs > level:
        needed = max(LEAST_PROBLEMS, math.ceil(1 - math.log2(level / pairs)))
        return f"too few problems: needs ≥ {needed} that differ, found {row['wins'] + row['losses']}"
    if p_holm > level or row["friedman_p"] > level:
        return Verdict.UNDECIDED
    return Verdict.BETTER if row["direction"] < 0 else Verdict.WORSE


def _tables(study: Study) -> Iterator[tuple[str, str, dict[str, dict[str, list[Cell]]]]]:
    """For every factor that is compared, but the problem, and every context: cells by problem and level."""
    labels = factor_labels(study)
    of_problem = [key for key in _factors(study) if key.partition(".")[0] == "problem"]
    for factor in study.comparison.factors or _factors(study):
        if factor in of_problem:
            continue
        contexts: dict[str, dict[str, dict[str, list[Cell]]]] = {}
        for cell in study.cells:
            shown = labels[factors_text(cell.factors)]
            fixed = [f"{key}={level}" for key, level in shown.items() if key not in (factor, *of_problem)]
            problems = contexts.setdefault(", ".join(fixed), {})
            levels = problems.setdefault(_problem(cell), {})
            levels.setdefault(shown[factor], []).append(cell)
        for context, table in contexts.items():
            yield factor, context, table


def _factors(study: Study) -> list[str]:
    return list(dict.fromkeys(key for cell in study.cells for key in cell.factors))


def _problem(cell: Cell) -> str:
    """What tells a cell's problem from different ones: its name and the files that it reads."""
    problem = cell.config.problem
    read = {key: problem.option(key) for key in files(cell.config)}
    return label({"name": problem.name, **read}) if read else label(problem.name)


def _test_points(cell: Cell) -> int:
    return cell.config.samples("test")


def _measured(cells: list[Cell], runs: pd.DataFrame) -> tuple[float, list[int]]:
    """The mean over cells of the mean over runs, and counts of runs."""
    groups = [evaluation_of(cell, runs) for cell in cells]
    status = pd.concat([group["status"] for group in groups]).value_counts()
    ok, diverged = int(status.get(Status.OK, 0)), int(status.get(Status.DIVERGED, 0))
    failed = int(status.get(Status.TIMEOUT, 0) + status.get(Status.ERROR, 0))
    means = [float("nan")]
    if ok + diverged == status.sum() and all(len(group) for group in groups):
        outcomes = [outcomes_of(group, Metric("test_error")).to_numpy(float) for group in groups]
        means = [float(np.sort(values).mean()) for values in outcomes]
    return float(np.mean(means)), [int(status.sum()), ok, diverged, failed]
