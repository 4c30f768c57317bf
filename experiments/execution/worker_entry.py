"""Worker processes end with their driver, from their first moment on: before they have imported what takes seconds."""

import os
import signal
import threading
import time
from multiprocessing.connection import Connection

from fairgrid.experiments.runtime.determinism import Device


def begin(pipe: Connection, driver: int, commit: tuple[str, bool], device: Device) -> None:
    """What a worker process does.

    Args:
        pipe: to the driver.
        driver: its process id.
        commit: of the driver's sources, and whether they were changed since.
        device: where to train.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the driver's to handle
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    from fairgrid.experiments.execution.worker import serve

    serve(pipe, commit, device)


def _end_with(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(1)
    os._exit(1)
