"""The verbs, as people use them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fairgrid.experiments.api import read
from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.determinism import request
from tests.experiments.studies import TINY, TUNED, write

ROOT = Path(__file__).parents[2]

OWN = """
import torch
from fairgrid.experiments.problems import Disk
from fairgrid.framework import Initializer, Module, MSELoss, Optimizer


class Signs(Optimizer):
    def __init__(self, parameters, learning_rate=0.01):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad.sign(), value=-1)


class Broken(Signs):
    def update(self, value, grad, *, learning_rate):
        raise RuntimeError("out of ideas\\nsecond line")


class Cubic(Module):
    def forward(self, x):
        self.cache = x
        return x ** 3

    def backward(self, dy):
        return 3 * dy * self.saved_for_backward() ** 2


class Tenth(Initializer):
    def draw(self, parameter, generator):
        return torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 10


class Doubled(MSELoss):
    def __init__(self):
        super().__init__(scale=2.0)


class Moody(Disk):
    def sample(self, seed):
        if seed == 2:
            raise ValueError("not this one")
        return super().sample(seed)
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def run(study: str, results: Path, *options: str) -> int:
    return main(["run", study, "--results", str(results), "--backend", "sequential", *options])


def test_second_run_trains_nothing_says_so_and_leaves_every_file_alone(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    assert "nothing to train" not in capsys.readouterr().out
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in results.rglob("*") if path.is_file()}
    assert run(study, results) == 0
    assert "nothing to train: every planned run has its record" in capsys.readouterr().out
    assert {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in results.rglob("*") if path.is_file()
    } == before


