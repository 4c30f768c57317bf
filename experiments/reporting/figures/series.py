"""The cells that a declared figure shows, as its labels and its evidence name them."""

import textwrap
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.figures.style import cut, spelled, word
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.labels import factors_text, label
from fairgrid.experiments.study.schema import ReportFigure
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.study.validation import arms


@dataclass(frozen=True)
class Arm:
    """One cell of a figure.

    Attributes:
        label: as people read it; "" where it is the only one and has no name.
        factors: as records hold them.
        cell: of the study.
    """

    label: str
    factors: str
    cell: Cell

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of this cell's evaluation."""
        rows = frame[frame["factors"] == self.factors]
        return rows[rows["phase"] == Phase.EVALUATION] if "phase" in rows else rows

    def runs(self, evidence: Evidence) -> str:
        """How many runs are ok, and of how many, if not of all."""
        summary = self.of(evidence.summary)
        ok, planned = int(summary["n_ok"].sum()), int(summary["n_planned"].sum())
        diverged = int(summary["n_diverged"].sum())
        words = f"{ok} runs" if ok == planned else f"{ok} of {planned} runs"
        return f"{words} ({diverged} diverged)" if diverged else words


def arms_of(study: Study, figure: ReportFigure, width: int = 24) -> list[Arm]:
    """The figure's cells; those without a label of their own are told apart by the factors in which they differ."""
    found = arms(study, figure)
    keys = {key: None for _, cell in found for key in cell.factors}
    varied = [key for key in keys if len({label(cell.factors.get(key)) for _, cell in found}) > 1]
    if figure.kind == "data":
        varied = [key for key in varied if key.startswith("problem")]
    labels = [
        name or ", ".join(f"{word(key)} {spelled(label(cell.factors.get(key)))}" for key in varied)
        for name, cell in found
    ]
    return [
        Arm("\n".join(textwrap.wrap(cut(text), width)), factors_text(cell.factors), cell)
        for text, (_, cell) in zip(labels, found, strict=True)
    ]
