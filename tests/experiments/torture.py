"""`make torture`: kills a grid at random moments, resumes it each time, and compares what it ends with.

Driver, worker and all of them are killed in turn, with SIGKILL, while they start, train, or write tables. A grid whose
driver is killed is started again on the same directory; one whose worker is killed ends by itself. One that has nothing
left to train is ended, and the next begins anew.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.experiments import studies
from tests.experiments.grids import Grid, assert_ended, rows, tables, workers

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
        AssertionError: a process stayed, a record went, a grid failed, or its tables are not as expected.
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
