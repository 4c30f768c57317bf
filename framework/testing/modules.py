"""The contract of activations, layers and networks (framework/module.py), clause by clause."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.testing.clauses import (
    FaultError,
    at,
    bits_differ,
    broken,
    refuse,
    require_finite,
    require_like,
    require_near,
    require_same_bits,
    require_slope,
    result_before_forward,
)
from fairgrid.framework.testing.module_trial import ModuleTrial, dy_for, output_name
from fairgrid.framework.testing.stacks import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)


@dataclass(frozen=True)
class _Case:
    make: Callable[[], Module]
    features: tuple[int, ...]
    batches: Sequence[int]
    samplewise: bool
    same_shape: bool  # whether the output has the shape of the input

    def trial(self, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = 6) -> ModuleTrial:
        return ModuleTrial.start(self.make(), self.features, replicas, dtype, batch)


def check_activation(make: Callable[[], Module]) -> None:
    """Checks that an activation keeps the contract of a module and the shape of its input.

    Args:
        make: a new activation, such as its class.

    Raises:
        AssertionError: it does not; the message has a line per fault.
    """
    refuse(activation_faults(make))


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
        AssertionError: it does not; the message has a line per fault.
    """
    refuse(layer_faults(make, features, batches=batches, samplewise=samplewise))


def activation_faults(make: Callable[[], Module]) -> Iterator[str]:
    """The faults of an activation, a line each; see `check_activation`."""
    return _faults(_Case(make, (25,), (1, 2, 3, 10, 100), samplewise=False, same_shape=True))


def layer_faults(
    make: Callable[[], Module],
    features: tuple[int, ...],
    *,
    batches: Sequence[int] = (2, 3, 10),
    samplewise: bool = False,
) -> Iterator[str]:
    """The faults of a layer or a network, a line each; see `check_layer`."""
    return _faults(_Case(make, features, batches, samplewise, same_shape=False))


def _faults(case: _Case) -> Iterator[str]:
    return broken(
        [
            [
                ("forward and backward", lambda: _shapes(case)),
                ("forward and backward", lambda: _leaves_alone(case)),
            ],
            [("forward and backward", lambda: _gradients(case))],
            [("a second backward", lambda: _accumulates(case)), ("two parts of a batch", lambda: _adds_up(case))],
            [("backward before forward", lambda: _needs_forward(case))],
            [("forward and backward in float32", lambda: _rounds(case))],
            [("forward and backward of 0 and large numbers", lambda: _special(case))],
            [
                ("a second training", lambda: _repeats(case)),
                ("a stack", lambda: _alone(case)),
                ("a stack", lambda: _stacks(case)),
                ("a stack with a run that is not a number", lambda: _neighbours(case)),
                ("a stack that some runs leave (what is kept belongs in a Buffer)", lambda: _goes_on(case)),
            ],
        ]
    )


def _shapes(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas)
        leading = 1 if replicas is None else 2
        outputs = trial.forward()
        for output in outputs:
            if case.same_shape:
                require_like(output, trial.x, "forward of x")
            elif not isinstance(output, Tensor) or output.shape[:leading] != trial.x.shape[:leading]:
                shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise FaultError(f"forward of x {tuple(trial.x.shape)}: expected its first dimensions, found {shape}")
            elif output.dtype != trial.x.dtype:
                raise FaultError(f"forward of x: expected {trial.x.dtype} as given, found {output.dtype}")
            require_finite(output, "forward of normal draws")
        trial.dy = dy_for(outputs)
        dx = trial.backward()
        require_like(dx, trial.x, "backward")
        require_finite(dx, "backward for normal draws")
        for name, parameter in trial.parameters().items():
            require_like(parameter.grad, parameter.value, f"the gradient of {name}")


