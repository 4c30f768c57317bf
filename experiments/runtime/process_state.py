"""What a user's code may change of its process: as it always is while that code runs, and put back after it."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

_containing = ContextVar("_containing", default=False)


@contextmanager
def contained() -> Iterator[None]:
    """Puts back what code of a user's does to the process apart from training: when it is imported or makes an object.

    What is contained within is put back with the outermost: a file may prepare what another one that it imports needs.
    """
    if _containing.get():
        yield
        return
    token = _containing.set(True)
    try:
        with process_state_restored():
            yield
    finally:
        _containing.reset(token)


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Puts back directory, environment, search path, streams, warnings, signals, and defaults of torch and NumPy.

    Inside, defaults of torch and NumPy that numbers depend on are those of a new process.
    What cannot be put back, as a pipe to the driver that is closed, ends the process, and that run is blamed for it.
    """
    import numpy as np  # whoever trains has loaded it with torch

    with ExitStack() as stack:
        for save in (_working_directory, _environment, _interpreter, _signals, _torch):
            stack.callback(save())
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        yield


def _working_directory() -> Callable[[], None]:
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return lambda: None

    def restore() -> None:
        with suppress(OSError):
            os.chdir(here)

    return restore


def _environment() -> Callable[[], None]:
    before = dict(os.environ)

    def restore() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})

    return restore


def _interpreter() -> Callable[[], None]:
    path, limit = list(sys.path), sys.getrecursionlimit()
    streams = sys.stdin, sys.stdout, sys.stderr

    def restore() -> None:
        sys.path[:] = path
        sys.setrecursionlimit(limit)
        sys.stdin, sys.stdout, sys.stderr = streams

    return restore


def _signals() -> Callable[[], None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}

    def restore() -> None:
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                with suppress(ValueError):  # not in the main thread, where none can have been set either
                    signal.signal(number, handler)

    return restore


def _torch() -> Callable[[], None]:
    import numpy as np  # loaded with torch
    import torch  # whoever trains has loaded it

    dtype, device, threads = torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    grad, deterministic = torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()
    with np.errstate(
        under="ignore"
    ):  # torch does not say it; an operation of its own would be recorded while one traces
        flushes = not np.float32(1e-38) * np.float32(0.01)
    torch.set_default_dtype(torch.float32)
    if device != torch.device("cpu"):
        torch.set_default_device(None)
    torch.set_grad_enabled(True)

    def restore() -> None:
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)
        torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(deterministic)

    return restore
