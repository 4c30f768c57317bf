"""A real Dask cluster on this machine, of processes that tests end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client

from tests.experiments.grids import ROOT

_PATIENCE = 180


class Cluster:
    """A scheduler and workers that it knows, each with a nanny that starts it again, on the loopback interface.

    Args:
        folder: for its files.
        workers: for each of them a Python file that it runs before it starts, or None.
    """

    def __init__(self, folder: Path, workers: list[Path | None]) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
        deadline = time.monotonic() + _PATIENCE
        while not self._file.exists() or not self._file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address: str = json.loads(self._file.read_text())["address"]
        for preload in workers:
            self.add_worker(preload)
        if workers:
            with Client(self.address, timeout=_PATIENCE, set_as_default=False) as client:
                client.wait_for_workers(len(workers), timeout=_PATIENCE)

    def add_worker(self, preload: Path | None = None) -> None:
        """Starts one more; see `workers`."""
        options = [] if preload is None else ["--preload", str(preload)]
        self._start("worker", self.address, "--nthreads", "1", "--local-directory", str(self._folder), *options)

    def _start(self, kind: str, *options: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1", "--no-dashboard"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self._folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *options], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)

    def kill_worker(self, number: int) -> None:
        """Ends a worker and its nanny, as a machine that goes down does."""
        os.killpg(self._processes[1 + number].pid, signal.SIGKILL)

    def kill_scheduler(self) -> None:
        """Leaves workers without it."""
        os.killpg(self._processes[0].pid, signal.SIGKILL)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
