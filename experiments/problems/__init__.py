"""Problems: one idea a file."""

from experiments.problems.bundled import BreastCancer, Digits, Iris, Wine
from experiments.problems.circles import Circles
from experiments.problems.digits import DigitPairs
from experiments.problems.disk import Disk
from experiments.problems.line import Line
from experiments.problems.moons import Moons
from experiments.problems.plane import Plane
from experiments.problems.problem import Data, Problem, Samples, stack
from experiments.problems.table import Table
from experiments.problems.tabular import Tabular

__all__ = [
    "BreastCancer",
    "Circles",
    "Data",
    "DigitPairs",
    "Digits",
    "Disk",
    "Iris",
    "Line",
    "Moons",
    "Plane",
    "Problem",
    "Samples",
    "Table",
    "Tabular",
    "Wine",
    "stack",
]
