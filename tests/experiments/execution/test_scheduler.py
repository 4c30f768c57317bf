"""Who is to blame when a worker ends: found by halving, and never without a trial with nothing beside it."""

from collections.abc import Callable

import pytest

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.execution.backends import Ended, Pool
from fairgrid.experiments.execution.scheduler import outcomes
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.work_units import Chunk, Run
from fairgrid.experiments.runtime.environment import Environment

HERE = Environment("", False, "", "", 1)


class Scripted(Pool):
    """Four workers; a chunk ends them if `ends_worker(seeds, seeds of the other workers)` says so."""

    def __init__(
        self, ends_worker: Callable[[list[int], list[int]], bool], timeout: float | None = None, seconds: float = 0.0
    ) -> None:
        super().__init__(timeout)
        self.ends_worker, self.seconds = ends_worker, seconds
        self.chunks: list[Chunk] = []
        self.started: list[tuple[list[int], list[int]]] = []

    def free(self) -> int:
        return 4 - len(self.chunks)

    def running(self) -> int:
        return len(self.chunks)

    def start(self, chunk: Chunk) -> None:
        beside = [run.seed for other in self.chunks for run in other.runs]
        self.chunks.append(chunk)
        self.started.append(([run.seed for run in chunk.runs], beside))

    def wait(self, seconds: float) -> list[Ended]:
        if not self.chunks:
            return []
        chunk = self.chunks.pop(0)
        seeds = [run.seed for run in chunk.runs]
        if self.ends_worker(seeds, [run.seed for other in self.chunks for run in other.runs]):
            return [Ended(chunk, None, self.seconds, HERE, "worker exited with code 3")]
        return [Ended(chunk, Outcome(chunk, [Record()] * len(seeds), 0.0, HERE), 0.0, HERE)]

    def close(self, at_once: bool) -> None:
        self.chunks.clear()


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


def test_stop_lets_what_was_started_end_and_starts_nothing() -> None:
    pool = Scripted(lambda seeds, beside: False)
    came = []

    def collect() -> None:
        given = chunks(*(range(seed, seed + 1) for seed in range(10)))
        came.extend(outcome.chunk for outcome in outcomes(pool, given, lambda: len(pool.started) >= 6))

    with pytest.raises(KeyboardInterrupt):
        collect()
    assert [run.seed for chunk in came for run in chunk.runs] == list(range(6))
    assert len(pool.started) == 6
