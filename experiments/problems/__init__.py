"""Problems: one idea a file."""

from fairgrid.experiments.problems.bundled import BreastCancer, Digits, Iris, Wine
from fairgrid.experiments.problems.circles import Circles
from fairgrid.experiments.problems.digits import DigitPairs
from fairgrid.experiments.problems.disk import Disk
from fairgrid.experiments.problems.line import Line
from fairgrid.experiments.problems.moons import Moons
from fairgrid.experiments.problems.plane import Plane
from fairgrid.experiments.problems.problem import Data, Problem, Samples, stack
from fairgrid.experiments.problems.table import Table
from fairgrid.experiments.problems.tabular import Tabular

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
