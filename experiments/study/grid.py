"""From [run] and [[grid]] tables to configurations: crossed within a table, united over tables."""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import DEFAULTS, SYNONYM
from fairgrid.experiments.errors import BadKeyError, nearest

# what is said later takes the place of what was said in the other word
_SYNONYMS = {"epochs": SYNONYM, SYNONYM: "epochs"}

Axis = tuple[str, list[tuple[str, Any]]]  # dotted key; (place in the file, value) for each value


@dataclass(frozen=True)
class Point:
    """A configuration as written, with the place in the file that each dotted key came from."""

    raw: dict[str, Any]
    places: dict[str, str]

    @contextmanager
    def located(self) -> Iterator[None]:
        """Errors about a key of the configuration name the place in the file."""
        try:
            yield
        except BadKeyError as error:
            raise BadKeyError(self.locate(error), error.problem) from error

    def locate(self, error: BadKeyError) -> str:
        """The place in the file that an error's key stands for."""
        origins = [key for key in self.places if error.key == key or error.key.startswith((f"{key}.", f"{key}["))]
        if origins:
            origin = max(origins, key=len)
            return self.places[origin] + error.key.removeprefix(origin)
        # a class refuses a value without naming the option: if one option of it varies, it is that one
        inside = [key for key in self.places if key.startswith(f"{error.key}.")]
        return self.places[inside[0]] if len(inside) == 1 else f"run.{error.key}"


def axes(grid: Mapping[str, Any], place: str) -> list[Axis]:
    """The axes of one [[grid]] table. A list is an axis; anything else is a fixed value; a table reaches inside.

    Raises:
        BadKeyError: an empty axis, or an empty table.
    """
    varied: list[Axis] = []
    for key, value in grid.items():
        if isinstance(value, Mapping) and not value:
            raise BadKeyError(f"{place}.{key}", "expected at least one key, found an empty table")
        if isinstance(value, Mapping) and "name" not in value:
            varied += [(f"{key}.{inner}", values) for inner, values in axes(value, f"{place}.{key}")]
        elif isinstance(value, list):
            if not value:
                raise BadKeyError(f"{place}.{key}", "expected at least one value, found an empty list")
            varied.append((key, [(f"{place}.{key}[{i}]", item) for i, item in enumerate(value)]))
        else:
            varied.append((key, [(f"{place}.{key}", value)]))
    return varied


def expand(base: Point, crossed: Sequence[Axis]) -> Iterator[Point]:
    """Every configuration of one [[grid]] table over what all runs share.

    Whole keys are set before dotted ones, so `optimizer = […]` and `"optimizer.learning_rate" = […]` cross.
    """
    ordered = sorted(crossed, key=lambda axis: axis[0].count("."))
    for values in itertools.product(*(values for _, values in ordered)):
        raw = copy.deepcopy(base.raw)
        places = dict(base.places)
        for (key, _), (place, value) in zip(ordered, values, strict=True):
            _known(key, place)
            _assign(raw, key, copy.deepcopy(value), place)
            places[key] = place
        yield Point(raw, places)


def _known(key: str, place: str) -> None:
    """Refuses a dotted key that reaches into none; a plain one is refused with all others that a run does not have."""
    head, dot, _ = key.partition(".")
    if dot and head not in DEFAULTS:
        raise BadKeyError(place, f"expected a key of a run, found {head!r}{nearest(head, DEFAULTS)}")


def _assign(raw: dict[str, Any], key: str, value: Any, place: str) -> None:
    head, _, rest = key.partition(".")
    if not rest:
        raw.pop(_SYNONYMS.get(head, ""), None)
        raw[head] = value
        return
    inner = raw.get(head)
    if inner is None:
        inner = default_name(head)
    if isinstance(inner, str):
        inner = {"name": inner}
    if not isinstance(inner, dict):
        raise BadKeyError(place, f"expected {head!r} to be a table that {key!r} reaches into, found {inner!r}")
    raw[head] = inner
    _assign(inner, rest, value, place)


def default_name(key: str) -> Any:
    """The default of a part, so that a dotted key may reach into one that the study does not name.

    An empty table for a key that is a table without a name and has none by default; None for any other key.
    """
    if key in KINDS:
        return DEFAULTS[key]
    return {} if key in DEFAULTS and DEFAULTS[key] is None else None
