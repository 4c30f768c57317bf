"""Code of the user's that hangs, crashes, exits or computes nonsense becomes rows; no other run changes by a bit."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.experiments import studies
from tests.experiments.grids import ROOT, rows, said

pytestmark = pytest.mark.takes_seconds

# what fails is no option and depends on a file, so that the runs' names are those of runs that do not fail
MISBEHAVING = """
import ctypes
import math
import os
import signal
import sys
from pathlib import Path

import torch

from fairgrid.experiments.problems import Disk
from fairgrid.framework import SGD

MENDED = Path("mended")

class Moody(Disk):
    def sample(self, seed):
        if seed == 1 and not MENDED.exists():
            os.kill(os.getpid(), signal.SIGKILL)  # as the system does where there is no memory left
        if seed == 3 and not MENDED.exists():
            ctypes.PyDLL(None).pause()  # holds the interpreter's lock for ever
        return super().sample(seed)

class Exits(SGD):
    def update(self, value, grad, **options):
        if not MENDED.exists():
            os._exit(3)
        super().update(value, grad, **options)

class Quits(SGD):
    def update(self, value, grad, **options):
        if not MENDED.exists():
            sys.exit("enough")
        super().update(value, grad, **options)

class Shapes(SGD):
    def update(self, value, grad, **options):
        super().update(value, grad if MENDED.exists() else torch.ones(2, 3, 5, 7), **options)

class Vanishes(SGD):
    def update(self, value, grad, **options):
        super().update(value, grad if MENDED.exists() else grad * math.nan, **options)
"""

STUDY = """
title = "Misbehaving"
[run]
problem = { name = "misbehaving:Moody", train = 40, test = 30, validation = 20 }
model.name = "mlp"
model.hidden = [4]
epochs = 3
checkpoints = 2
[[grid]]
optimizer = [{ name = "sgd", learning_rate = 0.1 }]
seeds = 5
[[grid]]
optimizer = ["misbehaving:Exits"]
seeds = [0]
[[grid]]
optimizer = ["misbehaving:Quits", "misbehaving:Shapes", "misbehaving:Vanishes"]
seeds = [0, 2]
"""

EXPECTED = {
    ("sgd", "1"): ("error", "worker ended by SIGKILL, perhaps for lack of memory"),
    ("sgd", "3"): ("timeout", "no end after 3 s"),
    ("misbehaving:Exits", "0"): ("error", "worker exited with code 3"),
    ("misbehaving:Quits", "0"): ("error", "SystemExit: enough"),
    ("misbehaving:Quits", "2"): ("error", "SystemExit: enough"),
    ("misbehaving:Vanishes", "0"): ("diverged", "training loss not finite"),
    ("misbehaving:Vanishes", "2"): ("diverged", "training loss not finite"),
}


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "run_grid.py"), "study.toml", "--jobs", "2", "--timeout", "3"]
    return subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def outcomes(table: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    keys = zip(table["optimizer"], table["seed"], strict=True)
    return dict(zip(keys, zip(table["status"], table["message"], strict=True), strict=True))


def test_what_misbehaves_is_a_row_and_runs_again_if_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "misbehaving.py").write_text(MISBEHAVING)
    study = studies.write(tmp_path, STUDY)
    first = run(tmp_path, "--results", "failing")
    assert (first.returncode, "Traceback" in first.stderr) == (4, False), first.stderr
    assert "7 runs ended in error or timeout; --retry-failed runs them again" in first.stderr
    failing = studies.table(tmp_path / "failing", "runs")
    found = outcomes(failing)
    assert {key: value for key, value in found.items() if value[0] != "ok" and "Shapes" not in key[0]} == EXPECTED
    for seed in ("0", "2"):
        status, message = found["misbehaving:Shapes", seed]
        assert (status, "size" in message or "shape" in message) == ("error", True)
    (tmp_path / "mended").touch()
    second = run(tmp_path, "--results", "failing", "--retry-failed")
    assert (second.returncode, said(second.stderr)) == (0, []), second.stderr
    assert "evaluation: 12 runs, 5 done, 7 to train" in second.stdout
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    studies.run(tmp_path / "whole", study)
    whole = studies.table(tmp_path / "whole", "runs")
    assert set(whole["status"]) == {"ok"}
    fine = [value == ("ok", "") for value in found.values()]
    assert failing[fine].equals(whole[fine])
    retried = studies.table(tmp_path / "failing", "runs")
    diverged = (retried["status"] == "diverged").to_numpy()  # a result, which does not run again
    assert diverged.sum() == 2
    assert retried[~diverged].equals(whole[~diverged])


DEAF = """
import signal
import time

from fairgrid.experiments.problems import Disk

class Deaf(Disk):
    def sample(self, seed):
        if seed == 1:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
        if seed == 2:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        if seed == 3:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if seed in (1, 2, 3):
            time.sleep(1000)
        return super().sample(seed)
"""


def test_run_that_turns_its_deadline_off_is_ended_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF)
    text = STUDY[: STUDY.index("seeds = 5")].replace("misbehaving:Moody", "deaf:Deaf")
    studies.write(tmp_path, text + "seeds = 5")
    done = run(tmp_path, "--results", "results", "--timeout", "1")
    assert done.returncode == 4, done.stderr
    runs = studies.table(tmp_path / "results", "runs")
    assert dict(zip(runs["seed"], runs["message"], strict=True)) == {
        "0": "",
        **dict.fromkeys("123", "no end after 1 s"),
        "4": "",
    }


DIES = """
import os
from pathlib import Path

if b"popen_loky" in Path("/proc/self/cmdline").read_bytes():
    os._exit(9)
"""


def test_workers_that_do_not_start_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    studies.write(tmp_path, studies.TINY)
    done = run(tmp_path, "--results", "results")
    assert (done.returncode, said(done.stderr)) == (
        2,
        ["fairgrid: expected worker processes that start, found 3 in a row that ended: worker exited with code 9"],
    )
    assert rows(tmp_path / "results") == (20, 0)
