"""`make torture`: stops a grid at random moments, damages what it wrote, resumes it, and compares what it ends with.

Driver, worker and all of them are killed with SIGKILL, or interrupted once or twice, while they start, train, or write
tables. Half of the runs are of a class of the user's that ignores every other signal. A grid whose driver has ended is
started again on the same directory; one whose worker is killed ends by itself. One that has nothing left to train is
ended, and the next begins anew.

While a grid trains, the file of that class or of its helper may be edited, broken or removed, and is put back when the
grid has ended. Between grids, something happens to the directory: tests/experiments/harms.py.

An event is an edit, a stop or a harm. All of them come in random order, each as often as the others of its kind.
"""

import argparse
import itertools
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tests.experiments import edited
from tests.experiments.edited import RUNS
from tests.experiments.grids import INTERRUPTED, STOPPING, Grid, assert_ended, rows, said, tables, workers
from tests.experiments.harms import HARMS

STOPS = ("driver killed", "worker killed", "all killed", "interrupted", "interrupted twice")

T = TypeVar("T")


def torture(events: int, seed: int, study: str, expected: dict[str, bytes], folder: Path) -> Iterator[str]:
    """Says what was done, event by event, and at last how many grids ended as they should.

    Args:
        events: how many.
        seed: of all that is random.
        study: the path that `edited.write` returned.
        expected: tables of a grid that was left alone.
        folder: for results.

    Raises:
        AssertionError: a process stayed, a record went, a grid failed or ended in a traceback, or its tables are not as
            expected.
    """
    ordeal = Ordeal(random.Random(seed), study, expected, folder)
    yield from itertools.islice(ordeal.events(), events)
    ordeal.end()
    yield f"{len(ordeal.begun)} grids ended with the bytes of one that was left alone"


class Ordeal:
    """Grids of one study that are tortured, one after the other.

    Attributes:
        begun: their results directories; the last is that of the grid that goes on.
    """

    def __init__(self, chance: random.Random, study: str, expected: dict[str, bytes], folder: Path) -> None:
        self.chance, self.study, self.expected, self.folder = chance, study, expected, folder
        self.begun = [folder / "tortured 0"]

    def events(self) -> Iterator[str]:
        """Stops and harms in turn, without an end; before every other stop a file is edited."""
        recorded = 0
        rounds = zip(_cycled(self.chance, STOPS), _cycled(self.chance, HARMS), itertools.cycle((True, False)))
        for stop, harm, edits in rounds:
            if recorded == RUNS:
                self.end()
                self.begun.append(self.folder / f"tortured {len(self.begun)}")
                recorded = 0
            yield from self._stopped(stop, recorded, edits)
            recorded = rows(self.begun[-1], "rw")[1]
            yield harm(self.chance, self.study, self.begun[-1])
            assert rows(self.begun[-1], "rw")[1] >= recorded

    def end(self) -> None:
        """Goes on to the end of the last grid, and compares it."""
        with Grid(self.study, self.begun[-1]) as grid:
            grid.ends(0)
        assert rows(self.begun[-1]) == (RUNS, RUNS)
        assert tables(self.begun[-1]) == self.expected

    def _stopped(self, stop: str, recorded: int, edits: bool) -> list[str]:
        """A grid that goes on from so many records, up to a moment; one line an event."""
        at = _moment(self.chance, recorded, stop)
        lines = [f"{stop} at {at} of {RUNS} records"]
        try:
            with Grid(self.study, self.begun[-1]) as grid:
                if edits or "interrupted" in stop:
                    grid.says("(tuning|evaluation|nothing)")  # the study has been read
                if edits:
                    lines.insert(0, edited.edit(self.chance, Path(self.study).parent))
                grid.reaches(lambda planned, trained: planned > 0 and trained >= at)
                time.sleep(self.chance.uniform(0, 0.1))
                self._stop(grid, stop)
                assert_ended(grid.process.pid)
        finally:
            edited.restore(Path(self.study).parent)
        assert rows(self.begun[-1], "rw")[1] >= at, lines
        return lines

    def _stop(self, grid: Grid, stop: str) -> None:
        if stop == "worker killed":
            grid.reaches(lambda planned, trained: bool(workers(grid.process.pid)))
            os.kill(self.chance.choice(workers(grid.process.pid)), signal.SIGKILL)
            _, err = grid.ends(0)
            assert edited.apart_from_edits(said(err)) == [], err
        elif stop == "driver killed":
            os.kill(grid.process.pid, signal.SIGKILL)
            grid.process.wait()
        elif stop == "all killed":
            grid.signal(signal.SIGKILL)
            grid.process.wait()
        else:
            grid.signal(signal.SIGINT)
            if stop == "interrupted twice":
                time.sleep(self.chance.uniform(0, 0.1))
                grid.signal(signal.SIGINT)
            code, err = grid.stops()
            lines = edited.apart_from_edits(said(err))
            assert (code, lines) in ((0, []), (130, [INTERRUPTED]), (130, [STOPPING, INTERRUPTED])), (code, err)


def _moment(chance: random.Random, recorded: int, stop: str) -> int:
    """A number of records: those that are there at the start, all (tables are being written), or one between.

    A worker is killed while there is something left for it.
    """
    kind = chance.randrange(5)
    if kind == 0:
        return recorded
    if kind == 1 and stop != "worker killed":
        return RUNS
    return chance.randrange(recorded, max(recorded + 1, RUNS - RUNS // 8))


def _cycled(chance: random.Random, choices: Sequence[T]) -> Iterator[T]:
    """All of the choices in random order, then all of them again in another."""
    while True:
        yield from chance.sample(choices, len(choices))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="default: another each time")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = edited.write(folder)
        with Grid(study, folder / "alone") as grid:
            grid.ends(0)
        for line in torture(options.events, options.seed, study, tables(folder / "alone"), folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
