"""The tables of a results directory: its CSVs, each read once, with the types that its columns are declared with."""

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from fairgrid.experiments.config.metric_names import TARGET
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.store.columns import BASE, ENVIRONMENTS, NOT_IN_OLDER, SUMMARY
from fairgrid.experiments.store.schema import TABLES, Column, Kind, Table, committed_tables, with_typed_factors

_TRUTH = {"True": True, "False": False}
_EXPECTED = {Kind.INTEGER: "an integer", Kind.NUMBER: "a number", Kind.BOOLEAN: "True or False"}


class ResultTables:
    """The tables that sentences, figures and tables for people are made from, each an attribute.

    A table without a CSV, or that is not given, has no rows.

    Args:
        frames: tables by name.
    """

    def __init__(self, **frames: pd.DataFrame) -> None:
        self._frames = frames

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):  # of a copy that is not filled yet
            raise AttributeError(name)
        if name in self._frames:
            return self._frames[name]
        if name in TABLES:
            return TABLES[name].frame()
        raise AttributeError(f"expected the name of a table, found {name!r}{nearest(name, TABLES)}")

    def replace(self, **frames: pd.DataFrame) -> "ResultTables":
        """These tables, some of them replaced."""
        return ResultTables(**{**self._frames, **frames})

    def of(self, *studies: str) -> "ResultTables":
        """The rows of some studies."""
        runs = self.runs.loc[self.runs["study"].isin(studies), "run_id"]
        return ResultTables(
            **{
                name: with_typed_factors(
                    frame[frame["study"].isin(studies) if "study" in frame else frame["run_id"].isin(runs)]
                )
                for name, frame in self._frames.items()
            }
        )

    def complete(self, studies: Sequence[str]) -> bool:
        """Whether every planned run of the studies is ok or diverged."""
        chosen = self.summary[self.summary["study"].isin(list(studies))]
        return bool((chosen["n_ok"] + chosen["n_diverged"] == chosen["n_planned"]).all())


def read(results: Path) -> ResultTables:
    """The tables of a results directory.

    Raises:
        InputError: one is missing, is not a table, lacks a column, or has text in the place of a number.
    """
    return read_base(results).replace(**read_derived(results))


def read_base(results: Path) -> ResultTables:
    """The tables that the others are made from; see `read`."""
    read_now = [table for table in BASE if table not in NOT_IN_OLDER or (results / f"{table.name}.csv").exists()]
    return ResultTables(**{table.name: read_table(results, table) for table in read_now})


def read_derived(results: Path) -> dict[str, pd.DataFrame]:
    """The other tables of studies that have a CSV, by name; see `read`."""
    return {
        table.name: read_table(results, table)
        for table in committed_tables()
        if table not in BASE and (results / f"{table.name}.csv").exists()
    }


def read_table(results: Path, table: Table) -> pd.DataFrame:
    """One table of a results directory; see `read`."""
    path = results / f"{table.name}.csv"
    frame = as_text(path, table.header)
    for column in table.columns:
        frame[column.name] = _typed(path, frame[column.name], column)
    return with_typed_factors(frame)


def with_metric(runs: pd.DataFrame, metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of runs.csv with a column of a metric that may be one of metrics.csv; not a number where a run has none.

    A target that was not reached is infinite: later than ever.

    Args:
        runs: rows of runs.csv.
        metrics: metrics.csv, with the rows of these runs at least.
        metric: a column of runs.csv, or a name in metrics.csv.
    """
    if metric in runs:
        return runs
    values = runs["run_id"].map(metrics[metrics["metric"] == metric].set_index("run_id")["value"]).astype(float)
    return runs.assign(**{metric: values.fillna(math.inf) if metric.startswith(TARGET) else values})


def summary(results: Path) -> pd.DataFrame:
    """summary.csv alone; see `read`."""
    return read_table(results, SUMMARY)


def environments_of(results: Path) -> pd.DataFrame | None:
    """environments.csv as text; None where there is none: it is not shipped.

    Raises:
        InputError: it is not a table, or lacks a column.
    """
    path = results / "environments.csv"
    return as_text(path, ENVIRONMENTS.header) if path.exists() else None


def _typed(path: Path, texts: "pd.Series[str]", column: Column) -> "pd.Series[str]":
    """The values of a column as its type has them; an empty integer or truth value makes a column with gaps.

    Raises:
        InputError: one is of another type, or none of the words that the column may have.
    """
    if column.words:
        _refuse(path, texts, ~texts.isin(column.words), f"one of {', '.join(column.words)}")
    if column.kind is Kind.TEXT:
        return texts
    empty = texts == ""
    values = texts.map(_TRUTH) if column.kind is Kind.BOOLEAN else pd.to_numeric(texts, errors="coerce")
    wrong = values.isna()
    if column.kind is Kind.INTEGER:
        wrong |= values % 1 != 0
    _refuse(path, texts, wrong & ~empty, _EXPECTED[column.kind])
    if empty.any() and column.kind is not Kind.NUMBER:
        column = replace(column, gaps=True)
    return values.astype(pd.api.types.pandas_dtype(column.dtype))


def _refuse(path: Path, texts: "pd.Series[str]", wrong: "pd.Series[bool]", expected: str) -> None:
    if wrong.any():
        line = int(wrong.to_numpy().argmax())
        raise InputError(f"{path}: line {line + 2}: {texts.name}: expected {expected}, found {texts.iloc[line]!r}")


def as_text(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table whose values are texts, as they stand there.

    Args:
        path: the path of a CSV.
        columns: columns that it must have.

    Raises:
        InputError: it is not there, is not a table, or lacks a column.
    """
    if not path.exists():
        raise InputError(f"{path}: expected results of a grid, found no such file; `fairgrid run` makes it")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: expected a table, found what is no regular file")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except pd.errors.ParserError as error:
        raise InputError(f"{path}: expected a table, found: {str(error).strip().rpartition(': ')[2]}") from error
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    for name in columns:
        if name not in frame:
            raise InputError(f"{path}: expected the column {name!r}, found none{nearest(name, frame.columns)}")
    if len(frame) and frame.iloc[:, -1].eq("").any():  # so reads a row that ends early
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            for row in rows:
                if 0 < len(row) < frame.shape[1]:
                    raise InputError(
                        f"{path}: line {rows.line_num}: expected {frame.shape[1]} values, found {len(row)}"
                    )
    return frame
