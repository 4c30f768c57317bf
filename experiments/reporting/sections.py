"""The tables of a study for people, in order, each with a title and with sentences below it."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.analysis.table import DerivedTable, derived_tables
from fairgrid.experiments.reporting.sentences import comparison_sentences, doubts, effect_sentences, legend
from fairgrid.experiments.reporting.tables.comparisons import (
    comparison_table,
    counted_effects,
    counted_stability,
    counted_verdicts,
    seeds,
    unstable,
)
from fairgrid.experiments.reporting.tables.derived import UNTUNED, problems_table, times_table, tuning_table
from fairgrid.experiments.reporting.tables.ranking import ranked_levels, ranking_rows
from fairgrid.experiments.reporting.tables.studies import readings, report_table, study_table, verdict_table
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.study import Study

_OWN = ("report", "verdicts", "ranking", "effects", "comparisons", "stability", "cells", "tuning", "targets", "across")
_LONGEST = 40  # comparisons that are listed; of more there are sentences


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        name: one of `section_names`.
        title: a title.
        table: a table of strings.
        lines: sentences below the table.
    """

    name: str
    title: str
    table: pd.DataFrame
    lines: tuple[str, ...] = ()


def section_names() -> list[str]:
    """The names of all sections: those of this file, and the derived tables that are declared with a title."""
    return [*_OWN, *(table.name for table in derived_tables() if table.title)]


def sections(study: Study, evidence: ResultTables) -> list[Section]:
    """The report's own table first, if there is one, then verdicts, comparisons, cells, tuning, targets, problems.

    Args:
        study: the study.
        evidence: tables of this study at least.
    """
    own = evidence.of(study.name)
    shown = []
    if study.table is not None and study.reported:
        title = f"{study.table.title} ({study.table.unit}; ours: mean ± std over the runs that are ok)"
        shown.append(Section("report", title, report_table(study, study.table, own.summary)))
    if len(own.reproduction):
        lines = tuple(readings(own.reproduction))
        shown.append(Section("verdicts", "Reported and reproduced", verdict_table(own.reproduction), lines))
    rows = ranking_rows(own.ranking)
    if len(rows):
        title = f"Ranking by {_word(study)}; levels that share a letter are not shown to differ"
        shown.append(Section("ranking", title, ranked_levels(rows)))
    if len(own.effects):
        title = f"Averages over the other factors, by {_word(study)}{seeds(own.effects)}"
        lines = (*effect_sentences(own.effects), legend(own.effects, study.comparison), *doubts(own.effects))
        shown.append(Section("effects", title, counted_effects(own.effects), lines))
    if sentences := comparison_sentences(study, own.comparisons):
        explained = (
            [legend(own.comparisons, study.comparison), *doubts(own.comparisons)] if len(own.comparisons) else []
        )
        lines = (*sentences, *explained)
        shown.append(_comparisons(study, own.comparisons, lines))
    if len(own.stability):
        title = "These verdicts by the best epoch on validation error, by half of the seeds, and by medians"
        lines = tuple(unstable(own.stability))
        shown.append(Section("stability", title, counted_stability(own.stability), lines))
    shown.append(Section("cells", study.title, study_table(study, own.summary)))
    return [*shown, *(section for section in _derived(study, own) if len(section.table))]


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
    """The metric that cells are compared by, for people."""
    more = " (more is better)" if direction_of(study) == "max" else ""
    return f"{study.comparison.metric.replace('_', ' ')}{more}"


def _derived(study: Study, own: ResultTables) -> list[Section]:
    tried, edges = tuning_table(study, own)
    ranks, tests = problems_table(study, own)
    searched = "Learning rates: the mean test error of the best of as many as were tried, over tuning seeds"
    searched += "; untuned, over evaluation seeds" if UNTUNED in tried else ""
    return [
        Section("tuning", searched, tried, tuple(edges)),
        Section("targets", "Gradient evaluations to a test error, median over all runs", times_table(study, own)),
        Section("across", "Across problems, each one observation", ranks, tuple(tests)),
        *(Section(table.name, table.title, _plain(table, own)) for table in derived_tables() if table.title),
    ]


def _plain(table: DerivedTable, own: ResultTables) -> pd.DataFrame:
    """A derived table for people, its values in the formats of its columns."""
    rows = getattr(own, table.name)
    columns = [column for column in table.columns if column.name != "study"]
    return pd.DataFrame({column.heading: [column.shown(value) for value in rows[column.name]] for column in columns})
