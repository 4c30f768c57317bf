"""CSVs of a results directory: sorted, floats by repr. A study that is not written keeps its rows.

manifest.json is written with them. What it says of rows is said by whoever made them: rows that are kept keep their
hash, so that one which was changed since is found however often the table around it is written again.
"""

import dataclasses
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.files import digest, placed
from fairgrid.experiments.store.content_manifest import Content, Manifest, read_manifest
from fairgrid.experiments.store.schema import Table, committed_tables, factor_columns, without_empty_factors
from fairgrid.experiments.store.tables import as_text


@dataclasses.dataclass(frozen=True)
class Doubt:
    """Rows of a study that are kept, as they cannot be made here, but are not those that manifest.json names."""

    file: str
    study: str


class TableWriter:
    """Writes the tables of some studies next to the rows of others, and the manifest of both.

    Attributes:
        doubts: kept rows that are not those that the manifest names.

    Args:
        results: the directory.
        run_ids: the ids of each study's runs, of the studies that are written.

    Raises:
        InputError: runs.csv has rows of other studies, and cannot be read.
    """

    def __init__(self, results: Path, run_ids: Mapping[str, set[str]]) -> None:
        self.doubts: list[Doubt] = []
        self._results = results
        self._run_ids = run_ids
        self._manifest = _manifest(results)
        self._others = self._other_studies()

    def state(self, contents: Mapping[str, Content]) -> None:
        """Replaces what the manifest says of the studies' records, and forgets studies that have neither rows nor runs.

        Args:
            contents: the records by study; of rows they say nothing.
        """
        stated = {
            name: content for name, content in self._manifest.studies.items() if name in {*self._run_ids, *self._others}
        }
        for name, content in contents.items():
            rows = stated[name].rows if name in stated else {}
            stated[name] = dataclasses.replace(content, rows=rows)
        self._manifest.studies = stated

    def write(self, table: Table, frame: pd.DataFrame) -> None:
        """Writes a table.

        Args:
            table: the table.
            frame: its rows of the studies that are written.

        Raises:
            InputError: it has rows of other studies, and cannot be read.
        """
        frame = table.arranged(frame).fillna(dict.fromkeys(factor_columns(frame), ""))
        path = self._results / f"{table.name}.csv"
        key = "run_id" if table.by_run else "study"
        kept = self._kept(path, key)
        text = csv_of(frame)
        merged = frame
        if len(kept):
            remaining = kept[~kept["run_id"].isin(set(frame["run_id"]))] if table.by_run else kept
            written = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
            names = dict.fromkeys([*written, *factor_columns(remaining)])
            rows = pd.concat([part.reindex(columns=list(names), fill_value="") for part in (remaining, written)])
            merged = table.arranged(without_empty_factors(rows.sort_values(key, kind="stable")))
            text = csv_of(merged)
        if table.committed:
            self._state_rows(path.name, kept, merged)
        if digest(path) != hashlib.sha256(text.encode()).hexdigest():
            replace(path, text)

    def finish(self) -> None:
        """Writes the manifest of the tables as they now are; what is measured apart from studies keeps its hash."""
        files = [f"{table.name}.csv" for table in committed_tables()]
        measured = {name: sha256 for name, sha256 in self._manifest.files.items() if name not in files}
        tables = {name: digest(self._results / name) for name in files}
        self._manifest.files = measured | {name: sha256 for name, sha256 in tables.items() if sha256}
        self._manifest.write(self._results)

    def _other_studies(self) -> dict[str, set[str]]:
        """The other studies in runs.csv, with the ids of their runs."""
        path = self._results / "runs.csv"
        if not path.exists():
            return {}
        try:
            rows = as_text(path, ["study", "run_id"])
        except InputError as error:
            self._lose_nothing(error)
            return {}
        return run_ids_of(rows[~rows["study"].isin(list(self._run_ids))])

    def _lose_nothing(self, error: InputError) -> None:
        """Raises an error on a table that cannot be read, unless all of its rows are made again."""
        lost = sorted(set(self._manifest.studies) - set(self._run_ids))
        if lost:
            raise InputError(f"{error}; it has rows of {', '.join(lost)}, which are not made again here: restore it")
        if not self._manifest.studies:
            raise InputError(f"{error}; once it is removed, it is made again") from error

    def _kept(self, path: Path, key: str) -> pd.DataFrame:
        """The rows of other studies in a table, as text."""
        empty = pd.DataFrame(columns=[key])
        if not path.exists() or not self._others:
            return empty
        try:
            rows = as_text(path, [key])
        except InputError as error:
            self._lose_nothing(error)
            return empty
        return rows[rows[key].isin(set(self._others) if key == "study" else set().union(*self._others.values()))]

    def _state_rows(self, file: str, kept: pd.DataFrame, merged: pd.DataFrame) -> None:
        """Tells the manifest the hashes of the rows that were written, and of those that were kept unchanged."""
        for study, run_ids in self._run_ids.items():
            self._state(study, file, rows_digest(merged, study, run_ids))
        for study, run_ids in self._others.items():
            content = self._manifest.studies.get(study)
            stated = None if content is None else content.rows.get(file)
            if stated is not None and rows_digest(kept, study, run_ids) != stated:
                self.doubts.append(Doubt(file, study))
            elif stated is not None:
                self._state(study, file, rows_digest(merged, study, run_ids))

    def _state(self, study: str, file: str, sha256: str) -> None:
        content = self._manifest.studies.get(study)
        if content is None:
            return
        if sha256:
            content.rows[file] = sha256
        else:
            content.rows.pop(file, None)


def _manifest(results: Path) -> Manifest:
    """The manifest to go on with; without one, or with one that is damaged, a new one is begun."""
    try:
        return read_manifest(results) or Manifest()
    except InputError:
        return Manifest()


def run_ids_of(runs: pd.DataFrame) -> dict[str, set[str]]:
    """The ids of each study's runs, from rows of runs.csv."""
    return {str(study): set(rows) for study, rows in runs.groupby("study", sort=True)["run_id"]}


def rows_digest(table: pd.DataFrame, study: str, run_ids: set[str]) -> str:
    """SHA-256 of a study's rows in a table, without the header and factors of other studies; "" if it has none.

    Args:
        table: one with a column study, or else run_id.
        study: the study's name.
        run_ids: the ids of its runs.
    """
    rows = table[table["study"] == study if "study" in table else table["run_id"].isin(run_ids)]
    if not len(rows):
        return ""
    return hashlib.sha256(without_empty_factors(rows).to_csv(index=False, header=False).encode()).hexdigest()


def csv_of(frame: pd.DataFrame) -> str:
    r"""A table as CSV that gives back every text: a carriage return inside of one does not end its row.

    csv puts a text into quotes if a character of the line's end is in it, and knows only \n where that is \n.
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


def concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one table on top of each other; the first one's columns and types where none has rows."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
