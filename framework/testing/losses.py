"""The contract of losses (framework/losses/loss.py), clause by clause."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fairgrid.framework.losses import Loss
from fairgrid.framework.passes import listed
from fairgrid.framework.testing.clauses import (
    FaultError,
    Outcome,
    bits_differ,
    broken,
    generator,
    normal,
    refuse,
    require_finite,
    require_like,
    require_near,
    require_same_bits,
    require_slope,
    result_before_forward,
)
from fairgrid.framework.testing.stacks import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)

Outputs = tuple[int, ...] | list[tuple[int, ...]]  # the shape of a sample's prediction, or of each of several


def check_loss(make: Callable[[], Loss], outputs: Outputs = (3,), target: Tensor | list[Tensor] | None = None) -> None:
    """Checks that a loss keeps its contract.

    Args:
        make: a new loss, such as its class.
        outputs: the shape of one sample's prediction; a list of shapes for a loss over several outputs.
        target: targets to draw from, (N, …), such as all class indices; a list of them for several outputs. By default
            normal draws of the prediction's shape.

    Raises:
        AssertionError: it does not; the message has a line per fault.
    """
    refuse(loss_faults(make, outputs, target))


def loss_faults(
    make: Callable[[], Loss], outputs: Outputs = (3,), target: Tensor | list[Tensor] | None = None
) -> Iterator[str]:
    """The faults of a loss, a line each; see `check_loss`."""
    shapes = outputs if isinstance(outputs, list) else [outputs]
    if target is None:
        target = [normal(50, *shape, seed=10 + place) for place, shape in enumerate(shapes)]
    case = _Case(make, shapes, listed(target), isinstance(outputs, list))
    return broken(
        [
            [
                ("forward and backward", lambda: _shapes(case)),
                ("forward and backward", lambda: _leaves_alone(case)),
            ],
            [("forward and backward", lambda: _gradients(case))],
            [("two parts of a batch", lambda: _adds_up(case))],
            [("backward before forward", lambda: _needs_forward(case))],
            [("forward and backward in float32", lambda: _rounds(case))],
            [("forward and backward of 0 and large numbers", lambda: _special(case))],
            [
                ("a second training", lambda: _repeats(case)),
                ("a stack", lambda: _alone(case)),
                ("a stack", lambda: _stacks(case)),
                ("a stack with a run that is not a number", lambda: _neighbours(case)),
            ],
        ]
    )


@dataclass
class _Trial:
    """A loss with predictions and targets, one for each output."""

    loss: Loss
    predictions: list[Tensor]
    targets: list[Tensor]
    takes_lists: bool

    def forward(self) -> Tensor:
        if self.takes_lists:
            return self.loss.forward(self.predictions, self.targets)
        return self.loss.forward(self.predictions[0], self.targets[0])

    def backward(self) -> list[Tensor]:
        gradients: Any = self.loss.backward()
        return list(gradients) if isinstance(gradients, list | tuple) else [gradients]

    def outcome(self) -> Outcome:
        value = self.forward().clone()
        return {"the loss": value} | self.gradients()

    def height(self) -> float:
        return float(self.forward().sum())

    def gradients(self) -> Outcome:
        return {_gradient(place): gradient.clone() for place, gradient in enumerate(self.backward())}

    def subset(self, replicas: int | list[int]) -> "_Trial":
        predictions = [prediction[replicas] for prediction in self.predictions]
        return _Trial(self.loss, predictions, [target[replicas] for target in self.targets], self.takes_lists)

    def spoil(self, replica: int, value: float) -> None:
        for prediction in self.predictions:
            prediction[replica] = value

    def part(self, start: int, stop: int) -> "_Trial":
        """Some samples of the batch."""
        axis = self.forward().dim()
        predictions, targets = (
            [tensor.narrow(axis, start, stop - start) for tensor in tensors]
            for tensors in (self.predictions, self.targets)
        )
        return _Trial(self.loss, predictions, targets, self.takes_lists)

    def double(self) -> "_Trial":
        predictions, targets = (
            [tensor.double() if tensor.is_floating_point() else tensor for tensor in tensors]
            for tensors in (self.predictions, self.targets)
        )
        return _Trial(self.loss, predictions, targets, self.takes_lists)


@dataclass(frozen=True)
class _Case:
    make: Callable[[], Loss]
    outputs: list[tuple[int, ...]]
    targets: list[Tensor]
    takes_lists: bool

    def trial(self, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = 6) -> _Trial:
        """A new loss with normal predictions, and targets drawn from those given."""
        leading = (batch,) if replicas is None else (replicas, batch)
        predictions = [
            normal(*leading, *shape, seed=4 + place, dtype=dtype) for place, shape in enumerate(self.outputs)
        ]
        rows = torch.randint(len(self.targets[0]), leading, generator=generator(3))
        targets = [target[rows].to(dtype) if target.is_floating_point() else target[rows] for target in self.targets]
        return _Trial(self.make(), predictions, targets, self.takes_lists)


def _shapes(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas)
        value = trial.forward()
        require_like(value, torch.zeros(() if replicas is None else (3,), dtype=torch.float64), "forward's loss")
        require_finite(value, "forward of normal draws")
        gradients = trial.backward()
        if len(gradients) != len(trial.predictions):
            raise FaultError(f"backward: expected {len(trial.predictions)} gradients, found {len(gradients)}")
        for gradient, prediction in zip(gradients, trial.predictions, strict=True):
            require_like(gradient, prediction, "backward")


def _leaves_alone(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas)
        tensors = {"the prediction": trial.predictions, "the target": trial.targets}
        before = {name: [tensor.clone() for tensor in group] for name, group in tensors.items()}
        first = trial.outcome()
        for name, group in tensors.items():
            if any(bool(bits_differ(*pair).any()) for pair in zip(group, before[name], strict=True)):
                raise FaultError(f"forward or backward changes {name} in place")
        again = trial.gradients()
        require_same_bits(again, {name: first[name] for name in again}, "a second backward is not the first")


def _gradients(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas)
        gradients = trial.outcome()
        for place, prediction in enumerate(trial.predictions):
            name = _gradient(place)
            require_slope(trial.height, prediction, gradients[name], f"backward's {name[4:]}", "the loss")


def _adds_up(case: _Case) -> None:
    """Only "mean" may depend on the size of a batch."""
    for replicas in (None, 3):
        trial = case.trial(replicas)
        if getattr(trial.loss, "reduction", "mean") == "mean":
            return
        whole, first, second = (part.outcome() for part in (trial, trial.part(0, 2), trial.part(2, 6)))
        axis = 0 if replicas is None else 1
        total = {name: torch.cat([first[name], second[name]], axis) for name in whole if name != "the loss"}
        total["the loss"] = first["the loss"] + second["the loss"]
        require_near(total, whole, "two parts of a batch do not add up to it")


def _needs_forward(case: _Case) -> None:
    gradient = result_before_forward(case.trial().backward)
    if gradient is not None:
        raise FaultError("backward before forward: expected a ValueError (self.recall() raises it), found a gradient")


def _rounds(case: _Case) -> None:
    for replicas in (None, 3):
        single = case.trial(replicas, torch.float32)
        expected = {name: tensor.float() for name, tensor in single.double().outcome().items()}
        require_near(single.outcome(), expected, "float32 is not float64 rounded", 1e-5)


def _special(case: _Case) -> None:
    for value in (0.0, 100.0, -100.0):
        trial = case.trial(dtype=torch.float32)
        for prediction in trial.predictions:
            prediction[:, ::2] = value
            prediction[:, 1::2] = 0
        for name, tensor in trial.outcome().items():
            if bool(tensor.isnan().any()):
                raise FaultError(f"{name} at a prediction of {value:g} is NaN in float32")


def _repeats(case: _Case) -> None:
    require_same_twice(
        lambda: case.trial(dtype=torch.float32).outcome(),
        "the same training twice is not the same (a loss draws nothing)",
    )


def _alone(case: _Case) -> None:
    require_alone(case.trial(3), "R comes first, and each run has its own mean")


def _stacks(case: _Case) -> None:
    for batch in (1, 2, 3, 10, 100):
        require_any_stack(case.trial(R, torch.float32, batch), f"batches of {batch}")


def _neighbours(case: _Case) -> None:
    after = require_neighbours(lambda: case.trial(3, torch.float32))
    if not bool(after["the loss"].isnan()):
        raise FaultError("the loss of NaN is a number, so that a run that diverged would pass for one that did not")


def _gradient(place: int) -> str:
    return f"the gradient{f' {place}' if place else ''}"
