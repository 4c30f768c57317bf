"""What happens to a results directory between two grids of `make torture`; each says what it did.

A flipped bit changes no value, or is said in one line and the store is put back, as from a copy. Nothing is to be seen
of the others when the grid ends.
"""

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from fairgrid.experiments.store.database import FILE
from tests.experiments import edited
from tests.experiments.grids import PATIENCE, ROOT, Grid, rows


def edit_a_table(chance: random.Random, study: str, results: Path) -> str:
    """A byte of a CSV becomes another."""
    paths = sorted(results.glob("*.csv"))
    if not paths:
        return "no table to edit yet"
    path = chance.choice(paths)
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(7)
    path.write_bytes(bytes(content))
    return f"byte {at} of {path.name} edited"


def set_the_clock(chance: random.Random, study: str, results: Path) -> str:
    """Tables look older or newer than the store that they were made from, or than one that has gone on."""
    shift = chance.choice((-1, 1)) * 86400
    for path in [*results.glob("*.csv"), *results.glob("figures/*"), results / FILE]:
        if chance.random() < 0.7 and path.exists():
            os.utime(path, (time.time() + shift,) * 2)
    return f"clock set {'back' if shift < 0 else 'forward'} for some files"


def fill_the_disk(chance: random.Random, study: str, results: Path) -> str:
    """A grid that can write no file beyond some size says so in one line, or needs no larger one."""
    size = chance.choice((1, 20, 60, 120)) * 1024

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = _run("run_grid", study, results, "--backend", "sequential", preexec_fn=limited)
    lines = [line for line in done.stderr.splitlines() if line.startswith("fairgrid:")]
    assert done.returncode == 0 or len(lines) == 1, done.stderr
    return f"disk full beyond files of {size // 1024} KB: exit code {done.returncode}"


def flip_a_bit(chance: random.Random, study: str, results: Path) -> str:
    """A bit of the store flips: the next grid stops at it, or ends as if nothing had happened."""
    path = results / FILE
    sound = path.read_bytes()
    at, bit = chance.randrange(len(sound)), chance.randrange(8)
    damaged = bytearray(sound)
    damaged[at] ^= 1 << bit
    path.write_bytes(bytes(damaged))
    done = _run("summarize", study, results, "--quiet")
    if done.returncode == 5:
        assert done.stderr.startswith(f"fairgrid: {path}: expected "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        path.write_bytes(sound)
    return f"bit {bit} of byte {at} of the store flipped: exit code {done.returncode}"


def train_another_version(chance: random.Random, study: str, results: Path) -> str:
    """In a copy, the next grid finds the class edited: it trains it under new ids and changes no record of before."""
    copy = results.with_name(f"{results.name}, another version")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(results, copy)
    before = _records(copy)
    with edited.another_version(chance, Path(study).parent) as name, Grid(study, copy) as grid:
        grid.ends(0)
    after = _records(copy)
    assert before.items() <= after.items(), f"{name} edited: a record of before is another, or gone"
    own_before, own_after = ({run for run in known if known[run][0]} for known in (before, after))
    assert len(own_after - own_before) == edited.OF_THE_CLASS, f"{name} edited: {len(own_after - own_before)} new runs"
    shutil.rmtree(copy)
    return f"{name} edited before a grid: {edited.OF_THE_CLASS} runs under new ids"


def _run(script: str, study: str, results: Path, *options: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """A script on the study, which ends well or with exit code 5, and never in a traceback."""
    command = [sys.executable, f"scripts/{script}.py", study, "--results", str(results), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE, **how)
    assert done.returncode in (0, 5), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def _records(results: Path) -> dict[str, tuple[Any, ...]]:
    """By id, what the store holds of every run that has a record: first whether it is of the user's class."""
    rows(results, "rw")  # undoes what a kill cut short
    with closing(sqlite3.connect(results / FILE)) as connection:
        runs = connection.execute(
            "SELECT run_id, instr(config, 'stubborn') > 0, runs.* FROM runs JOIN cells USING (cell)"
            " WHERE status <> 'planned'"
        ).fetchall()
        curves = connection.execute('SELECT run_id, metric, "values" FROM curves ORDER BY run_id, metric').fetchall()
    by_run: dict[str, list[Any]] = {run_id: list(columns) for run_id, *columns in runs}
    for run_id, *columns in curves:
        by_run[run_id].append(tuple(columns))
    return {run_id: tuple(columns) for run_id, columns in by_run.items()}


HARMS: tuple[Callable[[random.Random, str, Path], str], ...] = (
    edit_a_table,
    flip_a_bit,
    set_the_clock,
    fill_the_disk,
    train_another_version,
)
