"""Files and frames as tables of values that nobody has interpreted yet, each row with its place in the source."""

import csv
import gzip
import importlib
import io
import json
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.errors import InputError, first_line

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ENDINGS = ".csv, .tsv, .jsonl or .ndjson, each also with .gz, or .parquet"


@dataclass(frozen=True)
class Table:
    """What a source holds.

    Attributes:
        source: name of the file, or kind of object.
        frame: values as the source has them, texts in a CSV file; the index is what the source calls its rows.
        places: for every row its place in the source, as messages name it.
    """

    source: str
    frame: pd.DataFrame
    places: list[str]


def read_table(source: str | os.PathLike[str] | pd.DataFrame) -> Table:
    """The table that a source holds.

    Args:
        source: path of a CSV file separated by commas, semicolons or tabs, of JSON lines (one object per line), either
            also compressed by gzip, or of a Parquet file; or a frame.

    Raises:
        InputError: the file cannot be read as what its name ends in, or the table has no rows, a column without a name
            or two with one name.
    """
    if isinstance(source, pd.DataFrame):
        table = _from_frame("DataFrame", source)
    elif isinstance(source, str | os.PathLike):
        table = _from_file(Path(source))
    else:
        raise InputError(
            f"expected a path, a DataFrame or a mapping of arrays, found an object of type {type(source).__name__}"
        )
    _check_names(table.source, list(table.frame.columns))
    if not len(table.frame):
        raise InputError(f"{table.source}: expected rows, found none")
    return table


def _from_frame(name: str, frame: pd.DataFrame) -> Table:
    named = frame.set_axis([str(column) for column in frame.columns], axis=1)
    return Table(name, named, [f"row {label}" for label in frame.index])


def _from_file(path: Path) -> Table:
    name = path.name.lower().removesuffix(".gz")
    kind = Path(name).suffix
    if kind == ".parquet" and name == path.name.lower():
        return _from_parquet(path)
    if kind not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        raise InputError(f"{path}: expected a file whose name ends in {_ENDINGS}, found {path.name!r}")
    text = _text(path)
    if kind in (".jsonl", ".ndjson"):
        return _from_json_lines(str(path), text)
    return _from_csv(str(path), text, ["\t"] if kind == ".tsv" else list(_SEPARATORS))


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe is waited for, and read once
        raise InputError(f"{path}: expected a file, found what is no regular file")


def _text(path: Path) -> str:
    """The UTF-8 text of a file, decompressed where its name ends in .gz."""
    try:
        _check_regular(path)
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.name.lower().endswith(".gz") else raw).decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: expected gzip, found other bytes ({first_line(error)})") from error
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except ValueError as error:  # a null character in the path
        raise InputError(f"{path}: expected the path of a file, found: {error}") from error


def _from_csv(path: str, text: str, separators: list[str]) -> Table:
    """A CSV file by the one separator that divides all lines into as many fields, two or more."""
    parsed = {separator: _rows(text, separator) for separator in separators}
    dividing = [
        separator
        for separator, (rows, _, fault) in parsed.items()
        if rows and not fault and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows)
    ]
    if len(dividing) > 1:
        names = " and ".join(_SEPARATORS[separator] for separator in dividing)
        raise InputError(f"{path}: expected one separator, found that {names} both divide every line evenly")
    # where no separator fits, what is wrong is said of the one that divides the first line most
    separator = dividing[0] if dividing else max(separators, key=lambda mark: len((parsed[mark][0] or [[]])[0]))
    rows, lines, fault = parsed[separator]
    source = f"{path} (separated by {_SEPARATORS[separator]})"
    if fault:
        raise InputError(f"{source}: line {lines[-1]}: expected CSV, found: {fault}")
    if not rows:
        raise InputError(f"{source}: expected a line of names, found none")
    header = rows.pop(0)
    for fields, line in zip(rows, lines[1:], strict=True):
        if len(fields) != len(header):
            raise InputError(f"{source}: line {line}: expected {len(header)} fields, found {len(fields)}")
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    if header[0] == "" and len(header) > 1:  # as pandas writes an index
        frame = frame.set_index(frame.iloc[:, 0].rename(None)).iloc[:, 1:]
    return Table(source, frame, [f"line {line}" for line in lines[1:]])


def _rows(text: str, separator: str) -> tuple[list[list[str]], list[int], str]:
    """Rows that are not empty, the line in which each ends, and why parsing stopped before the end ("" if not)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        return rows, [*lines, reader.line_num], str(error)
    return rows, lines, ""


def _from_json_lines(path: str, text: str) -> Table:
    records: list[dict[str, Any]] = []
    places = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:  # also an integer of too many digits
            fault = error.msg if isinstance(error, json.JSONDecodeError) else first_line(error)
            raise InputError(f"{path}: line {number}: expected a JSON object, found: {fault}") from error
        if not isinstance(record, dict):
            raise InputError(f"{path}: line {number}: expected a JSON object, found {type(record).__name__}")
        records.append(record)
        places.append(f"line {number}")
    names = list(dict.fromkeys(name for record in records for name in record))
    frame = pd.DataFrame({name: pd.Series([record.get(name) for record in records], dtype=object) for name in names})
    return Table(path, frame, places)


def _from_parquet(path: Path) -> Table:
    try:
        importlib.import_module("pyarrow")  # heavy, and an extra
    except ImportError as error:
        raise InputError(
            f"{path}: expected pyarrow, which reads Parquet, found none; install pyarrow (fairgrid[parquet])"
        ) from error
    try:
        _check_regular(path)
        frame = pd.read_parquet(path, engine="pyarrow")
    except OSError as error:
        raise InputError(f"{path}: expected a readable Parquet file, found {error.strerror or error}") from error
    except (ImportError, ValueError) as error:  # of a version that pandas refuses, and ArrowInvalid
        raise InputError(f"{path}: expected a Parquet file, found: {first_line(error)}") from error
    return _from_frame(str(path), frame)


def _check_names(source: str, names: list[str]) -> None:
    for place, name in enumerate(names):
        if not name:
            raise InputError(f"{source}: expected a name for every column, found none for column {place + 1}")
        if names.index(name) < place:
            raise InputError(f"{source}: expected columns with different names, found {name!r} twice")
