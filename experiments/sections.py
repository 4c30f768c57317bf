"""What is shown of a study, in order: tables for people, each with a title and with what is said below it."""

from dataclasses import dataclass

import pandas as pd

from experiments.evidence import Evidence
from experiments.report_tables import readings, report_table, study_table, verdict_table
from experiments.study import Study

SECTIONS = ("report", "verdicts", "cells")


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        name: of SECTIONS.
        title: what it shows.
        table: of strings.
        lines: said below it.
    """

    name: str
    title: str
    table: pd.DataFrame
    lines: tuple[str, ...] = ()


def sections(study: Study, evidence: Evidence) -> list[Section]:
    """The report's own table first, if it is one's, the verdicts, then every cell.

    Args:
        study: whose they are.
        evidence: of any studies.
    """
    found = evidence.of(study.name)
    shown = []
    if study.table is not None and study.reported:
        title = f"{study.table.title} ({study.table.unit}; ours: mean ± std over the runs that are ok)"
        shown.append(Section("report", title, report_table(study, study.table, found.summary)))
    if len(found.reproduction):
        table, lines = verdict_table(found.reproduction), tuple(readings(found.reproduction))
        shown.append(Section("verdicts", "Reported and reproduced", table, lines))
    return [*shown, Section("cells", study.title, study_table(study, found.summary))]
