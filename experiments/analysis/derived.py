"""results/*.csv: written from the store, sorted, floats by repr. A study absent from the store keeps its rows."""

import dataclasses
import io
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from fairgrid.experiments.analysis.comparisons import comparisons_table
from fairgrid.experiments.analysis.cross_problem import across_table, scores_table
from fairgrid.experiments.analysis.effects import effects_table
from fairgrid.experiments.analysis.reproduction import reproduction_table
from fairgrid.experiments.analysis.robustness import stability_table
from fairgrid.experiments.analysis.summary import best_epochs_table, curves_table, runs_table, summary_table
from fairgrid.experiments.analysis.time_to_target import targets_table
from fairgrid.experiments.analysis.trials import budget_table, trials_table
from fairgrid.experiments.runtime.files import placed
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.tables import ENVIRONMENT, Evidence, made, read, with_metric
from fairgrid.experiments.study.study import Study

# what is made of a study's other CSVs, beside its verdicts
FINDINGS: dict[str, Callable[[Study, Evidence], pd.DataFrame]] = {
    "comparisons": lambda study, evidence: comparisons_table(study, _compared(study, evidence)),
    "effects": lambda study, evidence: effects_table(study, _compared(study, evidence)),
    "stability": lambda study, evidence: stability_table(
        study, _compared(study, evidence), evidence.comparisons, evidence.best_epochs
    ),
    "across": lambda study, evidence: across_table(study, evidence.runs),
    "budgets": lambda study, evidence: budget_table(study, evidence.runs),
    "scores": lambda study, evidence: scores_table(study, evidence.runs),
    "targets": targets_table,
    "tuning": lambda study, evidence: trials_table(study, evidence.runs),
}


def write(store: Store, results: Path, given: Sequence[Study] = ()) -> None:
    """Writes every CSV of a results directory from its store; studies absent from the store keep their rows.

    Args:
        store: open.
        results: the directory.
        given: studies whose configurations need not be parsed again.
    """
    studies = store.studies()
    others = _others(results, studies)
    runs = runs_table(store.runs(studies), given)
    _write(results / "runs.csv", runs, "study", others["study"])
    _write(results / "summary.csv", summary_table(runs), "study", others["study"])
    curves = store.curves(studies)
    _write(results / "curves.csv", curves_table(curves), "study", others["study"])
    _write(results / "best_epochs.csv", best_epochs_table(curves), "run_id", others["run_id"])
    metrics = store.metrics(studies).sort_values(["run_id", "metric"])
    _write(results / "metrics.csv", metrics, "run_id", others["run_id"])
    provenance = store.provenance(studies).drop(columns="study").drop_duplicates("run_id").sort_values("run_id")
    for name, columns in (("environments", ENVIRONMENT), ("timings", ["run_id", "stack", "seconds"])):
        _write(results / f"{name}.csv", provenance[columns], "run_id", others["run_id"])


def move_aside(results: Path) -> Path | None:
    """Moves the store and the CSVs to old/<time>, which is returned; None if there is no store."""
    if not (results / FILE).exists():
        return None
    aside = results / "old" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    aside.mkdir(parents=True)
    for path in [*results.glob(f"{FILE}*"), *results.glob("*.csv")]:  # a crash leaves the store a journal
        shutil.move(path, aside)
    return aside


def write_verdicts(results: Path, studies: Sequence[Study]) -> Evidence:
    """Writes reproduction.csv and findings from the other CSVs; studies that are not given keep their rows.

    Returns all that tables and figures are made from.
    """
    evidence = read(results)
    known = sorted((study for study in studies if len(evidence.of(study.name).runs)), key=lambda study: study.name)
    tables = [reproduction_table(study, evidence) for study in known if study.reported or study.claims]
    others = _others(results, [study.name for study in known])
    if tables:
        _write(results / "reproduction.csv", pd.concat(tables, ignore_index=True), "study", others["study"])
    mine = {study.name: evidence.of(study.name) for study in known}
    for name, table in FINDINGS.items():
        found = [table(study, mine[study.name]) for study in known]
        if name == "comparisons":  # which stability is of
            mine = {
                study.name: dataclasses.replace(mine[study.name], comparisons=rows)
                for study, rows in zip(known, found, strict=True)
            }
        rows = [rows for rows in found if len(rows)]
        path = results / f"{name}.csv"
        if rows or (found and path.exists()):
            frame = pd.concat(rows, ignore_index=True) if rows else found[0]
            _write(path, frame, "study", others["study"])
    return dataclasses.replace(evidence, **made(results))


def _compared(study: Study, evidence: Evidence) -> pd.DataFrame:
    """A study's runs, with a column of what its cells are compared by."""
    return with_metric(evidence.runs, evidence.metrics, study.comparison.metric)


def _others(results: Path, studies: Sequence[str]) -> dict[str, set[str]]:
    """The names of other studies in runs.csv, and those of their runs."""
    path = results / "runs.csv"
    if not path.exists():
        return {"study": set(), "run_id": set()}
    rows = pd.read_csv(path, usecols=["study", "run_id"], dtype=str)
    rows = rows[~rows["study"].isin(list(studies))]
    return {name: set(rows[name]) for name in ("study", "run_id")}


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
    replace(path, text)


def replace(path: Path, text: str) -> None:
    """Puts a file in place whole: a reader sees the old one or the new one."""
    with placed(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
