"""What is printed: tables in one of four formats, the plan, and what to do next."""

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import pandas as pd
from tabulate import tabulate

from fairgrid.experiments.errors import one_line
from fairgrid.experiments.reporting.escaping import csv_text, latex_text, markdown_line, markdown_text
from fairgrid.experiments.reporting.latex import latex
from fairgrid.experiments.reporting.sections import sections
from fairgrid.experiments.reporting.tables.studies import overview_table
from fairgrid.experiments.reporting.text import columns, lines, shown_width
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.schema import NUMBERS
from fairgrid.experiments.study.study import Study

Format = Literal["text", "markdown", "latex", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WIDEST = 36  # characters of a column in a terminal
_LINE = 80  # characters of a sentence's lines there


def render(table: pd.DataFrame, style: Format, title: str, label: str) -> str:
    """A table of strings as text, under its title.

    Args:
        table: the table; its columns' names are the headings.
        style: the format.
        title: a title; the caption in LaTeX.
        label: a label for references in LaTeX.
    """
    if style == "latex":
        return latex(table, title, label)
    if style == "csv":
        written = _written(table, csv_text).to_csv(index=False)
        return f"# {one_line(title)}\n{written}".rstrip("\n")
    if style == "text":
        width, title = columns(), one_line(title)
        heading = textwrap.wrap(title, width or max(1, len(title)))
        return "\n".join([*heading, *lines(_written(table, one_line), _WIDEST, width)])
    table = _written(table, markdown_text)
    rows = tabulate(table.to_numpy().tolist(), list(map(str, table)), "github", disable_numparse=True, stralign="left")
    bold = markdown_text(title)
    return f"**{bold}**\n\n{rows}" if bold else rows


def _written(table: pd.DataFrame, escaped: Callable[[str], str]) -> pd.DataFrame:
    """A table with its headings and entries escaped."""
    return table.rename(columns=escaped).map(escaped)


def show(study: Study, evidence: ResultTables, style: Format) -> str:
    """A study's tables under its name."""
    source = f", source {study.source}" if study.source else ""
    return f"{_heading(f'{study.name}{source}', style)}\n\n{tables(study, evidence, style)}"


def tables(study: Study, evidence: ResultTables, style: Format, only: str | None = None) -> str:
    """A study's tables, with the sentences below them.

    Args:
        study: the study.
        evidence: tables of this study at least.
        style: the format.
        only: the only section to show; by default all.
    """
    shown = [
        f"{render(section.table, style, section.title, f'{study.name}-{section.name}')}"
        f"\n\n{_listed(section.lines, style)}".rstrip()
        for section in sections(study, evidence)
        if only in (None, section.name)
    ]
    return "\n\n".join(shown)


def overview(evidence: ResultTables, style: Format, only: str | None = None) -> str:
    """The primary reading of every number and claim of the reports that runs are recorded for.

    Args:
        evidence: the tables of all studies.
        style: the format.
        only: "report" leaves out claims in words, of which the reports print no number.
    """
    rows = evidence.reproduction
    if only == "report":
        rows = rows[rows["statistic"].isin(NUMBERS)]
    title = f"The reports' numbers{'' if only == 'report' else ' and claims'}, primary readings (errors as fractions)"
    return render(overview_table(rows), style, title, "verdicts")


def _heading(text: str, style: Format) -> str:
    if style == "markdown":
        return f"## {markdown_text(text)}"
    line = one_line(text)
    return {"text": f"{line}\n{'=' * shown_width(line)}", "latex": f"% {line}", "csv": f"# {line}"}[style]


def _tied(line: str) -> str:
    """A line in which p < 0.001 and 0.10 to 0.25 are not broken."""
    return re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d) (?=to [−\d])|(?<=\d to) ", "\N{NO-BREAK SPACE}", line)


def _listed(lines: Sequence[str], style: Format) -> str:
    if style == "latex" and lines:
        items = "\n".join(rf"\item {latex_text(line)}" for line in lines)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    if style == "text":
        filled = (textwrap.fill(_tied(f"- {one_line(line)}"), _LINE, subsequent_indent="  ") for line in lines)
        return "\n".join(filled).replace("\N{NO-BREAK SPACE}", " ")
    if style == "markdown":
        return "\n".join(f"- {markdown_line(line)}" for line in lines)
    return "\n".join(f"# {one_line(line)}" for line in lines)
