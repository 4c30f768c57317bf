"""Whether a study and classes of the user's own are what the harness takes them for, before a night is spent."""

from fairgrid.experiments.contracts.estimates import estimate
from fairgrid.experiments.contracts.files import undeclared
from fairgrid.experiments.contracts.parts import Own, own_parts, part_of, wrong_with
from fairgrid.experiments.contracts.trainings import wrong_in_training

__all__ = ["Own", "estimate", "own_parts", "part_of", "undeclared", "wrong_in_training", "wrong_with"]
