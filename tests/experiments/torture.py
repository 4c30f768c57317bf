"""`make torture`: kills a grid at random moments, damages what it wrote, resumes it, and compares what it ends with.

Driver, worker and all of them are killed in turn, with SIGKILL, while they start, train, or write tables. A grid whose
driver is killed is started again on the same directory; one whose worker is killed ends by itself. One that has nothing
left to train is ended, and the next begins anew.

Between kills, something happens to the directory: a CSV is edited, files look as if the clock had been set forward or
back, the disk is full for a while (a limit on the size of files, which needs no rights), or a bit of the store flips.
A flipped bit changes no value, or is said in one line and the store is put back, as from a copy. Nothing is to be seen
of the others when the grid ends.
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fairgrid.experiments.store.database import FILE
from tests.experiments import studies
from tests.experiments.grids import PATIENCE, ROOT, Grid, assert_ended, rows, tables, workers

RUNS = 144  # of studies.LONG: 12 cells of 2 rates x 3 tuning seeds, 12 cells x 6 seeds
VICTIMS = ("driver", "worker", "all")


def torture(kills: int, seed: int, study: str, expected: dict[str, bytes], folder: Path) -> Iterator[str]:
    """Says what was done, kill by kill.

    Args:
        kills: how many.
        seed: of the moments.
        study: the file of studies.LONG.
        expected: tables of a grid that was left alone.
        folder: for results.

    Raises:
        AssertionError: a process stayed, a record went, a grid failed or ended in a traceback, or its tables are not as
            expected.
    """
    chance = random.Random(seed)
    begun, kept = [folder / "tortured 0"], 0
    for number in range(kills):
        victim = VICTIMS[number % len(VICTIMS)]
        if kept == RUNS:
            _end(study, begun[-1], expected)
            begun.append(folder / f"tortured {number}")
            kept = 0
        results = begun[-1]
        with Grid(study, results) as grid:
            at = _moment(chance, kept, victim)
            grid.reaches(lambda known, recorded, at=at: known > 0 and recorded >= at)
            time.sleep(chance.uniform(0, 0.1))
            if victim == "worker":
                grid.reaches(lambda known, recorded: bool(workers(grid.process.pid)))
                os.kill(chance.choice(workers(grid.process.pid)), signal.SIGKILL)
                grid.ends(0)
            elif victim == "driver":
                os.kill(grid.process.pid, signal.SIGKILL)
                grid.process.wait()
            else:
                grid.signal(signal.SIGKILL)
                grid.process.wait()
            assert_ended(grid.process.pid)
        yield f"{victim} killed at {at} of {RUNS} records"
        kept = rows(results, "rw")[1]
        assert kept >= at
        yield HARMS[number % len(HARMS)](chance, study, results)
        assert rows(results, "rw")[1] >= kept
    _end(study, begun[-1], expected)
    yield f"{len(begun)} grids ended with the bytes of one that was left alone"


def _moment(chance: random.Random, kept: int, victim: str) -> int:
    """A number of records: those that are there at the start, all (tables are being written), or one between.

    A worker is killed while there is something left for it.
    """
    kind = chance.randrange(5)
    if kind == 0:
        return kept
    if kind == 1 and victim != "worker":
        return RUNS
    return chance.randrange(kept, max(kept + 1, RUNS - RUNS // 8))


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
    command = [sys.executable, "scripts/run_grid.py", study, "--results", str(results), "--backend", "sequential"]

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = subprocess.run(
        command, cwd=ROOT, preexec_fn=limited, capture_output=True, text=True, check=False, timeout=PATIENCE
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("fairgrid:")]
    assert done.returncode in (0, 5), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
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
    command = [sys.executable, "scripts/summarize.py", study, "--results", str(results), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode in (0, 5), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode == 5:
        assert done.stderr.startswith(f"fairgrid: {path}: expected "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        path.write_bytes(sound)
    return f"bit {bit} of byte {at} of the store flipped: exit code {done.returncode}"


HARMS: tuple[Callable[[random.Random, str, Path], str], ...] = (
    edit_a_table,
    flip_a_bit,
    set_the_clock,
    fill_the_disk,
)


def _end(study: str, results: Path, expected: dict[str, bytes]) -> None:
    with Grid(study, results) as grid:
        grid.ends(0)
    assert rows(results) == (RUNS, RUNS)
    assert tables(results) == expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the moments; default: another")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = studies.write(folder, studies.LONG, "long.toml")
        with Grid(study, folder / "alone") as grid:
            grid.ends(0)
        for line in torture(options.kills, options.seed, study, tables(folder / "alone"), folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
