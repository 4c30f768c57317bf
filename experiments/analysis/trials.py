"""What tuning tried: every learning rate of every tuned cell, and what a smaller budget would have found."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fairgrid.experiments.analysis.outcomes import Metric, have_outcomes, outcomes_of
from fairgrid.experiments.analysis.statistics.budget import expected_best
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.analysis.tuning import scores
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import COUNTED, COUNTS, FACTORS, STUDY
from fairgrid.experiments.store.schema import booleans, fractions, integers, numbers, text
from fairgrid.experiments.study.declaration import TUNED, Cell
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.study import Study

Floats = NDArray[np.float64]

_ERRORS = ("validation_error", "test_error")
_INTERVALS = tuple(
    column
    for metric in _ERRORS
    for column in fractions(
        f"{metric} {metric}_ci_low {metric}_ci_high", f"its {metric.replace('_', ' ')}, with Student's interval"
    )
)


def trials_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study in tuning.csv.

    Errors are means over the tuning seeds with Student's 95 % interval, a diverged run's error 1, as the choice sees
    them; not a number, and nothing chosen, where a cell's runs are not complete. `edge` says of the chosen rate whether
    it is the lowest or highest tried, so that a better one may lie beyond.

    Args:
        study: the study.
        runs: the study's rows of runs.csv.
    """
    rows = []
    evaluation, tuning = (runs[runs["phase"] == phase] for phase in (Phase.EVALUATION, Phase.TUNING))
    for cell in (cell for cell in study.cells if cell.rates):
        tried = _trials(study, cell, tuning)
        if not len(tried):
            continue
        complete = _complete(study, cell, tried)
        chosen = _chosen(cell, evaluation) if complete else None
        for rate in sorted(cell.rates):
            group = tried[tried["learning_rate"] == rate]
            status = group["status"].value_counts()
            row: dict[str, Any] = {
                "study": study.name,
                "factors": factors_text(cell.factors),
                "optimizer": tried["optimizer"].iloc[0],
                "learning_rate": rate,
                "cell": group["cell"].iloc[0] if len(group) else "",
                "n_planned": len(group),
                "n_ok": int(status.get(Status.OK, 0)),
                "n_diverged": int(status.get(Status.DIVERGED, 0)),
                "n_failed": int(status.get(Status.TIMEOUT, 0) + status.get(Status.ERROR, 0)),
                "chosen": rate == chosen,
                "edge": edge(cell, rate) if rate == chosen else "",
            }
            for metric in _ERRORS:
                row |= _mean(metric, _outcomes(group, metric) if complete else np.empty(0))
            rows.append(row)
    return TUNING.frame(rows)


_TRIED = (*text("study", STUDY), *text("factors", FACTORS), *text("optimizer", "the optimizer that is tuned"))
TUNING = derived(
    DerivedTable(
        "tuning",
        "A row per tuned cell and learning rate, over the tuning seeds, a diverged run's error being 1.",
        (
            *_TRIED,
            *numbers("learning_rate", "the rate that was tried", spec="g"),
            *text("cell", "twelve digits for the cell with this rate"),
            *integers(COUNTS, COUNTED),
            *_INTERVALS,
            *booleans("chosen", "whether it was chosen"),
            *text("edge", "`lowest`, `highest` or `only` where the chosen rate lies on the edge of what was tried"),
        ),
        make=lambda study, tables: trials_table(study, tables.runs),
        position=40,
    )
)


