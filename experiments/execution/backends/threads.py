"""What the backends of this package have in common: a thread of the driver waits for each task's worker."""

import functools
import pickle
import signal
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from joblib.parallel import ParallelBackendBase

from fairgrid.experiments.errors import WorkersError
from fairgrid.experiments.execution.worker_entry import Answer, Lost, Refused, Task, introduce
from fairgrid.experiments.runtime.environment import Environment

GRACE = 5.0  # seconds after its deadline at which a worker that has not ended itself is ended
POLL = 0.2  # seconds between looks at whether a worker is still there
_STARTS = 3  # so many workers in a row may end before they have said where they are


class Worker(ABC):
    """One that trains a chunk at a time."""

    name: str
    environment: Environment | None = None  # until it has introduced itself

    @abstractmethod
    def ask(self, message: bytes, deadline: float | None) -> Any:
        """What a worker gives for a pickled call. It is ended if it gives nothing until GRACE after the deadline.

        Raises:
            EOFError: it has ended.
            OSError: likewise.
        """

    @abstractmethod
    def end(self) -> str:
        """Sees to it that a worker which is not to be used has ended; says how it did."""


class Threads(ParallelBackendBase, ABC):
    """A backend of joblib's for batches of one task, which says whose chunk is lost and goes on with the others."""

    supports_retrieve_callback = True

    def configure(self, n_jobs: int = 1, parallel: Any = None, *_: Any, **__: Any) -> int:
        """Prepares a thread for each job; returns how many tasks joblib hands over."""
        self.parallel = parallel
        self.lock, self.ended, self._failed_starts = threading.Lock(), threading.Event(), 0
        self.refused: dict[str, str] = {}  # workers that are not to be used, and why
        # processes are born with the mask of their thread: an interrupt ends none that has not begun to ignore it
        masked = (signal.SIG_BLOCK, {signal.SIGINT})
        self._threads = ThreadPoolExecutor(n_jobs, initializer=signal.pthread_sigmask, initargs=masked)
        return self.effective_n_jobs(n_jobs)

    def start_call(self) -> None:
        """Begins anew after an interrupt."""
        if self.ended.is_set():
            self.configure(self.parallel.n_jobs, self.parallel)

    def submit(self, func: Any, callback: Any = None) -> Future[Answer]:
        """Gives a task to a thread."""
        ((task, _, _),) = func.items
        future = self._threads.submit(self._answer, task)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """The answers of a batch."""
        return [out.result()]

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Ends or leaves the workers, whatever they are doing."""
        self.terminate()

    def terminate(self) -> None:
        """Waits for the threads, which have nothing to wait for any more."""
        self.ended.set()
        self._threads.shutdown(cancel_futures=True)

    @abstractmethod
    def take(self, task: Task) -> Worker | Refused | None:
        """A worker that is free, when there is one; or why there will be none; None if the task is not to start."""

    @abstractmethod
    def give_back(self, worker: Worker) -> None:
        """A worker is free again."""

    def _answer(self, task: Task) -> Answer:
        worker = self._introduced(task)
        if not isinstance(worker, Worker):
            return Answer(task.number, worker)
        start = time.monotonic()
        try:
            said = worker.ask(pickle.dumps(task), task.deadline)
        except (EOFError, OSError):
            said = worker.end()
        if not isinstance(said, Answer):  # it says why it ends
            worker.end()
            return Answer(task.number, Lost(said, time.monotonic() - start, worker.environment))
        if isinstance(said.said, Refused):
            return Answer(task.number, self._refuse(worker, said.said.reason))
        self.give_back(worker)
        return said

    def _introduced(self, task: Task) -> Worker | Refused | None:
        """A worker that has loaded what it needs and said where it is; see `take`."""
        message = pickle.dumps(functools.partial(introduce, task.terms))
        while isinstance(worker := self.take(task), Worker) and worker.environment is None:
            try:
                said = worker.ask(message, None)
            except (EOFError, OSError):
                reason = worker.end()
                self._failed_starts += 1
                if self._failed_starts >= _STARTS:
                    raise WorkersError(
                        f"expected worker processes that start, found {_STARTS} in a row that ended: {reason}"
                    ) from None
                continue
            self._failed_starts = 0
            if not isinstance(said, Environment):
                return self._refuse(worker, said.reason if isinstance(said, Refused) else said)
            worker.environment = said
            return worker
        return worker

    def _refuse(self, worker: Worker, reason: str) -> Refused:
        self.refused[worker.name] = reason
        return Refused(worker.name, reason)
