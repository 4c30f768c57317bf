"""Whether two records of one run say the same, bit for bit, and what they say if not."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairgrid.experiments.engines.record import Record

_COUNTED = ("status", "diverged_at_step", "message", "steps", "gradient_evaluations")


@dataclass(frozen=True)
class Difference:
    """One number of a record: what one has and what the other has, as text; of an array the first that differs."""

    name: str
    one: str
    other: str


def differences(one: Record, other: Record) -> list[Difference]:
    """Every name whose values differ in any bit; what figures are drawn from is compared if both records hold it."""
    ours, theirs = _values(one), _values(other)
    if not (one.kept and other.kept):
        ours, theirs = (
            {name: value for name, value in values.items() if not name.startswith("kept.")} for values in (ours, theirs)
        )
    return [
        Difference(name, *_first(ours.get(name), theirs.get(name)))
        for name in dict.fromkeys([*ours, *theirs])
        if not _same(ours.get(name), theirs.get(name))
    ]


def _values(record: Record) -> dict[str, Any]:
    return {
        **{name: getattr(record, name) for name in _COUNTED},
        **record.final,
        **{name: float(value) for name, value in record.metrics.items()},
        **{f"curves.{name}": np.asarray(values, "<f8") for name, values in record.curves.items()},
        **{f"kept.{name}": tensor.numpy() for name, tensor in record.kept.items()},
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return repr(one) == repr(other)  # not a number is the same as not a number, and -0.0 is not 0.0


def _first(one: Any, other: Any) -> tuple[str, str]:
    """The values as text."""
    if not (isinstance(one, np.ndarray) and isinstance(other, np.ndarray)):
        return _text(one), _text(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return _text(one), _text(other)
    place = next(i for i in range(one.size) if one.flat[i].tobytes() != other.flat[i].tobytes())
    return f"{one.flat[place].item()!r} at {place}", f"{other.flat[place].item()!r} at {place}"


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.name} {list(value.shape)}"
    return "none" if value is None else repr(value)
