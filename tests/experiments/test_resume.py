"""Whatever stops a grid, the same command goes on from there and ends with the bytes of one that was not stopped."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.store import FILE
from tests.experiments import studies

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TABLES = ("runs.csv", "summary.csv", "curves.csv")
TUNING_RUNS, RUNS = 72, 144  # 12 cells of 2 rates x 3 tuning seeds, 12 cells x 6 seeds


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> str:
    return studies.write(tmp_path_factory.mktemp("study"), studies.LONG, "long.toml")


@pytest.fixture(scope="module")
def uninterrupted(study: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("uninterrupted")
    with Grid(study, results) as grid:
        grid.ends(0)
    return results


@pytest.fixture(scope="module")
def expected(uninterrupted: Path) -> dict[str, bytes]:
    return tables(uninterrupted)


class Grid:
    """scripts/run_grid.py in a session of its own, so that a signal reaches the driver and its workers alike."""

    def __init__(self, study: str, results: Path) -> None:
        self.results = results
        self.process = subprocess.Popen(
            [sys.executable, "scripts/run_grid.py", study, "--results", str(results), "--jobs", "2"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> "Grid":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.communicate()

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def ends(self, code: int) -> tuple[str, str]:
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == code, err
        return out, err

    def reaches(self, moment: Callable[[int, int], bool]) -> None:
        """Waits until the store's numbers of planned rows and of records are as asked."""
        deadline = time.monotonic() + 60
        while not moment(*rows(self.results)):
            assert self.process.poll() is None, "the grid ended before the moment came"
            assert time.monotonic() < deadline
            time.sleep(0.005)


STOPPING = "fairgrid: stopping when what is being trained has ended; Ctrl-C again stops at once"
INTERRUPTED = "fairgrid: interrupted; what was trained is kept, the same command goes on from there"


def said(err: str) -> list[str]:
    """The lines apart from progress bars."""
    return [line for line in err.splitlines() if line.strip() and "run/s" not in line and "s/run" not in line]


def rows(results: Path) -> tuple[int, int]:
    """How many runs the store knows, and how many of them have a record."""
    try:
        connection = sqlite3.connect(f"file:{results / FILE}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return 0, 0
    try:
        known, recorded = connection.execute("SELECT count(*), total(status <> 'planned') FROM runs").fetchone()
    except sqlite3.OperationalError:  # no table yet, or a transaction that was cut short and is not undone yet
        return 0, 0
    finally:
        connection.close()
    return known, int(recorded)


def tables(results: Path) -> dict[str, bytes]:
    return {name: (results / name).read_bytes() for name in TABLES}


def members(group: int) -> Iterator[str]:
    """The living processes of a process group."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            _, _, fields = (path / "stat").read_text().rpartition(") ")
            if int(fields.split()[2]) == group and not fields.startswith("Z"):
                yield f"{path.name}: {(path / 'cmdline').read_text()}"
        except OSError:
            continue


def assert_ended(group: int) -> None:
    """No process of the group is left, once those that are ending have ended."""
    deadline = time.monotonic() + 5
    while list(members(group)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(members(group))


def test_killed_at_three_moments_it_ends_with_the_same_bytes(
    study: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    moments: list[Callable[[int, int], bool]] = [
        lambda known, recorded: known == TUNING_RUNS,  # planned, nothing or little trained
        lambda known, recorded: 0 < recorded < known == TUNING_RUNS,  # within tuning
        lambda known, recorded: RUNS > recorded > TUNING_RUNS + 30,  # well into evaluation
    ]
    kept = 0
    for moment in moments:
        with Grid(study, tmp_path) as grid:
            grid.reaches(moment)
            grid.signal(signal.SIGKILL)
            grid.process.wait()
        assert_ended(grid.process.pid)
        assert kept <= rows(tmp_path)[1] < RUNS
        kept = rows(tmp_path)[1]
    assert kept > TUNING_RUNS
    assert not list(tmp_path.glob("*.csv"))
    with Grid(study, tmp_path) as grid:
        out, _ = grid.ends(0)
    assert f"tuning: {TUNING_RUNS} runs, {TUNING_RUNS} done, 0 to train" in out
    assert f"evaluation: {RUNS - TUNING_RUNS} runs, {kept - TUNING_RUNS} done, {RUNS - kept} to train" in out
    assert tables(tmp_path) == expected


def test_interrupt_ends_what_is_being_trained_and_loses_nothing(
    study: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    moments: list[tuple[Callable[[int, int], bool], list[list[str]]]] = [
        # nothing trains yet, or workers are starting
        (lambda known, recorded: known == TUNING_RUNS, [[INTERRUPTED], [STOPPING, INTERRUPTED]]),
        (lambda known, recorded: recorded > 0, [[STOPPING, INTERRUPTED]]),
    ]
    for moment, lines in moments:
        with Grid(study, tmp_path) as grid:
            grid.reaches(moment)
            before = rows(tmp_path)[1]
            grid.signal(signal.SIGINT)
            _, err = grid.ends(130)
        assert said(err) in lines
        assert_ended(grid.process.pid)
        assert before <= rows(tmp_path)[1] < RUNS
    assert rows(tmp_path)[1] > 0
    with Grid(study, tmp_path) as grid:
        grid.ends(0)
    assert tables(tmp_path) == expected


def test_second_driver_waits_and_summarize_does_not(study: str, expected: dict[str, bytes], tmp_path: Path) -> None:
    with Grid(study, tmp_path) as first:
        first.reaches(lambda known, recorded: known > 0)
        with Grid(study, tmp_path) as second:
            first.reaches(lambda known, recorded: recorded > 0)
            summary = subprocess.run(
                [sys.executable, "scripts/summarize.py", study, "--results", str(tmp_path)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            first_out, _ = first.ends(0)
            second_out, _ = second.ends(0)
    assert (summary.returncode, summary.stderr) == (0, "")
    assert "Long" in summary.stdout
    assert "waiting" not in first_out
    assert second_out.startswith(f"waiting for another grid that is running in {tmp_path}\n")
    assert "nothing to train: every planned run has its record" in second_out
    assert rows(tmp_path) == (RUNS, RUNS)
    assert tables(tmp_path) == expected


def test_second_run_trains_nothing_and_touches_nothing(
    study: str, uninterrupted: Path, expected: dict[str, bytes]
) -> None:
    def state() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in uninterrupted.rglob("*") if path.is_file()]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    assert tables(uninterrupted) == expected
    start = time.perf_counter()
    with Grid(study, uninterrupted) as grid:
        out, _ = grid.ends(0)
    assert time.perf_counter() - start < 6
    assert "nothing to train: every planned run has its record\n" in out
    after = state()
    assert {path.name for path in after} == {path.name for path in before}
    assert after == {path: before[path] for path in after}
