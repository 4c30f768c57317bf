"""The store: one SQLite file that knows every planned run before it trains and keeps every record.

Only the driver writes, a chunk per transaction, with a rollback journal and synchronous=FULL: what is committed
survives a crash at any moment, and a chunk is there wholly or not at all. Every record is committed with its checksum
(checksums.py), so that whatever changes it later is found.
"""

import hashlib
import json
import math
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from fairgrid.experiments.config.metric_names import COUNTS, CURVES
from fairgrid.experiments.config.run import canonical_json
from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.errors import StoreError
from fairgrid.experiments.planning.plans import Plan
from fairgrid.experiments.planning.work_units import Run
from fairgrid.experiments.runtime.environment import Environment
from fairgrid.experiments.runtime.files import placed
from fairgrid.experiments.store.checksums import (
    checksum,
    damage,
    planned_checksum,
    seal,
    seal_all,
    structure,
)
from fairgrid.experiments.study.labels import CLASSES, recorded

FILE = "runs.sqlite"

_APPLICATION = 0x66616972  # "fair", so that another program's file is not taken for ours
_SCHEMA_VERSION = 2
_SCHEMA = """
-- described: JSON of what runs.csv says of a cell
CREATE TABLE cells (
    cell TEXT PRIMARY KEY, config TEXT NOT NULL, described TEXT, checksum TEXT NOT NULL DEFAULT ''
);
-- sealed: NULL if the checksum was made when the run was planned or trained, else the date on which it was
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    cell TEXT NOT NULL REFERENCES cells (cell),
    seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('planned', 'ok', 'diverged', 'timeout', 'error')),
    diverged_at_step INTEGER,
    message TEXT NOT NULL DEFAULT '',
    steps INTEGER,
    gradient_evaluations INTEGER,
    train_loss REAL, train_error REAL, validation_loss REAL, validation_error REAL, test_loss REAL, test_error REAL,
    checksum TEXT NOT NULL DEFAULT '',
    sealed TEXT,
    UNIQUE (cell, seed)
) WITHOUT ROWID;
CREATE TABLE planned (
    study TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('tuning', 'evaluation')),
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    factors TEXT NOT NULL,
    checksum TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (study, phase, run_id, factors)
) WITHOUT ROWID;
CREATE TABLE metrics (
    run_id TEXT NOT NULL REFERENCES runs (run_id), metric TEXT NOT NULL, value REAL, PRIMARY KEY (run_id, metric)
) WITHOUT ROWID;
-- little-endian float64, one value per checkpoint; the metric 'epoch' says when they were
CREATE TABLE curves (
    run_id TEXT NOT NULL REFERENCES runs (run_id), metric TEXT NOT NULL, "values" BLOB NOT NULL,
    PRIMARY KEY (run_id, metric)
) WITHOUT ROWID;
-- what figures of single runs are drawn from
CREATE TABLE kept (
    run_id TEXT NOT NULL REFERENCES runs (run_id), name TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL,
    "values" BLOB NOT NULL, checksum TEXT NOT NULL DEFAULT '', PRIMARY KEY (run_id, name)
) WITHOUT ROWID;
CREATE TABLE environments (
    environment TEXT PRIMARY KEY, "commit" TEXT, dirty INTEGER, versions TEXT, cpu TEXT, threads INTEGER
);
CREATE TABLE provenance (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id), environment TEXT NOT NULL, stack INTEGER NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID;
"""

_PLANNED_RUN = ", ".join(
    [
        *("study", "phase", "run_id", "cell", "seed", "factors", "status", "diverged_at_step", "message"),
        *(*COUNTS, *CURVES, "config"),
    ]
)
_TO_SCHEMA_2 = (
    "ALTER TABLE cells ADD COLUMN described TEXT",
    "ALTER TABLE cells ADD COLUMN checksum TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN checksum TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN sealed TEXT",
    "ALTER TABLE planned ADD COLUMN checksum TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE kept ADD COLUMN checksum TEXT NOT NULL DEFAULT ''",
)


