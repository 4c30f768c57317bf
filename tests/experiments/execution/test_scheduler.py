"""Who is to blame when a worker ends: found by halving, and never without a trial with nothing beside it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator

import pytest
from joblib import Parallel, delayed

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.errors import WorkersError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.scheduler import outcomes
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.execution.worker_entry import Answer, Lost, Refused, Task
from fairgrid.experiments.planning.work_units import Chunk, Run
from fairgrid.experiments.runtime.environment import Environment

HERE = Environment("", False, "", "", 1)


class Scripted(Pool):
    """Four workers; a chunk ends them if `ends_worker(seeds, seeds of the other workers)` says so."""

    def __init__(
        self,
        ends_worker: Callable[[list[int], list[int]], bool],
        timeout: float | None = None,
        seconds: float = 0.0,
        workers: int = 4,
    ) -> None:
        super().__init__("threading" if workers > 1 else "sequential", workers, timeout)
        vars(self).update(ends_worker=ends_worker, seconds=seconds, training=[], started=[], lock=threading.Lock())

    def deadline(self, chunk: Chunk) -> None:
        return None

    def answers(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        call = Parallel(self.jobs, backend=self.backend, return_as="generator_unordered", pre_dispatch="n_jobs")
        yield from call(delayed(self.answer)(task) for task in tasks)

    def answer(self, task: Task) -> Answer:
        seeds = [run.seed for run in task.chunk.runs]
        with self.lock:
            if task.stopping():
                return Answer(task.number, None)
            self.started.append((seeds, [seed for others in self.training for seed in others]))
            self.training.append(seeds)
        time.sleep(0.001)
        with self.lock:
            self.training.remove(seeds)
            beside = [seed for others in self.training for seed in others]
        if self.ends_worker(seeds, beside):
            return Answer(task.number, Lost("worker exited with code 3", self.seconds, HERE))
        return Answer(task.number, Outcome(task.chunk, [Record()] * len(seeds), 0.0, HERE))


def chunks(*stacks: range) -> list[Chunk]:
    return [Chunk(tuple(Run(f"run {seed}", "cell", {}, seed) for seed in stack), 1.0) for stack in stacks]


def records(pool: Pool, given: list[Chunk]) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for outcome in outcomes(pool, given, lambda: False):
        for run, record in zip(outcome.chunk.runs, outcome.records, strict=True):
            assert run.seed not in found
            found[run.seed] = record
    return found


@pytest.mark.parametrize("culprits", [{0}, {5}, {15}, {3, 4}, {0, 15, 20}, set(range(24))])
def test_culprits_are_rows_and_all_others_are_trained(culprits: set[int]) -> None:
    pool = Scripted(lambda seeds, beside: bool(culprits & set(seeds)))
    found = records(pool, chunks(range(16), range(16, 21), range(21, 24)))
    assert found.keys() == set(range(24))
    for seed, record in found.items():
        expected = ("error", "worker exited with code 3") if seed in culprits else ("ok", "")
        assert (record.status, record.message) == expected


def test_run_is_blamed_only_after_trials_with_nothing_beside_it() -> None:
    pool = Scripted(lambda seeds, beside: 5 in seeds)
    records(pool, chunks(range(8), range(8, 16), range(16, 24)))
    assert [beside for seeds, beside in pool.started if seeds == [5]][-2:] == [[], []]


def test_worker_that_ends_by_no_fault_of_its_chunk_leaves_no_trace() -> None:
    lives = iter([True, True, True])
    pool = Scripted(lambda seeds, beside: next(lives, False))  # its first three chunks are lost
    found = records(pool, chunks(range(1), range(1, 2), range(2, 12)))
    assert found == dict.fromkeys(range(12), Record())


def test_run_that_lacks_memory_beside_others_is_trained_without_them() -> None:
    pool = Scripted(lambda seeds, beside: len(seeds) + len(beside) > 2)
    assert records(pool, chunks(range(8), range(8, 16))) == dict.fromkeys(range(16), Record())


def test_run_that_outlasts_its_deadline_alone_in_its_chunk_is_a_timeout() -> None:
    pool = Scripted(lambda seeds, beside: 2 in seeds, timeout=7.0, seconds=7.1)
    found = records(pool, chunks(range(4)))
    assert found.pop(2) == Record(status="timeout", message="no end after 7 s")
    assert found == dict.fromkeys([0, 1, 3], Record())
    assert sum(seeds == [2] for seeds, _ in pool.started) == 1


def test_crash_before_the_deadline_is_an_error() -> None:
    pool = Scripted(lambda seeds, beside: True, timeout=7.0, seconds=0.1)
    assert records(pool, chunks(range(1)))[0].status == "error"


@pytest.mark.parametrize("workers", [1, 4])
def test_stop_lets_what_was_started_end_and_starts_nothing(workers: int) -> None:
    pool = Scripted(lambda seeds, beside: False, workers=workers)
    came = []

    def collect() -> None:
        given = chunks(*(range(seed, seed + 1) for seed in range(30)))
        came.extend(outcome.chunk for outcome in outcomes(pool, given, lambda: len(pool.started) >= 6))

    with pytest.raises(KeyboardInterrupt):
        collect()
    assert sorted(run.seed for chunk in came for run in chunk.runs) == list(range(6))
    assert len(pool.started) == 6


class Refusing(Scripted):
    """Some of its workers refuse: `refuses(seeds)` is the worker that does, or empty."""

    def __init__(self, refuses: Callable[[list[int]], str]) -> None:
        super().__init__(lambda seeds, beside: False)
        vars(self).update(refuses=refuses)

    def answer(self, task: Task) -> Answer:
        worker = self.refuses([run.seed for run in task.chunk.runs])
        return Answer(task.number, Refused(worker, "it is another")) if worker else super().answer(task)


def test_chunk_that_a_worker_refuses_is_trained_by_another(capsys: pytest.CaptureFixture[str]) -> None:
    refusals = iter(["a", "b", "a", "a"])
    pool = Refusing(lambda seeds: next(refusals, ""))
    assert records(pool, chunks(*(range(seed, seed + 1) for seed in range(8)))) == dict.fromkeys(range(8), Record())
    said = capsys.readouterr().err.splitlines()
    assert sorted(said) == [f"worker {name} is not used: it is another" for name in "ab"]


def test_grid_ends_where_all_workers_refuse() -> None:
    pool = Refusing(lambda seeds: "ab"[seeds[0]])
    with pytest.raises(
        WorkersError,
        match=r"^backend threading: expected a worker whose records would be the driver's, found"
        r" (a: it is another; b: it is another|b: it is another; a: it is another)$",
    ):
        records(pool, chunks(range(1), range(1, 2)))
