"""What tuning tried: every learning rate of every tuned cell, and what a smaller budget would have found."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fairgrid.experiments.analysis.outcomes import Metric, have_outcomes, outcomes_of
from fairgrid.experiments.analysis.statistics.budget import expected_best
from fairgrid.experiments.analysis.tuning import scores
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.study.declaration import TUNED, Cell
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.study import Study

Floats = NDArray[np.float64]

TRIALS = (
    "study factors optimizer learning_rate cell n_planned n_ok n_diverged n_failed"
    " validation_error validation_error_ci_low validation_error_ci_high test_error test_error_ci_low test_error_ci_high"
    " chosen edge"
).split()
BUDGETS = (
    "study factors optimizer trials n"
    " validation_error validation_error_ci_low validation_error_ci_high test_error test_error_ci_low test_error_ci_high"
).split()
_ERRORS = ("validation_error", "test_error")
_NUMBERS = [f"{metric}{end}" for metric in _ERRORS for end in ("", "_ci_low", "_ci_high")]


def trials_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """tuning.csv: a row per tuned cell and learning rate.

    Errors are means over the tuning seeds with Student's 95 % interval, a diverged run's error 1, as the choice sees
    them; not a number, and nothing chosen, where a cell's runs are not complete. `edge` says of the chosen rate whether
    it is the lowest or highest tried, so that a better one may lie beyond.

    Args:
        study: whose tuning it is.
        runs: runs.csv's rows of the study.
    """
    rows = []
    evaluation, runs = runs[runs["phase"] == Phase.EVALUATION], runs[runs["phase"] == Phase.TUNING]
    for cell in (cell for cell in study.cells if cell.rates):
        tried = _trials(study, cell, runs)
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
    return pd.DataFrame(rows, columns=TRIALS).astype(dict.fromkeys(["learning_rate", *_NUMBERS], float))


def budget_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """budgets.csv: a row per tuned cell and number of trials, 0 the default rate where the study has baselines.

    A search is one tuning seed: k rates, drawn without replacement, are each trained once, and the best on validation
    error is kept. Its expected errors are exact for each seed (statistics/budget.py); the mean over seeds has Student's
    95 % interval. A diverged run's error is 1.

    Args:
        study: whose tuning it is.
        runs: runs.csv's rows of the study.
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
    kinds = dict.fromkeys(_NUMBERS, float) | {"trials": int, "n": int}
    return pd.DataFrame(rows, columns=BUDGETS).astype(kinds)


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
