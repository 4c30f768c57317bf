"""Files put in place whole: a reader sees the old one or the new one, whatever happens in between."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """Gives the path to write to, in the same directory; what is there at the end takes the place of `path`.

    If writing fails, as on a full disk, nothing is left of it.

    Raises:
        OSError: it fails; its filename is `path`.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def remove_partial(folder: Path) -> None:
    """Removes what writers that were killed have left; nobody else may be writing there."""
    for partial in folder.glob(".*.partial"):
        with suppress(OSError):
            partial.unlink()


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal digits; "" where there is no regular file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
