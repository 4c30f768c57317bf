"""Problems: one class a file."""

from experiments.problems.disk import Disk
from experiments.problems.problem import Data, Problem, Samples

__all__ = ["Data", "Disk", "Problem", "Samples"]
