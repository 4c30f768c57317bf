"""What a worker process is sent, and what it answers.

This file loads before torch, which settles its arithmetic when it loads, and before all else that takes seconds: worker
processes end with their driver from their first moment on.
"""

import functools
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple

from fairgrid.experiments.errors import InputError, first_line
from fairgrid.experiments.runtime.determinism import Device, Mode, request
from fairgrid.experiments.runtime.environment import Environment, describe, named, sources

if TYPE_CHECKING:  # they import torch
    from fairgrid.experiments.execution.worker import Outcome
    from fairgrid.experiments.planning.work_units import Chunk


@dataclass(frozen=True)
class Terms:
    """How a worker trains: see `execute` in worker.py.

    Attributes:
        shared: the driver's numerics, fingerprint of arithmetic and hash of sources, which must be the worker's too;
            None for a process that inherits the driver's environment and files.
    """

    commit: tuple[str, bool]
    timeout: float | None
    device: Device
    shared: tuple[Mode, str, str] | None


class Refused(NamedTuple):
    """What a worker says whose records would not be the driver's."""

    worker: str
    reason: str


class Lost(NamedTuple):
    """What is said for a worker that ended: why, how long it had the chunk, and where it was, if that is known."""

    reason: str
    seconds: float
    environment: Environment | None = None


class Answer(NamedTuple):
    """What became of the task with this number; None if it was not to start any more."""

    number: int
    said: "Outcome | Refused | Lost | None"


@dataclass(frozen=True)
class Task:
    """A chunk on its way to a worker, which calls what this is pickled as.

    Attributes:
        number: of the chunk in its call of joblib.
        chunk: what to train.
        terms: how to train it.
        deadline: seconds after which the worker ends itself; None for no limit.
        stopping: whether nothing more is to start.
    """

    number: int
    chunk: "Chunk"
    terms: Terms
    deadline: float | None
    stopping: Callable[[], bool]

    def __call__(self) -> Any:
        """Trains in this process, as a worker would."""
        return call(pickle.dumps(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Looks when a worker is about to have it, as late as possible, whether it is still to start."""
        payload = b"" if self.stopping() else pickle.dumps(self.chunk)
        return functools.partial, (_answer, self.number, payload, self.terms)


def call(message: bytes) -> Any:
    """Calls what is pickled."""
    return pickle.loads(message)()


def introduce(terms: Terms) -> Environment | Refused:
    """The environment of this process, which has loaded all that training takes; or why it is not to train.

    Args:
        terms: the terms of the tasks to come.
    """
    shared = terms.shared
    try:
        if shared is not None:
            request(shared[0])
    except InputError as error:
        return Refused(_here(), first_line(error))
    import fairgrid.experiments.execution.worker  # noqa: F401  # torch, now that its arithmetic is asked for

    environment = describe(*terms.commit, terms.device)
    arithmetic = named(environment.versions)["arithmetic"]
    if shared is not None and arithmetic != shared[1]:
        return Refused(_here(), f"its arithmetic is {arithmetic}, the driver's {shared[1]}")
    if shared is not None and sources() != shared[2]:
        return Refused(_here(), "its fairgrid is not the driver's")
    return environment


def _answer(number: int, payload: bytes, terms: Terms) -> Answer:
    """Trains a pickled chunk in this process if its records would be the driver's."""
    if not payload:
        return Answer(number, None)
    introduced = introduce(terms)
    if isinstance(introduced, Refused):
        return Answer(number, introduced)
    from fairgrid.experiments.execution.worker import differs, execute  # which `introduce` has loaded

    chunk = pickle.loads(payload)
    if terms.shared is not None and (reason := differs(chunk, terms.shared[0])):
        return Answer(number, Refused(_here(), reason))
    return Answer(number, execute(chunk, terms.commit, terms.timeout, terms.device))


def serve(pipe: Connection, driver: int) -> None:
    """What a worker process of this machine does: calls what it is sent, until the driver ends or hangs up.

    After an error it says so and ends, as it is not to be trained on.

    Args:
        pipe: to the driver.
        driver: its process id.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the driver's to handle
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    sound = True
    with suppress(EOFError, OSError):  # the driver ended
        while sound:
            message = pipe.recv_bytes()
            try:
                said = pickle.dumps(call(message))
            except BaseException as error:
                said, sound = pickle.dumps(first_line(error)), False
            pipe.send_bytes(said)


def _here() -> str:
    return f"{socket.gethostname()}, process {os.getpid()}"


def _end_with(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(1)
    os._exit(1)
