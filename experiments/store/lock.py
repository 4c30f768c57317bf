"""One writer per results directory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fairgrid.experiments.errors import StoreError
from fairgrid.experiments.runtime.files import remove_partial


@contextmanager
def locked(results: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Holds a results directory, which is made if need be; says so if it has to wait for another process.

    Raises:
        StoreError: it is not a directory that can be written to.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = FileLock(results / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"waiting for another grid that is running in {results}")
            lock.acquire()
    except OSError as error:
        raise StoreError(f"{results}: expected a directory to write to, found: {error.strerror}") from error
    for folder in (results, results / "figures"):
        remove_partial(folder)
    try:
        yield
    finally:
        lock.release()
