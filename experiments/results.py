"""The results of some studies: tables as DataFrames, and conclusions in sentences."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from fairgrid.experiments.analysis.ranking import CELL, LEVEL
from fairgrid.experiments.analysis.summary import with_factors
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.reporting.rendering import Format, show
from fairgrid.experiments.reporting.sections import section_names, sections
from fairgrid.experiments.store.schema import committed_tables, with_typed_factors
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study


class Results:
    """Tables of studies as DataFrames, and their conclusions in sentences.

    Every table is an attribute: `runs`, `summary`, `comparisons` and the others of docs/columns.md. Errors are
    fractions in [0, 1]; what varies in a study is in `factors`, as canonical JSON. `fairgrid.plot` draws them.

    Args:
        studies: at least one study; names differ.
        evidence: tables of these studies at least.
        directory: the results directory.

    Attributes:
        studies: the studies.
        evidence: their tables, from which figures and tables for people are made.
        directory: the results directory.
    """

    def __init__(self, studies: Sequence[Study], evidence: ResultTables, directory: Path) -> None:
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
        names = section_names()
        if section not in (None, *names):
            raise InputError(f"section: expected a table, found {section!r}{nearest(str(section), names)}")
        parts = [part for study in self.studies for part in sections(study, self.evidence)]
        return [line for part in parts if section in (None, part.name) for line in part.lines]

    answers = sentences  # its earlier name

    def tables(self, style: Format = "text") -> str:
        """The tables for people that the terminal prints: errors in percent, counts, verdicts.

        Args:
            style: text, markdown, latex or csv.
        """
        return "\n\n".join(show(study, self.evidence, style) for study in self.studies)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per planned run, with a column `factor.…` for every factor of the studies."""
        return with_typed_factors(with_factors(self.evidence.runs, self.evidence.runs["factors"]))

    def ranking(self, kind: str | None = None) -> pd.DataFrame:
        """The levels of each study's main factor, the best first; two that share a letter are not shown to differ.

        Args:
            kind: "level" for averages over contexts, "cell" for single contexts; by default both.

        Raises:
            InputError: there is no such kind.
        """
        if kind not in (None, LEVEL, CELL):
            raise InputError(f"kind: expected {LEVEL!r} or {CELL!r}, found {kind!r}{nearest(str(kind), (LEVEL, CELL))}")
        rows = self.evidence.ranking
        return rows if kind is None else rows[rows["kind"] == kind]

    def __getattr__(self, name: str) -> pd.DataFrame:
        """The rows of these studies in a table, such as `results.comparisons`; docs/columns.md has all."""
        if name.startswith("_") or name == "evidence":  # of a copy that is not filled yet
            raise AttributeError(name)
        frame: pd.DataFrame = getattr(self.evidence, name)
        return frame

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(table.name for table in committed_tables())]
