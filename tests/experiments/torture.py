"""`make torture`: kills a grid at random moments, resumes it each time, and compares what it ends with.

Driver, worker and all of them are killed in turn, with SIGKILL. A grid whose driver is killed is started again on the
same directory; one whose worker is killed ends by itself, and the next begins anew.
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
    grids, results, kept = 0, folder / "tortured 0", 0
    for number in range(kills):
        victim = VICTIMS[number % len(VICTIMS)]
        with Grid(study, results) as grid:
            at = chance.randrange(kept, RUNS - RUNS // 8)
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
        if victim == "worker":
            assert tables(results) == expected
            grids += 1
            results, kept = folder / f"tortured {grids}", 0
    with Grid(study, results) as grid:
        grid.ends(0)
    assert rows(results) == (RUNS, RUNS)
    assert tables(results) == expected
    yield f"{grids + 1} grids ended with the bytes of one that was left alone"


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
