"""A CSV file as columns of text: read whole, and refused with the line and the column that are not what is expected."""

import csv
import hashlib
import io
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fairgrid.experiments.errors import nearest
from fairgrid.experiments.runtime.gaps import GAPS


@dataclass(frozen=True)
class Columns:
    """What a file holds.

    Attributes:
        path: as it was given.
        digest: SHA-256 of the file's bytes.
        names: the first line.
        rows: all others that are not empty, a text per column.
        lines: where each row ends in the file.
    """

    path: str
    digest: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def require(self, name: str) -> None:
        """Raises ValueError where there is no such column."""
        if name not in self.names:
            raise ValueError(f"{self.path}: expected the column {name!r}, found none{nearest(name, self.names)}")

    def require_no_gap(self, name: str, expected: str, advice: str = "") -> None:
        """Refuses a column in which a value is missing.

        Args:
            name: the column's.
            expected: what its values are.
            advice: the end of the message where the gap is a text, which could be meant as a value.

        Raises:
            ValueError: there is a gap, one of GAPS; it names the line.
        """
        place = self.names.index(name)
        for number, row in enumerate(self.rows):
            text = row[place]
            if text.casefold() in GAPS:
                described = f"the gap {text!r}; leave the row out{advice}" if text else "nothing; leave the row out"
                raise ValueError(f"{self._where(number, name)}: expected {expected}, found {described}")

    def texts(self, name: str, expected: str) -> list[str]:
        """A column as it stands there.

        Raises:
            ValueError: something in it is missing; it says what was expected.
        """
        place = self.names.index(name)
        column = [row[place] for row in self.rows]
        if "" in column:
            raise ValueError(f"{self._where(column.index(''), name)}: expected {expected}, found nothing")
        return column

    def numbers(self, name: str, advice: str = "") -> Tensor:
        """A column of finite numbers, (rows,) float64.

        Raises:
            ValueError: something in it is not one; the message ends in the advice.
        """
        column = self.texts(name, "a number")
        values = [number(text) for text in column]
        for row, value in enumerate(values):
            if value is None:
                raise ValueError(f"{self._where(row, name)}: expected a number, found {column[row]!r}{advice}")
        return torch.tensor(values, dtype=torch.float64)

    def _where(self, row: int, name: str) -> str:
        return f"{self.path}: line {self.lines[row]}: {name}"


def number(text: str) -> float | None:
    """The finite number that a text is; None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def read(path: str, separator: str) -> Columns:
    """The columns of a file.

    Args:
        path: relative to the working directory.
        separator: between fields, one character.

    Raises:
        ValueError: the separator is not one character; or the file cannot be read, is not UTF-8, has no rows, a column
            without a name or two of one, or a row with another number of fields.
    """
    if len(separator) != 1 or separator in '"\r\n ':
        raise ValueError(f"a table needs a separator of one character, found {separator!r}")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) and not Path(path).is_dir():  # a pipe is waited for, and read once
            raise ValueError(f"{path}: expected a file, found what is no regular file")
        raw = Path(path).read_bytes()
    except OSError as error:
        hint = "" if Path(path).is_absolute() else "; a relative path starts from the working directory"
        raise ValueError(f"{path}: expected a readable file, found {error.strerror}{hint}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(f"{path}: line {reader.line_num}: expected CSV, found: {error}") from error
    if len(rows) < 2:
        raise ValueError(f"{path}: expected a line of names and rows below it, found {len(rows)} lines")
    names = rows.pop(0)
    _named(path, names)
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) != len(names):
            raise ValueError(f"{path}: line {line}: expected {len(names)} fields, found {len(row)}")
    return Columns(path, hashlib.sha256(raw).hexdigest(), names, rows, lines[1:])


def _named(path: str, names: list[str]) -> None:
    for place, name in enumerate(names):
        if not name:
            raise ValueError(f"{path}: expected a name for every column, found none for column {place + 1}")
        if names.index(name) < place:
            raise ValueError(f"{path}: expected columns with different names, found {name!r} twice")
