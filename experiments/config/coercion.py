"""Dictionaries that people write in Python, as a study file would give them."""

import os
from collections.abc import Mapping
from typing import Any

from fairgrid.experiments.errors import BadKeyError


def plain(value: Any, place: str = "") -> Any:
    """A value made of dictionaries, lists, strings, numbers and booleans alone.

    Args:
        value: may have tuples, ranges, paths and NumPy's numbers and arrays in it, and classes, which become dotted
            paths.
        place: what it is called in messages.

    Raises:
        BadKeyError: there is something else in it.
    """
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):  # an array or a number; numpy is not imported
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_key(key, place): plain(inner, f"{place}.{key}".lstrip(".")) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(inner, f"{place}[{number}]") for number, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, str | int | float):
        return value
    raise BadKeyError(place, f"expected a string, number, boolean, list, table or class, found {value!r}")


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise BadKeyError(place, f"expected keys that are strings, found {key!r}")
    return key
