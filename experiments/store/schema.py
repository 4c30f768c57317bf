"""What a table is: what it has a row per, and its columns with type, unit, meaning and format.

From one declaration come the header and the types of a CSV, how it is read back, what docs/columns.md says of it, and
how its values are spelled for people.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

FACTOR = "factor."  # begins the name of a column that has the levels of one factor


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "True or False"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading in the CSV.
        kind: the type of its values.
        meaning: a sentence fragment for docs/columns.md.
        unit: "fraction" for errors and shares, which people see in percent; "" where there is none.
        gaps: whether an integer or a truth value may be missing; texts may be empty, and numbers NaN, in any column.
        words: the only values that a text may have; any, if none are given.
        spec: a format specification for people, of a number.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    gaps: bool = False
    words: tuple[str, ...] = ()
    spec: str = ".3g"

    @property
    def dtype(self) -> str:
        """The pandas dtype of its values."""
        if self.kind is Kind.INTEGER:
            return "Int64" if self.gaps else "int64"
        if self.kind is Kind.BOOLEAN:
            return "boolean" if self.gaps else "bool"
        return "float64" if self.kind is Kind.NUMBER else "str"

    @property
    def heading(self) -> str:
        """Its heading for people, who read errors in percent."""
        return f"{self.name.replace('_', ' ')}{' %' if self.unit == 'fraction' else ''}"

    def shown(self, value: Any) -> str:
        """A value as people read it; - for what there is not."""
        if pd.isna(value) or value == "":
            return "-"
        if self.kind is Kind.BOOLEAN:
            return "yes" if value else "no"
        if self.kind is Kind.INTEGER:
            return f"{value:,}"
        return (
            format(100 * value if self.unit == "fraction" else value, self.spec) if self.kind is Kind.NUMBER else value
        )


def text(names: str, meaning: str, words: Iterable[str] = ()) -> tuple[Column, ...]:
    """Columns of text that share a meaning.

    Args:
        names: their headings, separated by spaces.
        meaning: what docs/columns.md says of them.
        words: the only values, if they are few.
    """
    return tuple(Column(name, Kind.TEXT, meaning, words=tuple(words)) for name in names.split())


def numbers(names: str, meaning: str, unit: str = "", spec: str = ".3g") -> tuple[Column, ...]:
    """Columns of floats that share a meaning; see `text`."""
    return tuple(Column(name, Kind.NUMBER, meaning, unit, spec=spec) for name in names.split())


def fractions(names: str, meaning: str) -> tuple[Column, ...]:
    """Columns of errors or shares in [0, 1] that share a meaning; see `text`."""
    return numbers(names, meaning, "fraction")


def integers(names: str, meaning: str, gaps: bool = False) -> tuple[Column, ...]:
    """Columns of integers that share a meaning, some of them missing where there may be gaps; see `text`."""
    return tuple(Column(name, Kind.INTEGER, meaning, gaps=gaps) for name in names.split())


def booleans(names: str, meaning: str, gaps: bool = False) -> tuple[Column, ...]:
    """Columns of truth values that share a meaning, some of them missing where there may be gaps; see `text`."""
    return tuple(Column(name, Kind.BOOLEAN, meaning, gaps=gaps) for name in names.split())


@dataclass(frozen=True)
class Table:
    """A table with a CSV of its own.

    Attributes:
        name: the CSV is name.csv.
        rows: what there is a row per, as a sentence for docs/columns.md.
        columns: the columns in their order.
        factors: whether a column per factor follows them, with the factor's levels as people read them.
        by_run: whether rows are named by run_id; else by study.
        of_studies: whether it is made with the studies' results; else it is a measurement of its own.
        committed: whether manifest.json names it.
    """

    name: str
    rows: str
    columns: tuple[Column, ...]
    factors: bool = False
    by_run: bool = False
    of_studies: bool = True
    committed: bool = True

    @property
    def header(self) -> list[str]:
        """The names of the columns, without those of factors."""
        return [column.name for column in self.columns]

    def arranged(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A DataFrame with the columns in their order, those of factors by name at the end."""
        return frame[[*self.header, *(sorted(factor_columns(frame)) if self.factors else [])]]

    def frame(self, rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
        """Rows as a DataFrame that has all columns with their types; what a row lacks is missing."""
        return self.typed(pd.DataFrame(list(rows), columns=self.header))

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A DataFrame with the types of the columns; a missing text is empty, as it is read back."""
        texts = [column.name for column in self.columns if column.kind is Kind.TEXT]
        frame = frame.assign(**{name: frame[name].astype("object").fillna("") for name in texts})
        return frame.astype({column.name: column.dtype for column in self.columns})

    def column(self, name: str) -> Column:
        """The column of a name.

        Raises:
            KeyError: there is none.
        """
        return {column.name: column for column in self.columns}[name]


TABLES: dict[str, Table] = {}  # every declared table by its name; see `declared`


def declared(table: Table) -> Table:
    """Declares a table: it is read, documented and part of `Results` from now on."""
    TABLES[table.name] = table
    return table


def study_tables() -> list[Table]:
    """The tables that are made with the studies' results."""
    return [table for table in TABLES.values() if table.of_studies]


def committed_tables() -> list[Table]:
    """Those of them that manifest.json names."""
    return [table for table in study_tables() if table.committed]


def with_typed_factors(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose factors have numbers for levels if all of them are spelled as numbers are; else texts.

    Columns of factors that none of its rows has are left out.
    """
    frame = without_empty_factors(frame)
    return frame.assign(**{name: _typed(frame[name]) for name in factor_columns(frame)})


def _typed(levels: "pd.Series[str]") -> "pd.Series[str]":
    stated = levels[levels.notna() & (levels != "")]
    values = pd.to_numeric(stated, errors="coerce")
    spelled = [f"{value:g}" if value % 1 else f"{value:.0f}" for value in values if math.isfinite(value)]
    return values.reindex(levels.index).convert_dtypes() if spelled == stated.to_list() else levels


def without_empty_factors(frame: pd.DataFrame) -> pd.DataFrame:
    """A table without the columns of factors that none of its rows has."""
    return frame.drop(
        columns=[name for name in factor_columns(frame) if frame[name].isna().all() or (frame[name] == "").all()]
    )


def factor_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of a table that have levels of factors."""
    return [str(name) for name in frame if str(name).startswith(FACTOR)]
