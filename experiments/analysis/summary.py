"""Tables as functions of DataFrames: rows of runs in, what people read out. Nothing here trains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fairgrid.experiments.analysis.outcomes import Metric
from fairgrid.experiments.analysis.statistics.summaries import (
    mean_interval,
    median_interval,
    std_interval,
    trimmed_interval,
)
from fairgrid.experiments.config.metric_names import CURVES as METRICS
from fairgrid.experiments.config.run import parse
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.store.columns import BEST_EPOCHS, CELLS, CURVES, FAILED, RUNS, SUMMARIZED
from fairgrid.experiments.store.schema import FACTOR, Kind
from fairgrid.experiments.study.labels import described, labels


def runs_table(stored: pd.DataFrame) -> pd.DataFrame:
    """runs.csv from the store's rows: sorted, integers where there is one, None where there is none.

    Args:
        stored: rows of Store.runs. Of a store of an older schema, configurations are parsed to describe their cells.

    Raises:
        BadKeyError: such a configuration names a class of the user's own, which no table is made by importing.
    """
    finder = Finder(Path.cwd(), facts={})
    cells = stored.drop_duplicates("cell")[["cell", "config", "described"]].itertuples(index=False)
    rows = {cell: said or described(parse(config, finder)) for cell, config, said in cells}
    described_cells = pd.DataFrame.from_dict(rows, orient="index")
    frame = stored.drop(columns=["config", "described"]).join(described_cells, on="cell")
    frame = frame.astype({column.name: column.dtype for column in RUNS.columns if column.kind is not Kind.TEXT})
    return frame.sort_values(["study", "phase", "cell", "factors", "seed"], ignore_index=True)[RUNS.header]


def summary_table(runs: pd.DataFrame) -> pd.DataFrame:
    """summary.csv: a row per cell and what the study calls it.

    Means, standard deviations (n − 1), extremes and the intervals of the former two are over runs that are ok. In
    medians and interquartile means a diverged run counts as an error of 1. statistics/summaries.py says how 95 %
    intervals are found; a cell with too few runs for one has none.
    """
    rows = []
    for (study, phase, cell, factors), group in runs.groupby(["study", "phase", "cell", "factors"], sort=True):
        counts = group["status"].value_counts()
        row: dict[str, Any] = {
            "study": study,
            "phase": phase,
            "cell": cell,
            "factors": factors,
            "learning_rate": group["learning_rate"].iloc[0],
            "n_planned": len(group),
            "n_ok": int(counts.get(Status.OK, 0)),
            "n_diverged": int(counts.get(Status.DIVERGED, 0)),
            "n_failed": int(sum(counts.get(status, 0) for status in FAILED)),
        }
        for metric in SUMMARIZED:
            row |= {f"{metric}_{name}": value for name, value in _statistics(group, metric).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def cells_table(runs: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """cells.csv: what a cell is, and how many of its runs there are.

    Args:
        runs: rows of runs.csv.
        summary: what `summary_table` makes of them.
    """
    keys = ["study", "phase", "cell", "factors"]
    settings = [name for name in CELLS.header if name in RUNS.header]
    counts = summary[[name for name in CELLS.header if name in keys or name not in settings]]
    return runs.drop_duplicates(keys)[settings].merge(counts, on=keys)[CELLS.header]


def with_factors(frame: pd.DataFrame, factors: "pd.Series[str]") -> pd.DataFrame:
    """A table with a column per factor, with its levels as people read them; "" where there is none.

    Args:
        frame: the table.
        factors: for every row factors as JSON.

    Raises:
        InputError: a text is no such JSON.
    """
    try:
        levels = {text: labels(text) for text in factors.unique()}
    except (ValueError, AttributeError, LookupError, RecursionError) as error:
        raise InputError(f"factors: expected a cell's factors as a JSON object, found another text: {error}") from error
    names = sorted({name for shown in levels.values() for name in shown})
    columns = {FACTOR + name: [levels[text].get(name, "") for text in factors] for name in names}
    return pd.concat([frame, pd.DataFrame(columns, frame.index, dtype="str")], axis=1)


def _statistics(group: pd.DataFrame, metric: str) -> dict[str, float]:
    ok = group.loc[group["status"] == Status.OK, metric].to_numpy(float)
    outcomes = np.concatenate([ok, np.full(int((group["status"] == Status.DIVERGED).sum()), Metric(metric).worst)])
    nothing = float("nan")
    mean = ok.mean() if len(ok) else nothing
    std = ok.std(ddof=1) if len(ok) > 1 else nothing
    intervals = {"ci": mean_interval(ok), "std": std_interval(ok)}
    intervals |= {"median": median_interval(outcomes), "iqm": trimmed_interval(outcomes)}
    return {
        "mean": float(mean),
        "std": float(std),
        "median": float(np.median(outcomes)) if len(outcomes) else nothing,
        "iqm": float(stats.trim_mean(outcomes, 0.25)) if len(outcomes) else nothing,
        "min": float(ok.min()) if len(ok) else nothing,
        "max": float(ok.max()) if len(ok) else nothing,
        **{
            f"{name}_{end}": value
            for name, ends in intervals.items()
            for end, value in zip(("low", "high"), ends, strict=True)
        },
    }


def curves_table(curves: pd.DataFrame) -> pd.DataFrame:
    """curves.csv from the store's arrays (Store.curves): statistics over a cell's runs that are ok, per checkpoint.

    A run that stopped early has no later checkpoints, and one more where it stopped: n says how many runs there are.
    """
    rows = []
    for (study, cell, factors), group in curves.groupby(["study", "cell", "factors"], sort=True):
        epochs = np.concatenate(group["epoch"].to_list()).astype(int)
        for metric in METRICS:
            if metric not in group or not isinstance(group[metric].iloc[0], np.ndarray):
                continue
            all_values = np.concatenate(group[metric].to_list())
            for epoch in np.unique(epochs):
                values = np.sort(all_values[epochs == epoch])
                low, median, high = np.quantile(values, (0.1, 0.5, 0.9))
                std = values.std(ddof=1) if len(values) > 1 else np.nan
                rows.append([study, cell, factors, epoch, metric, len(values), values.mean(), std, median, low, high])
    return pd.DataFrame(rows, columns=CURVES.header)


def best_epochs_table(curves: pd.DataFrame) -> pd.DataFrame:
    """best_epochs.csv: each evaluation run that is ok at the first checkpoint with its least validation error.

    Args:
        curves: the store's arrays (Store.curves); runs without validation data have no row.
    """
    if "validation_error" not in curves:
        return pd.DataFrame(columns=BEST_EPOCHS.header)
    runs = curves.dropna(subset=["validation_error"]).drop_duplicates("run_id").sort_values("run_id")
    rows = []
    for run, epochs, *errors in runs[["run_id", "epoch", *BEST_EPOCHS.header[2:]]].itertuples(index=False):
        best = errors[0].argmin()
        rows.append([run, int(epochs[best]), *(float(values[best]) for values in errors)])
    return pd.DataFrame(rows, columns=BEST_EPOCHS.header)


def tuning_frame(stored: pd.DataFrame, candidates: Mapping[str, tuple[str, float]]) -> pd.DataFrame:
    """The store's tuning rows as `tuning.select` takes them.

    Args:
        stored: rows of Store.runs.
        candidates: for each tuning cell, the name of the cell that is tuned, and the learning rate.
    """
    tuned = {cell: name for cell, (name, _) in candidates.items()}
    rates = {cell: rate for cell, (_, rate) in candidates.items()}
    return stored.assign(tuned=stored["cell"].map(tuned), learning_rate=stored["cell"].map(rates))
