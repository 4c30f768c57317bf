"""What a worker process does with a chunk: train it, and say what went wrong with whom."""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from experiments import numerics
from experiments.chunks import Chunk, Run, stretch
from experiments.engines import Record, train
from experiments.environment import Environment, describe


@dataclass(frozen=True)
class Outcome:
    """The records of a chunk, in the order of its runs, and how they came about."""

    chunk: Chunk
    records: list[Record]
    seconds: float
    environment: Environment


def execute(
    chunk: Chunk, import_paths: Sequence[str], commit: tuple[str, bool], timeout: float | None = None
) -> Outcome:
    """Trains a chunk in this process.

    Args:
        chunk: what to train.
        import_paths: where the user's own classes are looked for, as in the driver.
        commit: the driver's commit and whether its tree was dirty.
        timeout: seconds that a run may take alone; several have as much longer as they are expected to take. This
            process ends if they take more.
    """
    sys.path[:] = list(dict.fromkeys([*import_paths, *sys.path]))
    numerics.settle()
    start = time.perf_counter()
    records = _train(chunk.runs, timeout)
    return Outcome(chunk, records, time.perf_counter() - start, describe(*commit))


def _train(runs: Sequence[Run], timeout: float | None) -> list[Record]:
    """Records of runs; halves a stack that fails until the failure is one run's own."""
    try:
        with _deadline(runs, timeout):
            return train([run.config for run in runs], [run.seed for run in runs], [run.keep for run in runs])
    except (Exception, SystemExit) as error:
        if len(runs) == 1:
            return [Record(status="error", message=first_line(error))]
        middle = len(runs) // 2
        return _train(runs[:middle], timeout) + _train(runs[middle:], timeout)


@contextmanager
def _deadline(runs: Sequence[Run], timeout: float | None) -> Iterator[None]:
    """The system ends this process at the deadline, whatever it is doing then: no handler runs."""
    if timeout is None:
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, timeout * stretch(runs))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def first_line(error: BaseException) -> str:
    """What an error is and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
