"""What can go wrong for a user, and the exit code each has. The message is one line; it says what to do."""

import difflib
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any

MOST = 4000  # bytes that are kept of a message
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # what scripts and emoji need


class FairgridError(Exception):
    """Base class: reported as one line, without a traceback unless --debug.

    Args:
        text: what was expected and what was found; whatever of a user's is quoted in it, the message is one line of
            visible characters, see `short_message`.
    """

    exit_code = 2

    def __init__(self, text: str) -> None:
        super().__init__(short_message(" ".join(text.splitlines())))


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


def nearest(name: str, names: Iterable[str]) -> str:
    """'; nearest: NAME' if something known looks like `found`, else '; known: A, B'."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; nearest: {close[0]!r}"
    return f"; known: {', '.join(known)}" if known else ""


def shown(value: Any) -> str:
    """A value of a user's as messages quote it: its repr, or its type where there is no repr to be had."""
    try:
        return repr(value)
    except Exception:  # an integer of too many digits, a list in itself in another, a class whose repr fails
        return f"an object of type {type(value).__name__}"


def one_line(text: str) -> str:
    """Text that neither breaks a line nor acts on what shows it.

    Whatever ends a line, and a tab, is a space. Other characters that are not printed (controls, the beginning of an
    ANSI escape, marks that turn the direction of what follows, lone surrogates) are written as Python's repr does.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def short_message(text: str) -> str:
    """The first line of a text with something in it; of a line longer than MOST bytes the beginning, which it says."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    kept = one_line(line[:MOST]).encode()
    if max(len(line), len(kept)) <= MOST:
        return kept.decode()
    aside = f" … (cut, of {len(line):,} characters)"
    return kept[: MOST - len(aside.encode())].decode(errors="ignore") + aside


def first_line(error: BaseException) -> str:
    """What an error is and the first line of what it says, see `short_message`."""
    try:
        text = str(error)
    except Exception as other:  # of a class whose own text fails
        text = f"its text is not to be had ({type(other).__name__})"
    return short_message(f"{type(error).__name__}: {text.strip()}")


def warn(text: str) -> None:
    """Says on stderr what a user should know and nothing stops for, whatever else is left unsaid."""
    print(f"fairgrid: {one_line(text)}", file=sys.stderr, flush=True)


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return " " if character.isspace() else character.encode("unicode_escape", "surrogatepass").decode()
