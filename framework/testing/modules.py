"""The contract of activations, layers and networks (framework/module.py)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.testing.clauses import (
    FaultError,
    at,
    require_finite,
    require_like,
    require_same_bits,
)
from fairgrid.framework.testing.differentiable import check_differentiable
from fairgrid.framework.testing.module_trial import ModuleTrial, start


def check_activation(make: Callable[[], Module]) -> None:
    """Checks that an activation keeps the contract of a module, and the shape of its input.

    Args:
        make: a new activation, such as its class.

    Raises:
        ContractError: it does not.
    """
    _check(_Case(make, (25,), same_shape=True), (1, 2, 3, 10, 100))


def check_layer(
    make: Callable[[], Module],
    features: tuple[int, ...],
    *,
    batches: Sequence[int] = (2, 3, 10),
    samplewise: bool = False,
) -> None:
    """Checks that a layer or a network keeps the contract of a module.

    Args:
        make: a new module, not yet initialized.
        features: the shape of one sample of its input.
        batches: the batch sizes at which stacks are compared.
        samplewise: whether the samples of a batch do not depend on each other, so that the gradients of its parts must
            add up to its own.

    Raises:
        ContractError: it does not.
    """
    _check(_Case(make, features, samplewise=samplewise), batches)


@dataclass(frozen=True)
class _Case:
    make: Callable[[], Module]
    features: tuple[int, ...]
    samplewise: bool = False
    same_shape: bool = False

    def start(self, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = 6) -> ModuleTrial:
        trial = start(self.make(), self.features, replicas, dtype, batch)
        trial.additive, trial.same_shape = self.samplewise, self.same_shape
        return trial


def _check(case: _Case, batches: Sequence[int]) -> None:
    leaving = "a stack that some runs leave (what is kept belongs in a Buffer)"
    check_differentiable(case.start, lambda: _shapes(case), batches, [(leaving, lambda: _goes_on(case))])


def _shapes(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.start(replicas)
        leading = 1 if replicas is None else 2
        for output in trial.outputs():
            if case.same_shape:
                require_like(output, trial.x, "forward of x")
            elif not isinstance(output, Tensor) or output.shape[:leading] != trial.x.shape[:leading]:
                shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise FaultError(f"forward of x {tuple(trial.x.shape)}: expected its first dimensions, found {shape}")
            elif output.dtype != trial.x.dtype:
                raise FaultError(f"forward of x: expected {trial.x.dtype} as given, found {output.dtype}")
            require_finite(output, "forward of normal draws")
        (dx,) = trial.backward().values()
        require_like(dx, trial.x, "backward")
        require_finite(dx, "backward for normal draws")
        for name, parameter in trial.parameters().items():
            require_like(parameter.grad, parameter.value, f"the gradient of {name}")


def _goes_on(case: _Case) -> None:
    replicas = [3, 0, 4]
    whole, rest = (case.start(5, torch.float32) for _ in range(2))
    for trial in (whole, rest):
        trial.outcome()
    rest.select(replicas)
    outcomes = [trial.outcome() | trial.module.state_dict() for trial in (whole, rest)]
    problem = "runs go on otherwise when others leave the stack (what is kept from step to step belongs in a Buffer)"
    require_same_bits(outcomes[1], at(outcomes[0], replicas), problem)
