"""What is shown of a study, in order: tables for people, each with a title and with what is said below it."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.reporting.sentences import comparison_sentences, effect_sentences, legend
from fairgrid.experiments.reporting.tables.comparisons import (
    comparison_table,
    counted_effects,
    counted_stability,
    counted_verdicts,
    seeds,
    unstable,
)
from fairgrid.experiments.reporting.tables.derived import UNTUNED, problems_table, times_table, tuning_table
from fairgrid.experiments.reporting.tables.studies import readings, report_table, study_table, verdict_table
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.study import Study

SECTIONS = ("report", "verdicts", "effects", "comparisons", "stability", "cells", "tuning", "targets", "across")
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
    """The report's own table first, if it is one's, verdicts, comparisons, every cell, tuning, targets, problems.

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
        lines = tuple(readings(found.reproduction))
        shown.append(Section("verdicts", "Reported and reproduced", verdict_table(found.reproduction), lines))
    if len(found.effects):
        title = f"Averages over the other factors, by {_word(study)}{seeds(found.effects)}"
        lines = (*effect_sentences(found.effects), legend(found.effects, study.comparison))
        shown.append(Section("effects", title, counted_effects(found.effects), lines))
    if said := comparison_sentences(study, found.comparisons):
        lines = (*said, legend(found.comparisons, study.comparison)) if len(found.comparisons) else tuple(said)
        shown.append(_comparisons(study, found.comparisons, lines))
    if len(found.stability):
        title = "These verdicts by the best epoch on validation error, by half of the seeds, and by medians"
        lines = tuple(unstable(found.stability))
        shown.append(Section("stability", title, counted_stability(found.stability), lines))
    shown.append(Section("cells", study.title, study_table(study, found.summary)))
    return [*shown, *(section for section in _findings(study, found) if len(section.table))]


def _comparisons(study: Study, rows: pd.DataFrame, lines: tuple[str, ...]) -> Section:
    """All comparisons, or where they are many how many of each factor have which verdict; sentences below."""
    title = f"Pairs of cells that differ in one factor, by {_word(study)}"
    if not len(rows):
        counted = Counter(pair.factor for pair in pairs(study, study.comparison.factors))
        table = pd.DataFrame({"factor": list(counted), "pairs": [f"{count:,}" for count in counted.values()]})
        return Section("comparisons", title, table, lines)
    if len(rows) <= _LONGEST:
        return Section("comparisons", f"{title}{seeds(rows)}", comparison_table(rows), lines)
    return Section(
        "comparisons", title, counted_verdicts(rows), (*lines, f"All {len(rows)} of them are in comparisons.csv.")
    )


def _word(study: Study) -> str:
    """What cells are compared by, as people read it."""
    more = " (more is better)" if direction_of(study) == "max" else ""
    return f"{study.comparison.metric.replace('_', ' ')}{more}"


def _findings(study: Study, found: Evidence) -> list[Section]:
    tried, edges = tuning_table(study, found)
    ranks, tests = problems_table(study, found)
    searched = "Learning rates: the mean test error of the best of as many as were tried, over tuning seeds"
    searched += "; untuned, over evaluation seeds" if UNTUNED in tried else ""
    return [
        Section("tuning", searched, tried, tuple(edges)),
        Section("targets", "Gradient evaluations to a test error, median over all runs", times_table(study, found)),
        Section("across", "Across problems, each one observation", ranks, tuple(tests)),
    ]
