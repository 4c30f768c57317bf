"""What is printed: tables in one of four formats, the plan, and what to do next."""

from typing import Literal, get_args

import pandas as pd
from tabulate import tabulate

from experiments.evidence import Evidence
from experiments.report_tables import overview_table, readings, report_table, study_table, verdict_table
from experiments.study import Study

SECTIONS = ("report", "verdicts", "cells")

Format = Literal["text", "markdown", "latex", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_WIDEST = 36  # characters of a column in a terminal
_TABULATE = {"text": "simple", "markdown": "github", "latex": "latex_booktabs"}


def render(table: pd.DataFrame, style: Format) -> str:
    """A table of strings as text."""
    if style == "csv":
        return table.to_csv(index=False).rstrip("\n")
    return tabulate(
        table.to_dict("list"),
        headers="keys",
        tablefmt=_TABULATE[style],
        disable_numparse=True,
        stralign="left",
        maxcolwidths=_WIDEST if style == "text" else None,
    )


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
        sections["report"] = _section(title, render(report_table(study, study.table, found.summary), style), style)
    if len(found.reproduction):
        verdicts = _section("Reported and reproduced", render(verdict_table(found.reproduction), style), style)
        lines = "\n".join(f"- {line}" for line in readings(found.reproduction))
        sections["verdicts"] = f"{verdicts}\n\n{lines}".rstrip()
    sections["cells"] = _section(study.title, render(study_table(study, found.summary), style), style)
    return "\n\n".join(section for name, section in sections.items() if only in (None, name))


def overview(evidence: Evidence, style: Format) -> str:
    """The primary reading of every number and claim of the reports that there is evidence for."""
    title = "The reports' numbers and claims, primary readings (errors as fractions)"
    return _section(title, render(overview_table(evidence.reproduction), style), style)


def _heading(text: str, style: Format) -> str:
    return {"text": f"{text}\n{'=' * len(text)}", "markdown": f"## {text}", "latex": f"% {text}", "csv": f"# {text}"}[
        style
    ]


def _section(title: str, table: str, style: Format) -> str:
    marks = {"text": title, "markdown": f"**{title}**\n", "latex": f"% {title}", "csv": f"# {title}"}
    return f"{marks[style]}\n{table}"
