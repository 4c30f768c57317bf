"""How much work a run does until its test error reaches a target, and whether it ever does."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairgrid.experiments.analysis.outcomes import have_outcomes
from fairgrid.experiments.analysis.statistics.survival import Reaching, reaching
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.config.metric_names import TARGET
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import COUNTED, COUNTS, FACTORS, STUDY
from fairgrid.experiments.store.schema import fractions, integers, numbers, text
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.study import Study

Floats = NDArray[np.float64]


def targets_table(study: Study, evidence: ResultTables) -> pd.DataFrame:
    """The rows of one study: a row per target of every cell that has targets.

    Times are gradient evaluations at the first checkpoint whose test error is at most the target. A run that has none,
    or that diverged, never reached it: it is censored at the budget, and the median over runs is infinite where fewer
    than half did. `probability` is of reaching the target within the budget; intervals are at 95 % (see
    statistics/survival.py). A cell with runs that have no outcome has counts alone.

    Args:
        study: the study.
        evidence: the tables of the study.
    """
    rows = []
    for cell in study.cells:
        runs = evaluation_of(cell, evidence.runs)
        status = runs["status"].value_counts()
        for target in sorted(cell.config.targets, reverse=True) if len(runs) else []:
            row: dict[str, Any] = {
                "study": study.name,
                "factors": factors_text(cell.factors),
                "target": target,
                "n_planned": len(runs),
                "n_ok": int(status.get(Status.OK, 0)),
                "n_diverged": int(status.get(Status.DIVERGED, 0)),
                "n_failed": int(status.get(Status.TIMEOUT, 0) + status.get(Status.ERROR, 0)),
                "budget": cell.config.epochs * cell.config.samples("train"),
            }
            distribution = reaching_of(cell, target, evidence)
            if distribution is not None:
                row |= {
                    "reached": distribution.reached,
                    "probability": distribution.probability,
                    "probability_low": distribution.low,
                    "probability_high": distribution.high,
                    "median": distribution.median,
                    "median_low": distribution.median_low,
                    "median_high": distribution.median_high,
                }
            rows.append(row)
    return TARGETS.frame(rows)


TARGETS = derived(
    DerivedTable(
        "targets",
        "A row per cell and target: the share of runs that reach a test error, and the work until then.",
        (
            *text("study", STUDY),
            *text("factors", FACTORS),
            *fractions("target", "the test error to reach"),
            *integers(COUNTS, COUNTED),
            *integers("budget", "gradient evaluations after which a run is censored"),
            *integers("reached", "runs that reached it", gaps=True),
            *fractions(
                "probability probability_low probability_high",
                "probability of reaching it within the budget, with its interval",
            ),
            *numbers(
                "median median_low median_high",
                "gradient evaluations until then, with an interval; `inf` where fewer than half of the runs got there",
                spec=",.0f",
            ),
        ),
        make=targets_table,
        position=80,
    )
)


def reaching_of(cell: Cell, target: float, evidence: ResultTables) -> Reaching | None:
    """The distribution of a cell's times to a target, in gradient evaluations; None unless every run has an outcome.

    Raises:
        InputError: a run that is ok has no record of the target.
    """
    runs = evaluation_of(cell, evidence.runs)
    if not len(runs) or not have_outcomes(runs):
        return None
    metric = f"{TARGET}{target:g}"
    known = (
        evidence.metrics[evidence.metrics["metric"] == metric].drop_duplicates("run_id").set_index("run_id")["value"]
    )
    ok = runs.loc[runs["status"] == Status.OK, "run_id"]
    absent = ok[~ok.isin(known.index)]
    if len(absent):
        raise InputError(f"metrics.csv: expected {metric} of every run that is ok, found none of {absent.iloc[0]}")
    epochs = known.reindex(ok).to_numpy(float)
    times = np.full(len(runs), np.inf)
    times[: len(epochs)] = np.where(np.isnan(epochs), np.inf, epochs * cell.config.samples("train"))
    return reaching(times)


def evaluation_of(cell: Cell, runs: pd.DataFrame) -> pd.DataFrame:
    """A cell's evaluation runs."""
    return runs[(runs["phase"] == Phase.EVALUATION) & (runs["factors"] == factors_text(cell.factors))]
