"""What a user's class does to its process, its files and its randomness harms no other run, and is told."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fairgrid.experiments.cli import main
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver, Progress
from fairgrid.experiments.runtime import determinism as numerics
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

MINE = """
{imports}
from fairgrid.framework import SGD


class Mine(SGD):
    def update(self, value, grad, **named):
        {harm}
        super().update(value, grad, **named)
"""
HARM = {
    "working directory": ("import os", "os.chdir('/')"),
    "environment": ("import os", "os.environ['OMP_NUM_THREADS'] = '7'; os.environ.pop('HOME', None)"),
    "default dtype": ("import torch", "torch.set_default_dtype(torch.float64)"),
    "threads": ("import torch", "torch.set_num_threads(2)"),
    "denormals": ("import torch", "torch.set_flush_denormal(False)"),
    "gradients": ("import torch", "torch.set_grad_enabled(False)"),
    "determinism": ("import torch", "torch.use_deterministic_algorithms(True)"),
    "warnings": ("import warnings", "warnings.simplefilter('error')"),
    "NumPy's errors": ("import numpy", "numpy.seterr(all='raise')"),
    "recursion limit": ("import sys", "sys.setrecursionlimit(200)"),
    "search path": ("import sys", "sys.path.clear()"),
    "streams": ("import sys", "sys.stdout = sys.stderr = None"),
    "signals": ("import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
}


def own(folder: Path, harm: str, imports: str = "") -> str:
    """A study of a class of one's own, alone."""
    (folder / "mine.py").write_text(MINE.format(imports=imports, harm=harm))
    return studies.write(folder, studies.TINY.replace('"adam"', '"mine:Mine"'), "own.toml")


def ran(results: Path, *paths: str, said: Callable[[str], None] = lambda _: None) -> Progress:
    return Driver(results, Pool(), say=lambda _: None, warn=said).run([load(path) for path in paths])


