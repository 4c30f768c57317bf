"""The command line: its help, fairgrid new and list, and what is said in a log."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fairgrid.experiments.cli import VERBS, main, parser
from fairgrid.experiments.commands.listing import PARTS
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import default_keys
from fairgrid.experiments.runtime.environment import commit, release
from fairgrid.experiments.study.loading import load, shipped
from tests.experiments.studies import TINY, write

ROOT = Path(__file__).parents[2]
FLOWERS = "width,note,length,kind\n" + "".join(
    f"{seed % 7},n{seed},{seed % 5}.5,{'red' if seed % 2 else 'blue'}\n" for seed in range(40)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in VERBS)], ids=str)
def test_help_has_examples_and_fits_80_columns(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, printed.splitlines())) <= 80
    examples = printed.partition("\nexamples:\n")[2].partition("\n\n")[0].splitlines()
    commands = [shlex.split(re.split(r"\s{2,}", line.strip())[0]) for line in examples]
    assert commands
    for name, *rest in commands:
        assert name == "fairgrid"
        parser().parse_args(rest)
    assert not arguments or commands[0][1] == arguments[0]


def test_help_loads_nothing_that_takes_time() -> None:
    code = (
        "import sys\nfrom fairgrid.experiments.cli import parser\nparser().format_help()\n"
        "print([name for name in ('torch', 'pandas', 'matplotlib', 'jinja2', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_interrupt_while_workers_are_waited_for_at_exit_says_nothing() -> None:
    """A verb imports what waits for its workers at exit; here that is interrupted."""
    code = (
        "import atexit, os, signal, sys\nfrom fairgrid.experiments import cli\n"
        "def verb(options):\n    atexit.register(os.kill, os.getpid(), signal.SIGINT)\n    return 7\n"
        "cli.VERBS['list'].main = verb\nsys.exit(cli.main(['list']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")


def test_version_says_which_sources(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    name, changed = commit()
    where = f"commit {name}{', changed since' if changed else ''}" if name else "not in a repository"
    assert capsys.readouterr().out == f"fairgrid {release()}, {where}\n"


def test_list_has_every_study_with_its_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line for line in printed.splitlines()[3:] if line and not line.startswith(" ")}
    assert list(rows) == shipped()
    assert re.search(r" 1,260 +yes$", rows["optimizers"])  # 36 cells x 20 seeds, and 36 x 3 rates x 5 tuning seeds
    assert re.search(r" 20,000 +no$", rows["calibration"])


@pytest.mark.parametrize("what", ["keys", *PARTS])
def test_list_has_every_name(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what]) == 0
    names = {line.split()[0] for line in capsys.readouterr().out.splitlines()[3:] if line and not line.startswith(" ")}
    assert names == set(default_keys() if what == "keys" else KINDS[PARTS[what]].names)


def test_list_of_something_else_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["list", "optimisers"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("fairgrid: argument WHAT: invalid choice: 'optimisers'")


@pytest.mark.takes_seconds
@pytest.mark.parametrize("options", [[], ["--with-optimizer"]], ids=str)
def test_a_new_study_runs_as_it_is_and_compares(
    folder: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"fresh{len(options)}"
    assert main(["new", name, *options]) == 0
    files = [f"{name}.py"] * len(options) + [f"{name}.toml"]
    printed = capsys.readouterr().out
    assert printed.startswith(f"wrote {' and '.join(files)}; edit, then\n")
    assert f"fairgrid run {name}.toml --results {name} " in printed
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(files)
    assert main(["run", f"{name}.toml", "--results", name, "--seeds", "8", "--backend", "sequential"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("8/8") == 4
    second = "SignSGD" if options else "momentum"
    assert re.search(rf"adam is better than {second}|{second} is better than adam|adam and {second}", printed)


@pytest.mark.parametrize("options", [[], ["--with-optimizer"]], ids=str)
def test_what_a_new_study_has_in_comments_works_too(folder: Path, options: list[str]) -> None:
    name = f"tuned_{len(options)}"
    assert main(["new", name, *options]) == 0
    path = folder / f"{name}.toml"
    before, _, after = path.read_text().partition("# [tuning]")
    assert after
    block = "[tuning]" + after.replace("\n# ", "\n")
    assert set(tomllib.loads(block)) == {"tuning"}
    path.write_text(re.sub(r", learning_rate = [\d.]+", "", before) + block)
    assert all(len(cell.rates) == 3 for cell in load(str(path)).cells)


def test_a_new_study_of_ones_own_table_says_what_its_columns_are(folder: Path) -> None:
    (folder / "flowers.csv").write_text(FLOWERS)
    assert main(["new", "kinds", "--data", "flowers.csv", "--target", "kind"]) == 0
    problem = tomllib.loads((folder / "kinds.toml").read_text())["run"]["problem"]
    assert problem == {"name": "table", "path": "flowers.csv", "target": "kind", "drop": ["note"]}
    assert main(["new", "lengths", "--data", "flowers.csv", "--target", "length"]) == 0
    problem = tomllib.loads((folder / "lengths.toml").read_text())["run"]["problem"]
    assert (problem["task"], problem["drop"]) == ("regression", ["note", "kind"])
    assert len(load("kinds.toml").cells) == len(load("lengths.toml").cells) == 4


def test_a_new_study_may_be_called_as_its_results_and_of_a_table_of_any_separator(folder: Path) -> None:
    (folder / "kinds").mkdir()
    text = FLOWERS.replace(",", ";").replace("kind", "ki\x7fnd", 1)
    (folder / "flowers.csv").write_text(text)
    assert main(["new", "kinds", "--data", "flowers.csv", "--target", "ki\x7fnd", "--separator", ";"]) == 0
    problem = tomllib.loads((folder / "kinds.toml").read_text())["run"]["problem"]
    assert (problem["separator"], problem["target"]) == (";", "ki\x7fnd")
    assert len(load("kinds.toml").cells) == 4


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["taken"], "taken.toml: expected no such file, as nothing is overwritten, found one"),
        (["has_py", "--with-optimizer"], "has_py.py: expected no such file, as nothing is overwritten, found one"),
        (["link"], "link.toml: expected no such file, as nothing is overwritten, found one"),
        (["a" * 101], "expected a NAME of at most 100 characters, found 101"),
        (["my-study"], "expected a NAME of letters, digits and underscores, found 'my-study'; nearest: 'my_study'"),
        (["mine.toml"], "expected a NAME of letters, digits and underscores, found 'mine.toml'; nearest: 'mine'"),
        (["tuned"], "expected a NAME that no shipped study has, found 'tuned'"),
        (["torch"], "expected a NAME that no Python module has, found 'torch'"),
        (["class"], "expected a NAME that a module can have, found 'class', a keyword of Python's"),
        (["a", "--data", "flowers.csv"], "expected --data FILE and --target COLUMN together, found one of them"),
        (
            ["a", "--data", "flowers.csv", "--target", "kinds"],
            "flowers.csv: expected the column 'kinds', found none; nearest: 'kind'",
        ),
        (
            ["a", "--data", "gaps.csv", "--target", "kind"],
            "a.toml: run.problem: gaps.csv: line 3: width: expected a number, found nothing",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_new_refuses_and_leaves_everything_as_it_was(
    folder: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "taken.toml").write_text("mine")
    (folder / "has_py.py").write_text("mine")
    (folder / "link.toml").symlink_to("nowhere.toml")
    (folder / "flowers.csv").write_text(FLOWERS)
    (folder / "gaps.csv").write_text(FLOWERS.replace("\n1,", "\n,", 1))
    before = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert main(["new", *arguments]) == 2
    assert capsys.readouterr().err == f"fairgrid: {expected}\n"
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == before


def test_a_study_of_ones_own_without_its_ending_is_recognized(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, TINY, "mine.toml")
    assert main(["run", "mine", "--results", "r"]) == 2
    expected = "expected a shipped study or a path ending in .toml, found 'mine'; nearest: 'mine.toml'"
    assert capsys.readouterr().err == f"fairgrid: {expected}\n"


def test_quiet_says_nothing_and_makes_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, results = write(tmp_path, TINY), tmp_path / "results"
    shared = ["--results", str(results), "--quiet"]
    assert main(["run", study, *shared, "--backend", "sequential"]) == 0
    assert (results / "runs.csv").exists()
    assert (results / "figures" / "study_test_error.png").exists()
    (results / "summary.csv").unlink()
    assert main(["summarize", study, *shared]) == 0
    assert (results / "summary.csv").exists()
    assert capsys.readouterr() == ("", "")


@pytest.mark.takes_seconds
def test_quiet_is_not_silent_about_what_failed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "breaks.py").write_text(
        "from fairgrid.framework import SGD\n\n"
        "class Breaks(SGD):\n"
        "    def update(self, *_, **__):\n"
        "        raise ValueError('no')\n"
    )
    study = write(folder, TINY.replace('{ name = "adam", learning_rate = 0.01 }', '"breaks:Breaks"'))
    assert main(["run", study, "--results", "r", "--backend", "sequential", "--quiet"]) == 4
    assert capsys.readouterr() == ("", "fairgrid: 10 runs ended in error or timeout; --retry-failed runs them again\n")


@pytest.mark.takes_seconds
def test_a_log_has_lines_in_their_order_and_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    study = write(tmp_path, TINY)
    command = f"{sys.executable} {ROOT}/scripts/run_grid.py {study} --results {tmp_path}/r --backend sequential"
    log = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    assert "\r" not in log
    first, second, third = log.splitlines()[:3]
    assert first == "evaluation: 20 runs, 0 done, 20 to train in 4 chunks"
    assert re.fullmatch(r"evaluation: 20 of 20 runs, \d+ s, ok 20, diverged 0, failed 0", second)
    assert third == ""
    piped = f"set -o pipefail; {command} | head -1"
    closed = subprocess.run(["bash", "-c", piped], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (141, "")
