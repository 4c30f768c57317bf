"""What is made from a store is up to date by what it holds, never by its time; what was damaged is made again, said."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fairgrid import load, read
from fairgrid.experiments.cli import main
from fairgrid.experiments.store.content_manifest import FILE as MANIFEST
from fairgrid.experiments.store.database import FILE
from tests.experiments import studies

TUNED = studies.TUNED.replace("epochs = 2", "keep_seeds = [0]\nepochs = 2")
LOCAL = ("environments.csv", "timings.csv")  # not committed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two studies and their results, tables and figures."""
    folder = tmp_path_factory.mktemp("made")
    first = studies.write(folder, TUNED, "first.toml")
    second = studies.write(folder, studies.TINY, "second.toml")
    assert main(["run", first, second, "--results", str(folder / "results"), "--backend", "sequential", "--quiet"]) == 0
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def summarize(folder: Path, *names: str) -> int:
    files = [str(folder / f"{name}.toml") for name in names or ("first", "second")]
    return main(["summarize", *files, "--results", str(folder / "results"), "--quiet"])


def state(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in (folder / "results").rglob("*")
        if path.is_file() and path.name not in (".lock", ".made.json")
    }


def excel(path: Path) -> None:
    """As Excel saves it where a comma is a decimal point."""
    path.write_text("\ufeff" + path.read_text().replace(",", ";").replace("\n", "\r\n"), newline="")


def digit(path: Path) -> None:
    content = path.read_bytes()
    at = max(content.rfind(number) for number in b"0123456789")
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "Excel": excel,
    "a digit": digit,
    "a row less": lambda path: path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1])),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "bytes": lambda path: path.write_bytes(b"\xff\x00" * 100),
    "empty": lambda path: path.write_bytes(b""),
    "a FIFO": fifo,
}


