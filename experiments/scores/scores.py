"""Scores in one form, whatever they were read from."""

import math
from dataclasses import dataclass

import pandas as pd

COLUMNS = ("cell", "seed", "context", "score")


@dataclass(frozen=True, eq=False)
class Scores:
    """One score per row, in the order of the source.

    Attributes:
        frame: columns cell (text), seed, context (integers or else texts; missing where not declared) and score
            (float64). No row of the source is left out: a score that was empty or NaN is NaN.
        source: name of the file or kind of object, as messages name it.
        metric: name of what the scores measure.
        seed: name of the source's column of seeds; None where no seed is declared.
        context: name of the source's column of contexts, such as data sets; None where no context is declared.
    """

    frame: pd.DataFrame
    source: str
    metric: str
    seed: str | None
    context: str | None

    @property
    def cells(self) -> list[str]:
        """Cells in the order in which the source names them."""
        return list(self.frame["cell"].unique())

    @property
    def keys(self) -> list[str]:
        """Columns of the frame that pair scores of different cells: those of seed and context that are declared."""
        return [key for key, name in (("seed", self.seed), ("context", self.context)) if name is not None]

    @property
    def failed(self) -> pd.DataFrame:
        """Rows without a score."""
        return self.frame.loc[self.frame["score"].isna()]

    @property
    def diverged(self) -> pd.DataFrame:
        """Rows with an infinite score."""
        return self.frame.loc[self.frame["score"].abs() == math.inf]