def _leaves_alone(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas)
        trial.dy = case.trial(replicas).with_dy().dy  # a forward of its own would have changed x already
        tensors = {"x": trial.x} | {f"the parameter {name}": one.value for name, one in trial.parameters().items()}
        before = {name: tensor.clone() for name, tensor in tensors.items()}
        later = {output_name(place): output for place, output in enumerate(trial.forward())}
        later |= {f"dy{place or ''}": dy for place, dy in enumerate(trial.dy)}
        before |= {name: tensor.clone() for name, tensor in later.items()}
        trial.backward()
        for name, tensor in (tensors | later).items():
            if bool(bits_differ(tensor, before[name]).any()):
                raise FaultError(f"forward or backward changes {name} in place")


def _gradients(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas).with_dy()
        outcome = trial.outcome()
        for name, tensor in ({"x": trial.x} | {name: one.value for name, one in trial.parameters().items()}).items():
            gradient = f"gradient {'for' if tensor is trial.x else 'of'} {name}"
            require_slope(trial.height, tensor, outcome[f"the {gradient}"], f"backward's {gradient}", "forward")


def _accumulates(case: _Case) -> None:
    for replicas in (None, 3):
        trial = case.trial(replicas).with_dy()
        once = trial.outcome()
        again = {"the gradient for x": trial.backward()}
        require_near(again, {name: once[name] for name in again}, "a second backward is not the first")
        for name, gradient in trial.gradients().items():
            if not float((gradient - 2 * once[name]).norm()) <= 1e-10 * float(once[name].norm()):
                raise FaultError(f"backward does not add to {name}: after two it is not twice that of one")


def _adds_up(case: _Case) -> None:
    if case.samplewise:
        for replicas in (None, 3):
            trial = case.trial(replicas).with_dy()
            whole, parts = trial.outcome(), trial.in_parts([2, 4])
            require_near(parts, {name: whole[name] for name in parts}, "two parts of a batch do not add up to it")


def _needs_forward(case: _Case) -> None:
    fresh, expected = case.trial(), case.trial().with_dy()
    fresh.dy = expected.dy
    dx = result_before_forward(fresh.backward)
    if dx is not None:  # right if it depends on dy only
        require_near({"the gradient for x": dx}, {"the gradient for x": expected.backward()}, "backward before forward")


def _rounds(case: _Case) -> None:
    for replicas in (None, 3):
        single = case.trial(replicas, torch.float32).with_dy()
        expected = {name: tensor.float() for name, tensor in single.double().outcome().items()}
        problem = "float32 is not float64 rounded (draw noise in one dtype, whatever that of x)"
        require_near(single.outcome(), expected, problem, 1e-5)


def _special(case: _Case) -> None:
    for value in (0.0, 100.0, -100.0):
        trial = case.trial(dtype=torch.float32).with_dy()
        trial.x = torch.full_like(trial.x, value)
        for name, tensor in trial.outcome().items():
            if bool(tensor.isnan().any()):
                raise FaultError(f"{name} at x = {value:g} is NaN in float32")


def _repeats(case: _Case) -> None:
    require_same_twice(
        lambda: case.trial(dtype=torch.float32).with_dy().outcome(),
        "the same training twice is not the same (randomness comes from begin_epoch's generators)",
    )


def _alone(case: _Case) -> None:
    require_alone(case.trial(3).with_dy(), "R comes first: work on the trailing dimensions")


def _stacks(case: _Case) -> None:
    for batch in case.batches:
        require_any_stack(case.trial(R, torch.float32, batch).with_dy(), f"batches of {batch}")


def _neighbours(case: _Case) -> None:
    after = require_neighbours(lambda: case.trial(3, torch.float32).with_dy())
    outputs = torch.cat([tensor.isnan().flatten() for name, tensor in after.items() if name.startswith("the output")])
    if not bool(outputs.all() if case.same_shape else outputs.any()):
        raise FaultError("forward of NaN gives numbers, so that a run that diverged would pass for one that did not")


def _goes_on(case: _Case) -> None:
    replicas = [3, 0, 4]
    whole, rest = (case.trial(5, torch.float32).with_dy() for _ in range(2))
    rest.select(replicas)
    problem = "runs go on otherwise when others leave the stack (what is kept from step to step belongs in a Buffer)"
    require_same_bits(rest.outcome() | rest.state(), at(whole.outcome() | whole.state(), replicas), problem)
