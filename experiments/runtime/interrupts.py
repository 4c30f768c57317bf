"""Ctrl-C while runs train: once stops when what is being trained has ended, twice stops at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SAID = b"\nfairgrid: stopping when what is being trained has ended; Ctrl-C again stops at once\n"


@contextmanager
def heeded() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether an interrupt has come; a second one raises KeyboardInterrupt.

    In a thread that is not the main one, which gets no signals, interrupts are left as they are.
    """
    asked = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        os.write(2, _SAID)  # print may have been interrupted within itself

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