class Store:
    """An open store. Use it in a `with` statement.

    Args:
        directory: where runs.sqlite is or will be.
        create: whether a missing one is made.

    Raises:
        StoreError: it is not there, not a store of ours, of a newer schema, damaged, or cannot be written.
    """

    def __init__(self, directory: Path, create: bool = False) -> None:
        self.path = directory / FILE
        if not create and not self.path.exists():
            raise StoreError(f"{self.path}: expected a store, found none")
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise StoreError(f"{self.path}: expected a store, found what is no regular file")
        if self.path.is_file() and not self.path.stat().st_size:
            raise StoreError(
                f"{self.path}: expected a store, found an empty file; once it is removed, a new one is made"
            )
        with self._problems_named():
            directory.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                _create(self.path)
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=60)
        try:
            with self._problems_named():
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._open()
        except StoreError:
            self._connection.close()
            raise

    def _open(self) -> None:
        application = self._value("PRAGMA application_id")
        version = self._value("PRAGMA user_version")
        if application != _APPLICATION:
            raise StoreError(f"{self.path}: expected a store of fairgrid, found another program's database")
        if not 1 <= version <= _SCHEMA_VERSION:
            raise StoreError(f"{self.path}: expected a store of schema {_SCHEMA_VERSION} or older, found {version}")

    @property
    def is_old(self) -> bool:
        """Whether it is of a schema without checksums, and has to be upgraded before it is checked or written to."""
        return self._value("PRAGMA user_version") < _SCHEMA_VERSION

    def upgrade(self, say: Callable[[str], None]) -> None:
        """Brings a store of an older schema to this one, in one transaction; its records stay as they are.

        Args:
            say: prints a line, if there is something to upgrade.

        Raises:
            StoreError: it is damaged, or cannot be written to.
        """
        if not self.is_old:
            return
        self._check_structure()
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        with self.transaction() as connection:
            for statement in _TO_SCHEMA_2:
                connection.execute(statement)
            connection.execute("UPDATE runs SET sealed = ? WHERE status != 'planned'", (today,))
            seal_all(connection)
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        say(f"{self.path}: upgraded to schema {_SCHEMA_VERSION}; checksums made on {today}, not at training")

    def _value(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    @contextmanager
    def _problems_named(self) -> Iterator[None]:
        try:
            yield
        # pandas' error for a query that fails is an OSError; sqlite3's own message may quote what is no UTF-8
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            reason = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
            raise StoreError(f"{self.path}: expected a usable store, found: {reason}") from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the use of the store."""
        self._connection.close()

    def copy_to(self, path: Path) -> None:
        """Copies the store into a new file."""
        with self._problems_named():
            target = sqlite3.connect(path)
            try:
                self._connection.backup(target)
            finally:
                target.close()

    @property
    def file(self) -> Path:
        """The file that is open; `path` is what messages call it."""
        return Path(self._connection.execute("PRAGMA database_list").fetchone()[2])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside is committed together, or not at all."""
        with self._problems_named():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def plan(self, study: str, plans: Sequence[Plan], complete: bool) -> None:
        """Makes every run of a study a row.

        What the study planned before stays planned if its cell is still one of the study's: fewer seeds than last time
        take nothing away. Cells that are no longer the study's are no longer its plan; their records stay.

        Args:
            study: its name.
            plans: runs to plan.
            complete: whether that is all of the study, so that cells not in it are no longer its.
        """
        with self.transaction() as connection:
            configs = {plan.run.cell: plan.run.config for plan in plans}
            cells = [(cell, each.canonical_json, canonical_json(recorded(each))) for cell, each in configs.items()]
            connection.executemany(
                "INSERT INTO cells (cell, config, described, checksum) VALUES (?, ?, ?, ?) ON CONFLICT (cell)"
                " DO UPDATE SET described = excluded.described, checksum = excluded.checksum"
                " WHERE described IS NULL OR described != excluded.described",
                [(*row, checksum(*row)) for row in cells],
            )
            connection.executemany(
                "INSERT INTO runs (run_id, cell, seed, status, checksum) VALUES (?, ?, ?, 'planned', ?)"
                " ON CONFLICT DO NOTHING",
                [(*name, planned_checksum(*name)) for plan in plans if (name := _name(plan.run))],
            )
            before = set(
                connection.execute(
                    "SELECT phase, run_id, factors, cell FROM planned JOIN runs USING (run_id) WHERE study = ?",
                    (study,),
                )
            )
            # one configuration may be planned twice: a rate that was chosen is one that is also stated, say
            wanted: dict[tuple[str, str], set[str]] = {}
            for plan in plans:
                wanted.setdefault((plan.run.cell, plan.phase), set()).add(canonical_json(plan.factors))
            after = {(plan.phase, plan.run.run_id, canonical_json(plan.factors)) for plan in plans}
            for phase, run_id, factors, cell in before:
                if (cell, phase) in wanted:
                    after |= {(phase, run_id, stated) for stated in wanted[cell, phase]}
                elif not complete:
                    after.add((phase, run_id, factors))
            there = {row[:3] for row in before}
            connection.executemany(
                "DELETE FROM planned WHERE study = ? AND phase = ? AND run_id = ? AND factors = ?",
                [(study, *row) for row in sorted(there - after)],
            )
            connection.executemany(
                "INSERT INTO planned (study, phase, run_id, factors, checksum) VALUES (?, ?, ?, ?, ?)",
                [(study, *row, checksum(study, *row)) for row in sorted(after - there)],
            )

    def retry(self, plans: Iterable[Plan]) -> None:
        """Plans again those runs that ended in error or timeout."""
        status = self.statuses()
        failed = {plan.run.run_id for plan in plans if status.get(plan.run.run_id) in (Status.ERROR, Status.TIMEOUT)}
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE runs SET status = 'planned', message = '', sealed = NULL WHERE run_id = ?",
                [(run_id,) for run_id in failed],
            )
            seal(connection, failed)

    def waiting(self, runs: Iterable[Run]) -> list[Run]:
        """Those of the runs that have no record yet, or lack what is to be kept of them, each once."""
        distinct: dict[str, Run] = {}
        for run in runs:
            if run.keep or run.run_id not in distinct:
                distinct[run.run_id] = run
        status = self.statuses()
        kept = {row[0] for row in self._rows("SELECT DISTINCT run_id FROM kept")}
        return [
            run
            for run_id, run in distinct.items()
            if status.get(run_id) == Status.PLANNED
            or (run.keep and status.get(run_id) == Status.OK and run_id not in kept)
        ]

    def commit(self, runs: Sequence[Run], records: Sequence[Record], environment: Environment, seconds: float) -> None:
        """Keeps the records of a chunk, all or none.

        Args:
            runs: the runs of the chunk.
            records: one per run.
            environment: where they were made.
            seconds: the seconds that the chunk took.
        """
        finals = ", ".join(f"{name} = ?" for name in CURVES)
        pairs = [(run.run_id, record) for run, record in zip(runs, records, strict=True)]
        where = environment.id
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO environments VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (where, *asdict(environment).values()),
            )
            updated = connection.executemany(
                "UPDATE runs SET status = ?, diverged_at_step = ?, message = ?, steps = ?, gradient_evaluations = ?,"
                f" {finals}, sealed = NULL WHERE run_id = ? AND cell = ? AND seed = ?",
                [
                    (
                        record.status,
                        record.diverged_at_step,
                        record.message,
                        record.steps,
                        record.gradient_evaluations,
                        *(record.final.get(name) for name in CURVES),
                        *_name(run),
                    )
                    for run, record in zip(runs, records, strict=True)
                ],
            ).rowcount
            if updated != len(runs):
                raise StoreError(f"{self.path}: expected {len(runs)} planned runs of a chunk, found {updated}")
            connection.executemany(
                "INSERT OR REPLACE INTO curves VALUES (?, ?, ?)",
                [
                    (run_id, name, np.asarray(values, "<f8").tobytes())
                    for run_id, record in pairs
                    for name, values in record.curves.items()
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)",
                [(run_id, name, value) for run_id, record in pairs for name, value in record.metrics.items()],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (*row, checksum(*row))
                    for run_id, record in pairs
                    for name, tensor in record.kept.items()
                    if (row := (run_id, name, *_packed(tensor.numpy())))
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO provenance VALUES (?, ?, ?, ?)",
                [(run_id, where, len(runs), seconds / len(runs)) for run_id, _ in pairs],
            )
            seal(connection, [run.run_id for run in runs])

    def check(self) -> None:
        """Reads everything, and holds it against its checksums.

        Raises:
            StoreError: something is damaged; the line names runs.
        """
        with self._problems_named():
            damaged = damage(self._connection)
        if damaged:
            raise StoreError(f"{self.path}: expected records as they were committed, found {damaged}")
        self._check_structure()

    def _check_structure(self) -> None:
        with self._problems_named():
            broken = structure(self._connection)
        if broken:
            raise StoreError(f"{self.path}: expected a usable store, found: {broken}")

    def contents(self, studies: Sequence[str]) -> dict[str, tuple[int, str]]:
        """For each study how many runs it plans, and SHA-256 over "run_id checksum" lines in the order of run ids."""
        contents = {}
        for study in studies:
            lines = [
                f"{run_id} {sealed}\n"
                for run_id, sealed in self._rows(
                    "SELECT DISTINCT run_id, runs.checksum FROM planned JOIN runs USING (run_id) WHERE study = ?"
                    " ORDER BY run_id",
                    study,
                )
            ]
            contents[study] = (len(lines), hashlib.sha256("".join(lines).encode()).hexdigest())
        return contents

    def sealed_later(self, studies: Sequence[str]) -> dict[str, int]:
        """How many runs have checksums that were not made at training, by the date on which they were made."""
        frame = self._frame(
            "SELECT DISTINCT run_id, sealed FROM planned JOIN runs USING (run_id) WHERE sealed IS NOT NULL", studies
        )
        return {str(date): int(count) for date, count in frame["sealed"].value_counts().sort_index().items()}

    def classes(self, studies: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """By study, facts about the classes of the user's own that its runs name; see config/class_facts.py."""
        described = "NULL AS described" if self.is_old else "described"
        frame = self._frame(
            f"SELECT DISTINCT study, {described} FROM planned JOIN runs USING (run_id) JOIN cells USING (cell)", studies
        )
        facts: dict[str, list[dict[str, Any]]] = {}
        for study, text in sorted(frame.dropna().itertuples(index=False)):
            for row in json.loads(text).get(CLASSES, ()):
                if row not in facts.setdefault(study, []):
                    facts[study].append(row)
        return facts

    def statuses(self) -> dict[str, str]:
        """The status of every run, whether a study still plans it or not."""
        return dict(self._rows("SELECT run_id, status FROM runs"))

    def record(self, run_id: str) -> Record:
        """The record of a run that has one, as `commit` was given it.

        Args:
            run_id: the id of a run whose status is not planned.
        """
        counted = "status, diverged_at_step, message, steps, gradient_evaluations"
        row = self._rows(f"SELECT {counted}, {', '.join(CURVES)} FROM runs WHERE run_id = ?", run_id)[0]
        metrics = self._rows("SELECT metric, value FROM metrics WHERE run_id = ?", run_id)
        curves = self._rows('SELECT metric, "values" FROM curves WHERE run_id = ?', run_id)
        kept = self._rows('SELECT name, dtype, shape, "values" FROM kept WHERE run_id = ?', run_id)
        status, diverged_at_step, message, steps, evaluations, *final = row
        return Record(
            Status(status),
            diverged_at_step,
            message,
            steps,
            evaluations,
            final={name: value for name, value in zip(CURVES, final, strict=True) if value is not None},
            metrics={name: math.nan if value is None else value for name, value in metrics},
            curves={name: np.frombuffer(values, "<f8").tolist() for name, values in curves},
            kept={name: torch.from_numpy(_unpacked(*packed).copy()) for name, *packed in kept},
        )

    def studies(self) -> list[str]:
        """The names of the studies that planned something."""
        return [row[0] for row in self._rows("SELECT DISTINCT study FROM planned ORDER BY study")]

    def planned_twice(self) -> list[str]:
        """The names of studies that plan an evaluation twice, as merged from files that differ."""
        twice = (
            "SELECT study FROM planned JOIN runs USING (run_id) WHERE phase = 'evaluation'"
            " GROUP BY study, factors, seed HAVING COUNT(*) > 1"
        )
        return [row[0] for row in self._rows(f"SELECT DISTINCT study FROM ({twice}) ORDER BY study")]

    def runs(self, studies: Sequence[str]) -> pd.DataFrame:
        """A row per planned run: study, phase, factors, the columns of a record, and its cell's configuration.

        `config` and `described` are dictionaries; the latter, what runs.csv says of a cell, is None in a store of an
        older schema.
        """
        described = "NULL AS described" if self.is_old else "described"
        frame = self._frame(
            f"SELECT {_PLANNED_RUN}, {described} FROM planned JOIN runs USING (run_id) JOIN cells USING (cell)", studies
        )
        for column in ("config", "described"):
            parsed = {text: json.loads(text) for text in frame[column].dropna().unique()}
            frame[column] = [parsed.get(text) for text in frame[column]]
        return frame

    def curves(self, studies: Sequence[str]) -> pd.DataFrame:
        """A row per evaluation run that is ok: study, cell, factors, and an array per metric, `epoch` among them."""
        frame = self._frame(
            'SELECT study, cell, factors, run_id, metric, "values" FROM planned JOIN runs USING (run_id)'
            " JOIN curves USING (run_id) WHERE status = 'ok' AND phase = 'evaluation'",
            studies,
        )
        frame["values"] = frame["values"].map(lambda blob: np.frombuffer(blob, "<f8"))
        keys = ["study", "cell", "factors", "run_id"]
        return frame.set_index([*keys, "metric"])["values"].unstack("metric").reset_index()

    def metrics(self, studies: Sequence[str]) -> pd.DataFrame:
        """run_id, metric, value: what runs measured beyond errors and losses; not a number where there was none."""
        return self._frame("SELECT DISTINCT run_id, metric, value FROM planned JOIN metrics USING (run_id)", studies)

    def kept(self, study: str) -> dict[tuple[str, int], dict[str, np.ndarray]]:
        """What is kept of a study's evaluation runs, by (factors, seed), then by name."""
        query = (
            'SELECT factors, seed, name, dtype, shape, "values" FROM planned JOIN runs USING (run_id)'
            " JOIN kept USING (run_id) WHERE study = ? AND phase = 'evaluation' ORDER BY factors, seed, name"
        )
        artifacts: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        for factors, seed, name, dtype, shape, values in self._rows(query, study):
            artifacts.setdefault((factors, seed), {})[name] = _unpacked(dtype, shape, values)
        return artifacts

    def provenance(self, studies: Sequence[str]) -> pd.DataFrame:
        """Where each record was made and how long it took."""
        return self._frame(
            'SELECT study, run_id, "commit", dirty, versions, cpu, threads, stack, seconds FROM planned'
            " JOIN provenance USING (run_id) JOIN environments USING (environment)",
            studies,
        )

    def _rows(self, query: str, *parameters: str) -> list[Any]:
        with self._problems_named():
            return self._connection.execute(query, parameters).fetchall()

    def _frame(self, query: str, studies: Sequence[str]) -> pd.DataFrame:
        joined = " AND " if " WHERE " in query else " WHERE "
        marks = ", ".join("?" for _ in studies)
        with self._problems_named():
            return pd.read_sql_query(f"{query}{joined}study IN ({marks})", self._connection, params=list(studies))


@contextmanager
def unchanged(directory: Path) -> Iterator[Store]:
    """A store that is only read; one of an older schema is upgraded in a copy, which is gone afterwards."""
    with Store(directory) as store:
        if not store.is_old:
            yield store
            return
        with tempfile.TemporaryDirectory() as folder:
            store.copy_to(Path(folder) / FILE)
            with Store(Path(folder)) as copy:
                copy.path = store.path  # as messages name it
                copy.upgrade(lambda line: None)
                yield copy


def _create(path: Path) -> None:
    """Makes a store without rows, whole: what is there at any moment is nothing or that."""
    with placed(path) as partial:
        connection = sqlite3.connect(partial, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN")
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()


def _name(run: Run) -> tuple[str, str, int]:
    return run.run_id, run.cell, run.seed


def _packed(array: np.ndarray) -> tuple[str, str, bytes]:
    """The dtype (little-endian), shape and bytes."""
    fixed = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return fixed.dtype.str, json.dumps(fixed.shape), fixed.tobytes()


def _unpacked(dtype: str, shape: str, values: bytes) -> np.ndarray:
    return np.frombuffer(values, dtype).reshape(json.loads(shape))
