"""Checksums of what a store keeps, and a reader's doubts about it.

A checksum is the first 128 bits of SHA-256 over JSON of what it covers, and over the bytes of curves and arrays:

- of a run: its id, cell, seed, status, counts, final losses and errors, metrics and curves;
- of a cell: its name, configuration and description; of a planned row: study, phase, run and factors;
- of a kept array: its run, name, dtype, shape and values.

A cell's name is itself a hash of the configuration, so a run's checksum covers that through the cell's. Provenance and
seconds are in none, so the checksums of two machines' records of a run are the same.
"""

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fairgrid.experiments.config.metric_names import COUNTS, CURVES
from fairgrid.experiments.engines.record import Status

_LENGTH = 32  # hexadecimal digits
_RUN = ("run_id", "cell", "seed", "status", "diverged_at_step", "message", *COUNTS, *CURVES)
_ALWAYS = ("train_loss", "train_error", "test_loss", "test_error")  # of a run that is ok
_SHOWN = 3  # doubts that are said, the others are counted
_JSON = json.JSONEncoder(default=lambda value: {"bytes": len(value)})
_CHOSEN = "WHERE run_id IN (SELECT value FROM json_each(?))"


def checksum(*values: Any) -> str:
    """The checksum of a row of texts, numbers, NULLs and bytes."""
    return _begun(values).hexdigest()[:_LENGTH]


def planned_checksum(run_id: str, cell: str, seed: int) -> str:
    """The checksum of a run that has no record yet."""
    stated = {"run_id": run_id, "cell": cell, "seed": seed, "status": Status.PLANNED, "message": ""}
    return checksum(*(stated.get(name) for name in _RUN))


def seal(connection: sqlite3.Connection, run_ids: Iterable[str]) -> None:
    """Gives runs the checksums of what is now stored of them."""
    chosen = json.dumps(list(run_ids))
    hashes = {row[0]: _begun(row) for row in _rows(connection, "runs", _RUN, chosen)}
    for run_id, *value in _values(connection, chosen):
        _add(hashes[run_id], value)
    connection.executemany(
        "UPDATE runs SET checksum = ? WHERE run_id = ?",
        [(sha256.hexdigest()[:_LENGTH], run_id) for run_id, sha256 in hashes.items()],
    )


def seal_all(connection: sqlite3.Connection) -> None:
    """Gives every row that has a checksum that of what is now stored."""
    seal(connection, [row[0] for row in connection.execute("SELECT run_id FROM runs")])
    for table, columns in _SEALED.items():
        key = _KEYS[table]
        connection.executemany(
            f"UPDATE {table} SET checksum = ? WHERE {' AND '.join(f'{name} = ?' for name in key)}",
            [
                (checksum(*row), *row[: len(key)])
                for row in connection.execute(f"SELECT {_quoted(columns)} FROM {table}").fetchall()
            ],
        )


# what a checksum covers of other tables, their keys first
_SEALED = {
    "cells": ("cell", "config", "described"),
    "planned": ("study", "phase", "run_id", "factors"),
    "kept": ("run_id", "name", "dtype", "shape", "values"),
}
_KEYS = {"cells": ("cell",), "planned": ("study", "phase", "run_id", "factors"), "kept": ("run_id", "name")}


def damage(connection: sqlite3.Connection) -> str:
    """What in a store is not what was committed, or cannot be, in one line that names runs; "" if nothing is.

    Args:
        connection: an open store of the schema that has checksums.
    """
    factory, connection.text_factory = connection.text_factory, _lenient
    try:
        doubts = list(_doubts(connection))
    finally:
        connection.text_factory = factory
    more = f"; and {len(doubts) - _SHOWN:,} more" if len(doubts) > _SHOWN else ""
    return "; ".join(doubts[:_SHOWN]) + more


def structure(connection: sqlite3.Connection) -> str:
    """What is wrong with the pages, indices and constraints of a database; "" if nothing is."""
    answer = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if answer != "ok":
        return " ".join(answer.split())
    orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    return "" if orphan is None else f"a row of {orphan[0]} that belongs to no row of {orphan[2]}"


def _doubts(connection: sqlite3.Connection) -> Iterator[str]:
    """Odd content where it can be named, else that a checksum differs."""
    yield from _doubts_of_runs(connection)
    for table, columns in _SEALED.items():
        for *row, stated in _rows(connection, table, (*columns, "checksum")):
            odd = _ODD[table](row)
            if odd or checksum(*row) != stated:
                yield f"{_NAMED[table].format(*map(_text, row))}: {odd or 'other content than its checksum says'}"


