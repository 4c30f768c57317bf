"""What is printed: tables in one of four formats, the plan, and what to do next."""

import re
import textwrap
from collections.abc import Sequence
from typing import Literal, get_args

import pandas as pd
from tabulate import tabulate

from fairgrid.experiments.reporting.latex import escaped, latex
from fairgrid.experiments.reporting.sections import sections
from fairgrid.experiments.reporting.tables.studies import overview_table
from fairgrid.experiments.reporting.text import columns, lines
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.schema import STATISTICS
from fairgrid.experiments.study.study import Study

Format = Literal["text", "markdown", "latex", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WIDEST = 36  # characters of a column in a terminal
_LINE = 80  # characters of a sentence's lines there


def render(table: pd.DataFrame, style: Format, title: str, label: str) -> str:
    """A table of strings as text, under its title.

    Args:
        table: its columns' names are the headings.
        style: how it is written.
        title: in LaTeX the caption.
        label: in LaTeX for references.
    """
    if style == "latex":
        return latex(table, title, label)
    if style == "csv":
        return f"# {title}\n{table.to_csv(index=False)}".rstrip("\n")
    if style == "text":
        width = columns()
        return "\n".join([*textwrap.wrap(title, width or len(title)), *lines(table, _WIDEST, width)])
    table = table.rename(columns=_piped).map(_piped)
    shown = tabulate(table.to_dict("list"), headers="keys", tablefmt="github", disable_numparse=True, stralign="left")
    return f"**{title}**\n\n{shown}"


def _piped(text: str) -> str:
    """Text in a cell of a Markdown table."""
    return text.replace("|", "\\|")


def show(study: Study, evidence: Evidence, style: Format) -> str:
    """A study's tables under its name."""
    source = f", source {study.source}" if study.source else ""
    return f"{_heading(f'{study.name}{source}', style)}\n\n{tables(study, evidence, style)}"


def tables(study: Study, evidence: Evidence, style: Format, only: str | None = None) -> str:
    """A study's tables, with what is said below them.

    Args:
        study: whose they are.
        evidence: of any studies.
        style: how they are written.
        only: one of SECTIONS alone.
    """
    shown = [
        f"{render(section.table, style, section.title, f'{study.name}-{section.name}')}"
        f"\n\n{_listed(section.lines, style)}".rstrip()
        for section in sections(study, evidence)
        if only in (None, section.name)
    ]
    return "\n\n".join(shown)


def overview(evidence: Evidence, style: Format, only: str | None = None) -> str:
    """The primary reading of every number and claim of the reports that there is evidence for.

    Args:
        evidence: of any studies.
        style: how it is written.
        only: "report" leaves out claims in words, of which the reports print no number.
    """
    rows = evidence.reproduction
    if only == "report":
        rows = rows[rows["statistic"].isin(["+".join(names) for names in STATISTICS])]
    title = f"The reports' numbers{'' if only == 'report' else ' and claims'}, primary readings (errors as fractions)"
    return render(overview_table(rows), style, title, "verdicts")


def _heading(text: str, style: Format) -> str:
    return {"text": f"{text}\n{'=' * len(text)}", "markdown": f"## {text}", "latex": f"% {text}", "csv": f"# {text}"}[
        style
    ]


def _tied(line: str) -> str:
    """A line in which p < 0.001 and 0.10 to 0.25 are not broken."""
    return re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d) (?=to [−\d])|(?<=\d to) ", "\N{NO-BREAK SPACE}", line)


def _listed(lines: Sequence[str], style: Format) -> str:
    if style == "latex" and lines:
        items = "\n".join(rf"\item {escaped(line)}" for line in lines)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    if style == "text":
        wrapped = "\n".join(textwrap.fill(_tied(f"- {line}"), _LINE, subsequent_indent="  ") for line in lines)
        return wrapped.replace("\N{NO-BREAK SPACE}", " ")
    return "\n".join(f"{'#' if style == 'csv' else '-'} {line}" for line in lines)
