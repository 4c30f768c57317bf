"""Values of a study, whether a file states them or Python does: what they may be made of, and how deep."""

import os
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from fairgrid.experiments.errors import BadKeyError, shown

DEEPEST = 32  # tables and lists inside one another; a study needs half a dozen
_LEAST, _MOST = -(2**63), 2**63 - 1  # integers of TOML, and of torch

_TOO_DEEP = f"expected tables and lists nested at most {DEEPEST} deep, found more"


def plain(value: Any, place: str = "", depth: int = 0) -> Any:
    """A value made of dictionaries, lists, strings, numbers and booleans alone.

    Args:
        value: may have tuples, ranges, paths and NumPy's numbers and arrays in it, and classes, which become dotted
            paths.
        place: what it is called in messages.
        depth: how many tables and lists it is in.

    Raises:
        BadKeyError: there is something else in it, or it is nested too deep, as what contains itself is.
    """
    if depth > DEEPEST:
        raise BadKeyError(place, _TOO_DEEP)
    # an array or a number; numpy is not imported. Of dates it would give numbers
    if type(value).__module__ == "numpy" and hasattr(value, "tolist") and value.dtype.kind not in "mM":
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_key(key, place): plain(inner, f"{place}.{key}".lstrip("."), depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(inner, f"{place}[{number}]", depth + 1) for number, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, str | int | float):
        return value
    raise BadKeyError(place, f"expected a string, number, boolean, list, table or class, found {shown(value)}")


def check_values(value: Any, place: str) -> None:
    """Refuses what TOML or Python can state and a study has no use for, wherever it is in a value.

    Args:
        value: dictionaries and lists, nested to any depth.
        place: what it is called in messages.

    Raises:
        BadKeyError: a date or time, an integer beyond 64 bits, text that is no Unicode, or too deep a nesting.
    """
    waiting = [(value, place, 0)]
    while waiting:
        value, place, depth = waiting.pop()
        if depth > DEEPEST:
            raise BadKeyError(place, _TOO_DEEP)
        if isinstance(value, Mapping):
            for key in value:
                _check_text(key, place)
            inside = [(inner, f"{place}.{key}" if place else key, depth + 1) for key, inner in value.items()]
            waiting.extend(reversed(inside))
        elif isinstance(value, list):
            inside = [(inner, f"{place}[{number}]", depth + 1) for number, inner in enumerate(value)]
            waiting.extend(reversed(inside))
        elif isinstance(value, str):
            _check_text(value, place)
        elif isinstance(value, date | time):
            raise BadKeyError(
                place, f"expected a string, number, boolean, list or table, found the date or time {value}"
            )
        elif isinstance(value, int) and not _LEAST <= value <= _MOST:
            raise BadKeyError(place, f"expected an integer of 64 bits, found one of {value.bit_length():,}")


def _check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadKeyError(place, f"expected Unicode text, found {text!r}") from error


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise BadKeyError(place, f"expected keys that are strings, found {shown(key)}")
    return key
