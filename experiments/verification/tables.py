"""Tables held against what they are made from: the store; or, where there is none, each other and the study."""

import io
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.derived import write, write_derived
from fairgrid.experiments.analysis.summary import cells_table, runs_table, summary_table, with_factors
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import InputError, SeedError, first_line
from fairgrid.experiments.store.columns import CURVES, RUNS
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.store.schema import without_empty_factors
from fairgrid.experiments.store.tables import ResultTables, as_text
from fairgrid.experiments.study.labels import described
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.verification.cross_checks import best_epochs_at_the_end, better_than_best, ends_of_curves
from fairgrid.experiments.verification.population import configurations

_NAMING = ("study", "phase", "run_id", "cell", "metric", "epoch", "quote", "reading")
_ROW = ["study", "phase", "run_id", "factors"]  # names a row of runs.csv
_ROUNDING = 1e-9  # of means and intervals, which another machine's numpy may round differently


@dataclass(frozen=True)
class Altered:
    """A value of a table that is not what its source gives.

    Attributes:
        file: the table.
        row: the columns that name the row.
        column: of the value, or "" for a row that should not be there, or should.
        found: in the table.
        expected: what the source gives.
    """

    file: str
    row: dict[str, str]
    column: str
    found: str
    expected: str


def altered_tables(store: Store, results: Path, studies: Sequence[Study]) -> tuple[list[Altered], bool]:
    """What differs from the tables that the store gives, and whether they are behind it: then runs.csv alone is held.

    Tables are behind where a grid was stopped before it wrote them; a row with a result is final nevertheless.
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy = _copied(results, Path(temporary))
        try:
            write(store, copy)
            write_derived(copy, studies)
        except (SeedError, LookupError, TypeError, ValueError) as error:
            return [Altered("*.csv", {}, "tables", _said(error), "those of whole records")], False
        names = {study.name for study in studies}
        expected, stated = (_of(_read(place / "runs.csv"), names).set_index(_ROW) for place in (copy, results))
        altered = _runs(stated, expected)
        missing = expected.index.difference(stated.index)
        unfinished = stated.index[stated["status"] == Status.PLANNED].intersection(
            expected.index[expected["status"] != Status.PLANNED]
        )
        if len(missing) or len(unfinished):
            return altered, True
        for path in sorted(copy.glob("*.csv")):
            if path.name != "runs.csv" and (results / path.name).exists():
                altered += _differing(path.name, _read(results / path.name), _read(path))
        return altered, False


def altered_without_store(evidence: ResultTables, results: Path, studies: Sequence[Study]) -> list[Altered]:
    """What differs: settings in runs.csv from their studies, other tables from runs.csv, verdicts from all of these."""
    altered: list[Altered] = []
    stated = {name: _read(results / f"{name}.csv") for name in ("summary", "cells", "curves")}
    for study in studies:
        mine = evidence.of(study.name)
        configs = {cell: config for cell, (config, _) in configurations(study).items()}
        known = mine.runs[mine.runs["cell"].isin(list(configs))]
        if len(known):
            cells = {cell: described(config) for cell, config in configs.items()}
            columns = ["engine", "problem", "optimizer", "learning_rate", "momentum", "batch_size", "activation"]
            columns += ["initializer", "hidden", "loss", "epochs"]
            stored = known.drop(columns=columns).assign(config=None, described=known["cell"].map(cells))
            expected = _as_text(runs_table(stored))
            altered += _runs(_as_text(known[RUNS.header]).set_index(_ROW), expected.set_index(_ROW))
        altered += _altered_cells(mine.runs, _of(stated["summary"], {study.name}), _of(stated["cells"], {study.name}))
        curves = _of(stated["curves"], {study.name})
        altered += _differing("curves.csv", *_plain_factors(curves, curves[CURVES.header]))
        altered += _contradictions(mine)
    with tempfile.TemporaryDirectory() as temporary:
        copy = _copied(results, Path(temporary))
        try:
            write_derived(copy, studies)
        except SeedError as error:
            return [*altered, Altered("*.csv", {}, "tables", _said(error), "those of whole records")]
        for path in sorted(copy.glob("*.csv")):
            if (results / path.name).exists():
                altered += _differing(path.name, _read(results / path.name), _read(path))
    return altered


def _altered_cells(runs: pd.DataFrame, summary: pd.DataFrame, cells: pd.DataFrame) -> list[Altered]:
    """Where a study's rows of summary.csv and cells.csv are not what its runs give."""
    expected = summary_table(runs)
    return [
        *_differing("summary.csv", *_plain_factors(summary, expected)),
        *_differing("cells.csv", *_plain_factors(cells, cells_table(runs, expected))),
    ]


