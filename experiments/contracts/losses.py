"""The contract of losses (framework/losses/loss.py), clause by clause."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fairgrid.experiments.contracts.contract import (
    Outcome,
    WrongError,
    findings,
    normal,
    require_finite,
    require_like,
    require_same_bits,
    require_slope,
)
from fairgrid.experiments.contracts.stack_invariance import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)
from fairgrid.framework import Loss

_B = 6


@dataclass(frozen=True)
class LossCase:
    """How a loss is tried.

    Attributes:
        make: a new one.
        outputs: the shape of one sample's prediction, for each output of the model.
        targets: of training samples, (N, …), for each output.
    """

    make: Callable[[], Loss]
    outputs: list[tuple[int, ...]]
    targets: list[Tensor]


@dataclass
class _Tried:
    loss: Loss
    predictions: list[Tensor]
    targets: list[Tensor]

    def forward(self) -> Tensor:
        several = len(self.predictions) > 1
        value: Tensor = self.loss.forward(
            self.predictions if several else self.predictions[0], self.targets if several else self.targets[0]
        )
        return value

    def backward(self) -> list[Tensor]:
        found: Any = self.loss.backward()
        return list(found) if isinstance(found, list | tuple) else [found]

    def outcome(self) -> Outcome:
        value = self.forward().clone()
        gradients = {_gradient(place): each.clone() for place, each in enumerate(self.backward())}
        return {"the loss": value} | gradients

    def some(self, replicas: int | list[int]) -> "_Tried":
        return _Tried(
            self.loss, [each[replicas] for each in self.predictions], [each[replicas] for each in self.targets]
        )

    def spoil(self, replica: int) -> None:
        for prediction in self.predictions:
            prediction[replica] = torch.nan


def wrong_with_loss(case: LossCase) -> Iterator[str]:
    """What is wrong with a loss, a line each."""
    yield from findings(
        [
            [
                ("forward and backward", lambda: _shapes(case)),
                ("forward and backward", lambda: _leaves_alone(case)),
            ],
            [("forward and backward", lambda: _gradients(case))],
            [("forward and backward of 0 and large numbers", lambda: _special(case))],
            [
                ("a second training", lambda: _repeats(case)),
                ("a stack", lambda: _alone(case)),
                ("a stack", lambda: _stacks(case)),
                ("a stack with a run that is not a number", lambda: _neighbours(case)),
            ],
        ]
    )


def _shapes(case: LossCase) -> None:
    for replicas in (None, 3):
        tried = _tried(case, replicas)
        value = tried.forward()
        require_like(value, torch.zeros(() if replicas is None else (3,), dtype=torch.float64), "forward's loss")
        require_finite(value, "forward of normal draws")
        gradients = tried.backward()
        if len(gradients) != len(tried.predictions):
            raise WrongError(f"backward: expected {len(tried.predictions)} gradients, found {len(gradients)}")
        for gradient, prediction in zip(gradients, tried.predictions, strict=True):
            require_like(gradient, prediction, "backward")


def _gradients(case: LossCase) -> None:
    tried = _tried(case, None)
    found = tried.outcome()
    for place, prediction in enumerate(tried.predictions):
        require_slope(
            lambda: float(tried.forward()),
            prediction,
            found[_gradient(place)],
            f"backward's {_gradient(place)[4:]}",
            "the loss",
        )


def _leaves_alone(case: LossCase) -> None:
    tried = _tried(case, None)
    held = {"the prediction": tried.predictions, "the target": tried.targets}
    before = {name: [tensor.clone() for tensor in tensors] for name, tensors in held.items()}
    first = tried.outcome()
    for name, tensors in held.items():
        if not all(map(torch.equal, tensors, before[name])):
            raise WrongError(f"forward or backward changes {name} in place")
    again = {_gradient(place): each for place, each in enumerate(tried.backward())}
    require_same_bits(again, {name: first[name] for name in again}, "a second backward is not the first")


def _repeats(case: LossCase) -> None:
    require_same_twice(
        lambda: _tried(case, None, torch.float32).outcome(),
        "the same training twice is not the same (a loss draws nothing)",
    )


def _alone(case: LossCase) -> None:
    require_alone(_tried(case, 3), "R comes first, and each run has its own mean")


def _stacks(case: LossCase) -> None:
    for batch in (1, 3, 10, 100):
        require_any_stack(_tried(case, R, torch.float32, batch), f"batches of {batch}")


def _neighbours(case: LossCase) -> None:
    after = require_neighbours(_tried(case, 3, torch.float32))
    if not bool(after["the loss"][1].isnan()):
        raise WrongError("the loss of NaN is a number, so that a run that diverged would pass for one that did not")


def _special(case: LossCase) -> None:
    for value in (0.0, 100.0, -100.0):
        tried = _tried(case, None, torch.float32)
        for prediction in tried.predictions:
            prediction[:, ::2] = value
            prediction[:, 1::2] = 0
        for name, tensor in tried.outcome().items():
            if bool(tensor.isnan().any()):
                raise WrongError(f"{name} at a prediction of {value:g} is NaN in float32")


def _tried(case: LossCase, replicas: int | None, dtype: torch.dtype = torch.float64, batch: int = _B) -> _Tried:
    """A new one, with normal predictions and targets of random samples."""
    leading = (batch,) if replicas is None else (replicas, batch)
    predictions = [normal(*leading, *each, seed=4 + place, dtype=dtype) for place, each in enumerate(case.outputs)]
    stream = torch.Generator().manual_seed(3)
    rows = torch.randint(len(case.targets[0]), leading, generator=stream)
    targets = [each[rows].to(dtype) if each.is_floating_point() else each[rows] for each in case.targets]
    return _Tried(case.make(), predictions, targets)


def _gradient(place: int) -> str:
    return f"the gradient{f' {place}' if place else ''}"
