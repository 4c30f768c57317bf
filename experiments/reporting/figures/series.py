"""The cells that a declared figure shows, with their labels."""

import textwrap
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.wording import cut, spelled, word
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factors_text, label
from fairgrid.experiments.study.schema import ReportFigure
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.study.validation import arms


@dataclass(frozen=True)
class Series:
    """One cell of a figure.

    Attributes:
        label: a label for people; "" for the only cell of a figure, unless the study names it.
        factors: the cell's factors, as records hold them.
        cell: the cell of the study.
    """

    label: str
    factors: str
    cell: Cell

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of this cell's evaluation."""
        rows = frame[frame["factors"] == self.factors]
        return rows[rows["phase"] == Phase.EVALUATION] if "phase" in rows else rows


def series_of(study: Study, figure: ReportFigure, width: int = 24) -> list[Series]:
    """The figure's cells; the factors in which they differ label those that the study does not name.

    Args:
        study: the study that declares the figure.
        figure: the figure's declaration.
        width: characters of a label's lines.
    """
    cells = arms(study, figure)
    factors = {factor: None for _, cell in cells for factor in cell.factors}
    varied = [name for name in factors if len({label(cell.factors.get(name)) for _, cell in cells}) > 1]
    if figure.kind == "data":
        varied = [name for name in varied if name.startswith("problem")]
    labels = [
        named or ", ".join(f"{word(name)} {spelled(label(cell.factors.get(name)))}" for name in varied)
        for named, cell in cells
    ]
    return [
        Series("\n".join(textwrap.wrap(cut(text), width)), factors_text(cell.factors), cell)
        for text, (_, cell) in zip(labels, cells, strict=True)
    ]
