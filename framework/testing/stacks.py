"""Invariants that every class must satisfy: determinism, independence of the stack, isolation from NaN replicas."""

from collections.abc import Callable
from typing import Protocol

import torch

from fairgrid.framework.testing.clauses import Outcome, at, require_near, require_same_bits

R = 64  # replicas of the stack that the others are compared with
STACKS = ([0, 1], [63, 5], [31, 2, 17], [60, 61, 62, 63, 0, 1, 2], list(range(63, -1, -1)))  # replicas, in their order


class Trial(Protocol):
    """An object under test with its inputs, for one replica or a stack."""

    def outcome(self) -> Outcome:
        """The computed tensors; each (R, …) for a stack, without R for one replica."""

    def subset(self, replicas: int | list[int]) -> "Trial":
        """A trial of some replicas of a stack; a single index gives a plain one."""

    def spoil(self, replica: int, value: float) -> None:
        """Sets the input of one replica to a value that is not finite."""


def require_same_twice(compute: Callable[[], Outcome], problem: str) -> None:
    """Refuses draws from the global stream, and any other difference between two computations."""
    outcomes = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        outcomes.append(compute())
    require_same_bits(outcomes[1], outcomes[0], problem)


def require_alone(stack: Trial, hint: str) -> None:
    """Refuses a float64 stack of three in which a replica is not what it is alone."""
    whole = stack.outcome()
    for replica in range(3):
        problem = f"a run in a stack is not what it is alone ({hint})"
        require_near(at(whole, replica), stack.subset(replica).outcome(), problem, 1e-12)


def require_any_stack(stack: Trial, hint: str) -> None:
    """Refuses a float32 stack of R in which the bits of a replica are not those in other stacks."""
    whole = stack.outcome()
    for replicas in STACKS:
        problem = f"in float32 a run's bits depend on the stack that it is in ({hint})"
        require_same_bits(stack.subset(replicas).outcome(), at(whole, replicas), problem)


def require_neighbours(make: Callable[[], Trial], hint: str = "") -> Outcome:
    """Refuses stacks of three in which a replica that is infinite or NaN changes the others.

    Returns:
        the outcome of the NaN replica.
    """
    before = make().outcome()
    problem = f"a run that is not a number changes those beside it{f' ({hint})' if hint else ''}"
    for value in (torch.inf, torch.nan):
        stack = make()
        stack.spoil(1, value)
        after = stack.outcome()
        require_same_bits(at(after, [0, 2]), at(before, [0, 2]), problem)
    return at(after, 1)
