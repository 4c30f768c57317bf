"""What a user gets wrong is one line that names file, key, what was expected and what was found; nothing is written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairgrid.experiments.cli import VERBS, main
from fairgrid.experiments.config.run import DEFAULTS
from tests.experiments import studies
from tests.experiments.malformed import MALFORMED
from tests.experiments.studies import TINY, write

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "numpy", "pandas", "scipy", "sklearn", "matplotlib", "seaborn", "joblib", "jinja2")


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_study_is_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, expected = MALFORMED[case]
    study = write(tmp_path, text)
    results = tmp_path / "results"
    assert main(["run", study, "--results", str(results), "--backend", "sequential"]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"fairgrid: {study}: {expected}\n"
    assert printed.out == ""
    assert not results.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["run", "optimisers"],
            "expected a shipped study or a path ending in .toml, found 'optimisers'; nearest: 'optimizers'",
        ),
        (["run", "nowhere.toml"], "nowhere.toml: expected a study file, found none"),
        (["run", "optimizers", "--set", "epochs"], "--set: expected KEY=VALUE, found 'epochs'"),
        (
            ["run", "optimizers", "--set", "epochs=0"],
            "{studies}/optimizers.toml: --set epochs: expected a value ≥ 1, found 0",
        ),
        (
            ["run", "optimizers", "--set", "epoch=1"],
            "{studies}/optimizers.toml: --set epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
        ),
        (
            ["run", "optimizers", "--set", "batch_size=5"],
            "{studies}/optimizers.toml: --set batch_size: expected a key that no [[grid]] sets, found one of grid[0]",
        ),
        (
            ["run", "optimizers", "--set", "keep_seeds=3"],
            "{studies}/optimizers.toml: --set keep_seeds: expected a list of seeds, found 3",
        ),
        (
            ["run", "optimizers", "--set", "epochs=1979-05-27"],
            "{studies}/optimizers.toml: --set epochs: expected a string, number, boolean, list or table,"
            " found the date or time 1979-05-27",
        ),
        (
            ["run", "optimizers", "--set", "a.b=3"],
            "{studies}/optimizers.toml: --set a.b: expected a key of a run, found 'a'; known: {keys}",
        ),
        (["run", "optimizers", "--set", "=3"], "--set: expected KEY=VALUE, found '=3'"),
        (
            ["run", "optimizers", "--seeds", "1000000000"],
            "{studies}/optimizers.toml: --seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000),"
            " found 1000000000",
        ),
        (["run", "optimizers", "optimizers"], "expected studies with different names, found 'optimizers' twice"),
        (["summarize"], "results/runs.csv: expected results of a grid, found no such file; `fairgrid run` makes it"),
        (["report"], "results/runs.csv: expected results of a grid, found no such file; `fairgrid run` makes it"),
        (["verify"], "results/runs.csv: expected results of a grid, found no such file; `fairgrid run` makes it"),
    ],
)
def test_wrong_argument_is_one_line(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    expected = expected.replace("{studies}", str(ROOT / "experiments" / "studies"))
    expected = expected.replace("{keys}", ", ".join(sorted(DEFAULTS)))
    assert capsys.readouterr().err == f"fairgrid: {expected}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--seeds", "0"], "argument --seeds: expected an integer ≥ 1, found '0'"),
        (["run", "--jobs", "two"], "argument --jobs: expected an integer ≥ 1, found 'two'"),
        (
            ["run", "--numerics", "exact"],
            "argument --numerics: invalid choice: 'exact' (choose from 'portable', 'native')",
        ),
        (["run", "--device", "gpu"], "argument --device: invalid choice: 'gpu' (choose from 'cpu', 'cuda')"),
        (["rum"], f"argument VERB: invalid choice: 'rum' (choose from {', '.join(map(repr, VERBS))})"),
        (["run", "--seed", "3", "--job", "1", "--fast"], "unrecognized arguments: --fast"),
        ([], "the following arguments are required: VERB"),
        (["run", "--jobs", "-1"], "argument --jobs: expected an integer ≥ 1, found '-1'"),
        (
            ["summarize", "--figures", "gif"],
            "argument --figures: expected formats of figures, found 'gif'; known: pdf, png, svg",
        ),
        (
            ["summarize", "--format", "html"],
            "argument --format: invalid choice: 'html' (choose from 'text', 'markdown', 'latex', 'csv')",
        ),
        (["merge"], "the following arguments are required: SOURCE"),
        (["verify", "--seed", "x"], "argument --seed: expected an integer ≥ 0, found 'x'"),
    ],
)
def test_wrong_flag_is_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"fairgrid: {expected}; --help lists the options\n"


def changed(old: str, new: str) -> Callable[[Path], None]:
    """Replaces the first of a text in a file."""

    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


MISSING = "expected results of a grid, found no such file; `fairgrid run` makes it"
FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no runs": ("runs.csv", Path.unlink, MISSING),
    "no summary": ("summary.csv", Path.unlink, MISSING),
    "no metrics": ("metrics.csv", Path.unlink, MISSING),
    "empty file": ("curves.csv", lambda path: path.write_text(""), "expected the column 'study', found none"),
    "binary file": ("runs.csv", lambda path: path.write_bytes(b"a\xff"), "expected UTF-8 text, found byte 0xff"),
    "folder": ("runs.csv", folder, "expected a readable file, found Is a directory"),
    "FIFO": ("metrics.csv", fifo, "expected a table, found what is no regular file"),
    "column of another name": (
        "runs.csv",
        changed("status", "state"),
        "expected the column 'status', found none; nearest: 'state'",
    ),
    "text in the place of an integer": (
        "runs.csv",
        changed(",10,", ",ten,"),
        "line 2: batch_size: expected an integer, found 'ten'",
    ),
    "fraction in the place of an integer": (
        "runs.csv",
        changed(",10,", ",2.5,"),
        "line 2: batch_size: expected an integer, found '2.5'",
    ),
    "text in the place of a number": (
        "summary.csv",
        changed(",5,5,", ",5,five,"),
        "line 2: n_ok: expected an integer, found 'five'",
    ),
    "unknown status": (
        "runs.csv",
        changed(",ok,", ",okay,"),
        "line 2: status: expected one of ok, diverged, timeout, error, planned, found 'okay'",
    ),
    "row that is too short": (
        "metrics.csv",
        lambda path: path.write_text(path.read_text() + "0\n"),
        "line 2: expected 3 values, found 1",
    ),
    "row that is too long": (
        "curves.csv",
        lambda path: path.write_text(path.read_text() + "," * 20 + "\n"),
        "expected a table, found: Expected 13 fields in line 74, saw 21",
    ),
    "provenance of no run": (
        "environments.csv",
        changed("run_id", "run"),
        "expected the column 'run_id', found none; nearest: 'run'",
    ),
}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study and the tables of its results."""
    made = tmp_path_factory.mktemp("shipped")
    studies.run(made / "results", write(made, TINY))
    (made / "results" / "runs.sqlite").unlink()
    return made


