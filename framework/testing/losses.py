"""The contract of losses (framework/losses/loss.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from fairgrid.framework.losses import Loss
from fairgrid.framework.passes import listed
from fairgrid.framework.testing.clauses import (
    FaultError,
    Outcome,
    generator,
    normal,
    require_finite,
    require_like,
)
from fairgrid.framework.testing.differentiable import Differentiable, check_differentiable


def check_loss(
    make: Callable[[], Loss],
    outputs: tuple[int, ...] | list[tuple[int, ...]] = (3,),
    target: Tensor | list[Tensor] | None = None,
) -> None:
    """Checks that a loss keeps its contract.

    Args:
        make: a new loss, such as its class.
        outputs: the shape of one sample's prediction; a list of shapes for a loss over several outputs.
        target: targets to draw from, (N, …), such as all class indices; a list of them for several outputs. By default
            normal draws of the prediction's shape.

    Raises:
        ContractError: it does not.
    """
    shapes = outputs if isinstance(outputs, list) else [outputs]
    if target is None:
        target = [normal(50, *shape, seed=10 + place) for place, shape in enumerate(shapes)]
    case = _Case(make, shapes, listed(target), isinstance(outputs, list))
    check_differentiable(case.start, lambda: _shapes(case), (1, 2, 3, 10, 100))


@dataclass
class _Trial(Differentiable):
    """A loss with predictions and targets, one for each output."""

    loss: Loss
    predictions: list[Tensor]
    targets: list[Tensor]
    takes_lists: bool

    function: ClassVar[str] = "the loss"
    filled: ClassVar[str] = "a prediction of"
    numbers_of_nan: ClassVar[str] = "the loss of NaN is a number"
    repeat_hint: ClassVar[str] = "a loss draws nothing"
    stack_hint: ClassVar[str] = "R comes first, and each run has its own mean"

    @property
    def additive(self) -> bool:
        return getattr(self.loss, "reduction", "mean") == "sum"

    def inputs(self) -> Outcome:
        predictions = {f"the prediction{_place(place)}": tensor for place, tensor in enumerate(self.predictions)}
        return predictions | {f"the target{_place(place)}": tensor for place, tensor in enumerate(self.targets)}

    def varied(self) -> Outcome:
        return {f"the gradient{_place(place)}": prediction for place, prediction in enumerate(self.predictions)}

    def forward(self) -> Outcome:
        if self.takes_lists:
            return {"the loss": self.loss.forward(self.predictions, self.targets)}
        return {"the loss": self.loss.forward(self.predictions[0], self.targets[0])}

    def backward(self) -> Outcome:
        gradients: Any = self.loss.backward()
        gradients = gradients if isinstance(gradients, list | tuple) else [gradients]
        return {f"the gradient{_place(place)}": gradient for place, gradient in enumerate(gradients)}

    def height(self) -> float:
        return float(self.forward()["the loss"].sum())

    def subset(self, replicas: int | list[int]) -> "_Trial":
        return self._map(lambda tensor: tensor[replicas])

    def double(self) -> "_Trial":
        return self._map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def lacks_nan(self, outcome: Outcome) -> bool:
        return not bool(outcome["the loss"].isnan())

    def fill(self, value: float) -> None:
        for prediction in self.predictions:
            prediction[:, ::2] = value
            prediction[:, 1::2] = 0

    def spoil(self, replica: int, value: float) -> None:
        for prediction in self.predictions:
            prediction[replica] = value

    def in_parts(self, sizes: list[int]) -> Outcome:
        axis = self.forward()["the loss"].dim()
        split = [[tensor.split(sizes, axis) for tensor in group] for group in (self.predictions, self.targets)]
        parts = [
            _Trial(self.loss, list(predictions), list(targets), self.takes_lists).outcome()
            for predictions, targets in zip(*(zip(*group, strict=True) for group in split), strict=True)
        ]
        gradients = {name: torch.cat([part[name] for part in parts], axis) for name in self.varied()}
        return {"the loss": parts[0]["the loss"] + parts[1]["the loss"]} | gradients

    def _map(self, change: Callable[[Tensor], Tensor]) -> "_Trial":
        predictions = [change(prediction) for prediction in self.predictions]
        return _Trial(self.loss, predictions, [change(target) for target in self.targets], self.takes_lists)


@dataclass(frozen=True)
class _Case:
    make: Callable[[], Loss]
    outputs: list[tuple[int, ...]]
    targets: list[Tensor]
    takes_lists: bool

    def start(self, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = 6) -> _Trial:
        """A new loss with normal predictions, and targets drawn from those given."""
        leading = (batch,) if replicas is None else (replicas, batch)
        shapes = [(*leading, *shape) for shape in self.outputs]
        rows = torch.randint(len(self.targets[0]), leading, generator=generator(3))
        targets = [target[rows] for target in self.targets]
        return _Trial(
            self.make(),
            [normal(*shape, seed=4 + place, dtype=dtype) for place, shape in enumerate(shapes)],
            [target.to(dtype) if target.is_floating_point() else target for target in targets],
            self.takes_lists,
        )


def _shapes(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.start(replicas)
        value = trial.forward()["the loss"]
        require_like(value, torch.zeros(() if replicas is None else (3,), dtype=torch.float64), "forward's loss")
        require_finite(value, "forward of normal draws")
        gradients = trial.backward()
        if len(gradients) != len(trial.predictions):
            raise FaultError(f"backward: expected {len(trial.predictions)} gradients, found {len(gradients)}")
        for gradient, prediction in zip(gradients.values(), trial.predictions, strict=True):
            require_like(gradient, prediction, "backward")


def _place(place: int) -> str:
    return f" {place}" if place else ""
