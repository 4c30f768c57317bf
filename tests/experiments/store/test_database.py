"""The store: rows before records, all of a chunk or nothing, and nothing that is not its own is touched."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import StoreError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.planning.plans import evaluation_plans
from fairgrid.experiments.runtime.environment import Environment
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

CSVS = ("runs", "summary", "curves", "metrics", "environments", "timings")


def statuses(results: Path) -> list[str]:
    with closing(sqlite3.connect(results / FILE)) as connection:
        return [row[0] for row in connection.execute("SELECT status FROM runs")]


def dump(results: Path) -> list[str]:
    with closing(sqlite3.connect(results / FILE)) as connection:
        return list(connection.iterdump())


def test_every_run_is_a_row_before_its_phase_trains(tmp_path: Path) -> None:
    seen: dict[str, list[str]] = {}

    def note(line: str) -> None:
        seen[line.partition(":")[0]] = statuses(tmp_path / "results")

    study = studies.write(tmp_path, studies.TUNED)
    Driver(tmp_path / "results", Pool(), say=note).run([load(study)])
    assert seen["tuning"] == ["planned"] * 12
    assert sorted(seen["evaluation"]) == ["diverged"] * 3 + ["ok"] * 9 + ["planned"] * 12
    assert "planned" not in statuses(tmp_path / "results")


def test_chunk_is_kept_wholly_or_not_at_all(tmp_path: Path) -> None:
    plans = evaluation_plans(load(studies.write(tmp_path, studies.TINY)), {}, "portable")[:3]
    runs = [plan.run for plan in plans]
    records = train([run.config for run in runs], [run.seed for run in runs])
    environment = Environment("", False, "", "", 1)
    broken = [*records[:2], Record(status="unheard of")]
    with Store(tmp_path, create=True) as store:
        store.plan("tiny", plans, complete=True)
        before = dump(tmp_path)
        with pytest.raises(StoreError, match=r"expected a usable store, found: CHECK constraint failed"):
            store.commit(runs, broken, environment, 1.0)
        with pytest.raises(ValueError, match="shorter"):
            store.commit(runs, records[:2], environment, 1.0)
        assert dump(tmp_path) == before
        assert store.waiting(runs) == runs
        store.commit(runs, records, environment, 1.0)
        assert store.waiting(runs) == []
    assert statuses(tmp_path) == ["ok"] * 3


def text_file(path: Path) -> None:
    path.write_text("study,phase\n" * 100)


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
        connection.commit()


def newer_schema(path: Path) -> None:
    with Store(path.parent, create=True):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    with Store(path.parent, create=True):
        pass
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))


def cut_short(path: Path) -> None:
    studies.run(path.parent / "whole", studies.write(path.parent, studies.TINY, "whole.toml"))
    content = (path.parent / "whole" / FILE).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    shutil.rmtree(path.parent / "whole")
    (path.parent / "whole.toml").unlink()


UNUSABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a text file": (text_file, "expected a usable store, found: file is not a database"),
    "another program's database": (other_program, "expected a store of fairgrid, found another program's database"),
    "a newer schema": (newer_schema, "expected a store of schema 2 or older, found 99"),
    "a damaged file": (damaged, "expected a usable store, found: database disk image is malformed"),
    "a file that was cut short": (cut_short, "expected a usable store, found: database disk image is malformed"),
    "a directory": (Path.mkdir, "expected a usable store, found: unable to open database file"),
}


@pytest.mark.parametrize("verb", ["run", "run --dry-run", "summarize", "verify"])
@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_store_is_one_line_and_left_alone(
    case: str, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, expected = UNUSABLE[case]
    study = studies.write(tmp_path, studies.TINY)
    results = tmp_path / "results"
    results.mkdir()
    path = results / FILE
    make(path)
    capsys.readouterr()
    content = path.read_bytes() if path.is_file() else None
    assert main([*verb.split(), study, "--results", str(results)]) == 5
    printed = capsys.readouterr()
    assert printed.err == f"fairgrid: {path}: {expected}\n"
    assert printed.out == ""
    assert (path.read_bytes() if path.is_file() else None) == content
    assert {found.name for found in results.iterdir()} <= {FILE, ".lock"}


def test_file_in_place_of_the_directory_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results"
    results.write_text("precious")
    assert main(["run", studies.write(tmp_path, studies.TINY), "--results", str(results)]) == 5
    expected = f"fairgrid: {results}: expected a directory to write to, found: File exists\n"
    assert capsys.readouterr().err == expected
    assert results.read_text() == "precious"


def test_read_only_directory_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results"
    results.mkdir(mode=0o555)
    if os.access(results, os.W_OK):
        pytest.skip("this user may write to a read-only directory")
    assert main(["run", studies.write(tmp_path, studies.TINY), "--results", str(results)]) == 5
    expected = f"fairgrid: {results}: expected a directory to write to, found: Permission denied\n"
    assert capsys.readouterr().err == expected


def test_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        Store(tmp_path / "nowhere")
    assert str(refused.value) == f"{tmp_path / 'nowhere' / FILE}: expected a store, found none"
    assert not (tmp_path / "nowhere").exists()


def test_fewer_seeds_take_nothing_away(tmp_path: Path) -> None:
    for name, text in (("plain", studies.TINY), ("tuned", studies.TUNED)):
        more = studies.write(tmp_path, text, f"{name}.toml")
        results = tmp_path / name
        assert studies.run(results, more).trained > 0
        before = {csv: (results / f"{csv}.csv").read_bytes() for csv in CSVS}
        fewer = (
            text.replace("seeds = 5", "seeds = 2").replace("seeds = 4", "seeds = 2").replace("seeds = 3", "seeds = 1")
        )
        assert fewer != text
        studies.write(tmp_path, fewer, f"{name}.toml")
        assert studies.run(results, more).trained == 0
        assert {csv: (results / f"{csv}.csv").read_bytes() for csv in CSVS} == before


def test_more_seeds_train_only_the_new_ones(tmp_path: Path) -> None:
    few = studies.write(tmp_path, studies.TINY.replace("seeds = 5", "seeds = 2"))
    assert studies.run(tmp_path / "results", few).trained == 8
    studies.write(tmp_path, studies.TINY)
    assert studies.run(tmp_path / "results", few).trained == 12
    at_once = studies.write(tmp_path, studies.TINY)
    studies.run(tmp_path / "at once", at_once)
    assert studies.table(tmp_path / "results", "runs").equals(studies.table(tmp_path / "at once", "runs"))


def test_removed_cell_leaves_the_tables_and_its_record_stays(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.TINY)
    results = tmp_path / "results"
    studies.run(results, study)
    all_rows = studies.table(results, "runs")
    studies.write(tmp_path, studies.TINY.replace('["relu", "tanh"]', '["tanh"]'))
    assert studies.run(results, study).trained == 0
    rows = studies.table(results, "runs")
    assert set(rows["activation"]) == {"tanh"}
    assert set(rows["run_id"]) == set(all_rows.loc[all_rows["activation"] == "tanh", "run_id"])
    assert statuses(results) == ["ok"] * 20
    studies.write(tmp_path, studies.TINY)
    assert studies.run(results, study).trained == 0
    assert studies.table(results, "runs").equals(all_rows)


def test_studies_that_share_a_run_compute_it_once(tmp_path: Path) -> None:
    first = studies.write(tmp_path, studies.TINY, "first.toml")
    second = studies.write(tmp_path, studies.TINY.replace('"tanh"]', '"sigmoid"]'), "second.toml")
    results = tmp_path / "results"
    assert studies.run(results, first, second).trained == 30
    rows = studies.table(results, "runs")
    shared = rows[rows.duplicated("run_id", keep=False)]
    assert len(rows) == 40
    assert len(shared) == 20
    assert set(shared["activation"]) == {"relu"}
    assert (shared.groupby("run_id")[["test_error", "seed", "cell"]].nunique() == 1).all(axis=None)
    for csv in ("environments", "timings"):
        assert studies.table(results, csv)["run_id"].tolist() == sorted(set(rows["run_id"]))


STOPPING = "stopping = { patience = 1 }\nepochs = 3"  # measures the epoch, so that metrics.csv has rows


def test_studies_absent_from_the_store_keep_their_rows_in_every_table(tmp_path: Path) -> None:
    shipped = tmp_path / "results"
    text = studies.TINY.replace("epochs = 3", STOPPING)
    first = studies.write(tmp_path, text, "first.toml")
    second = studies.write(tmp_path, text.replace('"tanh"]', '"sigmoid"]'), "second.toml")
    studies.run(shipped, first, second)
    before = {csv: (shipped / f"{csv}.csv").read_bytes() for csv in CSVS}
    (shipped / FILE).unlink()  # a fresh clone has the tables alone
    studies.run(shipped, second)
    for csv in CSVS[:-1]:  # timings differ
        assert (shipped / f"{csv}.csv").read_bytes() == before[csv], csv
    assert before["metrics"].count(b"\n") > 30
    old, new = before["timings"].splitlines(), (shipped / "timings.csv").read_bytes().splitlines()
    rows = studies.table(shipped, "runs")
    trained = set(rows.loc[rows["study"] == "second", "run_id"])
    assert [line.split(b",")[0] for line in new] == [line.split(b",")[0] for line in old]
    kept = [line for line in old if line.split(b",")[0].decode() not in trained]
    assert len(kept) == 11
    assert set(kept) <= set(new)


def test_run_that_is_in_no_store_leaves_the_other_studies_rows(tmp_path: Path) -> None:
    results = tmp_path / "results"
    first, second = (studies.write(tmp_path, studies.TINY, f"{name}.toml") for name in ("first", "second"))
    studies.run(results, first)
    before = studies.table(results, "runs")
    studies.run(results, second)
    after = studies.table(results, "runs")
    assert after[after["study"] == "first"].equals(before)
    assert after["study"].tolist() == ["first"] * 20 + ["second"] * 20
