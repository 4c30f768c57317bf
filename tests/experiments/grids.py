"""Grids as users run them: a process of its own with workers, that tests stop, kill and look into."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from fairgrid.experiments.store.database import FILE

ROOT = Path(__file__).parents[2]
PATIENCE = 180  # seconds: other work may have the machine
TABLES = ("runs.csv", "summary.csv", "curves.csv", "metrics.csv")


class Grid:
    """scripts/run_grid.py in a session of its own, so that a signal reaches the driver and its workers alike."""

    def __init__(self, study: str, results: Path, *options: str, cwd: Path = ROOT) -> None:
        self.results = results
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "scripts" / "run_grid.py"),
                study,
                "--results",
                str(results),
                "--jobs",
                "2",
                *options,
            ],
            cwd=cwd,
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
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == code, err
        return out, err

    def stops(self) -> tuple[int, str]:
        """Waits for the end; returns the exit code and what was said on stderr."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err

    def says(self, pattern: str) -> None:
        """Waits for a line on stdout that begins with a pattern."""
        _wait_for(self.process.stdout, pattern)

    def warns(self, line: str) -> None:
        """Waits for a line on stderr."""
        _wait_for(self.process.stderr, re.escape(line))

    def reaches(self, moment: Callable[[int, int], bool]) -> None:
        """Waits until the store's numbers of planned rows and of records are as asked."""
        deadline = time.monotonic() + PATIENCE
        while not moment(*rows(self.results)):
            assert self.process.poll() is None, "the grid ended before the moment came"
            assert time.monotonic() < deadline
            time.sleep(0.005)


def _wait_for(stream: IO[str] | None, pattern: str) -> None:
    assert stream is not None
    assert any(re.match(pattern, line) for line in stream), f"the grid ended before it said {pattern}"


STOPPING = "fairgrid: stopping when what is being trained has ended; Ctrl-C again stops at once"
INTERRUPTED = "fairgrid: interrupted; what was trained is kept, the same command goes on from there"


def said(err: str) -> list[str]:
    """The lines apart from those on progress."""
    return [line for line in err.splitlines() if line.strip() and not re.match(r"\w+: [\d,]+ of [\d,]+ runs, ", line)]


def rows(results: Path, mode: str = "ro") -> tuple[int, int]:
    """How many runs the store knows, and how many of them have a record; after a kill, it takes mode rw to read it."""
    try:
        connection = sqlite3.connect(f"file:{results / FILE}?mode={mode}", uri=True)
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


def members(group: int) -> dict[int, str]:
    """The living processes of a process group: pid and command line."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            _, _, fields = (path / "stat").read_text().rpartition(") ")
            if int(fields.split()[2]) == group and not fields.startswith("Z"):
                found[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def workers(group: int) -> list[int]:
    """The worker processes of a grid."""
    return [pid for pid, command in members(group).items() if "popen_loky" in command]


def assert_ended(group: int) -> None:
    """No process of the group is left, once those that are ending have ended."""
    deadline = time.monotonic() + 30
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert members(group) == {}
