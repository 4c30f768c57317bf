"""What a worker process does with a chunk: train it, and say what went wrong with whom."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from experiments import numerics
from experiments.chunks import Chunk, Run
from experiments.engines import Record, train
from experiments.environment import Environment, describe


@dataclass(frozen=True)
class Outcome:
    """The records of a chunk, in the order of its runs, and how they came about."""

    chunk: Chunk
    records: list[Record]
    seconds: float
    environment: Environment


def execute(chunk: Chunk, import_paths: Sequence[str], commit: tuple[str, bool]) -> Outcome:
    """Trains a chunk in this process.

    Args:
        chunk: what to train.
        import_paths: where the user's own classes are looked for, as in the driver.
        commit: the driver's commit and whether its tree was dirty.
    """
    if multiprocessing.current_process().name != "MainProcess":
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the driver's to handle
    sys.path[:] = list(dict.fromkeys([*import_paths, *sys.path]))
    numerics.settle()
    start = time.perf_counter()
    records = _train(chunk.runs)
    return Outcome(chunk, records, time.perf_counter() - start, describe(*commit))


def _train(runs: Sequence[Run]) -> list[Record]:
    """Records of runs; halves a stack that fails until the failure is one run's own."""
    try:
        return train([run.config for run in runs], [run.seed for run in runs], [run.keep for run in runs])
    except Exception as error:
        if len(runs) == 1:
            first_line = (str(error).splitlines() or [""])[0]
            return [Record(status="error", message=f"{type(error).__name__}: {first_line}")]
        middle = len(runs) // 2
        return _train(runs[:middle]) + _train(runs[middle:])
