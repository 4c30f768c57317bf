"""results/*.csv: written from the store, sorted, floats by repr. A study absent from the store keeps its rows.

manifest.json is written with them. What it says of rows is said by whoever made them: rows that are kept keep their
hash, so that one which was changed since is found however often the table around it is written again.
"""

import dataclasses
import hashlib
import io
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.files import digest, placed
from fairgrid.experiments.store import build_manifest, content_manifest
from fairgrid.experiments.store.content_manifest import Content, Manifest, read_manifest
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.tables import (
    ENVIRONMENT,
    EVIDENCE,
    MADE,
    Evidence,
    as_text,
    made,
    read_evidence,
    with_metric,
)
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


# tables of runs, whose rows are named by run_id; the latter two are not committed, and in no manifest
_BY_RUN = ("metrics", "best_epochs", "environments", "timings")
_PROVENANCE = ("environments", "timings")
TABLES = tuple(dict.fromkeys([*EVIDENCE, *MADE, *FINDINGS, *_BY_RUN]))
COMMITTED = tuple(name for name in TABLES if name not in _PROVENANCE)


@dataclasses.dataclass(frozen=True)
class Doubt:
    """Rows of a study that are kept, as they cannot be made here, but are not those that manifest.json names."""

    file: str
    study: str


def write(store: Store, results: Path) -> list[Doubt]:
    """Writes every CSV of a results directory from its store; studies absent from the store keep their rows.

    Args:
        store: open.
        results: the directory.

    Raises:
        InputError: a table that holds rows of a study absent from the store cannot be read.
    """
    studies = store.studies()
    manifest = _manifest(results)
    others = _others(results, studies, manifest)
    runs = runs_table(store.runs(studies))
    curves = store.curves(studies)
    provenance = store.provenance(studies).drop(columns="study").drop_duplicates("run_id").sort_values("run_id")
    frames = {
        "runs": runs,
        "summary": summary_table(runs),
        "curves": curves_table(curves),
        "best_epochs": best_epochs_table(curves),
        "metrics": store.metrics(studies).sort_values(["run_id", "metric"]),
        "environments": provenance[ENVIRONMENT],
        "timings": provenance[["run_id", "stack", "seconds"]],
    }
    mine = _runs_of(runs)
    manifest.studies = {name: content for name, content in manifest.studies.items() if name in {*mine, *others}}
    classes = store.classes(studies)
    for name, (count, records) in store.contents(studies).items():
        rows = manifest.studies[name].rows if name in manifest.studies else {}
        manifest.studies[name] = Content(count, records, rows, classes.get(name, []))
    doubts = [doubt for name, frame in frames.items() for doubt in _write(results, name, frame, mine, others, manifest)]
    _finish(results, manifest)
    return doubts


def move_aside(results: Path) -> Path | None:
    """Moves the store and the CSVs to old/<time>, which is returned; None if there is no store."""
    if not (results / FILE).exists():
        return None
    aside = results / "old" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    aside.mkdir(parents=True)
    named = [results / name for name in (content_manifest.FILE, build_manifest.FILE) if (results / name).exists()]
    for path in [*results.glob(f"{FILE}*"), *results.glob("*.csv"), *named]:  # a crash leaves the store a journal
        shutil.move(path, aside)
    return aside


def write_verdicts(results: Path, studies: Sequence[Study]) -> tuple[Evidence, list[Doubt]]:
    """Writes reproduction.csv and findings from the other CSVs; studies that are not given keep their rows.

    Returns all that tables and figures are made from, and doubts about rows that are kept.
    """
    evidence = read_evidence(results)
    present = sorted((study for study in studies if len(evidence.of(study.name).runs)), key=lambda study: study.name)
    manifest = _manifest(results)
    mine = _runs_of(evidence.of(*(study.name for study in present)).runs)
    others = _others(results, list(mine), manifest)
    tables = [reproduction_table(study, evidence) for study in present if study.reported or study.claims]
    doubts = []
    if tables:
        doubts += _write(results, "reproduction", pd.concat(tables, ignore_index=True), mine, others, manifest)
    evidences = {study.name: evidence.of(study.name) for study in present}
    for name, table in FINDINGS.items():
        frames = [table(study, evidences[study.name]) for study in present]
        if name == "comparisons":  # which stability is of
            evidences = {
                study.name: dataclasses.replace(evidences[study.name], comparisons=rows)
                for study, rows in zip(present, frames, strict=True)
            }
        rows = [rows for rows in frames if len(rows)]
        if rows or (frames and (results / f"{name}.csv").exists()):
            frame = pd.concat(rows, ignore_index=True) if rows else frames[0]
            doubts += _write(results, name, frame, mine, others, manifest)
    _finish(results, manifest)
    return dataclasses.replace(evidence, **made(results)), doubts


def _compared(study: Study, evidence: Evidence) -> pd.DataFrame:
    """A study's runs, with a column of what its cells are compared by."""
    return with_metric(evidence.runs, evidence.metrics, study.comparison.metric)


def _manifest(results: Path) -> Manifest:
    """The manifest to go on with; without one, or with one that is damaged, a new one is begun."""
    try:
        return read_manifest(results) or Manifest()
    except InputError:
        return Manifest()


