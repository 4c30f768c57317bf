"""Stores of several machines become one: nothing lost, nothing doubled, nothing chosen between."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.store.database import FILE
from tests.experiments import studies

CSVS = ("runs", "summary", "curves", "metrics")
STOPPING = "stopping = { patience = 1 }\nepochs = 3"  # measures the epoch, so that metrics.csv has rows
KEEPING = "keep_seeds = [0, 4]\n[[grid]]"


def text(seeds: str) -> str:
    return (
        studies.TINY.replace("seeds = 5", f"seeds = {seeds}")
        .replace("epochs = 3", STOPPING)
        .replace("[[grid]]", KEEPING)
    )


def machine(folder: Path, name: str, seeds: str) -> Path:
    """A results directory of its own, and the same study in each."""
    here = folder / name
    here.mkdir()
    studies.run(here / "results", studies.write(here, text(seeds)))
    return here / "results"


def dump(results: Path) -> list[str]:
    """The store's rows, in an order of their own: when a row came in does not matter."""
    with closing(sqlite3.connect(results / FILE)) as connection:
        return sorted(connection.iterdump())


def rows(results: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(results / FILE)) as connection:
        return connection.execute(query).fetchall()


def some_run(results: Path) -> str:
    """A run of seed 1."""
    return str(rows(results, "SELECT min(run_id) FROM runs WHERE seed = 1")[0][0])


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Seeds 0 to 2 of one machine, 1 to 4 of another."""
    folder = tmp_path_factory.mktemp("machines")
    return machine(folder, "one", "[0, 1, 2]"), machine(folder, "other", "[1, 2, 3, 4]")


@pytest.fixture
def machines(halves: tuple[Path, Path], tmp_path: Path) -> list[Path]:
    """Copies that a test may change."""
    copies = []
    for number, results in enumerate(halves):
        copies.append(tmp_path / f"machine{number}")
        copies[-1].mkdir()
        (copies[-1] / FILE).write_bytes((results / FILE).read_bytes())
    return copies


def merge(results: Path, *sources: Path) -> int:
    return main(["merge", *map(str, sources), "--results", str(results)])


def test_merged_store_is_that_of_one_machine_and_merging_again_changes_nothing(
    machines: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = machine(tmp_path, "whole", "5")
    capsys.readouterr()
    results = tmp_path / "results"
    sources = [dump(source) for source in machines]
    assert merge(results, *machines) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        f"{results}: 20 records taken, 8 there already, 0 planned runs still without a record\n"
        f"`fairgrid summarize --results {results}` makes the tables\n"
    )
    assert printed.err == ""
    assert [dump(source) for source in machines] == sources
    before = dump(results)
    timings = 'INSERT INTO "provenance"'
    assert [row for row in before if not row.startswith(timings)] == [
        row for row in dump(whole) if not row.startswith(timings)
    ]
    assert len(rows(results, "SELECT run_id FROM provenance")) == 20
    assert merge(results, *machines) == 0
    assert capsys.readouterr().out.startswith(f"{results}: 0 records taken, 28 there already, 0 planned runs")
    assert dump(results) == before
    study = studies.write(tmp_path, text("5"))
    assert studies.run(results, study).trained == 0
    for csv in CSVS:
        assert (results / f"{csv}.csv").read_bytes() == (whole / f"{csv}.csv").read_bytes()


def test_different_results_of_a_run_are_reported_and_the_rest_is_taken(
    machines: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = machines
    run = some_run(one)
    studies.forge(other, f"UPDATE runs SET test_error = 0.25, test_loss = 9.5 WHERE run_id = '{run}'")
    error, loss = rows(one, f"SELECT test_error, test_loss FROM runs WHERE run_id = '{run}'")[0]
    before = rows(one, f"SELECT * FROM runs WHERE run_id = '{run}'")
    for taken, known in ((8, 7), (0, 15)):
        assert merge(one, other) == 6
        printed = capsys.readouterr()
        assert printed.out == (
            f"{one}: {taken} records taken, {known} there already, 0 planned runs still without a record\n"
            f"run {run}: test_loss {loss!r} in {one}, 9.5 in {other}; test_error {error!r} in {one}, 0.25 in {other};"
            f" {one} keeps its own\n"
        )
        assert printed.err == (
            "fairgrid: 1 run with different results, none chosen; `fairgrid verify` says what this machine computes\n"
        )
    assert rows(one, f"SELECT * FROM runs WHERE run_id = '{run}'") == before
    assert rows(one, "SELECT count(*) FROM runs WHERE status = 'ok'") == [(20,)]


@pytest.mark.parametrize(
    ("change_of", "name"),
    [
        ('UPDATE curves SET "values" = zeroblob(length("values")) WHERE metric = \'test_loss\'', "curves.test_loss"),
        ("UPDATE metrics SET value = 77 WHERE metric = 'stop_epoch'", "stop_epoch"),
        ("UPDATE runs SET status = 'diverged', diverged_at_step = 3, message = 'm' WHERE seed = 1", "status"),
        ('UPDATE kept SET "values" = zeroblob(length("values")) WHERE name = \'parameters.0\'', "kept.parameters.0"),
    ],
)
def test_every_part_of_a_record_counts(
    change_of: str, name: str, halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / FILE).write_bytes((halves[0] / FILE).read_bytes())
    studies.forge(changed, change_of)
    assert merge(changed, halves[0]) == 6
    assert f": {name} " in capsys.readouterr().out


def test_sources_that_disagree_leave_the_run_without_a_record_in_either_order(
    machines: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = some_run(machines[0])
    studies.forge(machines[1], f"UPDATE runs SET train_loss = 0.5 WHERE run_id = '{run}'")
    for order in (machines, machines[::-1]):
        results = tmp_path / order[0].name / "merged"
        assert merge(results, *order) == 6
        assert f"; {results} takes neither\n" in capsys.readouterr().out
        assert rows(results, "SELECT run_id FROM runs WHERE status = 'planned'") == [(run,)]
        assert not rows(results, f"SELECT 1 FROM curves WHERE run_id = '{run}'")
        assert studies.run(results, studies.write(tmp_path, text("5"))).trained == 1


def test_result_takes_the_place_of_an_error_but_not_the_other_way_round(machines: list[Path], tmp_path: Path) -> None:
    one, other = machines
    run = some_run(one)
    failed = "status = 'error', message = 'full', test_error = NULL"
    studies.forge(other, f"UPDATE runs SET {failed} WHERE run_id = '{run}'")
    for results, source in ((one, other), (other, one)):
        expected = rows(tmp_path / "machine0", f"SELECT * FROM runs WHERE run_id = '{run}'")
        assert merge(results, source) == 0
        assert rows(results, f"SELECT * FROM runs WHERE run_id = '{run}'") == expected


def test_planned_runs_stay_planned_and_what_figures_need_is_taken(
    machines: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = machines
    kept = rows(one, "SELECT * FROM kept ORDER BY run_id, name")
    assert kept
    studies.forge(one, "DELETE FROM kept")
    studies.forge(other, "UPDATE runs SET status = 'planned' WHERE seed = 4")
    results = tmp_path / "results"
    assert merge(results, one, other) == 0
    assert capsys.readouterr().out.startswith(f"{results}: 16 records taken, 8 there already, 4 planned runs still")
    (tmp_path / "again").mkdir()
    again = machine(tmp_path / "again", "one", "[0, 1, 2]")
    assert merge(results, again) == 0
    assert rows(results, "SELECT * FROM kept WHERE run_id IN (SELECT run_id FROM runs WHERE seed = 0)"
                         " ORDER BY run_id, name") == kept  # fmt: skip


def test_sources_that_cannot_be_merged_are_one_line_and_nothing_is_written(
    machines: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = machines
    nowhere, results = tmp_path / "nowhere", tmp_path / "results"

    def refused(code: int, expected: str, *sources: Path, into: Path = results) -> None:
        before = dump(into) if into.exists() else None
        assert merge(into, *sources) == code
        printed = capsys.readouterr()
        assert printed.err == f"fairgrid: {expected}\n"
        assert printed.out == ""
        assert (dump(into) if into.exists() else None) == before

    refused(2, f"{nowhere}: expected a results directory with a store (runs.sqlite), found none", one, nowhere)
    refused(2, f"{one}: expected stores that differ, found this one twice", one, into=one)
    refused(2, f"{tmp_path / 'x' / '..' / 'machine0'}: expected stores that differ, found this one twice",
            one, tmp_path / "x" / ".." / "machine0")  # fmt: skip
    studies.forge(other, "UPDATE cells SET config = '{}' WHERE cell = (SELECT min(cell) FROM cells)")
    cell, config = rows(one, "SELECT cell, config FROM cells ORDER BY cell")[0]
    refused(
        5,
        f"{other / FILE}: expected cell {cell} to have the configuration that it has in {one / FILE},"
        f" {config}, found {{}}",
        other,
        into=one,
    )
    content = bytearray((other / FILE).read_bytes())
    content[4096 * 8 :] = b"\xa5" * len(content[4096 * 8 :])
    (other / FILE).write_bytes(bytes(content))
    assert merge(one, other) == 5
    assert capsys.readouterr().err.startswith(f"fairgrid: {other / FILE}: expected a usable store, found: ")


def test_study_of_files_that_differ_makes_no_table_until_one_of_them_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same factors and seeds stand for records of other settings."""
    for name, epochs in (("one", 2), ("other", 3)):
        folder = tmp_path / name
        folder.mkdir()
        studies.run(folder / "results", studies.write(folder, studies.TINY.replace("epochs = 3", f"epochs = {epochs}")))
    results = tmp_path / "merged"
    study = str(tmp_path / "one" / "study.toml")
    capsys.readouterr()
    assert merge(results, tmp_path / "one" / "results", tmp_path / "other" / "results") == 0
    printed, said = capsys.readouterr()
    assert "makes the tables" not in printed
    assert said.startswith("fairgrid: study was run with files that differ, so that a seed has two records; ")
    for verb in ("summarize", "report"):
        assert main([verb, study, "--results", str(results)]) == 2
        assert capsys.readouterr().err.startswith(f"fairgrid: {results}: expected study 'study' to be of one file, ")
    assert not list(results.glob("*.csv"))
    assert studies.run(results, study).trained == 0
    for name in ("runs", "summary"):
        assert studies.table(results, name).equals(studies.table(tmp_path / "one" / "results", name))
