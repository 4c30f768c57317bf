"""What tables and figures are made from: the CSVs of a results directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.errors import InputError
from experiments.tables import INTEGERS, TEXT

EVIDENCE = ("runs", "summary", "curves", "metrics")


@dataclass(frozen=True)
class Evidence:
    """What tables and figures are made from, whether they come from a store or were shipped."""

    runs: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    metrics: pd.DataFrame
    reproduction: pd.DataFrame

    def of(self, study: str) -> "Evidence":
        """One study's rows."""
        frames = (self.runs, self.summary, self.curves, self.reproduction)
        runs, summary, curves, reproduction = (frame[frame["study"] == study] for frame in frames)
        metrics = self.metrics[self.metrics["run_id"].isin(runs["run_id"])]
        return Evidence(runs, summary, curves, metrics, reproduction)

    def complete(self, studies: Sequence[str]) -> bool:
        """Whether every planned run of the studies is ok or diverged."""
        chosen = self.summary[self.summary["study"].isin(list(studies))]
        return bool((chosen["n_ok"] + chosen["n_diverged"] == chosen["n_planned"]).all())


def read(results: Path) -> Evidence:
    """The CSVs of a results directory.

    Raises:
        InputError: one is missing or lacks a column.
    """
    runs, summary, curves, metrics = (_read(results / f"{name}.csv") for name in EVIDENCE)
    verdicts = results / "reproduction.csv"
    return Evidence(
        runs, summary, curves, metrics, _read(verdicts) if verdicts.exists() else pd.DataFrame({"study": []})
    )


def environments_of(results: Path) -> pd.DataFrame | None:
    """environments.csv as text; None where there is none: it is not shipped."""
    path = results / "environments.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise InputError(f"{path}: expected results of a grid, found no such file; `make grid` makes it")
    numeric = [name for name in pd.read_csv(path, nrows=0).columns if name not in TEXT]
    frame = pd.read_csv(
        path,
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values={name: [""] for name in numeric},
    )
    return frame.astype({name: "Int64" for name in INTEGERS if name in frame})
