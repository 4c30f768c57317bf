"""What is printed: tables in one of four formats, the plan, and what to do next."""

from typing import Literal, get_args

import pandas as pd
from tabulate import tabulate

from experiments.evidence import Evidence
from experiments.latex import escaped, latex
from experiments.report_tables import overview_table, readings, report_table, study_table, verdict_table
from experiments.study import Study

SECTIONS = ("report", "verdicts", "cells")

Format = Literal["text", "markdown", "latex", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WIDEST = 36  # characters of a column in a terminal


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
    if style == "markdown":
        table = table.rename(columns=_piped).map(_piped)
    shown = tabulate(
        table.to_dict("list"),
        headers="keys",
        tablefmt="github" if style == "markdown" else "simple",
        disable_numparse=True,
        stralign="left",
        maxcolwidths=_WIDEST if style == "text" else None,
    )
    return f"**{title}**\n\n{shown}" if style == "markdown" else f"{title}\n{shown}"


def _piped(text: str) -> str:
    """Text in a cell of a Markdown table."""
    return text.replace("|", "\\|")


def show(study: Study, evidence: Evidence, style: Format) -> str:
    """A study's tables under its name."""
    source = f", source {study.source}" if study.source else ""
    return f"{_heading(f'{study.name}{source}', style)}\n\n{tables(study, evidence, style)}"


def tables(study: Study, evidence: Evidence, style: Format, only: str | None = None) -> str:
    """A study's tables: the report's own first, if it is one's, the verdicts, then every cell.

    Args:
        study: whose they are.
        evidence: of any studies.
        style: how they are written.
        only: one of SECTIONS alone.
    """
    found = evidence.of(study.name)
    sections = {}
    if study.table is not None and study.reported:
        title = f"{study.table.title} ({study.table.unit}; ours: mean ± std over the runs that are ok)"
        sections["report"] = render(
            report_table(study, study.table, found.summary), style, title, f"{study.name}-report"
        )
    if len(found.reproduction):
        table = verdict_table(found.reproduction)
        verdicts = render(table, style, "Reported and reproduced", f"{study.name}-verdicts")
        sections["verdicts"] = f"{verdicts}\n\n{_listed(readings(found.reproduction), style)}".rstrip()
    sections["cells"] = render(study_table(study, found.summary), style, study.title, f"{study.name}-cells")
    return "\n\n".join(section for name, section in sections.items() if only in (None, name))


def overview(evidence: Evidence, style: Format) -> str:
    """The primary reading of every number and claim of the reports that there is evidence for."""
    title = "The reports' numbers and claims, primary readings (errors as fractions)"
    return render(overview_table(evidence.reproduction), style, title, "verdicts")


def _heading(text: str, style: Format) -> str:
    return {"text": f"{text}\n{'=' * len(text)}", "markdown": f"## {text}", "latex": f"% {text}", "csv": f"# {text}"}[
        style
    ]


def _listed(lines: list[str], style: Format) -> str:
    if style == "latex" and lines:
        items = "\n".join(rf"\item {escaped(line)}" for line in lines)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    return "\n".join(f"{'#' if style == 'csv' else '-'} {line}" for line in lines)
