"""Gives chunks to workers, and finds out which run is to blame when a worker ends.

A hang, a lack of memory and a crash go one way: the worker ends (execution/worker.py sets the deadline), its chunk is
halved, and both halves are trained again, until the run that ends workers is alone. No other run's record depends on
it, because a record does not depend on how runs are cut into chunks.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.errors import short_message
from fairgrid.experiments.execution.backends import Ended, Pool
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.work_units import Chunk, Run

_TRIALS = 2  # that a run which ended a worker has with nothing beside it: others may have taken the memory
_POLL = 0.2  # seconds after which a request to stop is seen


def outcomes(pool: Pool, chunks: Sequence[Chunk], stopping: Callable[[], bool]) -> Iterator[Outcome]:
    """Trains chunks in the order in which they are given; yields each outcome as it comes.

    A run that its worker does not survive has an outcome of its own, with a record that says so.

    Args:
        pool: where.
        chunks: what.
        stopping: whether nothing more is to be started.

    Raises:
        KeyboardInterrupt: it was to stop, and what had been started has ended.
    """
    waiting = deque(chunks)
    suspects: deque[Run] = deque()
    trials: Counter[str] = Counter()

    def fill() -> None:
        while waiting and pool.free() and not stopping():
            pool.start(waiting.popleft())
        if suspects and not waiting and not pool.running() and pool.free() and not stopping():
            run = suspects.popleft()
            trials[run.run_id] += 1
            pool.start(Chunk((run,), 0.0))

    while waiting or suspects or pool.running():
        fill()
        if stopping() and not pool.running():
            raise KeyboardInterrupt
        there = []
        for ended in pool.wait(_POLL):
            if ended.outcome is not None:
                there.append(ended.outcome)
            elif len(ended.chunk.runs) > 1:
                waiting.extend(_halves(ended.chunk))
            elif (record := _verdict(ended, pool.timeout, trials[ended.chunk.runs[0].run_id])) is not None:
                there.append(Outcome(ended.chunk, [record], ended.seconds, ended.environment))
            else:
                suspects.append(ended.chunk.runs[0])
        fill()
        yield from there


def _halves(chunk: Chunk) -> tuple[Chunk, Chunk]:
    middle = len(chunk.runs) // 2
    return Chunk(chunk.runs[:middle], chunk.cost / 2), Chunk(chunk.runs[middle:], chunk.cost / 2)


def _verdict(ended: Ended, timeout: float | None, trials: int) -> Record | None:
    """The record of a run that ended its worker; None if it is to be tried again."""
    if timeout is not None and ended.seconds >= timeout:
        return Record(status="timeout", message=f"no end after {timeout:g} s")
    return Record(status="error", message=short_message(ended.reason)) if trials == _TRIALS else None