def budget_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study in budgets.csv; 0 trials where the study has baselines at the default rate.

    A search is one tuning seed: k rates, drawn without replacement, are each trained once, and the best on validation
    error is kept. Its expected errors are exact for each seed (statistics/budget.py); the mean over seeds has Student's
    95 % interval. A diverged run's error is 1.

    Args:
        study: the study.
        runs: the study's rows of runs.csv.
    """
    rows = []
    tuning = runs[runs["phase"] == Phase.TUNING]
    for cell in (cell for cell in study.cells if cell.rates):
        tried = _trials(study, cell, tuning)
        if not _complete(study, cell, tried):
            continue
        common = {"study": study.name, "factors": factors_text(cell.factors), "optimizer": tried["optimizer"].iloc[0]}
        untuned = runs[
            (runs["phase"] == Phase.EVALUATION) & (runs["factors"] == factors_text({**cell.factors, TUNED: False}))
        ]
        if cell.factors.get(TUNED) and len(untuned) and have_outcomes(untuned):
            errors = {metric: _outcomes(untuned, metric) for metric in _ERRORS}
            rows.append(common | {"trials": 0, "n": len(untuned)} | _means(errors))
        expected = {
            metric: np.array([expected_best(_outcomes(_ordered(group), metric)) for _, group in tried.groupby("seed")])
            for metric in _ERRORS
        }
        for k in range(len(cell.rates)):
            errors = {metric: values[:, k] for metric, values in expected.items()}
            rows.append(common | {"trials": k + 1, "n": len(expected["test_error"])} | _means(errors))
    return BUDGETS.frame(rows)


BUDGETS = derived(
    DerivedTable(
        "budgets",
        "A row per tuned cell and number of learning rates tried: the expected errors of the best of them by"
        " validation error.",
        (
            *_TRIED,
            *integers("trials", "learning rates tried; 0 is the default rate"),
            *integers("n", "tuning seeds; for 0 trials evaluation seeds"),
            *_INTERVALS,
        ),
        make=lambda study, tables: budget_table(study, tables.runs),
        position=50,
    )
)


def edge(cell: Cell, rate: float) -> str:
    """Whether a rate is the lowest or the highest of those tried; "" where it is neither, "only" where it is both."""
    ends = [name for name, end in (("lowest", min(cell.rates)), ("highest", max(cell.rates))) if rate == end]
    return "only" if len(ends) == 2 else "".join(ends)


def _chosen(cell: Cell, evaluation: pd.DataFrame) -> float | None:
    """The learning rate of a tuned cell's evaluation runs, as the driver chose it; None where there are none yet."""
    rates = evaluation.loc[evaluation["factors"] == factors_text(cell.factors), "learning_rate"].unique()
    return float(rates[0]) if len(rates) == 1 else None


def _trials(study: Study, cell: Cell, runs: pd.DataFrame) -> pd.DataFrame:
    """A cell's of a study's tuning runs; earlier plans may have had more seeds."""
    return runs[
        (runs["factors"] == factors_text(cell.factors))
        & runs["seed"].isin(study.tuning_seeds)
        & runs["learning_rate"].isin(cell.rates)
    ]


def _complete(study: Study, cell: Cell, tried: pd.DataFrame) -> bool:
    """Whether every rate has an outcome for every tuning seed, once."""
    wanted = len(cell.rates) * len(study.tuning_seeds)
    return have_outcomes(tried) and 0 < wanted == len(tried) == len(tried.drop_duplicates(["learning_rate", "seed"]))


def _ordered(trials: pd.DataFrame) -> pd.DataFrame:
    """One seed's trials, the best first, as `select` prefers them."""
    return trials.loc[scores(trials).sort_values(["validation_error", "train_loss", "learning_rate"]).index]


def _outcomes(runs: pd.DataFrame, metric: str) -> Floats:
    return np.asarray(outcomes_of(runs, Metric(metric)), np.float64)


def _means(errors: dict[str, Floats]) -> dict[str, float]:
    return {name: value for metric, values in errors.items() for name, value in _mean(metric, values).items()}


def _mean(metric: str, values: Floats) -> dict[str, float]:
    nothing = float("nan")
    values = np.sort(values)  # a sum's last bit depends on the order of rows
    mean = float(values.mean()) if len(values) else nothing
    half = nothing
    if len(values) > 1:
        half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return {metric: mean, f"{metric}_ci_low": mean - half, f"{metric}_ci_high": mean + half}
