"""results/*.csv: written from the store, sorted, floats by repr; read back for tables and figures."""

import io
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from experiments.errors import InputError
from experiments.store import FILE, Store
from experiments.tables import INTEGERS, TEXT, curves_table, runs_table, summary_table

EVIDENCE = ("runs", "summary", "curves", "metrics")


@dataclass(frozen=True)
class Evidence:
    """What tables and figures are made from, whether it came from a store or from shipped CSVs."""

    runs: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    metrics: pd.DataFrame

    def of(self, study: str) -> "Evidence":
        """One study's rows."""
        runs, summary, curves = (each[each["study"] == study] for each in (self.runs, self.summary, self.curves))
        return Evidence(runs, summary, curves, self.metrics[self.metrics["run_id"].isin(runs["run_id"])])

    def complete(self, studies: Sequence[str]) -> bool:
        """Whether every planned run of the studies is ok or diverged."""
        chosen = self.summary[self.summary["study"].isin(list(studies))]
        return bool((chosen["n_ok"] + chosen["n_diverged"] == chosen["n_planned"]).all())


def write(store: Store, results: Path) -> None:
    """Writes every CSV of a results directory from its store; studies absent from the store keep their rows."""
    studies = store.studies()
    runs = runs_table(store.runs(studies))
    _write(results / "runs.csv", runs, "study", _others(results, "study", studies))
    _write(results / "summary.csv", summary_table(runs), "study", _others(results, "study", studies))
    _write(results / "curves.csv", curves_table(store.curves(studies)), "study", _others(results, "study", studies))
    metrics = store.metrics(studies).sort_values(["run_id", "metric"])
    _write(results / "metrics.csv", metrics, "run_id", _others(results, "run_id", studies))
    provenance = store.provenance(studies).drop(columns="study").drop_duplicates("run_id").sort_values("run_id")
    environment = ["run_id", "commit", "dirty", "versions", "cpu", "threads"]
    for name, columns in (("environments", environment), ("timings", ["run_id", "stack", "seconds"])):
        _write(results / f"{name}.csv", provenance[columns], "run_id", _others(results, "run_id", studies))


def move_aside(results: Path) -> Path | None:
    """Moves the store and the CSVs to old/<time>, which is returned; None if there is no store."""
    if not (results / FILE).exists():
        return None
    aside = results / "old" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    aside.mkdir(parents=True)
    for path in [*results.glob(f"{FILE}*"), *results.glob("*.csv")]:  # a crash leaves the store a journal
        shutil.move(path, aside)
    return aside


def read(results: Path) -> Evidence:
    """The CSVs of a results directory.

    Raises:
        InputError: one is missing or lacks a column.
    """
    return Evidence(*(_read(results / f"{name}.csv") for name in EVIDENCE))


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise InputError(f"{path}: expected results of a grid, found no such file; `make grid` makes it")
    numeric = [name for name in pd.read_csv(path, nrows=0).columns if name not in TEXT]
    frame = pd.read_csv(
        path,
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values={name: [""] for name in numeric},
        float_precision="round_trip",
    )
    return frame.astype({name: "Int64" for name in INTEGERS if name in frame})


def _others(results: Path, key: str, studies: Sequence[str]) -> set[str]:
    """The values that a key has in runs.csv in rows of other studies."""
    path = results / "runs.csv"
    if not path.exists():
        return set()
    rows = pd.read_csv(path, usecols=["study", key], dtype=str)
    return set(rows.loc[~rows["study"].isin(list(studies)), key])


def _write(path: Path, frame: pd.DataFrame, key: str, keep: set[str]) -> None:
    """Writes a table, beside the rows that are there, whose key is to be kept and is not in it."""
    text = frame.to_csv(index=False)
    if path.exists() and keep:
        old = pd.read_csv(path, dtype=str, keep_default_na=False)
        kept = old[old[key].isin(keep - set(frame[key]))]
        if len(kept):
            new = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
            merged = pd.concat([kept.reindex(columns=new.columns, fill_value=""), new])
            text = merged.sort_values(key, kind="stable").to_csv(index=False)
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    """Puts a file in place whole: a reader sees the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8", newline="")
    os.replace(partial, path)
