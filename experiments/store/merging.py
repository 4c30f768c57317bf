"""Stores of several machines made into one. The same run with different results is reported, not chosen between."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.errors import InputError, StoreError
from fairgrid.experiments.store.checksums import seal
from fairgrid.experiments.store.database import FILE, Store, unchanged
from fairgrid.experiments.store.lock import locked
from fairgrid.experiments.store.record_diff import Difference, differences

_RESULTS = (Status.OK, Status.DIVERGED)  # what training gives; errors and timeouts are circumstances


@dataclass(frozen=True)
class Dispute:
    """A run that two stores have different results of.

    Attributes:
        run_id: of the run.
        one: a results directory that has it.
        other: another one.
        differing: what the two say.
        kept: whether the store that was merged into had a result, which stays; else the run has none there.
    """

    run_id: str
    one: Path
    other: Path
    differing: list[Difference]
    kept: bool


@dataclass
class Merged:
    """What a merge did.

    Attributes:
        taken: runs whose record was taken from a source.
        known: runs of a source whose record was there already.
        waiting: planned runs of a source that no store has a record of.
        disputes: see Dispute.
        planned_twice: see `Store.planned_twice`.
    """

    taken: int = 0
    known: int = 0
    waiting: int = 0
    disputes: list[Dispute] = field(default_factory=list)
    planned_twice: list[str] = field(default_factory=list)


def merge(results: Path, sources: Sequence[Path], say: Callable[[str], None] = print) -> Merged:
    """Takes into one store what others have and it lacks: records, plans, provenance, what figures are drawn from.

    Runs of which no two stores have different results are taken, one source a transaction; merging again changes
    nothing. A result takes the place of an error or a timeout. Sources are read alone.

    Args:
        results: the directory that is merged into; made if there is none.
        sources: results directories with a store.
        say: prints a line.

    Raises:
        InputError: a source is the directory itself, or stands there twice.
        StoreError: a store cannot be used, or two give one cell different configurations.
    """
    places = [results, *sources]
    for number, place in enumerate(places):
        if place.resolve() in [other.resolve() for other in places[:number]]:
            raise InputError(f"{place}: expected stores that differ, found this one twice")
    for source in sources:
        if not (source / FILE).exists():
            raise InputError(f"{source}: expected a results directory with a store ({FILE}), found none")
    merged = Merged()
    with ExitStack() as opened:
        theirs = [opened.enter_context(unchanged(source)) for source in sources]
        for store in theirs:
            store.check()
        opened.enter_context(locked(results, say))
        ours = opened.enter_context(Store(results, create=True))
        ours.upgrade(say)
        ours.check()
        there = ours.statuses()
        had = {run_id for run_id, status in there.items() if status in _RESULTS}
        merged.disputes = _disputes(places, [ours, *theirs], had)
        disputed = {dispute.run_id for dispute in merged.disputes}
        for store in theirs:
            statuses = store.statuses()
            better = {
                run_id for run_id in statuses if _rank(statuses[run_id]) > _rank(there.get(run_id, Status.PLANNED))
            }
            taken = better - disputed
            same = {run_id for run_id in statuses if _has_record(statuses[run_id])} - disputed - taken
            _copy(results, store, taken, same)
            there |= {run_id: statuses[run_id] for run_id in taken}
            there |= {run_id: Status.PLANNED for run_id in statuses if run_id not in there}
            merged.taken += len(taken)
            merged.known += len(same)
        planned = {run_id for store in theirs for run_id in store.statuses()} - disputed
        merged.planned_twice = ours.planned_twice()
        merged.waiting = sum(not _has_record(there[run_id]) for run_id in planned)
    return merged


def _rank(status: str) -> int:
    """A record of a higher rank takes the place of one of a lower."""
    return 2 if status in _RESULTS else int(status != Status.PLANNED)


def _has_record(status: str) -> bool:
    return status != Status.PLANNED


def _disputes(places: Sequence[Path], stores: Sequence[Store], had: set[str]) -> list[Dispute]:
    """Runs whose results differ between any two stores, each with the first two of them."""
    holders: dict[str, list[int]] = {}
    for number, store in enumerate(stores):
        for run_id, status in store.statuses().items():
            if status in _RESULTS:
                holders.setdefault(run_id, []).append(number)
    disputes = []
    for run_id, numbers in sorted(holders.items()):
        records: list[tuple[int, Record]] = []
        for number in numbers if len(numbers) > 1 else ():
            record = stores[number].record(run_id)
            pairs = ((other, differences(earlier, record)) for other, earlier in records)
            differing = next(((other, different) for other, different in pairs if different), None)
            if differing is not None:
                disputes.append(Dispute(run_id, places[differing[0]], places[number], differing[1], run_id in had))
                break
            records.append((number, record))
    return disputes


def _copy(results: Path, source: Store, taken: Iterable[str], same: Iterable[str]) -> None:
    """Copies a source's plans, the records of the runs `taken`, and what figures need of those and of the `same`.

    Checksums come along with what they are of.
    """
    with Store(results) as store, store.transaction() as connection:
        connection.execute("ATTACH ? AS theirs", (str(source.file),))
        _same_cells(connection, results / FILE, source.path)
        for name, run_ids in (("taken", taken), ("same", same)):
            connection.execute(f"CREATE TEMP TABLE {name} (run_id TEXT PRIMARY KEY)")
            connection.executemany(f"INSERT INTO {name} VALUES (?)", [(run_id,) for run_id in run_ids])
        _insert(connection, "INSERT OR IGNORE", "cells")
        connection.execute(
            "INSERT INTO runs (run_id, cell, seed, status) SELECT run_id, cell, seed, 'planned' FROM theirs.runs"
            " WHERE run_id NOT IN (SELECT run_id FROM runs)"
        )
        _insert(connection, "INSERT OR IGNORE", "planned")
        _insert(connection, "REPLACE", "runs", "WHERE run_id IN taken")
        _insert(connection, "INSERT OR IGNORE", "environments")
        for table in ("metrics", "curves", "kept", "provenance"):
            connection.execute(f"DELETE FROM {table} WHERE run_id IN taken")
            _insert(connection, "INSERT", table, "WHERE run_id IN taken")
        _insert(connection, "INSERT OR IGNORE", "kept", "WHERE run_id IN same")
        seal(connection, [row[0] for row in connection.execute("SELECT run_id FROM runs WHERE checksum = ''")])


def _insert(connection: sqlite3.Connection, how: str, table: str, which: str = "") -> None:
    columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({table})"))
    connection.execute(f"{how} INTO {table} ({columns}) SELECT {columns} FROM theirs.{table} {which}")


def _same_cells(connection: sqlite3.Connection, ours: Path, theirs: Path) -> None:
    row = connection.execute(
        "SELECT cell, ours.config, them.config FROM cells AS ours JOIN theirs.cells AS them USING (cell)"
        " WHERE ours.config != them.config"
    ).fetchone()
    if row is not None:
        raise StoreError(
            f"{theirs}: expected cell {row[0]} to have the configuration that it has in {ours}, {row[1]},"
            f" found {row[2]}"
        )
