"""Checksums: whatever changes a value that is stored is named, in one line, and an older store gets its own once."""

import random
import re
import shutil
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.errors import StoreError
from fairgrid.experiments.planning.plans import Plan, evaluation_plans
from fairgrid.experiments.runtime.environment import describe
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.merging import merge
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

# measures epochs, keeps arrays, and has runs that diverge
TEXT = (
    studies.TINY.replace("seeds = 5", "seeds = 2")
    .replace("epochs = 3", "stopping = { patience = 1 }\nkeep_seeds = [0]\nepochs = 3")
    .replace("learning_rate = 0.1", "learning_rate = 1e30")
)
# what records say, and what tables say of them; the rest is where and when they were made
COVERED = ("cells", "runs", "planned", "metrics", "curves", "kept")
UNCOVERED = {("runs", "sealed")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A study and its results, one of whose runs ended in an error and one of which is yet to be trained."""
    folder = tmp_path_factory.mktemp("sealed")
    study = studies.write(folder, TEXT)
    studies.run(folder / "results", study)
    plans = evaluation_plans(load(studies.write(folder, TEXT.replace("seeds = 2", "seeds = 3"))), {}, "portable")
    added = [plan for plan in plans if plan.run.seed == 2][:2]
    with Store(folder / "results") as store:
        store.plan("study", added, complete=False)
        fail(store, added[:1], "out of memory")
    return studies.write(folder, TEXT), folder / "results"


def fail(store: Store, plans: list[Plan], message: str) -> None:
    records = [Record(status="error", message=message) for _ in plans]
    store.commit([plan.run for plan in plans], records, describe("", False), 1.0)


@pytest.fixture
def results(made: tuple[str, Path], tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    shutil.copy(made[1] / FILE, tmp_path / "results")
    return tmp_path / "results"


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the tables that checksums cover."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in COVERED}


def columns() -> list[tuple[str, str]]:
    """Every column of the tables that checksums cover, from a new store."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder), create=True) as store:
        connection = sqlite3.connect(store.path)
        listed = {table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in COVERED}
        connection.close()
    return [(table, row[1]) for table, rows in listed.items() for row in rows if (table, row[1]) not in UNCOVERED]


def altered(value: Any) -> Any:
    """Another value of the same type; of a number, the one beside it."""
    if value is None:
        return 1
    if isinstance(value, int):
        return value ^ 64
    if isinstance(value, float):
        bits = struct.unpack("<q", struct.pack("<d", value))[0]
        return struct.unpack("<d", struct.pack("<q", bits ^ 1))[0]
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if value in STATUSES:
        return "ok" if value == "diverged" else "diverged"
    return f"{value[:-1]}{chr(ord(value[-1:] or 'a') ^ 16)}"


STATUSES = ("planned", "ok", "diverged", "timeout", "error")


def put(path: Path, table: str, column: str, row: tuple[Any, ...], value: Any) -> None:
    """Sets a column of the row that is this one."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        names = [info[1] for info in connection.execute(f"PRAGMA table_info({table})")]
        where = " AND ".join(f'"{name}" IS ?' for name in names)
        assert connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE {where}', (value, *row)).rowcount == 1


def names_of(table: str, row: tuple[Any, ...]) -> str:
    """What a line on a changed row names: its run, or its cell."""
    return str(row[2 if table == "planned" else 0])


@pytest.mark.parametrize(("table", "column"), columns())
def test_every_stored_value_that_is_changed_is_named(table: str, column: str, results: Path) -> None:
    path = results / FILE
    original, rows = path.read_bytes(), content(path)[table]
    with closing(sqlite3.connect(path)) as connection:
        number = [info[1] for info in connection.execute(f"PRAGMA table_info({table})")].index(column)
    distinct = {(type(row[number]), len(rows) > 20 and row[1]): row for row in rows}  # a row of each kind there is
    for row in distinct.values():
        value = altered(row[number])
        put(path, table, column, row, value)
        with Store(results) as store, pytest.raises(StoreError) as refused:
            store.check()
        named = {names_of(table, row), str(value)} if column == "run_id" or column == "cell" else {names_of(table, row)}
        assert any(name in str(refused.value) for name in named), (row, str(refused.value))
        assert "\n" not in str(refused.value)
        path.write_bytes(original)
    with Store(results) as store:
        store.check()


def test_every_byte_of_a_curve_and_of_an_array_counts(results: Path) -> None:
    path = results / FILE
    original, rows = path.read_bytes(), content(path)
    for table, row in (("curves", rows["curves"][1]), ("kept", min(rows["kept"], key=lambda row: len(row[4])))):
        values = row[2 if table == "curves" else 4]
        for at in range(len(values)):
            put(path, table, "values", row, values[:at] + bytes([values[at] ^ 0x80]) + values[at + 1 :])
            with Store(results) as store, pytest.raises(StoreError, match=str(row[0])):
                store.check()
            path.write_bytes(original)


def test_bit_that_flips_anywhere_in_the_file_changes_no_value_or_is_found(results: Path) -> None:
    path = results / FILE
    original, before = path.read_bytes(), content(path)
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    outcomes = []
    for _ in range(400):
        at, bit = chance.randrange(len(original)), chance.randrange(8)
        path.write_bytes(original[:at] + bytes([original[at] ^ 1 << bit]) + original[at + 1 :])
        try:
            with Store(results) as store:
                store.check()
            found = False
        except StoreError as error:
            found = "\n" not in str(error)
        try:
            same = content(path) == before
        except (sqlite3.Error, UnicodeDecodeError):
            same = False
        assert found or same, f"seed {seed}: bit {bit} of byte {at}"
        outcomes.append(found)
    assert any(outcomes)


ODD = [
    ("UPDATE runs SET seed = 'seven' WHERE run_id = '{run}'", "seed: expected an integer ≥ 0, found 'seven'"),
    ("UPDATE runs SET steps = 2.5 WHERE run_id = '{run}'", "steps: expected an integer ≥ 0, found 2.5"),
    ("UPDATE runs SET test_error = -5 WHERE run_id = '{run}'", "test_error: expected a number ≥ 0, found -5.0"),
    ("UPDATE runs SET test_loss = 'low' WHERE run_id = '{run}'", "test_loss: expected a number, found 'low'"),
    ("UPDATE runs SET test_loss = NULL WHERE run_id = '{run}'", "test_loss: expected a number, found None"),
    (
        "UPDATE runs SET status = 'diverged' WHERE run_id = '{run}'",
        "diverged_at_step: expected an integer ≥ 0, found None",
    ),
    ("UPDATE metrics SET value = 'x' WHERE run_id = '{run}'", "stop_epoch: expected a number, found 'x'"),
    (
        "UPDATE curves SET \"values\" = x'00' WHERE metric = 'epoch' AND run_id = '{run}'",
        "curve epoch: expected 8 bytes for each value, found 1 bytes",
    ),
    (
        "UPDATE curves SET \"values\" = zeroblob(8) WHERE metric = 'epoch' AND run_id = '{run}'",
        "curves of one length expected, found 1 and 3 values",
    ),
    (
        "UPDATE kept SET shape = '[77]' WHERE name = 'parameters.0' AND run_id = '{run}'",
        "expected an array of <f4 [77], found: cannot reshape array of size 8 into shape (77,)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), ODD)
def test_odd_content_is_one_line_with_the_run_whatever_its_checksum(
    statement: str, expected: str, made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(results / FILE)) as connection:
        run = connection.execute("SELECT run_id FROM kept JOIN runs USING (run_id) WHERE status = 'ok'").fetchone()[0]
    studies.forge(results, statement.format(run=run))
    capsys.readouterr()
    for verb in ("summarize", "verify", "run"):
        assert main([verb, made[0], "--results", str(results)]) == 5
        assert re.fullmatch(
            rf"fairgrid: {results / FILE}: expected records as they were committed, found run {run}"
            rf"(, kept parameters.0)?: {re.escape(expected)}(; run \w+: .*)?\n",
            capsys.readouterr().err,
        )


def test_many_damaged_records_are_counted(results: Path) -> None:
    with closing(sqlite3.connect(results / FILE)) as connection, connection:
        connection.execute("UPDATE runs SET message = 'forged'")
        count = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    with (
        Store(results) as store,
        pytest.raises(StoreError, match=rf"(run \w{{64}}: other .*; ){{3}}and {count - 3} more$"),
    ):
        store.check()


def test_empty_file_is_no_store(made: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).touch()
    for verb in ("run", "summarize", "verify"):
        assert main([verb, made[0], "--results", str(tmp_path)]) == 5
        assert capsys.readouterr().err == (
            f"fairgrid: {tmp_path / FILE}: expected a store, found an empty file;"
            " once it is removed, a new one is made\n"
        )
    assert (tmp_path / FILE).read_bytes() == b""


def downgrade(results: Path) -> None:
    """Makes a store one of schema 1, as fairgrid wrote it before there were checksums."""
    with closing(sqlite3.connect(results / FILE)) as connection, connection:
        for table, names in {
            "cells": ("described", "checksum"),
            "runs": ("checksum", "sealed"),
            "planned": ("checksum",),
            "kept": ("checksum",),
        }.items():
            for name in names:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.execute("PRAGMA user_version = 1")


def seals(results: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(results / FILE)) as connection:
        return connection.execute("SELECT run_id, checksum FROM runs ORDER BY run_id").fetchall()


def test_older_store_is_upgraded_once_and_says_when_its_checksums_were_made(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = seals(results)
    downgrade(results)
    capsys.readouterr()
    assert main(["summarize", made[0], "--results", str(results)]) == 0
    said = rf"fairgrid: {results / FILE}: upgraded to schema 2; checksums made on \d{{4}}-\d\d-\d\d, not at training\n"
    assert re.fullmatch(said, capsys.readouterr().err)
    assert seals(results) == before
    assert main(["summarize", made[0], "--results", str(results)]) == 0
    assert capsys.readouterr().err == ""
    with Store(results) as store:
        assert list(store.sealed_later(["study"]).values()) == [9]


def test_older_store_is_verified_and_merged_from_without_being_changed(
    made: tuple[str, Path], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = seals(results)
    assert main(["summarize", made[0], "--results", str(results)]) == 0
    downgrade(results)
    content = (results / FILE).read_bytes()
    capsys.readouterr()
    assert main(["verify", made[0], "--results", str(results), "--sample", "1", "--jobs", "1"]) == 0
    assert "\n  what happened to 9 records before " in capsys.readouterr().out
    merge(tmp_path / "merged", [results])
    assert (results / FILE).read_bytes() == content
    assert seals(tmp_path / "merged") == before


def test_new_records_of_an_upgraded_store_have_checksums_made_at_training(results: Path) -> None:
    downgrade(results)
    with Store(results) as store:
        store.upgrade(lambda line: None)
    plans = evaluation_plans(load(studies.write(results, TEXT.replace("seeds = 2", "seeds = 3"))), {}, "portable")
    with Store(results) as store:
        store.retry(plans)
        failed = [plan for plan in plans if store.statuses().get(plan.run.run_id) == "planned"]
        fail(store, failed, "again")
        store.check()
        assert list(store.sealed_later(["study"]).values()) == [8]


def test_merge_refuses_a_source_that_was_changed(results: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(results / FILE)) as connection, connection:
        connection.execute("UPDATE runs SET test_error = test_error / 2 WHERE status = 'ok'")
    with pytest.raises(StoreError, match=rf"^{results / FILE}: expected records as they were committed, found run "):
        merge(tmp_path / "merged", [results])
    assert not (tmp_path / "merged").exists()
