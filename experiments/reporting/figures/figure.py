"""What a figure of a study is: when it applies, its rows, how it is drawn, and how it is described in words.

A figure is one class in one file. Decorated with `automatic`, it is drawn for every study that it applies to, stands on
the page with its description, is listed in the documentation, and is drawn from Python by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class StudyFigure(ABC):
    """One figure of one study.

    matplotlib is imported inside `draw`: the names of a study's figures are needed before anything is trained.

    Attributes:
        name: the end of the file's name, after the study's.
        caption: one line for people, in plain text.
        when: which studies have the figure, for the documentation.
        position: where it stands among a study's automatic figures; figures of one position are ordered by name.
    """

    name: str
    caption: str
    when: ClassVar[str] = "every study"
    position: ClassVar[int] = 100

    @classmethod
    def applies(cls, study: Study) -> bool:
        """Whether a study has the figure, by what it declares; no results are needed."""
        return True

    @classmethod
    def figures_of(cls, study: Study) -> list[StudyFigure]:
        """The study's figures of this class: one where it applies, unless a class splits it into several."""
        return [cls()] if cls.applies(study) else []

    @abstractmethod
    def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
        """The numbers that are drawn and described, typed: errors are fractions, missing numbers NaN.

        Args:
            study: the study that is drawn.
            evidence: the tables of its results.
        """

    @abstractmethod
    def draw(self, study: Study, rows: pd.DataFrame) -> Figure | None:
        """A matplotlib figure of `rows`; None where an empty figure would mislead, and an older file shall stay."""

    @abstractmethod
    def describe(self, study: Study, rows: pd.DataFrame) -> str:
        """The figure in words, for readers who do not see it; no markup."""

    def figure(self, study: Study, evidence: ResultTables) -> Figure | None:
        """Draws the figure from a study's tables; see `draw`."""
        return self.draw(study, self.rows(study, evidence))

    def description(self, study: Study, evidence: ResultTables) -> str:
        """Describes the figure from a study's tables; see `describe`."""
        return self.describe(study, self.rows(study, evidence))


AUTOMATIC: list[type[StudyFigure]] = []  # drawn without being asked for; see `automatic`

_Declared = TypeVar("_Declared", bound=type[StudyFigure])


def automatic(declared: _Declared) -> _Declared:
    """A class decorator: the figure is drawn for every study that it applies to."""
    AUTOMATIC.append(declared)
    return declared
