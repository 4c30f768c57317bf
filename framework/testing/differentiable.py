"""Clauses that modules and losses share: a forward, and a backward that gives its exact gradients."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import torch

from fairgrid.framework.testing.clauses import (
    Clause,
    FaultError,
    Outcome,
    bits_differ,
    check,
    copies,
    require_near,
    require_same_bits,
    require_slope,
    result_before_forward,
)
from fairgrid.framework.testing.stacks import (
    R,
    Trial,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)


class Differentiable(Trial, Protocol):
    """A module or a loss under test with its inputs, before its first forward.

    Attributes:
        function: the differentiated function, as faults name it.
        filled: the words before the number that fills the input.
        numbers_of_nan: the fault of finite outputs for a NaN replica.
        repeat_hint, round_hint, stack_hint: advice in faults.
        additive: whether the gradients of two parts of a batch must add up to those of the batch.
    """

    function: ClassVar[str]
    filled: ClassVar[str]
    numbers_of_nan: ClassVar[str]
    repeat_hint: ClassVar[str]
    round_hint: ClassVar[str] = ""
    stack_hint: ClassVar[str]

    @property
    def additive(self) -> bool: ...

    def inputs(self) -> Outcome:
        """The tensors that neither forward nor backward may change."""

    def varied(self) -> Outcome:
        """The tensors that the gradients are with respect to, by the names of the gradients."""

    def forward(self) -> Outcome:
        """The outputs, with the same noise every time."""

    def backward(self) -> Outcome:
        """The gradients with respect to the inputs."""

    def accumulated(self) -> Outcome:
        """The gradients that backward adds to."""
        return {}

    def outcome(self) -> Outcome:
        """Copies of the outputs and gradients of one forward and backward."""
        for gradient in self.accumulated().values():
            gradient.zero_()
        return copies(self.forward()) | copies(self.backward()) | copies(self.accumulated())

    def height(self) -> float:
        """The scalar whose gradients backward gives."""

    def lacks_nan(self, outcome: Outcome) -> bool:
        """Whether the outcome of a NaN replica could pass for that of a sound one."""

    def fill(self, value: float) -> None:
        """Sets the input to a value."""

    def double(self) -> "Differentiable":
        """A copy in float64."""

    def in_parts(self, sizes: list[int]) -> Outcome:
        """The outcome that two parts of the batch add up to."""


class Start(Protocol):
    """Makes a trial of a new object, the same every time."""

    def __call__(
        self, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = 6
    ) -> Differentiable: ...


def check_differentiable(
    start: Start, shapes: Callable[[], None], batches: Sequence[int], others: Sequence[Clause] = ()
) -> None:
    """Holds a module or a loss to its contract.

    Args:
        start: a new trial of it.
        shapes: the clause of its shapes, on which all others rest.
        batches: the batch sizes at which stacks are compared.
        others: further clauses of stacks.

    Raises:
        ContractError: clauses are broken.
    """
    check(
        [
            [("forward and backward", shapes), ("forward and backward", lambda: _leaves_alone(start))],
            [("forward and backward", lambda: _gradients(start))],
            [("a second backward", lambda: _accumulates(start)), ("parts of a batch", lambda: _adds_up(start))],
            [("backward before forward", lambda: _needs_forward(start))],
            [("forward and backward in float32", lambda: _rounds(start))],
            [("forward and backward of 0 and large numbers", lambda: _special(start))],
            [
                ("a second training", lambda: _repeats(start)),
                ("a stack", lambda: _alone(start)),
                ("a stack", lambda: _stacks(start, batches)),
                ("a stack with a run that is not a number", lambda: _neighbours(start)),
                *others,
            ],
        ]
    )


def _leaves_alone(start: Start) -> None:
    for replicas in (None, 3):
        trial = start(replicas)
        tensors = trial.inputs()
        before = copies(tensors)
        outputs = trial.forward()
        tensors, before = tensors | outputs, before | copies(outputs)
        trial.backward()
        for name, tensor in tensors.items():
            if bool(bits_differ(tensor, before[name]).any()):
                raise FaultError(f"forward or backward changes {name} in place")


def _gradients(start: Start) -> None:
    for replicas in (None, 3):
        trial = start(replicas)
        outcome = trial.outcome()
        for name, tensor in trial.varied().items():
            require_slope(
                trial.height, tensor, outcome[name], f"backward's {name.removeprefix('the ')}", trial.function
            )


def _accumulates(start: Start) -> None:
    for replicas in (None, 3):
        trial = start(replicas)
        once = trial.outcome()
        again = trial.backward()
        require_same_bits(again, {name: once[name] for name in again}, "a second backward is not the first")
        for name, gradient in trial.accumulated().items():
            if not float((gradient - 2 * once[name]).norm()) <= 1e-10 * float(once[name].norm()):
                raise FaultError(f"backward does not add to {name}: after two it is not twice that of one")


def _adds_up(start: Start) -> None:
    for replicas in (None, 3):
        trial = start(replicas)
        if trial.additive:
            whole, parts = trial.outcome(), trial.in_parts([2, 4])
            require_near(parts, {name: whole[name] for name in parts}, "two parts of a batch do not add up to it")


def _needs_forward(start: Start) -> None:
    gradients = result_before_forward(start().backward)
    if gradients is not None:  # right if they depend on dy only
        expected = start().outcome()
        require_near(gradients, {name: expected[name] for name in gradients}, "backward before forward")


def _rounds(start: Start) -> None:
    for replicas in (None, 3):
        single = start(replicas, torch.float32)
        expected = {name: tensor.float() for name, tensor in single.double().outcome().items()}
        require_near(single.outcome(), expected, f"float32 is not float64 rounded{single.round_hint}", 1e-5)


def _special(start: Start) -> None:
    for value in (0.0, 100.0, -100.0):
        trial = start(dtype=torch.float32)
        trial.fill(value)
        for name, tensor in trial.outcome().items():
            if bool(tensor.isnan().any()):
                raise FaultError(f"{name} at {trial.filled} {value:g} is NaN in float32")


def _repeats(start: Start) -> None:
    problem = f"the same training twice is not the same ({start().repeat_hint})"
    require_same_twice(lambda: start(dtype=torch.float32).outcome(), problem)


def _alone(start: Start) -> None:
    stack = start(3)
    require_alone(stack, stack.stack_hint)


def _stacks(start: Start, batches: Sequence[int]) -> None:
    for batch in batches:
        require_any_stack(start(R, torch.float32, batch), f"batches of {batch}")


def _neighbours(start: Start) -> None:
    after = require_neighbours(lambda: start(3, torch.float32))
    trial = start()
    if trial.lacks_nan(after):
        raise FaultError(f"{trial.numbers_of_nan}, so that a run that diverged would pass for one that did not")
