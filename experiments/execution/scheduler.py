"""Gives chunks to workers, and finds out which run is to blame when a worker ends.

A hang, a lack of memory and a crash go one way: the worker ends (execution/worker.py sets the deadline), its chunk is
halved, and both halves are trained again, until the run that ends workers is alone. No other run's record depends on
it, because a record does not depend on how runs are cut into chunks.
"""

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence

from tqdm import tqdm

from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.errors import FairgridError, WorkersError, first_line, short_message
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.execution.worker_entry import Lost, Refused, Task
from fairgrid.experiments.planning.work_units import Chunk, Run
from fairgrid.experiments.runtime.environment import describe

_TRIALS = 2  # that a run which ended a worker has with nothing beside it: others may have taken the memory


def outcomes(pool: Pool, chunks: Sequence[Chunk], stopping: Callable[[], bool]) -> Iterator[Outcome]:
    """Trains chunks in the order in which they are given; yields each outcome as it comes.

    A run that its worker does not survive has an outcome of its own, with a record that says so.

    Args:
        pool: where.
        chunks: what.
        stopping: whether nothing more is to be started.

    Raises:
        KeyboardInterrupt: it was to stop, and what had been started has ended.
        WorkersError: there is nothing to train on.
    """
    waiting = deque(chunks)
    suspects: deque[Run] = deque()
    trials: Counter[str] = Counter()
    refused: dict[str, str] = {}
    while waiting or suspects:
        alone = not waiting
        if alone:
            waiting.append(Chunk((suspects.popleft(),), 0.0))
        again, trained = [], False
        for chunk, said in _answered(pool, waiting, stopping):
            trained = trained or not isinstance(said, Refused)
            if isinstance(said, Outcome):
                yield said
            elif isinstance(said, Refused):
                again.append(chunk)
                if said.worker not in refused:
                    tqdm.write(f"worker {said.worker} is not used: {said.reason}", file=sys.stderr)
                refused[said.worker] = said.reason
            elif len(chunk.runs) > 1:
                waiting.extend(_halves(chunk))
            else:
                (run,) = chunk.runs
                trials[run.run_id] += alone
                record = _verdict(said, pool.timeout, trials[run.run_id])
                if record is None:
                    suspects.append(run)
                else:
                    yield Outcome(
                        chunk, [record], said.seconds, said.environment or describe(*pool.commit, pool.device)
                    )
        if stopping():
            raise KeyboardInterrupt
        if again and not trained:
            where = pool.scheduler or f"backend {pool.backend}"
            reasons = "; ".join(f"{worker}: {reason}" for worker, reason in refused.items())
            raise WorkersError(f"{where}: expected a worker whose records would be the driver's, found {reasons}")
        waiting.extend(again)


def _answered(
    pool: Pool, waiting: deque[Chunk], stopping: Callable[[], bool]
) -> Iterator[tuple[Chunk, Outcome | Refused | Lost]]:
    """One call of joblib, which takes chunks until none waits; yields what became of each."""
    under_way: dict[int, Chunk] = {}
    terms = pool.terms()

    def tasks() -> Iterator[Task]:
        number = 0
        while waiting and not stopping():
            under_way[number] = waiting.popleft()
            yield Task(number, under_way[number], terms, pool.deadline(under_way[number]), stopping)
            number += 1

    lost = Lost("worker gave no answer", 0.0)
    try:
        for number, said in pool.answers(tasks()):
            chunk = under_way.pop(number)
            if said is not None:
                yield chunk, said
    except FairgridError:
        raise
    except Exception as error:
        if not pool.foreign:
            raise
        lost = Lost(first_line(error), 0.0)
        pool.probe()
    for chunk in under_way.values():
        yield chunk, lost


def _halves(chunk: Chunk) -> tuple[Chunk, Chunk]:
    middle = len(chunk.runs) // 2
    return Chunk(chunk.runs[:middle], chunk.cost / 2), Chunk(chunk.runs[middle:], chunk.cost / 2)


def _verdict(lost: Lost, timeout: float | None, trials: int) -> Record | None:
    """The record of a run that ended its worker; None if it is to be tried again."""
    if timeout is not None and lost.seconds >= timeout:
        return Record(status=Status.TIMEOUT, message=f"no end after {timeout:g} s")
    return Record(status=Status.ERROR, message=short_message(lost.reason)) if trials == _TRIALS else None
