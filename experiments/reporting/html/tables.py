"""Tables as the report shows them: cells with what they are sorted by, columns of numbers told from those of words."""

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.reporting.escaping import html_id

_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?"
# 1.85 ± 0.2, 0.6 [0.5, 0.7], 18/20 (2 diverged), 0.04+0.065, 97 %
_NUMERIC = re.compile(
    rf"(?P<first>{_NUMBER})(?: ± {_NUMBER}|\+{_NUMBER})?(?: \[{_NUMBER}, {_NUMBER}\])?(?:/\d+(?: \(.*\))?)?(?: %)?"
)
_BROKEN, _WORDS = 22, 40  # characters of entries from which on numbers may be broken, and words need room
_NOTHING = ("", "-")
_VERDICTS: dict[str, str] = {
    Verdict.CONSISTENT: "holds",
    Verdict.SUPPORTED: "holds",
    Verdict.INCONSISTENT: "fails",
    Verdict.CONTRADICTED: "fails",
    Verdict.UNDECIDED: "open",
    Verdict.INCOMPLETE: "open",
}


@dataclass(frozen=True)
class Cell:
    """A text, the key that it is sorted by ("" sorts last) and, for a verdict, its kind: holds, fails or open."""

    text: str
    key: str
    verdict: str = ""


@dataclass(frozen=True)
class Column:
    """A column's heading, and the names of styles for its entries."""

    name: str
    numeric: bool
    styles: str


@dataclass(frozen=True)
class HtmlTable:
    """A table that can be sorted.

    Attributes:
        id: the id of the HTML element.
        caption: a title.
        columns: the columns, one per cell of a row.
        rows: the rows, in their initial order.
        lines: sentences below the table.
    """

    id: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    lines: tuple[str, ...] = ()


def html_table(identifier: str, caption: str, table: pd.DataFrame, lines: tuple[str, ...] = ()) -> HtmlTable:
    """An HTML table of a table of text; a column in which every entry begins with a number is sorted by that number."""
    columns, cells = [], []
    for name in table:
        texts = [str(value) for value in table[name]]
        matches = [_NUMERIC.fullmatch(text) for text in texts]
        numeric = any(matches) and all(match or text in _NOTHING for match, text in zip(matches, texts, strict=True))
        columns.append(Column(str(name) or "row", numeric, _styles(max(map(len, texts), default=0), numeric)))
        cells.append(
            [
                Cell(
                    _breakable(text) if numeric else text,
                    _key(text, match if numeric else None),
                    _verdict(str(name), text),
                )
                for text, match in zip(texts, matches, strict=True)
            ]
        )
    return HtmlTable(html_id(identifier), caption, columns, [list(row) for row in zip(*cells, strict=True)], lines)


def _styles(longest: int, numeric: bool) -> str:
    if numeric:
        return "number broken" if longest > _BROKEN else "number"
    return "words" if longest > _WORDS else ""


def _breakable(text: str) -> str:
    """A number that may break into lines only before its interval."""
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}").replace(", ", ",\N{NO-BREAK SPACE}")


def _key(text: str, match: "re.Match[str] | None") -> str:
    if text in _NOTHING:
        return ""
    return match["first"] if match else text


def _verdict(column: str, text: str) -> str:
    return _VERDICTS.get(text.partition(" ")[0], "") if column == "verdict" else ""


def frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """Rows as a table that has its columns even where there is no row."""
    return pd.DataFrame(rows, columns=columns)
