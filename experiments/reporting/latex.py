r"""Tables for papers: LaTeX with booktabs. A table that is too wide is set small, with entries broken into lines.

A document needs \usepackage{array,booktabs,longtable} for them; a table longer than a page is a longtable.
"""

import math
import re

import pandas as pd

from fairgrid.experiments.reporting.escaping import latex_label, latex_text

_LINE = 70  # characters that fit a line of a standard article
_SMALL = r"\scriptsize\setlength{\tabcolsep}{3pt}"
_SMALL_LINE = 85  # characters that fit it when set small, without the space between columns
_BETWEEN = 1.8  # characters of that space
_WHOLE = 17  # entries up to here are not broken: 0.0203 ± 0.00671
_LEAST = 10  # of a column that is broken
_LINES = 45  # that fit a page with a heading and a caption
_BREAKS = re.compile(r"(?<=[ _.])")


def latex(table: pd.DataFrame, caption: str, label: str) -> str:
    r"""A table of strings with a caption and a label.

    Args:
        table: the table; its columns' names are the headings.
        caption: a caption in plain text.
        label: the label for \ref, after "tab:".
    """
    widths = _widths(table)
    long = _lines(table, widths) > _LINES
    small = any(widths)
    text = str(
        table.map(_breakable if small else latex_text)
        .rename(columns=_breakable if small else latex_text)
        .style.hide(axis="index")
        .to_latex(
            column_format="".join(
                rf">{{\raggedright\arraybackslash}}p{{{width:.3f}\linewidth}}" if width else "l" for width in widths
            ),
            hrules=True,
            caption=latex_text(caption),
            label=f"tab:{latex_label(label)}",
            environment="longtable" if long else None,
            position=None if long else "htbp",
            position_float=None if long else "centering",
        )
    ).rstrip("\n")
    if not small:
        return text
    return f"{{{_SMALL}\n{text}\n}}" if long else text.replace("\\centering\n", f"\\centering\n{_SMALL}\n", 1)


def _widths(table: pd.DataFrame) -> list[float]:
    """The width of every column in line widths; 0 for a column whose entries stay on one line."""
    longest = [max([0, *table[name].str.len()]) for name in table]
    whole = [max(len(str(name)), size) for name, size in zip(table, longest, strict=True)]
    if sum(whole) + 1.5 * _BETWEEN * len(whole) <= _LINE:
        return [0.0] * len(whole)
    words = [max(map(len, _BREAKS.split(str(name)))) for name in table]
    least = [max(word, size) if size <= _WHOLE else 0 for word, size in zip(words, longest, strict=True)]
    wanted = [size**0.6 if size > _WHOLE else 0.0 for size in longest]
    room = max(_SMALL_LINE - _BETWEEN * len(least) - sum(least), sum(_LEAST for share in wanted if share))
    return [
        (room * share / sum(wanted) if share else size + 1) / _SMALL_LINE if share or natural > size else 0.0
        for size, share, natural in zip(least, wanted, whole, strict=True)
    ]


def _lines(table: pd.DataFrame, widths: list[float]) -> int:
    """The approximate number of lines that a table takes."""
    columns = [
        table[name].str.len() / (width * _SMALL_LINE) for name, width in zip(table, widths, strict=True) if width
    ]
    return sum(max([1, *(math.ceil(column.iloc[row]) for column in columns)]) for row in range(len(table)))


def _breakable(text: str) -> str:
    """Escaped text that may break inside names with options: sgd(learning_rate=0.1)."""
    return re.sub(r"(?<=\w)(\(|\\_|\.(?=[a-z]))", r"\1\\allowbreak{}", latex_text(text))
