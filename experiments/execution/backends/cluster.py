"""`--backend dask`: the workers of a Dask cluster, each of which trains one chunk at a time, as a backend of joblib's.

joblib's own dask backend does not hold what a grid promises (joblib 1.6, distributed 2026.8):

- Dask gives the chunk of a worker that ended to another, and to three more before it says so; the backend then passes
  no error on, and joblib waits for ever. Here a chunk is given to one worker, by its address.
- It hands over as many chunks as there are workers at the start: those that come later get none.
- It goes on giving chunks to a worker that refuses them.
"""

import logging
import math
import queue
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from fairgrid.experiments.errors import InputError, WorkersError, first_line
from fairgrid.experiments.execution.backends.threads import GRACE, POLL, Threads, Worker
from fairgrid.experiments.execution.worker_entry import Refused, Task, call

_CONNECTING = 5  # seconds
_FETCHING = 60  # seconds that an outcome may take from its worker to the driver
_LOOKING = 1.0  # seconds between looks at which workers there are
_THREADS = 256  # so many workers may train at a time


class _Remote(Worker):
    def __init__(self, address: str, cluster: "Cluster") -> None:
        self.name, self._cluster = address, cluster

    def ask(self, message: bytes, deadline: float | None) -> Any:
        client, done = self._cluster.client, threading.Event()
        pinned = {"workers": [self.name], "allow_other_workers": False, "pure": False, "retries": 0}
        future = client.submit(call, message, **pinned)
        future.add_done_callback(lambda _: done.set())
        last = math.inf if deadline is None else time.monotonic() + deadline + GRACE
        while not done.wait(POLL):
            self._cluster.look()
            if self.name not in self._cluster.here or self._cluster.ended.is_set():
                raise EOFError
            if time.monotonic() > last:  # its code has turned off the signal that was to end it
                self._restart()
                raise EOFError
        if future.status in ("cancelled", "lost"):
            raise self._cluster.gone()
        try:
            return future.result(timeout=_FETCHING)
        except Exception as error:
            return first_line(error.__cause__ or error)

    def _restart(self) -> None:
        """Has its nanny end it, or gives it no more to train."""
        try:
            ended = self._cluster.client.restart_workers([self.name], timeout=_CONNECTING, raise_for_error=False)
        except ValueError:  # it has none
            ended = {}
        if ended.get(self.name) != "OK":
            self._cluster.refused[self.name] = "it trains past its deadline and has no nanny to end it"

    def end(self) -> str:
        self._cluster.taking_part.pop(self.name, None)  # one that its nanny starts again may have the same address
        return "worker ended"


class Cluster(Threads):
    """The workers that a Dask scheduler has, those that come later included.

    Args:
        address: the scheduler's address, tcp://host:port.
        options: joblib's.
    """

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(**options)
        self._address = address

    def configure(self, n_jobs: int = 1, parallel: Any = None, *_: Any, **__: Any) -> int:
        """Connects.

        Raises:
            InputError: Dask is not installed, or there is no scheduler at the address.
        """
        try:
            from distributed import Client  # optional
        except ImportError as error:
            raise InputError(
                "--backend dask: expected fairgrid[dask] to be installed, found no 'distributed'"
            ) from error
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what matters of it is said in one line
        try:
            self.client = Client(self._address, timeout=_CONNECTING, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"--scheduler: expected a Dask scheduler at {self._address}, found none: {first_line(error)}"
            ) from error
        self.here: set[str] = set()  # addresses of all workers there are
        self.taking_part: dict[str, _Remote] = {}
        self._free: queue.SimpleQueue[_Remote] = queue.SimpleQueue()
        self._looked, self._said_alone = -math.inf, False
        return super().configure(_THREADS, parallel)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """How many tasks joblib hands over, most of which wait here for workers."""
        return _THREADS

    def take(self, task: Task) -> _Remote | Refused | None:
        """A worker of the cluster, for which it waits."""
        while not (self.ended.is_set() or task.stopping()):
            self.look()
            if self.here and self.here <= self.refused.keys():
                return Refused(*next(reversed(self.refused.items())))
            with suppress(queue.Empty):
                worker = self._free.get(timeout=POLL)
                if self.taking_part.get(worker.name) is worker:
                    return worker
        return None

    def give_back(self, worker: Any) -> None:
        """A worker is free again."""
        self._free.put(worker)

    def gone(self) -> WorkersError:
        """What there is to say when the scheduler is not there."""
        return WorkersError(f"{self._address}: expected the scheduler to stay, found it gone")

    def terminate(self) -> None:
        """Leaves the cluster; what its workers are training there is given up or, at a deadline, ended."""
        self.ended.set()
        self.client.close()
        super().terminate()

    def look(self) -> None:
        """Finds out, now and then, which workers there are."""
        with self.lock:
            if time.monotonic() < self._looked + _LOOKING:
                return
            try:
                self.here = set(self.client.scheduler_info(n_workers=-1)["workers"])  # some versions name five
            except (OSError, TimeoutError) as error:
                raise self.gone() from error
            self._looked = time.monotonic()
            if not self.here and not self._said_alone:
                tqdm.write(f"waiting for workers at {self._address}", file=sys.stderr)
            self._said_alone = not self.here
            for address in self.taking_part.keys() - self.here:
                self.taking_part.pop(address, None)
            for address in sorted(self.here - self.taking_part.keys() - self.refused.keys()):
                self.taking_part[address] = _Remote(address, self)
                self._free.put(self.taking_part[address])