@pytest.mark.takes_seconds
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_table_beside_a_sound_store_is_made_again_and_said(
    damage: str, made: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = sorted(path.name for path in (made / "results").glob("*.csv"))
    assert len(tables) > 10
    for name in tables if damage == "Excel" else ("runs.csv", "timings.csv", "tuning.csv"):
        path = copy / "results" / name
        DAMAGE[damage](path)
        os.utime(path, (2**31, 2**31))  # newer than the store
        capsys.readouterr()
        assert summarize(copy) == 0
        said = f"fairgrid: {path}: was changed since it was made; made again from the store\n"
        assert capsys.readouterr().err == said
        assert state(copy) == state(made)
    assert summarize(copy) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.takes_seconds
def test_damaged_figure_is_drawn_again_and_said(made: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = copy / "results" / "figures"
    names = sorted(path.name for path in figures.iterdir())
    for name in names:
        (figures / name).write_bytes(b"scribbled over")
    (figures / names[0]).unlink()
    capsys.readouterr()
    assert summarize(copy) == 0
    said = [f"fairgrid: {figures / name}: was changed since it was drawn; drawn again" for name in names[1:]]
    assert sorted(capsys.readouterr().err.splitlines()) == said
    assert state(copy) == state(made)


def test_what_is_up_to_date_is_left_alone_whatever_the_times_of_files(copy: Path) -> None:
    files = [path for path in (copy / "results").rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    for time in (0, 2**31):
        for path in files:
            os.utime(path, (time, time))
        times = {path: path.stat().st_mtime_ns for path in files}
        assert summarize(copy) == 0
        assert {path: path.stat().st_mtime_ns for path in files} == times
    assert {path: path.read_bytes() for path in files} == before


@pytest.mark.takes_seconds
def test_tables_that_look_newer_than_the_store_are_not_believed(copy: Path) -> None:
    old = {path.name: path.read_bytes() for path in (copy / "results").glob("*.csv")}
    studies.write(copy, studies.TINY.replace("seeds = 5", "seeds = 6"), "second.toml")
    studies.run(copy / "results", str(copy / "second.toml"))
    for name, content in old.items():
        (copy / "results" / name).write_bytes(content)
        os.utime(copy / "results" / name, (2**31, 2**31))
    assert summarize(copy) == 0
    assert len(studies.table(copy / "results", "runs")) == len(old["runs.csv"].splitlines()) - 1 + 4


def test_formats_that_were_not_drawn_are_drawn_and_others_left(copy: Path) -> None:
    figures = copy / "results" / "figures"
    before = {path: path.stat().st_mtime_ns for path in figures.iterdir()}
    arguments = ["summarize", str(copy / "second.toml"), "--results", str(copy / "results"), "--quiet"]
    assert main([*arguments, "--figures", "png,svg"]) == 0
    drawn = {path for path in figures.iterdir() if path.suffix == ".svg"}
    assert {path.stem for path in drawn} == {path.stem for path in before if path.stem.startswith("second")}
    times = {path: path.stat().st_mtime_ns for path in figures.iterdir()}
    assert main([*arguments, "--figures", "svg"]) == 0
    assert main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in figures.iterdir()} == times


def clone(folder: Path) -> None:
    """Leaves what is committed."""
    for name in (FILE, ".made.json", ".lock", *LOCAL):
        (folder / "results" / name).unlink(missing_ok=True)


def test_grid_in_a_fresh_clone_that_runs_some_of_the_studies_changes_no_byte(
    made: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(copy)
    committed = state(copy)
    assert MANIFEST in {Path(name).name for name in committed}
    capsys.readouterr()
    study = str(copy / "second.toml")
    assert main(["run", study, "--results", str(copy / "results"), "--backend", "sequential", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    again = state(copy)
    assert {name: again[name] for name in committed} == committed


@pytest.mark.takes_seconds
def test_rows_that_the_store_lacks_are_kept_and_said_to_be_changed_if_they_were(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(copy)
    study, results = str(copy / "second.toml"), copy / "results"
    runs = results / "runs.csv"
    text = runs.read_text()
    rows = [line for line in text.splitlines(keepends=True) if line.startswith("first,")]
    edited = rows[0].replace(",ok,", ",diverged,")
    assert edited != rows[0]
    runs.write_text(text.replace(rows[0], edited))
    assert main(["run", study, "--results", str(results), "--backend", "sequential", "--quiet"]) == 0
    expected = (
        f"fairgrid: {runs}: was changed since it was made; made again from the store\n"
        f"fairgrid: {runs}: rows of 'first' were changed since they were made, and cannot be made again here;"
        " restore them\n"
    )
    assert capsys.readouterr().err == expected
    assert edited in runs.read_text()
    for _ in range(2):  # it does not go away by being written again
        assert summarize(copy, "second") == 0
        assert "rows of 'first' were changed since they were made" in capsys.readouterr().err
    assert main(["verify", study, str(copy / "first.toml"), "--results", str(results), "--sample", "1"]) == 6
    assert "\n  runs.csv: rows of first: expected SHA-256 " in capsys.readouterr().out


def test_table_that_cannot_be_read_is_not_written_over_where_rows_would_be_lost(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(copy)
    study, results = str(copy / "second.toml"), copy / "results"
    for name in ("runs.csv", "metrics.csv", "tuning.csv"):
        content = (results / name).read_bytes()
        excel(results / name)
        damaged = (results / name).read_bytes()
        assert main(["run", study, "--results", str(results), "--backend", "sequential", "--quiet"]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"fairgrid: {results / name}: expected the column ")
        assert said.endswith("; it has rows of first, which are not made again here: restore it")
        assert (results / name).read_bytes() == damaged
        (results / name).write_bytes(content)


@pytest.mark.takes_seconds
def test_manifest_says_nothing_that_jobs_or_resuming_change(made: Path, tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.TINY, "second.toml")
    (tmp_path / "few").mkdir()
    few = studies.write(tmp_path / "few", studies.TINY.replace("seeds = 5", "seeds = 2"), "second.toml")
    for number, path in enumerate((few, study)):
        options = ["--jobs", str(number + 1), "--results", str(tmp_path / "results"), "--quiet"]
        assert main(["run", path, *options]) == 0
    alone = json.loads((tmp_path / "results" / MANIFEST).read_text())
    beside = json.loads((made / "results" / MANIFEST).read_text())
    assert alone["studies"]["second"] == beside["studies"]["second"]
    assert set(alone["files"]) <= set(beside["files"])
    assert not set(LOCAL) & set(beside["files"])


def test_fresh_begins_a_manifest(copy: Path) -> None:
    results = copy / "results"
    arguments = ["run", str(copy / "second.toml"), "--results", str(results), "--backend", "sequential", "--quiet"]
    assert main([*arguments, "--fresh"]) == 0
    assert set(json.loads((results / MANIFEST).read_text())["studies"]) == {"second"}
    assert len(list((results / "old").glob(f"*/{MANIFEST}"))) == 1


@pytest.mark.takes_seconds
@pytest.mark.parametrize("damage", ["Excel", "a FIFO", "bytes"])
def test_damaged_table_without_a_store_is_one_line_or_a_difference(
    damage: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(copy)
    study, results = str(copy / "second.toml"), copy / "results"
    for name in ("runs.csv", "curves.csv", "comparisons.csv", "effects.csv", "best_epochs.csv"):
        content = (results / name).read_bytes()
        DAMAGE[damage](results / name)
        capsys.readouterr()
        for verb in ("summarize", "verify"):
            assert main([verb, study, "--results", str(results)]) == 2
            said = capsys.readouterr().err
            assert said.startswith(f"fairgrid: {results / name}: expected ")
            assert said.count("\n") == 1
        (results / name).unlink()
        (results / name).write_bytes(content)


def test_directory_in_place_of_a_table_is_one_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / "results" / "comparisons.csv"
    path.unlink()
    path.mkdir()
    assert summarize(copy) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: expected a file, found a directory\n"


OWN = "from helper import SCALE\nfrom fairgrid.framework import SGD\n\n\nclass Mine(SGD):\n    scale = SCALE\n"
# each makes records stand for something that they are not of
EDITS: dict[str, tuple[str, Callable[[str], str]]] = {
    "nothing": ("mine.py", lambda text: text),
    "the class": ("mine.py", lambda text: text + "    other = 1\n"),
    "a helper": ("helper.py", lambda text: text.replace("1", "2")),
    "a declared file": ("notes.txt", lambda text: text + "more"),
    "the data": ("data.csv", lambda text: text.replace("0.5", "0.25")),
    "a setting": ("own.toml", lambda text: text.replace("learning_rate = 0.3", "learning_rate = 0.2")),
    "a cell more": ("own.toml", lambda text: text.replace('["relu"', '["sigmoid", "relu"')),
    "a cell fewer": ("own.toml", lambda text: text.replace('["relu", "tanh"]', '["relu"]')),
    "fewer seeds": ("own.toml", lambda text: text.replace("seeds = 5", "seeds = 4")),
    "a title": ("own.toml", lambda text: text.replace("Tiny", "Another")),
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of one's own class and data, and its results."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(OWN)
    (folder / "helper.py").write_text("SCALE = 1\n")
    (folder / "notes.txt").write_text("notes")
    rows = [f"{x},{x * x % 7},{'ab'[x % 2]}" for x in range(60)]
    (folder / "data.csv").write_text("\n".join(["x,y,label", "0.5,0.5,a", *rows]) + "\n")
    data = '{ name = "table", path = "data.csv", target = "label", test = 20 }'
    text = studies.TINY.replace('{ name = "disk", train = 40, test = 30, validation = 20 }', data)
    text = text.replace("epochs = 3", 'epochs = 3\nsources = ["notes.txt"]').replace('"adam"', '"mine:Mine"')
    studies.write(folder, text.replace("learning_rate = 0.1 ", "learning_rate = 0.3 "), "own.toml")
    command = ["run", "own.toml", "--results", "results", "--backend", "sequential", "--quiet"]
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(command) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.mark.parametrize("shipped", [False, True])
@pytest.mark.parametrize("what", EDITS)
def test_tables_of_other_than_what_a_study_states_now_are_said_to_be(
    what: str,
    shipped: bool,
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(shutil.copytree(own, tmp_path / "copy"))
    monkeypatch.chdir(folder)
    if shipped:
        (folder / "results" / FILE).unlink()
    name, edit = EDITS[what]
    (folder / name).write_text(edit((folder / name).read_text()))
    current = what in ("nothing", "fewer seeds", "a title")
    assert main(["summarize", "own.toml", "--results", "results", "--quiet", "--strict"]) == (0 if current else 3)
    said = capsys.readouterr().err
    pattern = r"own: \d of 4 cells in these tables are not what the study, its classes and its data are now, and \d "
    assert bool(re.search(pattern, said)) != current
    assert main(["report", "own.toml", "--results", "results"]) == 0
    assert bool(re.search(pattern, capsys.readouterr().err)) != current
    if current:
        read("results", load("own.toml"))
        return
    with pytest.warns(UserWarning, match=pattern):
        read("results", load("own.toml"))


def test_changed_table_without_a_store_is_said_until_it_is_restored(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = copy / "results"
    (results / FILE).unlink()
    tables = {path: path.read_text() for path in sorted(results.glob("*.csv")) if path.name not in LOCAL}
    for path, text in tables.items():
        path.write_text(text + "\n")  # which means the same
        assert summarize(copy) == 0
        assert capsys.readouterr().err == (
            f"fairgrid: {path}: was changed since it was made, as manifest.json says; restore it\n"
        )
        path.write_text(text)
        assert summarize(copy) == 0
        assert capsys.readouterr().err == ""
    (results / "comparisons.csv").unlink()
    assert summarize(copy) == 0
    assert capsys.readouterr().err.startswith(f"fairgrid: {results / 'comparisons.csv'}: is missing, as manifest.json")


@pytest.mark.parametrize("name", ["manifest.json", ".made.json"])
@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", "\0", '{"files": 1}'])
def test_damaged_json_is_no_traceback(name: str, text: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "results" / name).write_text(text)
    assert summarize(copy) in (0, 2)
    assert len(capsys.readouterr().err.splitlines()) <= 2
