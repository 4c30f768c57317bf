"""The results of some studies: tables as DataFrames, and conclusions in sentences."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from fairgrid.experiments.analysis.derived import FINDINGS
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.reporting.rendering import Format, show
from fairgrid.experiments.reporting.sections import SECTIONS, sections
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.study import Study


class Results:
    """Tables of studies as DataFrames, and their conclusions in sentences.

    docs/commands.md names what each has a row per. Errors are fractions in [0, 1]; what varies in a study is in
    `factors`, as canonical JSON. `fairgrid.experiments.plot` draws them.

    Args:
        studies: at least one study; names differ.
        evidence: tables of these studies at least.
        directory: the results directory.

    Attributes:
        studies: the studies.
        evidence: their tables, from which figures and tables for people are made.
        directory: the results directory.
    """

    def __init__(self, studies: Sequence[Study], evidence: Evidence, directory: Path) -> None:
        self.studies = tuple(studies)
        self.evidence = evidence.of(*(study.name for study in studies))
        self.directory = directory

    def __repr__(self) -> str:
        counts = self.runs["status"].value_counts()
        counted = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
        names = ", ".join(study.name for study in self.studies)
        return f"<Results of {names} in {self.directory}: {len(self.runs):,} runs ({counted})>"

    @property
    def study(self) -> Study:
        """The study, if it is one.

        Raises:
            InputError: there are several.
        """
        if len(self.studies) > 1:
            names = ", ".join(study.name for study in self.studies)
            raise InputError(f"expected results of one study, found {names}; results.of(NAME) are those of one")
        return self.studies[0]

    def of(self, name: str) -> "Results":
        """The results of one of the studies.

        Raises:
            InputError: there is no study of this name.
        """
        studies = {study.name: study for study in self.studies}
        if name not in studies:
            raise InputError(f"expected the name of a study, found {name!r}{nearest(name, studies)}")
        return Results([studies[name]], self.evidence, self.directory)

    def sentences(self, section: str | None = None) -> list[str]:
        """The sentences that the terminal prints below the tables.

        Args:
            section: the name of the only table whose sentences are wanted: "comparisons", "verdicts", "tuning" …

        Raises:
            InputError: there is no such table.
        """
        if section not in (None, *SECTIONS):
            raise InputError(f"section: expected a table, found {section!r}{nearest(str(section), SECTIONS)}")
        parts = [part for study in self.studies for part in sections(study, self.evidence)]
        return [line for part in parts if section in (None, part.name) for line in part.lines]

    answers = sentences  # its earlier name

    def tables(self, style: Format = "text") -> str:
        """The tables for people that the terminal prints: errors in percent, counts, verdicts.

        Args:
            style: text, markdown, latex or csv.
        """
        return "\n\n".join(show(study, self.evidence, style) for study in self.studies)

    @property
    def runs(self) -> pd.DataFrame:
        """A row per planned run: its cell, seed, status, settings, and final losses and errors."""
        return self.evidence.runs

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per run and further measured number."""
        return self.evidence.metrics

    @property
    def summary(self) -> pd.DataFrame:
        """A row per cell: counts of runs; mean, std, median and extremes of errors, and the interval of the mean."""
        return self.evidence.summary

    @property
    def curves(self) -> pd.DataFrame:
        """A row per cell, checkpoint and metric: mean, std, median and quantiles over runs."""
        return self.evidence.curves

    @property
    def comparisons(self) -> pd.DataFrame:
        """A row per pair of cells that differ in one factor: their difference, how sure it is, the verdict."""
        return self.evidence.comparisons

    @property
    def effects(self) -> pd.DataFrame:
        """A row per pair of levels on the whole, at each level of another factor, and per pair of such differences."""
        return self.evidence.effects

    @property
    def stability(self) -> pd.DataFrame:
        """A row per comparison: its verdict by the best epoch, by half of the seeds, and by medians."""
        return self.evidence.stability

    @property
    def reproduction(self) -> pd.DataFrame:
        """A row per reported number or claim and reading of it: what the runs say, and the verdict."""
        return self.evidence.reproduction

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """A row per tuned cell and learning rate: errors over the tuning seeds, which was chosen."""
        return self._finding("tuning")

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """A row per tuned cell and number of learning rates tried: the expected errors of the best of them."""
        return self._finding("budgets")

    @cached_property
    def targets(self) -> pd.DataFrame:
        """A row per cell and target: the share of runs that reach it, the median of gradient evaluations until then."""
        return self._finding("targets")

    @cached_property
    def across(self) -> pd.DataFrame:
        """A row per pair of levels of a factor: ranks over different problems, tests, the verdict."""
        return self._finding("across")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row per level and problem: mean test error, rank, ratio to the best."""
        return self._finding("scores")

    def _finding(self, name: str) -> pd.DataFrame:
        found = [FINDINGS[name](study, self.evidence.of(study.name)) for study in self.studies]
        return pd.concat([rows for rows in found if len(rows)] or found[:1], ignore_index=True)
