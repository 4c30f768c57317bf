"""Worker processes of this machine. Each has a pipe to the driver, so that one that ends takes its own chunk alone.

Processes are started by loky, which needs no guard in the user's main module. Its executors are not used: they give up
every chunk when one worker ends, and wait forever for one that ends while it sends a result.
"""

import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from joblib.externals.loky.backend.context import get_context

from fairgrid.experiments.errors import WorkersError
from fairgrid.experiments.execution.backends.pool import Ended, Pool
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.execution.worker_entry import begin
from fairgrid.experiments.planning.work_units import Chunk
from fairgrid.experiments.runtime.determinism import Device
from fairgrid.experiments.runtime.environment import Environment

_STARTS = 3  # so many workers in a row may end before they have said where they are
_PATIENCE = 5.0  # seconds that a worker has to end when there is no more to do


@dataclass
class _Worker:
    process: Any
    pipe: connection.Connection
    environment: Environment | None = None  # until it has said where it is
    chunk: Chunk | None = None
    since: float = 0.0

    def ended(self) -> bool:
        """Whether it ended and has left nothing to read."""
        return self.process.exitcode is not None and not self.pipe.poll()


class Processes(Pool):
    """Worker processes, started when there is something for them to do.

    Args:
        jobs: at most so many.
        timeout: see Pool.
        device: see Pool.
    """

    def __init__(self, jobs: int, timeout: float | None = None, device: Device = "cpu") -> None:
        super().__init__(timeout, device)
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    @property
    def memory(self) -> int | None:
        whole = super().memory
        return None if whole is None else whole // self._jobs

    def free(self) -> int:
        return self._jobs - self.running()

    def running(self) -> int:
        return sum(worker.chunk is not None for worker in self._workers)

    def start(self, chunk: Chunk) -> None:
        idle = [worker for worker in self._workers if worker.chunk is None]
        for worker in [worker for worker in idle if worker.ended()]:
            idle.remove(worker)
            self._remove(worker)
        self._give(chunk, idle[0] if idle else self._new())

    def wait(self, seconds: float) -> list[Ended]:
        busy = [worker for worker in self._workers if worker.chunk is not None]
        connection.wait([worker.pipe for worker in busy], seconds)
        found = [self._heard(worker) for worker in busy if worker.pipe.poll() or worker.ended()]
        return [ended for ended in found if ended is not None]

    def close(self, at_once: bool) -> None:
        if at_once:
            for worker in self._workers:
                _kill(worker.process)
        for worker in self._workers:
            worker.pipe.close()
        deadline = time.monotonic() + _PATIENCE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.exitcode is None:
                _kill(worker.process)
                worker.process.join()
        self._workers.clear()

    def _new(self) -> _Worker:
        context = get_context("loky")
        ours, theirs = context.Pipe()
        arguments = (theirs, os.getpid(), self.commit, self.device)
        process = context.Process(target=begin, args=arguments, daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _give(self, chunk: Chunk, worker: _Worker) -> None:
        worker.chunk, worker.since = chunk, time.monotonic()
        with suppress(BrokenPipeError):  # what is sent to one that has just ended is lost, as `wait` will find
            worker.pipe.send_bytes(pickle.dumps((self.task(), chunk)))

    def _heard(self, worker: _Worker) -> Ended | None:
        """What a worker's message, or end, means; None if it has begun."""
        try:
            said: Environment | Outcome | str = pickle.loads(worker.pipe.recv_bytes())
        except (EOFError, OSError):
            return self._lost(worker)
        if isinstance(said, Environment):
            self._failed_starts = 0
            worker.environment, worker.since = said, time.monotonic()
            return None
        assert worker.chunk is not None
        assert worker.environment is not None
        chunk, worker.chunk = worker.chunk, None
        seconds = time.monotonic() - worker.since
        if isinstance(said, Outcome):
            return Ended(chunk, said, seconds, worker.environment)
        self._remove(worker)  # it ends
        return Ended(chunk, None, seconds, worker.environment, said)

    def _lost(self, worker: _Worker) -> Ended | None:
        """Its chunk, unless it ended before that could be the chunk's doing."""
        seconds = time.monotonic() - worker.since
        reason = self._remove(worker)
        assert worker.chunk is not None
        if worker.environment is not None:
            return Ended(worker.chunk, None, seconds, worker.environment, reason)
        self._failed_starts += 1
        if self._failed_starts == _STARTS:
            raise WorkersError(f"expected worker processes that start, found {_STARTS} in a row that ended: {reason}")
        self._give(worker.chunk, self._new())
        return None

    def _remove(self, worker: _Worker) -> str:
        """Takes a worker that has ended out of the pool; returns why it did."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(_PATIENCE)
        if worker.process.exitcode is None:  # it has closed its pipe, and so cannot be worked with
            _kill(worker.process)
            worker.process.join()
        code = worker.process.exitcode
        if code >= 0:
            return f"worker exited with code {code}"
        name = signal.Signals(-code).name
        return f"worker ended by {name}{', perhaps for lack of memory' if name == 'SIGKILL' else ''}"


def _kill(process: Any) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """For worker processes to be born with; the driver gets its interrupt afterwards."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
