"""What can go wrong for a user, and the exit code each has. The message is one line; it says what to do."""

import difflib
import sys
from collections.abc import Iterable


class FairgridError(Exception):
    """Base class: reported as one line, without a traceback unless --debug."""

    exit_code = 2


class InputError(FairgridError):
    """A study, flag or file is not what is expected."""


class BadKeyError(InputError):
    """A key's value is not what is expected.

    Args:
        key: dotted, with list positions in brackets.
        problem: what was expected and what was found.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key, self.problem = key, problem


class SeedError(InputError):
    """A cell of a table lacks a seed, or has one twice."""


class StoreError(FairgridError):
    """The store cannot be used."""

    exit_code = 5


class WorkersError(FairgridError):
    """There is nothing to train on."""


def nearest(found: str, names: Iterable[str]) -> str:
    """'; nearest: NAME' if something known looks like `found`, else '; known: A, B'."""
    known = sorted(names)
    close = difflib.get_close_matches(found, known, n=1, cutoff=0.5)
    if close:
        return f"; nearest: {close[0]!r}"
    return f"; known: {', '.join(known)}" if known else ""


def first_line(error: BaseException) -> str:
    """What an error is and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def warn(text: str) -> None:
    """Says on stderr what a user should know and nothing stops for, whatever else is left unsaid."""
    print(f"fairgrid: {text}", file=sys.stderr, flush=True)
