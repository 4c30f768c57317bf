"""Problems: one class a file."""

from experiments.problems.digits import DigitPairs
from experiments.problems.disk import Disk
from experiments.problems.line import Line
from experiments.problems.plane import Plane
from experiments.problems.problem import Data, Problem, Samples, stack

__all__ = ["Data", "DigitPairs", "Disk", "Line", "Plane", "Problem", "Samples", "stack"]
