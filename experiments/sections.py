"""What is shown of a study, in order: tables for people, each with a title and with what is said below it."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from experiments.conclusions import answer
from experiments.evidence import Evidence
from experiments.finding_tables import problems_table, times_table, tuning_table
from experiments.pairing import pairs
from experiments.report_tables import (
    comparison_table,
    counted_verdicts,
    readings,
    report_table,
    study_table,
    verdict_table,
)
from experiments.study import Study

SECTIONS = ("report", "verdicts", "comparisons", "cells", "tuning", "targets", "across")
_LONGEST = 40  # comparisons that are listed; of more there are sentences


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
    """The report's own table first, if it is one's, the verdicts, every cell, then tuning, targets and problems.

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
    if said := answer(study, found.comparisons):
        shown.append(_comparisons(study, found.comparisons, tuple(said)))
    shown.append(Section("cells", study.title, study_table(study, found.summary)))
    return [*shown, *(section for section in _findings(study, found) if len(section.table))]


def _comparisons(study: Study, rows: pd.DataFrame, lines: tuple[str, ...]) -> Section:
    """All comparisons, or where they are many how many of each factor have which verdict; sentences below."""
    title = f"Pairs of cells that differ in one factor, by {study.comparison.metric.replace('_', ' ')}"
    if not len(rows):
        counted = Counter(pair.factor for pair in pairs(study, study.comparison.factors))
        table = pd.DataFrame({"factor": list(counted), "pairs": [f"{count:,}" for count in counted.values()]})
        return Section("comparisons", title, table, lines)
    if len(rows) <= _LONGEST:
        return Section("comparisons", title, comparison_table(rows), lines)
    return Section(
        "comparisons", title, counted_verdicts(rows), (*lines, f"All {len(rows)} of them are in comparisons.csv.")
    )


def _findings(study: Study, found: Evidence) -> list[Section]:
    tried, edges = tuning_table(study, found)
    ranks, tests = problems_table(study, found)
    searched = "Learning rates: the mean test error of the best of as many as were tried, over tuning seeds"
    return [
        Section("tuning", searched, tried, tuple(edges)),
        Section("targets", "Gradient evaluations to a test error, median over all runs", times_table(study, found)),
        Section("across", "Across problems, each one observation", ranks, tuple(tests)),
    ]
