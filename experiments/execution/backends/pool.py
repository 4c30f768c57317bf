"""What every backend does: it takes a chunk per worker, and says how each ended."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fairgrid.experiments.execution.worker import Outcome, execute
from fairgrid.experiments.planning.work_units import Chunk
from fairgrid.experiments.runtime.determinism import Device, memory
from fairgrid.experiments.runtime.environment import Environment, commit


@dataclass(frozen=True)
class Ended:
    """How a chunk ended.

    Attributes:
        chunk: that was started.
        outcome: None if its worker ended before it did.
        seconds: since its worker had it.
        environment: of its worker.
        reason: why there is no outcome.
    """

    chunk: Chunk
    outcome: Outcome | None
    seconds: float
    environment: Environment
    reason: str = ""


class Pool(ABC):
    """Workers, each of which trains one chunk at a time. Use it in a `with` statement.

    Args:
        timeout: seconds that a run may take alone; a worker whose run takes longer ends. None: no limit.
        device: where workers train.
    """

    def __init__(self, timeout: float | None = None, device: Device = "cpu") -> None:
        self.timeout = timeout
        self.device: Device = device

    @property
    def memory(self) -> int | None:
        """Bytes of a GPU that each worker may use; None where they train on processors."""
        return memory(self.device)

    @functools.cached_property
    def commit(self) -> tuple[str, bool]:
        """Of the driver's sources, and whether they were changed since."""
        return commit()

    def task(self) -> Callable[[Chunk], Outcome]:
        """What a worker does with a chunk."""
        return functools.partial(execute, commit=self.commit, timeout=self.timeout, device=self.device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close(at_once=error is not None)

    @abstractmethod
    def free(self) -> int:
        """How many chunks may be started now."""

    @abstractmethod
    def running(self) -> int:
        """How many chunks were started and have not ended."""

    @abstractmethod
    def start(self, chunk: Chunk) -> None:
        """Gives a chunk to a free worker."""

    @abstractmethod
    def wait(self, seconds: float) -> list[Ended]:
        """What ended since the last call; waits so long for something.

        Raises:
            WorkersError: there are no workers and there will be none.
        """

    @abstractmethod
    def close(self, at_once: bool) -> None:
        """Ends the workers, even within a chunk if `at_once`."""
