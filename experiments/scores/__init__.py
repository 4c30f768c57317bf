"""Scores that were trained elsewhere: read from files, frames and arrays, and paired where pairing is declared."""

from fairgrid.experiments.scores.pairing import missing, paired, shortfalls
from fairgrid.experiments.scores.reading import read_scores
from fairgrid.experiments.scores.scores import Scores

__all__ = ["Scores", "missing", "paired", "read_scores", "shortfalls"]
