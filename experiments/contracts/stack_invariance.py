"""What every part owes a run: the same twice, alone and in any stack, and nothing from a run that is not a number."""

from collections.abc import Callable
from typing import Protocol

import torch

from fairgrid.experiments.contracts.contract import Outcome, at, require_near, require_same_bits

R = 64  # replicas of the stack that others are held against
STACKS = ([0, 1], [63, 5], [31, 2, 17], [60, 61, 62, 63, 0, 1, 2], list(range(63, -1, -1)))  # of them, in what order


class Tried(Protocol):
    """A part and what it is tried on, of one run or of a stack of runs."""

    def outcome(self) -> Outcome:
        """What it computes; of a stack (R, …) each, of one run without R."""

    def some(self, replicas: int | list[int]) -> "Tried":
        """Some replicas of a stack; of a single index one run."""

    def spoil(self, replica: int) -> None:
        """Makes what one replica is tried on NaN."""


def require_same_twice(make: Callable[[], Outcome], problem: str) -> None:
    """Refuses draws from the global stream, and whatever else makes a second outcome another than the first."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(make())
    require_same_bits(found[1], found[0], problem)


def require_alone(stack: Tried, hint: str) -> None:
    """Refuses a stack of three, in float64, in which a run is not what it is alone."""
    whole = stack.outcome()
    for replica in range(3):
        problem = f"a run in a stack is not what it is alone ({hint})"
        require_near(at(whole, replica), stack.some(replica).outcome(), problem)


def require_any_stack(stack: Tried, hint: str) -> None:
    """Refuses a stack of R, in float32, in which a run has other bits than in others."""
    whole = stack.outcome()
    for replicas in STACKS:
        problem = f"in float32 a run's bits depend on the stack that it is in ({hint})"
        require_same_bits(stack.some(replicas).outcome(), at(whole, replicas), problem)


def require_neighbours(stack: Tried, hint: str = "") -> Outcome:
    """Refuses a stack of three in which a run that is not a number changes the others; returns that outcome."""
    before = stack.outcome()
    stack.spoil(1)
    after = stack.outcome()
    problem = f"a run that is not a number changes those beside it{f' ({hint})' if hint else ''}"
    require_same_bits(at(after, [0, 2]), at(before, [0, 2]), problem)
    return after
