"""The store: one SQLite file that knows every planned run before it trains and keeps every record.

Only the driver writes, a chunk per transaction, with a rollback journal and synchronous=FULL: what is committed
survives a crash at any moment, and a chunk is there wholly or not at all.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from fairgrid.experiments.config.metric_names import CURVES
from fairgrid.experiments.config.run import canonical_json
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.errors import StoreError
from fairgrid.experiments.planning.plans import Plan
from fairgrid.experiments.planning.work_units import Run
from fairgrid.experiments.runtime.environment import Environment

FILE = "runs.sqlite"

_APPLICATION = 0x66616972  # "fair", so that another program's file is not taken for ours
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE cells (cell TEXT PRIMARY KEY, config TEXT NOT NULL);
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
    UNIQUE (cell, seed)
) WITHOUT ROWID;
CREATE TABLE planned (
    study TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('tuning', 'evaluation')),
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    factors TEXT NOT NULL,
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
    "values" BLOB NOT NULL, PRIMARY KEY (run_id, name)
) WITHOUT ROWID;
CREATE TABLE environments (
    environment TEXT PRIMARY KEY, "commit" TEXT, dirty INTEGER, versions TEXT, cpu TEXT, threads INTEGER
);
CREATE TABLE provenance (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id), environment TEXT NOT NULL, stack INTEGER NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID;
"""


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
        with self._problems_named():
            directory.mkdir(parents=True, exist_ok=True)
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
        empty = not self._value("SELECT count(*) FROM sqlite_master")
        if empty and application == 0:
            with self.transaction() as connection:
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif application != _APPLICATION:
            raise StoreError(f"{self.path}: expected a store of fairgrid, found another program's database")
        elif version > _SCHEMA_VERSION:
            raise StoreError(f"{self.path}: expected a store of schema {_SCHEMA_VERSION} or older, found {version}")

    def _value(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    @contextmanager
    def _problems_named(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:  # pandas' error for a query that fails is an OSError
            reason = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
            raise StoreError(f"{self.path}: expected a usable store, found: {reason}") from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

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
            connection.executemany(
                "INSERT INTO cells VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(cell, config.canonical_json) for cell, config in {p.run.cell: p.run.config for p in plans}.items()],
            )
            connection.executemany(
                "INSERT INTO runs (run_id, cell, seed, status) VALUES (?, ?, ?, 'planned') ON CONFLICT DO NOTHING",
                [(plan.run.run_id, plan.run.cell, plan.run.seed) for plan in plans],
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
                "INSERT INTO planned (study, phase, run_id, factors) VALUES (?, ?, ?, ?)",
                [(study, *row) for row in sorted(after - there)],
            )

    def retry(self, plans: Iterable[Plan]) -> None:
        """Plans again those runs that ended in error or timeout."""
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE runs SET status = 'planned', message = '' WHERE status IN ('error', 'timeout') AND run_id = ?",
                [(plan.run.run_id,) for plan in plans],
            )

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
            if status.get(run_id) == "planned" or (run.keep and status.get(run_id) == "ok" and run_id not in kept)
        ]

    def commit(self, runs: Sequence[Run], records: Sequence[Record], environment: Environment, seconds: float) -> None:
        """Keeps the records of a chunk, all or none.

        Args:
            runs: of the chunk.
            records: one per run.
            environment: where they were made.
            seconds: that the chunk took.
        """
        finals = ", ".join(f"{name} = ?" for name in CURVES)
        made = [(run.run_id, record) for run, record in zip(runs, records, strict=True)]
        where = environment.id
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO environments VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (where, *asdict(environment).values()),
            )
            connection.executemany(
                "UPDATE runs SET status = ?, diverged_at_step = ?, message = ?, steps = ?, gradient_evaluations = ?,"
                f" {finals} WHERE run_id = ?",
                [
                    (
                        record.status,
                        record.diverged_at_step,
                        record.message,
                        record.steps,
                        record.gradient_evaluations,
                        *(record.final.get(name) for name in CURVES),
                        run_id,
                    )
                    for run_id, record in made
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO curves VALUES (?, ?, ?)",
                [
                    (run_id, name, np.asarray(values, "<f8").tobytes())
                    for run_id, record in made
                    for name, values in record.curves.items()
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)",
                [(run_id, name, value) for run_id, record in made for name, value in record.metrics.items()],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)",
                [
                    (run_id, name, *_packed(tensor.numpy()))
                    for run_id, record in made
                    for name, tensor in record.kept.items()
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO provenance VALUES (?, ?, ?, ?)",
                [(run_id, where, len(runs), seconds / len(runs)) for run_id, _ in made],
            )

    def check(self) -> None:
        """Reads every page.

        Raises:
            StoreError: one is damaged.
        """
        found = self._rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise StoreError(f"{self.path}: expected a usable store, found: {' '.join(found.split())}")

    def statuses(self) -> dict[str, str]:
        """The status of every run, whether a study still plans it or not."""
        return dict(self._rows("SELECT run_id, status FROM runs"))

    def record(self, run_id: str) -> Record:
        """The record of a run that has one, as `commit` was given it.

        Args:
            run_id: of a run whose status is not planned.
        """
        counted = "status, diverged_at_step, message, steps, gradient_evaluations"
        row = self._rows(f"SELECT {counted}, {', '.join(CURVES)} FROM runs WHERE run_id = ?", run_id)[0]
        metrics = self._rows("SELECT metric, value FROM metrics WHERE run_id = ?", run_id)
        curves = self._rows('SELECT metric, "values" FROM curves WHERE run_id = ?', run_id)
        kept = self._rows('SELECT name, dtype, shape, "values" FROM kept WHERE run_id = ?', run_id)
        status, diverged_at_step, message, steps, evaluations, *final = row
        return Record(
            status,
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

    def runs(self, studies: Sequence[str]) -> pd.DataFrame:
        """A row per planned run: the columns of `planned`, `runs`, and `config`, a dictionary."""
        frame = self._frame("SELECT * FROM planned JOIN runs USING (run_id) JOIN cells USING (cell)", studies)
        configs = {text: json.loads(text) for text in frame["config"].unique()}
        frame["config"] = frame["config"].map(configs)
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
        found: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        for factors, seed, name, dtype, shape, values in self._rows(query, study):
            found.setdefault((factors, seed), {})[name] = _unpacked(dtype, shape, values)
        return found

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


def _packed(array: np.ndarray) -> tuple[str, str, bytes]:
    """The dtype (little-endian), shape and bytes."""
    fixed = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return fixed.dtype.str, json.dumps(fixed.shape), fixed.tobytes()


def _unpacked(dtype: str, shape: str, values: bytes) -> np.ndarray:
    return np.frombuffer(values, dtype).reshape(json.loads(shape))
