"""What values of a table are taken for: scores, and names of cells, seeds and contexts."""

import math
import numbers
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pandas as pd

from fairgrid.experiments.errors import shown
from fairgrid.experiments.runtime.gaps import GAPS

_NAMED = 3  # rows that a message names of those that share a fault


def scores_of(column: Sequence[Any], name: str, places: Sequence[str]) -> tuple[list[float], list[str]]:
    """A column as scores, NaN for a gap, and what is wrong with it.

    Args:
        column: numbers, or texts that are numbers or gaps.
        name: the column's name.
        places: for every row its place in the source.
    """
    scores = [_score(value) for value in column]
    faults = []
    wrong = [row for row, score in enumerate(scores) if score is None]
    if wrong:
        value = column[wrong[0]]
        point = isinstance(value, str) and _score(value.replace(",", ".", 1)) is not None
        hint = "; decimals are written with a point" if point else ""
        faults.append(f"{_listed(places, wrong)}: {name}: expected a number, found {shown(value)}{hint}")
    return [math.nan if score is None else score for score in scores], faults


def names_of(
    column: Iterable[Any], name: str, places: Sequence[str], gaps: Collection[str] = GAPS
) -> tuple[list[str], list[str]]:
    """A column as names, and what is wrong with it. A whole number has one name, however it was stored: 3, 3.0, "3".

    Args:
        column: texts, numbers or truth values.
        name: the column's name.
        places: for every row its place in the source.
        gaps: texts in lower case that stand for a missing value.
    """
    values = list(column)
    texts = [_name(value) for value in values]
    faults = []
    empty = [row for row, text in enumerate(texts) if text is not None and text.casefold() in gaps]
    if empty:
        gap = f"the gap {texts[empty[0]]!r}" if texts[empty[0]] else "nothing"
        faults.append(f"{_listed(places, empty)}: {name}: expected a text or a number, found {gap}")
    wrong = [row for row, text in enumerate(texts) if text is None]
    if wrong:
        faults.append(f"{_listed(places, wrong)}: {name}: expected a text or a number, found {shown(values[wrong[0]])}")
    return [text or "" for text in texts], faults


def ordered(names: Sequence[str]) -> "pd.Series[Any]":
    """Names as integers where all are, so that they sort as numbers, else as texts."""
    if all(name.removeprefix("-").isdecimal() and len(name) < 19 and str(int(name)) == name for name in names):
        return pd.Series([int(name) for name in names], dtype="int64")
    return pd.Series(list(names), dtype="str")


def _score(value: Any) -> float | None:
    """A number, NaN for a gap, None for what is neither."""
    if _is_missing(value):
        return math.nan
    if isinstance(value, str):
        text = value.strip()
        if text.casefold() in GAPS:
            return math.nan
        try:
            return None if "_" in text else float(text)
        except ValueError:
            return None
    if isinstance(value, numbers.Real) and not _is_truth(value):
        try:
            return float(value)
        except OverflowError:
            return -math.inf if value < 0 else math.inf
    return None


def _name(value: Any) -> str | None:
    """A value's name, "" for a gap, None for what has no name."""
    if _is_missing(value):
        return ""
    if isinstance(value, str):
        return value.strip()
    if _is_truth(value):
        return str(bool(value))
    if isinstance(value, numbers.Integral):
        try:
            return str(int(value))
        except ValueError:  # of thousands of digits
            return None
    if isinstance(value, numbers.Real):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return None


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, numbers.Real) and value != value)


def _is_truth(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def _listed(places: Sequence[str], rows: list[int]) -> str:
    """Places of rows as messages name them: line 3, line 7, line 9 and 12 others."""
    text = ", ".join(places[row] for row in rows[:_NAMED])
    return f"{text} and {len(rows) - _NAMED} others" if len(rows) > _NAMED else text
