"""Workers of a Dask cluster, each of which trains one chunk at a time.

Chunks are given to one worker by its address: the scheduler would give a chunk whose worker ended to another, and to
three more before it says so. A worker takes part if its arithmetic, its code and its copies of the user's
own are the driver's.
"""

import functools
import logging
import queue
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from fairgrid.experiments.config.identity import run_id
from fairgrid.experiments.errors import InputError, WorkersError, first_line
from fairgrid.experiments.execution.backends.pool import Ended, Pool
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.work_units import Chunk
from fairgrid.experiments.runtime.determinism import Mode
from fairgrid.experiments.runtime.environment import Environment, describe, introduce, named, sources

_CONNECTING = 5  # seconds
_FETCHING = 60  # seconds that an outcome may take from its worker to the driver
_LOOKING = 1.0  # seconds between looks at which workers there are


class _UnfitError(Exception):
    """A worker's copy of what a run consists of is not the driver's."""


@dataclass
class _Worker:
    future: Any  # of its introduction, then of its chunk
    environment: Environment | None = None  # until it has introduced itself
    chunk: Chunk | None = None
    since: float = 0.0


class Cluster(Pool):
    """The workers that a Dask scheduler has, those that come later included.

    Args:
        address: of the scheduler, tcp://host:port.
        mode: of numerics, for the workers too.
        timeout: see Pool.
    """

    def __init__(self, address: str, mode: Mode, timeout: float | None = None) -> None:
        super().__init__(timeout)
        self._address = address
        self._mode = mode
        self._workers: dict[str, _Worker] = {}
        self._refused: dict[str, str] = {}
        self._done: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._looked = 0.0
        self._said_alone = False

    def task(self) -> Callable[[Chunk], Outcome]:
        return functools.partial(_checked, super().task(), self._mode)

    def __enter__(self) -> "Cluster":
        """Connects.

        Raises:
            InputError: Dask is not installed, or there is no scheduler at the address.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise InputError(
                "--backend dask: expected fairgrid[dask] to be installed, found no 'distributed'"
            ) from error
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what matters of it is said in one line
        try:
            self._client = Client(self._address, timeout=_CONNECTING, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"--scheduler: expected a Dask scheduler at {self._address}, found none: {first_line(error)}"
            ) from error
        return self

    def free(self) -> int:
        return sum(worker.environment is not None and worker.chunk is None for worker in self._workers.values())

    def running(self) -> int:
        return sum(worker.chunk is not None for worker in self._workers.values())

    def start(self, chunk: Chunk) -> None:
        address, worker = next(
            (address, worker) for address, worker in self._workers.items() if worker.environment and not worker.chunk
        )
        worker.chunk, worker.since = chunk, time.monotonic()
        worker.future = self._sent(address, self.task(), chunk)

    def wait(self, seconds: float) -> list[Ended]:
        ended = self._look() if time.monotonic() - self._looked >= _LOOKING else []
        with suppress(queue.Empty):
            said = self._done.get(timeout=0.0 if ended else seconds)
            while True:
                ended += self._heard(*said)
                said = self._done.get_nowait()
        return ended

    def close(self, at_once: bool) -> None:
        """Leaves the cluster; what its workers are training there is given up or, at a deadline, ended."""
        self._client.close()
        self._workers.clear()

    def _look(self) -> list[Ended]:
        """Asks newcomers to introduce themselves; returns the chunks of those that are gone."""
        try:
            there = set(self._client.scheduler_info(n_workers=-1)["workers"])  # some versions name five
        except (OSError, TimeoutError) as error:
            raise self._left() from error
        self._looked = time.monotonic()
        if not there and not self._said_alone:
            tqdm.write(f"waiting for workers at {self._address}", file=sys.stderr)
        self._said_alone = not there
        for address in sorted(there - self._workers.keys() - self._refused.keys()):
            worker = self._workers[address] = _Worker(None)
            worker.future = self._sent(address, introduce, self._mode, *self.commit)
        ended = []
        for address in self._workers.keys() - there:
            worker = self._workers.pop(address)
            worker.future.release()
            if worker.chunk is not None and worker.environment is not None:
                seconds = time.monotonic() - worker.since
                ended.append(Ended(worker.chunk, None, seconds, worker.environment, "worker ended"))
        return ended

    def _sent(self, address: str, function: Any, *arguments: Any) -> Any:
        future = self._client.submit(
            function, *arguments, workers=[address], allow_other_workers=False, pure=False, retries=0
        )
        future.add_done_callback(lambda done: self._done.put((address, done)))
        return future

    def _heard(self, address: str, future: Any) -> list[Ended]:
        """What a task's end means."""
        worker = self._workers.get(address)
        if worker is None or worker.future is not future:  # it was given up
            return []
        if future.status in ("cancelled", "lost"):
            raise self._left()
        seconds = time.monotonic() - worker.since
        reason = ""
        try:
            said = future.result(timeout=_FETCHING)
        except Exception as error:
            said, reason = None, first_line(error.__cause__ or error)
            if isinstance(error, _UnfitError):
                self._refuse(address, str(error))
        future.release()
        if worker.environment is None:
            self._introduced(address, worker, said, reason)
            return []
        chunk, worker.chunk = worker.chunk, None
        assert chunk is not None
        return [Ended(chunk, said, seconds, worker.environment, reason)]

    def _introduced(self, address: str, worker: _Worker, said: tuple[Environment, str] | None, reason: str) -> None:
        if said is None:
            self._refuse(address, reason)
            return
        environment, code = said
        there, here = (named(each.versions)["arithmetic"] for each in (environment, describe(*self.commit)))
        if there != here:
            self._refuse(address, f"its arithmetic is {there}, the driver's {here}")
        elif code != sources():
            self._refuse(address, "its fairgrid is not the driver's")
        else:
            worker.environment = environment

    def _refuse(self, address: str, reason: str) -> None:
        del self._workers[address]
        self._refused[address] = reason
        if not self._workers:
            found = "; ".join(f"{name}: {why}" for name, why in self._refused.items())
            raise WorkersError(f"{self._address}: expected a worker whose records would be the driver's, found {found}")
        tqdm.write(f"worker {address} is not used: {reason}", file=sys.stderr)

    def _left(self) -> WorkersError:
        return WorkersError(f"{self._address}: expected the scheduler to stay, found it gone")


def _checked(task: Callable[[Chunk], Outcome], mode: Mode, chunk: Chunk) -> Outcome:
    """Trains a chunk if its runs are called the same here, and so consist of the same."""
    for run in {run.cell: run for run in chunk.runs}.values():
        try:
            name = run_id(run.config, run.seed, mode)
        except Exception as error:
            raise _UnfitError(first_line(error)) from None
        if name != run.run_id:
            raise _UnfitError("data files or installed modules there are not the driver's")
    return task(chunk)