def _plain_factors(stated: pd.DataFrame, expected: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a study as a table has them, and as it should have them, both with the columns of the study's factors."""
    return without_empty_factors(stated).reset_index(drop=True), _as_text(with_factors(expected, expected["factors"]))


def _said(error: Exception) -> str:
    """What keeps tables from being made."""
    return str(error) if isinstance(error, InputError) else first_line(error)


def _contradictions(evidence: ResultTables) -> list[Altered]:
    """Where curves.csv and best_epochs.csv do not say what runs.csv says."""
    altered = []
    for file, (stated, given) in (
        ("curves.csv", ends_of_curves(evidence)),
        ("best_epochs.csv", best_epochs_at_the_end(evidence)),
    ):
        altered += _differing(file, _as_text(stated), _as_text(given))
    return altered + [
        Altered("best_epochs.csv", {"run_id": run_id}, "validation_error", f"{least!r}", f"at most {last!r}")
        for run_id, least, last in better_than_best(evidence)
    ]


def _copied(results: Path, folder: Path) -> Path:
    for path in results.glob("*.csv"):
        if path.is_file():
            shutil.copy(path, folder)
    return folder


def _read(path: Path) -> pd.DataFrame:
    return as_text(path, [])


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype=str, keep_default_na=False)


def _of(frame: pd.DataFrame, studies: set[str]) -> pd.DataFrame:
    return frame[frame["study"].isin(studies)]


def _runs(stated: pd.DataFrame, expected: pd.DataFrame) -> list[Altered]:
    """Rows of runs.csv with a result, indexed by _ROW, that differ; and those that the source does not have."""
    final = stated[stated["status"] != Status.PLANNED]
    altered = [
        Altered("runs.csv", dict(zip(_ROW[:3], row[:3], strict=True)), "", "a row", "none")
        for row in final.index.difference(expected.index)
    ]
    both = final.index.intersection(expected.index)
    ours, theirs = final.loc[both], expected.loc[both]
    for column in expected.columns:
        for row in both[ours[column].to_numpy() != theirs[column].to_numpy()]:
            naming = dict(zip(_ROW[:3], row[:3], strict=True))
            altered.append(
                Altered("runs.csv", naming, column, str(ours.loc[row, column]), str(theirs.loc[row, column]))
            )
    return altered


def _differing(file: str, stated: pd.DataFrame, expected: pd.DataFrame) -> list[Altered]:
    if list(stated.columns) != list(expected.columns):
        return [Altered(file, {}, "columns", " ".join(stated.columns), " ".join(expected.columns))]
    if len(stated) != len(expected):
        return [Altered(file, {}, "rows", f"{len(stated):,}", f"{len(expected):,}")]
    altered = []
    for column in expected.columns:
        for row in (stated[column] != expected[column]).to_numpy().nonzero()[0]:
            one, other = stated[column].iloc[row], expected[column].iloc[row]
            if not _rounding(one, other):
                naming = {name: str(expected[name].iloc[row]) for name in _NAMING if name in expected}
                altered.append(Altered(file, naming, column, one, other))
    return altered


def _rounding(one: Any, other: Any) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=_ROUNDING, abs_tol=_ROUNDING**2)
    except ValueError:
        return False