def rows(results: Path, study: str) -> pd.DataFrame:
    from fairgrid.experiments.store.database import Store

    with Store(results) as store:
        stored = store.runs([study]).drop(columns=["study", "config", "described"])
    return stored.sort_values("run_id", ignore_index=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("undisturbed")
    ran(folder / "results", studies.write(folder, studies.VARIED, "varied.toml"))
    return rows(folder / "results", "varied")


@pytest.mark.takes_seconds
@pytest.mark.parametrize("what", HARM)
def test_runs_of_others_are_what_they_are_without(what: str, tmp_path: Path, undisturbed: pd.DataFrame) -> None:
    imports, harm = HARM[what]
    ran(tmp_path / "results", own(tmp_path, harm, imports))
    ran(tmp_path / "results", studies.write(tmp_path, studies.VARIED, "varied.toml"))
    pd.testing.assert_frame_equal(rows(tmp_path / "results", "varied"), undisturbed)


LATE = """
{imports}
from fairgrid.framework import SGD


class Mine(SGD):
    def update(self, value, grad, **named):
        import harmful
        scale = torch.zeros(()).dtype == torch.float32 and torch.is_grad_enabled() and not torch.tensor(1e-38) * 0.01
        scale &= numpy.geterr()["over"] == "warn" and torch.get_num_threads() == 1
        super().update(value, grad if scale else 2 * grad, **named)
"""


@pytest.mark.takes_seconds
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("what", HARM)
def test_records_do_not_depend_on_which_chunk_executes_a_module(what: str, late: bool, tmp_path: Path) -> None:
    imports, harm = HARM[what]
    (tmp_path / "harmful.py").write_text(f"{imports}\n{harm}\n")
    text = LATE.format(imports="import torch, numpy" if late else "import torch, numpy, harmful")
    (tmp_path / "mine.py").write_text(text)
    stored = []
    for chunk in (1, None):
        (tmp_path / "mine.py").write_text(f"{text}# {chunk}\n")  # to be executed again
        study = studies.write(tmp_path, studies.TINY.replace('"adam"', '"mine:Mine"'), "own.toml")
        Driver(tmp_path / f"{chunk}", Pool(), chunk=chunk, say=lambda _: None).run([load(study)])
        stored.append(rows(tmp_path / f"{chunk}", "own").drop(columns=["run_id", "cell"]))
    order = ["seed", "factors"]
    one, other = (frame.sort_values(order, ignore_index=True) for frame in stored)
    pd.testing.assert_frame_equal(one, other)
    whole = studies.write(tmp_path, studies.TINY.replace('"adam"', '"sgd"'), "plain.toml")
    ran(tmp_path / "plain", whole)
    plain = rows(tmp_path / "plain", "plain").sort_values(order, ignore_index=True)
    assert set(one["test_loss"]) == set(plain["test_loss"])  # what was set was set back before anything trained


@pytest.mark.parametrize("what", [name for name in HARM if name not in ("streams", "recursion limit")])
@pytest.mark.parametrize("where", ["module", "constructor"])
def test_reading_and_checking_a_study_leaves_the_process_as_it_was(
    what: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports, harm = HARM[what]
    text = MINE.format(imports=imports, harm="pass")
    if where == "module":
        text = f"{text}\n\n{harm}\n"
    else:
        text = f"{text}\n    def __init__(self, parameters, learning_rate=0.1):\n        super().__init__(parameters,"
        text = f"{text} learning_rate=learning_rate)\n        {harm}\n"
    (tmp_path / "mine.py").write_text(text)
    study = studies.write(tmp_path, studies.TINY.replace('"adam"', '"mine:Mine"'), "own.toml")
    monkeypatch.chdir(tmp_path)
    numerics.settle()

    def state() -> list[object]:
        flushes = bool(torch.tensor(1e-38, dtype=torch.float32) * 0.01 == 0)
        settings = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), flushes
        deterministic = torch.are_deterministic_algorithms_enabled()
        handlers = signal.getsignal(signal.SIGTERM), warnings.filters[:], list(sys.path), np.geterr()
        return [Path.cwd(), dict(os.environ), settings, deterministic, *handlers]

    before = state()
    load(study)
    assert state() == before
    main(["check", study, "--jobs", "1"])
    assert state() == before


@pytest.mark.parametrize(
    ("imports", "harm", "told"),
    [
        ("import torch", "grad = grad + torch.rand(())", True),
        ("import random", "grad = grad * random.random()", True),
        ("import time", "grad = grad * (time.perf_counter_ns() % 97)", True),
        ("import torch", "grad = grad + torch.rand((), generator=torch.Generator().manual_seed(1))", False),
        ("", "pass", False),
    ],
)
def test_a_class_that_does_not_do_the_same_twice_is_told_once(
    imports: str, harm: str, told: bool, tmp_path: Path
) -> None:
    lines: list[str] = []
    ran(tmp_path / "results", own(tmp_path, harm, imports), said=lines.append)
    assert lines == (["mine:Mine: not repeatable: fairgrid check says why"] if told else [])


def test_a_class_that_is_edited_while_its_grid_runs_is_trained_as_it_was_and_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    edit = f"Path({str(path)!r}).write_text('# edited')"
    study = own(tmp_path, edit, "from pathlib import Path")
    text = path.read_text()
    lines: list[str] = []
    progress = ran(tmp_path / "results", study, said=lines.append)
    assert progress.counts == {"ok": 20}
    assert lines == [
        f"{path}: changed while the grid runs; its records are of the file as it was when the grid began, the next"
        " grid trains what it is now"
    ]
    first = rows(tmp_path / "results", "own")
    path.write_text(text.replace(edit, "pass"))  # another class
    assert ran(tmp_path / "results", study).trained == 10
    path.write_text(text)
    assert ran(tmp_path / "results", study).trained == 0  # the one that the first records are of
    assert set(first["run_id"]) == set(rows(tmp_path / "results", "own")["run_id"])


def test_a_study_that_was_read_before_its_class_was_edited_is_trained_as_it_was_and_told(tmp_path: Path) -> None:
    study = load(own(tmp_path, "pass"))
    path = tmp_path / "mine.py"
    path.write_text(path.read_text() + "# edited\n")
    for trained in (20, 0):
        lines: list[str] = []
        driver = Driver(tmp_path / "results", Pool(), say=lambda _: None, warn=lines.append)
        assert driver.run([study]).trained == trained
        assert lines == [f"{path}: changed since the study was read; read it again to train what it is now"]


def test_what_a_killed_writer_has_left_is_removed(tmp_path: Path) -> None:
    left = [tmp_path / "results" / ".runs.csv.77.partial", tmp_path / "results" / "figures" / ".a.png.77.partial"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    ran(tmp_path / "results", studies.write(tmp_path, studies.TINY))
    assert not any(path.exists() for path in left)
