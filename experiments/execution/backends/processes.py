"""`--backend loky`: worker processes of this machine, as a backend of joblib's.

joblib's own loky backend does not hold what a grid promises. Tried with joblib 1.6:

- With one job it trains in the driver, which a run that crashes then ends.
- When one worker ends it ends all of them, gives up their chunks, and does not say whose chunk it was.
- A worker that is killed while it sends a result leaves the driver waiting for ever.
- Workers live on when the driver is killed, and for minutes after a grid has ended.

Here each worker has a pipe to the driver, so that one that ends takes its own chunk alone. loky starts the processes,
which needs no guard in the user's main module.
"""

import math
import os
import pickle
import signal
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from typing import Any

from joblib.externals.loky.backend.context import get_context

from fairgrid.experiments.execution.backends.threads import GRACE, POLL, Threads, Worker
from fairgrid.experiments.execution.worker_entry import Task, serve

_PATIENCE = 5.0  # seconds that a worker has to end when there is no more to do


class _Process(Worker):
    def __init__(self) -> None:
        context = get_context("loky")
        # starting the tracker unblocks SIGINT for this thread, and so would for the first process
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, os.getpid()), daemon=True)
        self._process.start()
        self.name = f"process {self._process.pid}"
        theirs.close()

    def alive(self) -> bool:
        return self._process.exitcode is None

    def ask(self, message: bytes, deadline: float | None) -> Any:
        with suppress(OSError):  # what is sent to one that has just ended is lost, as is found below
            self.pipe.send_bytes(message)
        last = math.inf if deadline is None else time.monotonic() + deadline + GRACE
        while not self.pipe.poll(POLL):
            if not self.alive() and not self.pipe.poll():  # a process of its own may hold the pipe open
                raise EOFError
            if time.monotonic() > last:  # its code has turned off the signal that was to end it
                self.kill()
        return pickle.loads(self.pipe.recv_bytes())

    def kill(self) -> None:
        if self.alive():
            os.kill(self._process.pid, signal.SIGKILL)

    def end(self) -> str:
        self.pipe.close()
        self._process.join(_PATIENCE)
        while self.alive():
            self.kill()
            self._process.join(POLL)
        code = self._process.exitcode
        if code >= 0:
            return f"worker exited with code {code}"
        name = signal.Signals(-code).name
        return f"worker ended by {name}{', perhaps for lack of memory' if name == 'SIGKILL' else ''}"


class Processes(Threads):
    """A worker process for each job, started when there is something for it to do."""

    def configure(self, n_jobs: int = 1, parallel: Any = None, *_: Any, **__: Any) -> int:
        """Starts none yet."""
        self._started: list[_Process] = []
        self._free: list[_Process] = []
        return super().configure(n_jobs, parallel)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """How many tasks joblib hands over; where that is one it would train in the driver."""
        return max(2, n_jobs)

    def take(self, task: Task) -> _Process | None:
        """A process that is free, or a new one."""
        with self.lock:
            if self.ended.is_set():
                return None
            while self._free:
                if (free := self._free.pop()).alive():
                    return free
                free.end()
            self._started = [*filter(_Process.alive, self._started), started := _Process()]
            return started

    def give_back(self, worker: Any) -> None:
        """A process is free again."""
        self._free.append(worker)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Kills the processes, whatever they are doing."""
        with self.lock:
            self.ended.set()
            for worker in self._started:
                worker.kill()
        self.terminate()

    def terminate(self) -> None:
        """Ends the processes."""
        super().terminate()
        for worker in self._started:
            worker.pipe.close()
        for worker in self._started:
            worker.end()