def _doubts_of_runs(connection: sqlite3.Connection) -> Iterator[str]:
    hashes, odd, stated = {}, {}, {}
    lengths: dict[str, int] = {}
    for *row, said in _rows(connection, "runs", (*_RUN, "checksum")):
        run_id = row[0]
        hashes[run_id], stated[run_id], odd[run_id] = _begun(row), said, _odd_run(row)
    for run_id, table, name, value in _values(connection):
        if run_id not in hashes:
            yield f"run {_text(run_id)}: {table} without a run"
            continue
        _add(hashes[run_id], (table, name, value))
        odd[run_id] = odd[run_id] or _odd_value(table, name, value)
        if table == "curves" and not odd[run_id]:
            expected = lengths.setdefault(run_id, len(value))
            if len(value) != expected:
                odd[run_id] = f"curves of one length expected, found {expected // 8} and {len(value) // 8} values"
    for run_id, sha256 in hashes.items():
        if odd[run_id] or sha256.hexdigest()[:_LENGTH] != stated[run_id]:
            yield f"run {_text(run_id)}: {odd[run_id] or 'other content than its checksum says'}"


def _odd_run(row: Sequence[Any]) -> str:
    values = dict(zip(_RUN, row, strict=True))
    for name in ("seed", "diverged_at_step", *COUNTS):
        value = values[name]
        if not (isinstance(value, int) and value >= 0) and not (value is None and name != "seed"):
            return f"{name}: expected an integer ≥ 0, found {_text(repr(value))}"
    for name in ("cell", "status", "message"):
        if not isinstance(values[name], str):
            return f"{name}: expected text, found {_text(repr(values[name]))}"
    if values["status"] == Status.DIVERGED and values["diverged_at_step"] is None:
        return "diverged_at_step: expected an integer ≥ 0, found None"
    for name in CURVES:
        value = values[name]
        if value is None and not (values["status"] == Status.OK and name in _ALWAYS):
            continue
        error = name.endswith("error")
        if not (isinstance(value, float) and math.isfinite(value) and not (error and value < 0)):
            return f"{name}: expected a number{' ≥ 0' * error}, found {_text(repr(value))}"
    return ""


def _odd_value(table: str, name: Any, value: Any) -> str:
    if not isinstance(name, str):
        return f"{table}: expected a name, found {_text(repr(name))}"
    if table == "metrics" and not (value is None or isinstance(value, float)):
        return f"{name}: expected a number, found {_text(repr(value))}"
    if table == "curves" and not (isinstance(value, bytes) and len(value) % 8 == 0):
        described = f"{len(value):,} bytes" if isinstance(value, bytes) else _text(repr(value))
        return f"curve {name}: expected 8 bytes for each value, found {described}"
    return ""


def _odd_json(text: Any) -> str:
    try:
        if isinstance(json.loads(text), dict):
            return ""
    except (TypeError, ValueError, RecursionError):
        pass
    return f"expected a JSON object, found {_text(repr(text))}"


def _odd_array(row: Sequence[Any]) -> str:
    _, _, dtype, shape, values = row
    try:
        np.frombuffer(values, dtype).reshape(json.loads(shape))
    except (TypeError, ValueError, RecursionError) as error:
        return f"expected an array of {_text(dtype)} {_text(shape)}, found: {error}"
    return ""


_ODD = {"cells": lambda row: _odd_json(row[1]), "planned": lambda row: _odd_json(row[3]), "kept": _odd_array}
_NAMED = {"cells": "cell {0}", "planned": "run {2}, planned by {0}", "kept": "run {0}, kept {1}"}


def _values(connection: sqlite3.Connection, chosen: str | None = None) -> Iterator[tuple[Any, str, Any, Any]]:
    """Metrics and curves: run, table, name, value; those of a run in the order of their names."""
    for table, columns in (("metrics", ("run_id", "metric", "value")), ("curves", ("run_id", "metric", "values"))):
        for run_id, name, value in _rows(connection, table, columns, chosen):
            yield run_id, table, name, value


def _rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], chosen: str | None = None
) -> Iterator[tuple[Any, ...]]:
    """All rows, or those of chosen runs, in the order of their keys.

    Args:
        connection: an open store.
        table: with a column run_id, if runs are chosen.
        columns: to read.
        chosen: a JSON list of run ids.
    """
    order = ", ".join(f'"{name}"' for name in (("run_id", "metric") if table in ("metrics", "curves") else columns[:1]))
    which, parameters = ("", ()) if chosen is None else (_CHOSEN, (chosen,))
    return connection.execute(f"SELECT {_quoted(columns)} FROM {table} {which} ORDER BY {order}", parameters)


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _begun(row: Sequence[Any]) -> "hashlib._Hash":
    sha256 = hashlib.sha256()
    _add(sha256, row)
    return sha256


def _add(sha256: "hashlib._Hash", row: Sequence[Any]) -> None:
    """Adds a row: JSON, in which bytes are their number, and then the bytes."""
    sha256.update(_JSON.encode(row).encode())
    for value in row:
        if isinstance(value, bytes):
            sha256.update(value)


def _lenient(text: bytes) -> str:
    """Text as it is, also where a flipped bit made it no UTF-8."""
    return text.decode("utf-8", "surrogateescape")


def _text(value: Any) -> str:
    """A value on one line that every terminal can show, cut short."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in str(value)[:80])
