"""Which files a user's code opens: heard through Python's audit events. What a library opens in C is not heard."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from fairgrid.experiments.runtime.user_code import is_users_frame

_listeners: list[list[Path]] = []
_hooked: list[bool] = []
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@contextmanager
def opened_by_users_code() -> Iterator[list[Path]]:
    """The files that are opened for reading, from now on, while code of a user's is running; each once, absolute."""
    if not _hooked:  # a hook stays as long as the process does
        sys.addaudithook(_hear)
        _hooked.append(True)
    paths: list[Path] = []
    _listeners.append(paths)
    try:
        yield paths
    finally:
        _listeners.remove(paths)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _listeners:
        return
    name, mode, flags = arguments
    writing = flags & _WRITING if isinstance(flags, int) else False
    reading = not writing and (not isinstance(mode, str) or not set(mode) & set("wax+"))
    if not reading or not isinstance(name, str | bytes) or not _in_users_code():
        return
    path = Path(os.path.abspath(os.fsdecode(name)))
    for paths in _listeners:
        if path not in paths:
            paths.append(path)


def _in_users_code() -> bool:
    """Whether code of a user's is running, and not the import of something by it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        if is_users_frame(frame.f_globals):
            return True
        frame = frame.f_back
    return False