@pytest.mark.parametrize("case", FILES)
def test_malformed_table_is_one_line(
    case: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, change, expected = FILES[case]
    results = Path(shutil.copytree(shipped / "results", tmp_path / "results"))
    change(results / name)
    assert main(["report", str(shipped / "study.toml"), "--results", str(results)]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"fairgrid: {results / name}: {expected}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "expected a Markdown page, found none"),
        (Path.mkdir, "expected a readable Markdown page, found Is a directory"),
        (lambda path: path.write_bytes(b"\xff"), "expected UTF-8 text, found byte 0xff"),
    ],
)
def test_page_that_cannot_be_filled_is_one_line(
    make: Callable[[Path], object], expected: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    make(page)
    study = str(shipped / "study.toml")
    assert main(["summarize", study, "--results", str(shipped / "results"), "--into", str(page)]) == 2
    assert capsys.readouterr().err == f"fairgrid: {page}: {expected}\n"


def test_results_that_are_not_there_are_named(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, study = str(shipped / "results"), str(shipped / "study.toml")
    for arguments, expected in (
        (["optimizers"], f"{results}: expected results of 'optimizers', found study"),
        ([study, study], "expected studies with different names, found 'study' twice"),
        (
            [],
            f"{results}: expected the files of studies that are not shipped to be named, found results of 'study';"
            " name it: study.toml",
        ),
    ):
        assert main(["summarize", *arguments, "--results", results]) == 2
        assert capsys.readouterr().err == f"fairgrid: {expected}\n"


def test_binary_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"title = \xff")
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: expected UTF-8 text, found byte 0xff\n"


def test_folder_in_place_of_a_study_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "folder.toml"
    path.mkdir()
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: expected a readable file, found Is a directory\n"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("verb", ["run", "check", "summarize", "report"])
def test_what_is_no_regular_file_is_not_waited_for(
    make: Callable[[Path], None], verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    make(path)
    assert main([verb, str(path)]) == 2
    printed = capsys.readouterr()
    line = f"{path}: expected a study file, found what is no regular file\n"
    assert f"fairgrid: {line}" == printed.err or printed.out.startswith(line)


@pytest.mark.parametrize(
    "value", ["[" * 5000, "9" * 5000, "{a=" * 5000, "[" * 40 + "]" * 40, "0x" + "f" * 99, "\ud800"]
)
def test_override_of_any_text_is_one_line(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = write(tmp_path, TINY)
    for key in ("epochs", "targets", "model.hidden", "loss", "keep_seeds", "sources"):
        assert main(["run", study, "--set", f"{key}={value}"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"fairgrid: {study}: --set {key}")
        assert said.count("\n") == 1
        assert len(said.encode()) < 4100


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "none.toml"), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_wrong_study_is_refused_before_anything_that_takes_time_is_imported(tmp_path: Path) -> None:
    study = write(tmp_path, MALFORMED["misspelt optimizer"][0])
    code = (
        f"import sys\nfrom fairgrid.experiments.cli import main\nprint(main(['run', {study!r}]))\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n[]\n"
