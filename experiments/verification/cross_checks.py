"""Tables without a store held against each other where two say the same: the ends of curves, and best epochs."""

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.summary import curves_table
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.tables import ResultTables, with_metric

_CELL = ["study", "cell", "factors"]
_ROW = [*_CELL, "epoch", "metric"]
_METRICS = ("train_loss", "train_error", "validation_error", "test_loss", "test_error")


def ends_of_curves(evidence: ResultTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What curves.csv says of cells' last checkpoints, and what runs.csv gives for these, in the columns of curves.csv.

    Runs that stopped earlier than others of their cell are in neither.
    """
    runs = evidence.runs[(evidence.runs["status"] == Status.OK) & (evidence.runs["phase"] == Phase.EVALUATION)]
    stated = evidence.curves[evidence.curves["metric"].isin(_METRICS)]
    stated = stated[stated["epoch"] == stated.groupby(_CELL)["epoch"].transform("max")]
    stated = stated.sort_values(_ROW, ignore_index=True).astype({"epoch": float})
    last = with_metric(runs, evidence.metrics, "stop_epoch")["stop_epoch"].fillna(runs["epochs"].astype(float))
    ended = runs.assign(epoch=last).merge(stated[[*_CELL, "epoch"]].drop_duplicates(), on=[*_CELL, "epoch"])
    arrays = ended[_CELL].copy()
    for name in ("epoch", *_METRICS):
        values = [np.array([value]) for value in ended[name].to_numpy(float)]
        arrays[name] = pd.Series(values, index=arrays.index, dtype=object)
    given = curves_table(arrays).astype({"epoch": float}).merge(stated[_ROW], on=_ROW)
    given = given.sort_values(_ROW, ignore_index=True)
    return stated[given.columns], given


def best_epochs_at_the_end(evidence: ResultTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What best_epochs.csv says of runs whose best epoch is their last, and what runs.csv gives for these."""
    errors = ["validation_error", "test_error"]
    both = _with_runs(evidence)
    both = both[both["epoch"].astype(float) == both["epochs"].astype(float)].reset_index(drop=True)
    given = both[["run_id", *(f"{name}_at_end" for name in errors)]].set_axis(["run_id", *errors], axis=1)
    return both[["run_id", *errors]], given


def better_than_best(evidence: ResultTables) -> list[tuple[str, float, float]]:
    """Runs whose last validation error is less than their least in best_epochs.csv: run, the least, the last."""
    both = _with_runs(evidence)
    both = both[both["validation_error_at_end"] < both["validation_error"]]
    return list(both[["run_id", "validation_error", "validation_error_at_end"]].itertuples(index=False, name=None))


def _with_runs(evidence: ResultTables) -> pd.DataFrame:
    runs = evidence.runs[evidence.runs["status"] == Status.OK].drop_duplicates("run_id")
    return evidence.best_epochs.merge(
        runs[["run_id", "epochs", "validation_error", "test_error"]], on="run_id", suffixes=("", "_at_end")
    )
