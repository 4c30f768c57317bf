"""Tables that fit the width of the terminal."""

import itertools
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence

import pandas as pd

_GAP = 2  # columns between two of a table


class _Wrapper(textwrap.TextWrapper):
    """Breaks lines where a pattern matches, and nowhere else."""

    def __init__(self, pattern: str) -> None:
        super().__init__(break_long_words=False, break_on_hyphens=False)
        self.wordsep_simple_re = re.compile(f"({pattern})")  # what textwrap splits text by

    def unbroken(self, text: str) -> int:
        """Characters of the longest piece."""
        return max((len(piece) for piece in self.wordsep_simple_re.split(text) if piece.strip()), default=0)

    def broken(self, text: str, width: int) -> list[str]:
        """Its lines."""
        self.width = max(1, width)
        return self.wrap(text)


# the first that fits is taken: 1.2 ± 0.3 and [1.0, 1.4] stay whole, then words, then what stands between punctuation,
# then halves of long words
_WRAPPERS = (
    _Wrapper(r"(?<!±)\s+(?!±)(?![^\[\]]*\])"),
    _Wrapper(r"\s+"),
    _Wrapper(r"\s+|(?<=\w[_.(,:/=-])(?=[^\W\d_])|(?<=\w\+)(?=\w)"),
    _Wrapper(r"\s+|(?<=\w[_.(,:/=-])(?=[^\W\d_])|(?<=\w\+)(?=\w)|(?<=[^\W\d_]{6})(?=[^\W\d_]{3})"),
)


def columns() -> int | None:
    """The width of the terminal that is printed on; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def lines(table: pd.DataFrame, widest: int, width: int | None) -> list[str]:
    """A table as text. Headings and entries are broken into lines, so that it fits if its words allow it.

    Where a row has several lines, an empty one stands between every two rows.

    Args:
        table: a table of strings.
        widest: the most characters of a column, unless a word is longer.
        width: the limit of the whole table's width, or None.
    """
    texts = [[str(name), *table.iloc[:, place]] for place, name in enumerate(table.columns)]
    caps = [min(widest, max(map(len, column))) for column in texts]
    if width is not None:
        caps = _fitting(texts, caps, width - _GAP * (len(texts) - 1))
    broken = [[_broken(text, cap) for text in column] for column, cap in zip(texts, caps, strict=True)]
    widths = [max(shown_width(line) for entry in column for line in entry) for column in broken]
    heading, *rows = [_joined(row, widths) for row in zip(*broken, strict=True)]
    apart = [""] if any(len(row) > 1 for row in rows) else []
    result = [*heading, (" " * _GAP).join("-" * width for width in widths)]
    for number, row in enumerate(rows):
        result += [*(apart if number else []), *row]
    return result


def shown_width(text: str) -> int:
    """Columns of a terminal that a line takes: two for a wide letter, as in Chinese, none for a combining accent."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)


def _joined(entries: Sequence[list[str]], widths: Sequence[int]) -> list[str]:
    """A row's lines."""
    return [
        (" " * _GAP)
        .join(line + " " * (width - shown_width(line)) for line, width in zip(parts, widths, strict=True))
        .rstrip()
        for parts in itertools.zip_longest(*entries, fillvalue="")
    ]


def _fitting(texts: list[list[str]], natural: list[int], width: int) -> list[int]:
    """Widths of columns that together take no more than a width, if there are any."""
    least = [max(map(_WRAPPERS[0].unbroken, column)) for column in texts]
    for wrapper in _WRAPPERS[1:]:
        # no more columns than needed, and verdicts, which stand last, after all others
        for place in [*sorted(range(len(texts) - 1), key=lambda place: -least[place]), len(texts) - 1]:
            if sum(least) > width:
                least[place] = max(map(wrapper.unbroken, texts[place]))
    return _shared(natural, least, width)


def _shared(natural: list[int], least: list[int], width: int) -> list[int]:
    """Widths of columns: the widest are cut to one cap, as high as it can be, none below its least."""
    for cap in range(max(natural), -1, -1):
        widths = [max(low, min(cap, high)) for low, high in zip(least, natural, strict=True)]
        if sum(widths) <= width:
            break
    return widths


def _broken(text: str, width: int) -> list[str]:
    """Its lines, at least one."""
    fitting = (wrapper for wrapper in _WRAPPERS if wrapper.unbroken(text) <= width)
    return next(fitting, _WRAPPERS[-1]).broken(text, width) or [""]
