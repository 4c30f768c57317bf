"""No workers: chunks train in this process, one after the other. What ends a worker ends the driver."""

import time

from fairgrid.experiments.execution.backends.pool import Ended, Pool
from fairgrid.experiments.planning.work_units import Chunk
from fairgrid.experiments.runtime.determinism import Device


class Sequential(Pool):
    """One chunk at a time, in this process.

    Args:
        device: see Pool.
    """

    def __init__(self, device: Device = "cpu") -> None:
        super().__init__(device=device)
        self._chunk: Chunk | None = None

    def free(self) -> int:
        return int(self._chunk is None)

    def running(self) -> int:
        return int(self._chunk is not None)

    def start(self, chunk: Chunk) -> None:
        self._chunk = chunk

    def wait(self, seconds: float) -> list[Ended]:
        """Trains the chunk that was started, however long that takes."""
        if self._chunk is None:
            return []
        chunk, self._chunk = self._chunk, None
        start = time.monotonic()
        outcome = self.task()(chunk)
        return [Ended(chunk, outcome, time.monotonic() - start, outcome.environment)]

    def close(self, at_once: bool) -> None:
        self._chunk = None
