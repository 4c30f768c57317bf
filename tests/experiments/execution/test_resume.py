"""Whatever stops a grid, the same command goes on from there and ends with the bytes of one that was not stopped."""

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.experiments import edited, studies
from tests.experiments.grids import INTERRUPTED, ROOT, STOPPING, Grid, assert_ended, rows, said, tables, workers
from tests.experiments.torture import torture

pytestmark = pytest.mark.takes_seconds


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    return edited.write(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def uninterrupted(study: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("uninterrupted")
    with Grid(study, results) as grid:
        grid.ends(0)
    return results


@pytest.fixture(scope="module")
def expected(uninterrupted: Path) -> dict[str, bytes]:
    return tables(uninterrupted)


WAITING = """
import time
from pathlib import Path

from fairgrid.framework import SGD

class Waiting(SGD):
    def update(self, value, grad, **options):
        while not Path("open").exists():
            time.sleep(0.01)
        super().update(value, grad, **options)
"""


# chunks that do not wait are the longer ones, so they come first
WAITERS = """
[[grid]]
optimizer = { name = "sgd", learning_rate = 0.1 }
activation = ["relu", "tanh", "sigmoid"]
epochs = 9
[[grid]]
optimizer = { name = "waiting:Waiting" }
activation = ["relu", "tanh", "sigmoid"]
"""


def test_interrupt_ends_what_is_being_trained_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the runs wait for a file, so that whenever the interrupt comes something is left to train."""
    (tmp_path / "waiting.py").write_text(WAITING)
    study = studies.write(tmp_path, studies.TINY[: studies.TINY.index("[[grid]]")] + WAITERS)

    def interrupted(results: Path, moment: Callable[[int, int], bool]) -> tuple[list[str], int]:
        """What is said, and how many records there are afterwards."""
        with Grid(study, results, cwd=tmp_path) as grid:
            grid.reaches(moment)
            grid.signal(signal.SIGINT)
            (tmp_path / "open").touch()
            _, err = grid.ends(130)
        assert_ended(grid.process.pid)
        (tmp_path / "open").unlink()
        return said(err), rows(results)[1]

    # nothing trains yet, or workers are starting
    lines, recorded = interrupted(tmp_path / "early", lambda known, recorded: known == 30)
    assert lines in ([INTERRUPTED], [STOPPING, INTERRUPTED])
    assert recorded <= 10
    # five runs of three kinds are there, two chunks of five wait, and one is yet to start
    lines, recorded = interrupted(tmp_path / "late", lambda known, recorded: recorded == 15)
    assert lines == [STOPPING, INTERRUPTED]
    assert recorded == 25
    (tmp_path / "open").touch()
    with Grid(study, tmp_path / "late", cwd=tmp_path) as grid:
        out, _ = grid.ends(0)
    assert "evaluation: 30 runs, 25 done, 5 to train in 1 chunks\n" in out
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    studies.run(tmp_path / "whole", study)
    assert tables(tmp_path / "late") == tables(tmp_path / "whole")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="which signals a process blocks is read from /proc")
def test_interrupt_finds_every_worker_deaf_from_birth(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    study = studies.write(tmp_path, studies.TINY[: studies.TINY.index("[[grid]]")] + WAITERS)
    with Grid(study, tmp_path / "results", cwd=tmp_path) as grid:
        grid.reaches(lambda planned, trained: trained == 15)
        pids = workers(grid.process.pid)
        assert pids
        for worker in pids:
            (blocked,) = re.findall(r"^SigBlk:\s*(\w+)$", Path(f"/proc/{worker}/status").read_text(), re.MULTILINE)
            assert int(blocked, 16) >> (signal.SIGINT - 1) & 1, worker
        grid.signal(signal.SIGKILL)


def test_second_driver_waits_and_summarize_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the runs of the first wait for a file, which comes when the second has said that it waits."""
    (tmp_path / "waiting.py").write_text(WAITING)
    study = studies.write(tmp_path, studies.TINY[: studies.TINY.index("[[grid]]")] + WAITERS)
    results = tmp_path / "results"
    with Grid(study, results, cwd=tmp_path) as first:
        first.reaches(lambda known, recorded: recorded == 15)
        with Grid(study, results, cwd=tmp_path) as second:
            assert second.process.stderr is not None
            line = second.process.stderr.readline()
            summary = subprocess.run(
                [sys.executable, str(ROOT / "scripts" / "summarize.py"), study, "--results", str(results)],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            (tmp_path / "open").touch()
            _, first_err = first.ends(0)
            second_out, _ = second.ends(0)
    assert line == f"fairgrid: waiting for another grid that is running in {results}\n"
    assert (summary.returncode, summary.stderr) == (0, "")
    assert "Tiny" in summary.stdout
    assert "waiting for" not in first_err
    assert "nothing to train: every planned run has its record" in second_out
    assert rows(results) == (30, 30)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    studies.run(tmp_path / "whole", study)
    assert tables(results) == tables(tmp_path / "whole")


def test_second_run_trains_nothing_and_touches_nothing(
    study: str, uninterrupted: Path, expected: dict[str, bytes]
) -> None:
    def state() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in uninterrupted.rglob("*") if path.is_file()]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    assert tables(uninterrupted) == expected
    with Grid(study, uninterrupted) as grid:
        out, _ = grid.ends(0)
    assert "nothing to train: every planned run has its record\n" in out
    after = state()
    assert {path.name for path in after} == {path.name for path in before}
    assert after == {path: before[path] for path in after}


@pytest.mark.parametrize("events", [6, pytest.param(200, marks=pytest.mark.takes_minutes)])
def test_tortured_at_random_moments_it_ends_with_the_same_bytes(
    study: str, expected: dict[str, bytes], tmp_path: Path, events: int
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    try:
        lines = list(torture(events, seed, study, expected, tmp_path))
    except AssertionError as error:
        raise AssertionError(f"python -m tests.experiments.torture --events {events} --seed {seed}") from error
    assert len(lines) == events + 1
    assert lines[-1].endswith(" grids ended with the bytes of one that was left alone")


HANGING = """
import time

from fairgrid.framework import Optimizer

class Hanging(Optimizer):
    def update(self, value, grad):
        time.sleep(1000)
"""


def test_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    text = WAITERS.replace("waiting:Waiting", "hanging:Hanging").replace(', "sigmoid"', "")
    study = studies.write(tmp_path, studies.TINY[: studies.TINY.index("[[grid]]")] + text)
    with Grid(study, tmp_path / "results", cwd=tmp_path) as grid:
        grid.reaches(lambda known, recorded: recorded == 10)
        os.kill(grid.process.pid, signal.SIGINT)
        grid.warns(STOPPING)
        assert grid.process.poll() is None
        os.kill(grid.process.pid, signal.SIGINT)
        _, err = grid.ends(130)  # whose patience ends long before what hangs would
    assert said(err) == [INTERRUPTED]
    assert_ended(grid.process.pid)
    assert rows(tmp_path / "results") == (20, 10)