def test_tables_and_figures_are_of_the_study_as_it_is_whatever_the_time_of_its_file(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    before = {path.name: path.read_bytes() for path in (results / "figures").iterdir()}
    capsys.readouterr()
    write(tmp_path, TINY.replace('title = "', 'title = "Now: ') + '[comparison]\nmetric = "train_error"\n')
    os.utime(study, (0, 0))
    read(results, study)  # tables alone
    assert set(pd.read_csv(results / "comparisons.csv")["metric"]) == {"train_error"}
    assert run(study, results) == 0
    assert "by train error" in capsys.readouterr().out
    after = {path.name: path.read_bytes() for path in (results / "figures").iterdir()}
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_dry_run_says_what_would_be_trained_and_writes_nothing(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(tmp_path, TUNED), results, "--dry-run") == 0
    assert capsys.readouterr().out.startswith("study: 16 runs, 0 done, 16 to train in ")
    assert not results.exists()


def test_fresh_moves_the_old_store_aside(tmp_path: Path, results: Path) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    first = (results / "runs.csv").read_bytes()
    assert run(study, results, "--fresh") == 0
    assert (results / "runs.csv").read_bytes() == first
    assert len(list((results / "old").glob("*/runs.sqlite"))) == 1


def test_summarize_reads_shipped_tables_where_there_is_no_store(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    printed = capsys.readouterr().out
    (results / "runs.sqlite").unlink()
    shutil.rmtree(results / "figures")
    assert main(["summarize", study, "--results", str(results)]) == 0
    table = capsys.readouterr().out.strip()
    assert table
    assert table in printed
    assert (results / "figures" / "study_curves.png").exists()


@pytest.mark.takes_seconds
def test_own_study_beside_shipped_ones_is_left_out_with_a_line_unless_its_file_is_named(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write(tmp_path, TINY, "mine.toml")
    assert run(own, results) == 0
    assert run("report_003", results, "--seeds", "2", "--set", "epochs=1") == 0
    capsys.readouterr()
    assert main(["summarize", "--results", str(results)]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines()[0] == "fairgrid: not shown, as its file is not named: mine"
    assert "report_003" in shown.out
    assert "mine" not in shown.out
    assert main(["summarize", own, "--results", str(results)]) == 0
    assert capsys.readouterr().out.startswith("\nmine")


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("style", "mark"), [("text", "---"), ("markdown", "|"), ("latex", r"\toprule"), ("csv", ",")])
def test_tables_come_in_four_formats(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str], style: str, mark: str
) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    capsys.readouterr()
    assert main(["summarize", study, "--results", str(results), "--format", style]) == 0
    printed = capsys.readouterr().out
    assert mark in printed
    assert printed.count("5/5") == 4


def test_tables_go_into_the_marked_places_of_a_page(tmp_path: Path, results: Path) -> None:
    study = write(tmp_path, TINY)
    assert run(study, results) == 0
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- tables study cells -->\nold\n<!-- end -->\nafter\n")
    assert main(["summarize", study, "--results", str(results), "--into", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in text
    assert "5/5" in text
    assert main(["summarize", study, "--results", str(results), "--into", str(page)]) == 0
    assert page.read_text() == text


@pytest.mark.takes_seconds
def test_own_parts_come_in_by_dotted_path(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    study = write(
        tmp_path,
        TINY.replace('"disk"', '"own:Moody"')
        .replace("[[grid]]", 'loss = "own:Doubled"\ninitializer = "own:Tenth"\n[[grid]]')
        .replace('name = "sgd"', 'name = "own:Signs"')
        .replace('{ name = "adam", learning_rate = 0.01 }', '"own:Broken"')
        .replace('"tanh"', '"own:Cubic"'),
    )
    command = [sys.executable, "-m", "fairgrid", "run", study, "--results", "r", "--jobs", "2"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "12 runs ended in error or timeout; --retry-failed runs them again" in done.stderr
    runs = pd.read_csv(tmp_path / "r" / "runs.csv", keep_default_na=False)
    broken = runs[runs["optimizer"] == "own:Broken"]
    assert set(broken["status"]) == {"error"}
    assert set(broken["message"]) == {"RuntimeError: out of ideas", "ValueError: not this one"}
    rest = runs[runs["optimizer"] == "own:Signs"].set_index(["activation", "seed"])["status"].unstack()
    assert (rest.drop(columns=2) == "ok").all(axis=None)
    assert (rest[2] == "error").all()
    again = subprocess.run(
        [*command, "--retry-failed"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 4
    assert "12 to train" in again.stdout
    strict = subprocess.run(
        [sys.executable, "-m", "fairgrid", "summarize", study, "--results", "r", "--strict"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert strict.returncode == 3
    assert "4/5 (1 failed)" in strict.stdout


def test_numerics_cannot_change_once_torch_is_loaded() -> None:
    expected = (
        r"^numerics 'native' need MKL_CBWR=AUTO, no ATEN_CPU_CAPABILITY in the environment before torch is loaded$"
    )
    with pytest.raises(InputError, match=expected):
        request("native")


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("mode", "expected"), [("portable", "AVX2 AVX2"), ("native", "AUTO None")])
def test_numerics_are_set_before_torch_loads(mode: str, expected: str) -> None:
    code = (
        "import sys\nfrom fairgrid.experiments.runtime.determinism import request\n"
        f"assert 'torch' not in sys.modules\nrequest({mode!r})\n"
        "import os, torch\nprint(os.environ['MKL_CBWR'], torch.backends.cpu.get_cpu_capability()"
        " if 'ATEN_CPU_CAPABILITY' in os.environ else None)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_very_many_runs_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fairgrid.experiments.commands.run.MANY", 19)
    command = ["run", write(tmp_path, TINY), "--results", str(tmp_path / "r"), "--backend", "sequential", "--quiet"]
    assert main(command) == 2
    assert capsys.readouterr().err == "fairgrid: expected --yes for more than 19 runs, found 20 to train\n"
    assert not (tmp_path / "r").exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, code in (("", 2), ("n", 2), ("y", 0)):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert main(command) == code
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(command) == 0  # all have their record
    edited = write(tmp_path, TINY.replace("epochs = 3", "epochs = 4"), "edited.toml")
    assert main(["run", edited, *command[2:]]) == 2  # records of another study are no records of this one
    assert capsys.readouterr().err.endswith("found 20 to train\n")
    assert main([*command[:-1], "--fresh", "--dry-run"]) == 0
    assert "20 runs, 0 done, 20 to train" in capsys.readouterr().out
    assert main([*command, "--fresh"]) == 2
    assert main([*command, "--fresh", "--yes"]) == 0