def _finish(results: Path, manifest: Manifest) -> None:
    """Writes the manifest of the tables as they now are; what is measured apart from studies keeps its hash."""
    measured = {name: sha256 for name, sha256 in manifest.files.items() if name.removesuffix(".csv") not in COMMITTED}
    tables = {f"{name}.csv": digest(results / f"{name}.csv") for name in COMMITTED}
    manifest.files = measured | {name: sha256 for name, sha256 in tables.items() if sha256}
    manifest.write(results)


def _runs_of(runs: pd.DataFrame) -> dict[str, set[str]]:
    """The ids of each study's runs."""
    return {str(study): set(rows) for study, rows in runs.groupby("study", sort=True)["run_id"]}


def _others(results: Path, studies: Sequence[str], manifest: Manifest) -> dict[str, set[str]]:
    """The other studies in runs.csv, with the ids of their runs."""
    path = results / "runs.csv"
    if not path.exists():
        return {}
    try:
        rows = as_text(path, ["study", "run_id"])
    except InputError as error:
        _lose_nothing(error, studies, manifest)
        return {}
    return _runs_of(rows[~rows["study"].isin(list(studies))])


def _lose_nothing(error: InputError, studies: Iterable[str], manifest: Manifest) -> None:
    """Raises an error on a table that cannot be read, unless all that it held is made again."""
    lost = sorted(set(manifest.studies) - set(studies))
    if lost:
        raise InputError(f"{error}; it has rows of {', '.join(lost)}, which are not made again here: restore it")
    if not manifest.studies:
        raise InputError(f"{error}; once it is removed, it is made again") from error


def _write(
    results: Path,
    name: str,
    frame: pd.DataFrame,
    mine: Mapping[str, set[str]],
    others: Mapping[str, set[str]],
    manifest: Manifest,
) -> list[Doubt]:
    """Writes a table, beside the rows that are there of other studies; the manifest is told of both.

    Args:
        results: where the table is.
        name: its name.
        frame: the rows of some studies.
        mine: these, with the ids of their runs.
        others: the studies whose rows are kept, likewise.
        manifest: what rows should be, and what is changed to what they are.
    """
    path = results / f"{name}.csv"
    by_run = name in _BY_RUN
    old = _old(path, "run_id" if by_run else "study", mine, others, manifest)
    text = csv_of(frame)
    merged = frame
    if len(old):
        kept = old[~old["run_id"].isin(set(frame["run_id"]))] if by_run else old
        new = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        rows = pd.concat([kept.reindex(columns=new.columns, fill_value=""), new])
        merged = rows.sort_values("run_id" if by_run else "study", kind="stable")
        text = csv_of(merged)
    doubts = []
    if name in COMMITTED:
        for study, run_ids in mine.items():
            _state(manifest, study, path.name, rows_digest(merged, study, run_ids))
        for study, run_ids in others.items():
            stated = manifest.studies[study].rows.get(path.name) if study in manifest.studies else None
            if stated is not None and rows_digest(old, study, run_ids) != stated:
                doubts.append(Doubt(path.name, study))
            elif stated is not None:
                _state(manifest, study, path.name, rows_digest(merged, study, run_ids))
    if digest(path) != hashlib.sha256(text.encode()).hexdigest():
        replace(path, text)
    return doubts


def _old(
    path: Path, key: str, mine: Mapping[str, set[str]], others: Mapping[str, set[str]], manifest: Manifest
) -> pd.DataFrame:
    """The rows of other studies in a table that is there, as text."""
    empty = pd.DataFrame(columns=[key])
    if not path.exists() or not others:
        return empty
    try:
        rows = as_text(path, [key])
    except InputError as error:
        _lose_nothing(error, mine, manifest)
        return empty
    return rows[rows[key].isin(set(others) if key == "study" else set().union(*others.values()))]


def _state(manifest: Manifest, study: str, file: str, sha256: str) -> None:
    content = manifest.studies.get(study)
    if content is None:
        return
    if sha256:
        content.rows[file] = sha256
    else:
        content.rows.pop(file, None)


def rows_digest(table: pd.DataFrame, study: str, run_ids: set[str]) -> str:
    """SHA-256 of a study's rows in a table, without the header; "" if it has none.

    Args:
        table: one with a column study, or else run_id.
        study: the study's name.
        run_ids: the ids of its runs.
    """
    rows = table[table["study"] == study if "study" in table else table["run_id"].isin(run_ids)]
    return hashlib.sha256(rows.to_csv(index=False, header=False).encode()).hexdigest() if len(rows) else ""


def csv_of(frame: pd.DataFrame) -> str:
    r"""A table as CSV that gives back every text: a carriage return inside of one does not end its row.

    csv puts a text into quotes if a character of the line's end is in it, and knows of \n alone where that is \n.
    """
    text: str = frame.to_csv(index=False)
    if "\r" not in text:
        return text
    quoted: str = frame.to_csv(index=False, lineterminator="\r\n")
    return re.sub(r'("(?:[^"]|"")*")|\r\n', lambda end: end[1] or "\n", quoted)


def replace(path: Path, text: str) -> None:
    """Puts a file in place whole: a reader sees the old one or the new one.

    Raises:
        InputError: there is a directory in its place.
    """
    if path.is_dir():
        raise InputError(f"{path}: expected a file, found a directory")
    with placed(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
