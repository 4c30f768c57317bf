"""The contract of optimizers (framework/optimizers/optimizer.py), clause by clause."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from fairgrid.framework.optimizers import Optimizer
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.testing.clauses import FaultError, Outcome, at, check, normal, require_same_bits
from fairgrid.framework.testing.stacks import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)

Make = Callable[[list[Parameter]], Optimizer]
Replicas = list[int] | int | None  # of a stack; an index or None for plain parameters

_SHAPES = ((3, 5), (1, 5), (5, 1), (1, 1), (7, 9), (2, 3, 2, 2))
_STEPS = 8
_CHANGE = 5  # the step before which the learning rate is halved
_FACTORS = (1.0, 0.5, 2.0)  # on the learning rate of each replica
_HINT = "update is given the parameters of all runs as one flat tensor: work elementwise"


def check_optimizer(make: Make, varied: Mapping[str, Sequence[float]] | None = None) -> None:
    """Checks that an optimizer keeps its contract.

    Args:
        make: a new optimizer of given parameters, such as its class.
        varied: hyper-parameters that differ between the replicas of a stack, with the values that they take in turn. By
            default the learning rate alone, by factors 1, 0.5 and 2.

    Raises:
        ContractError: it does not.
    """
    case = _Case(make, varied)
    check(
        [
            [("a step", lambda: _steps(case)), ("a learning rate", lambda: _has_rate(case))],
            [("a step", lambda: _downhill(case))],
            [("a step from a gradient of zero", lambda: _zero(case))],
            [("another learning rate", lambda: _follows_rate(case))],
            [("a negative learning rate", lambda: _refuses_negative(case))],
            [
                ("a second training", lambda: _repeats(case)),
                ("a stack with a learning rate per run", lambda: _alone(case)),
                ("a stack", lambda: _stacks(case)),
                ("a stack with equal hyper-parameters", lambda: _equal(case)),
                ("a stack with a run that is not a number", lambda: _neighbours(case)),
                ("a stack that some runs leave (what is kept belongs in `state`)", lambda: _goes_on(case)),
            ],
        ]
    )


@dataclass(frozen=True)
class _Case:
    make: Make
    varied: Mapping[str, Sequence[float]] | None

    def start(self, replicas: Replicas, dtype: torch.dtype = torch.float64) -> Optimizer:
        """A new optimizer with the default hyper-parameters."""
        parameters = []
        for place, shape in enumerate(_SHAPES):
            drawn = normal(R, *shape, seed=place, dtype=dtype)
            parameter = Parameter(shape)
            parameter.assign(drawn[0 if replicas is None else replicas].clone())
            parameters.append(parameter)
        return self.make(parameters)

    def start_varied(self, replicas: list[int] | int, dtype: torch.dtype) -> Optimizer:
        """A new optimizer with the hyper-parameters of each replica."""
        optimizer = self.start(replicas, dtype)
        varied = self.varied
        if varied is None:
            rate = float(optimizer.get("learning_rate"))
            varied = {"learning_rate": [rate * factor for factor in _FACTORS]}
        for name, values in varied.items():
            cycle = torch.tensor(values, dtype=torch.float64)
            optimizer.set(name, cycle[torch.tensor(replicas) % len(values)])
        return optimizer


@dataclass
class _Trial:
    """Steps of an optimizer on the parameters of some replicas."""

    case: _Case
    replicas: list[int] | int
    dtype: torch.dtype
    spoiled: tuple[int, float] | None = None  # a replica and the value of its parameters

    def outcome(self) -> Outcome:
        optimizer = self.case.start_varied(self.replicas, self.dtype)
        if self.spoiled is not None:
            replica, value = self.spoiled
            for parameter in optimizer.parameters:
                parameter.value[replica] = value
        _advance(optimizer, range(_STEPS), self.replicas)
        return _values(optimizer)

    def subset(self, replicas: int | list[int]) -> "_Trial":
        assert isinstance(self.replicas, list)
        chosen = self.replicas[replicas] if isinstance(replicas, int) else [self.replicas[one] for one in replicas]
        return _Trial(self.case, chosen, self.dtype)

    def spoil(self, replica: int, value: float) -> None:
        self.spoiled = replica, value


def _steps(case: _Case) -> None:
    for replicas in (None, [0, 1, 2]):
        optimizer = case.start(replicas)
        before = _values(optimizer)
        _advance(optimizer, range(1), replicas)
        for name, value in _values(optimizer).items():
            if not bool(value.isfinite().all()):
                raise FaultError(f"a step from normal gradients gives {name} that is not finite")
            if torch.equal(value, before[name]):
                raise FaultError(f"a step leaves {name} as it was (update changes value in place)")
            if value.dtype != torch.float64:
                raise FaultError(f"a step: expected {name} of torch.float64 as given, found {value.dtype}")


def _has_rate(case: _Case) -> None:
    if "learning_rate" not in case.start(None).hyper_parameters():
        raise FaultError(
            "no hyper-parameter learning_rate, which tuning and schedules set: hand it to super().__init__"
        )


def _downhill(case: _Case) -> None:
    optimizer = case.start(None)
    before = optimizer.value.clone()
    _advance(optimizer, range(1), None)
    if float(((optimizer.value - before) * optimizer.grad).sum()) >= 0:
        raise FaultError("the first step goes uphill: against the gradient it should be")


def _zero(case: _Case) -> None:
    optimizer = case.start(None, torch.float32)
    optimizer.zero_grad()
    optimizer.step()
    for name, value in _values(optimizer).items():
        if not bool(value.isfinite().all()):
            raise FaultError(f"a step from a gradient of zero gives {name} that is not finite")


def _follows_rate(case: _Case) -> None:
    values = []
    for factor in (1, 2):
        optimizer = case.start(None)
        optimizer.set("learning_rate", factor * optimizer.get("learning_rate"))
        _advance(optimizer, range(1), None)
        values.append(optimizer.value)
    if torch.equal(*values):
        raise FaultError("twice the learning rate gives the same step (use what update is given)")


def _refuses_negative(case: _Case) -> None:
    try:
        case.start(None).set("learning_rate", -1.0)
    except ValueError:
        return
    raise FaultError("a learning rate of -1: expected a ValueError, found none")


def _repeats(case: _Case) -> None:
    require_same_twice(
        _Trial(case, [0, 1, 2], torch.float32).outcome,
        "the same training twice is not the same (an optimizer draws nothing)",
    )


def _alone(case: _Case) -> None:
    require_alone(_Trial(case, [0, 1, 2], torch.float64), _HINT)


def _stacks(case: _Case) -> None:
    require_any_stack(_Trial(case, list(range(R)), torch.float32), _HINT)


def _equal(case: _Case) -> None:
    replicas = [0, 1, 2, 3]
    one, equal = (case.start(replicas, torch.float32) for _ in range(2))
    for name in one.hyper_parameters():
        equal.set(name, one.get(name).expand(len(replicas)))
    for optimizer in (one, equal):
        _advance(optimizer, range(_STEPS), replicas)
    problem = "one number for all runs is not the same as that number for each"
    require_same_bits(_values(equal), _values(one), problem)


def _neighbours(case: _Case) -> None:
    after = require_neighbours(lambda: _Trial(case, [0, 1, 2], torch.float32), _HINT)
    for name, value in after.items():
        if not bool(value.isnan().all()):
            raise FaultError(
                f"{name} of NaN becomes a number, so that a run that diverged would pass for one that did not"
            )


def _goes_on(case: _Case) -> None:
    everyone, rest = list(range(5)), [3, 0, 4]
    stack, cut = (case.start_varied(everyone, torch.float32) for _ in range(2))
    for optimizer in (stack, cut):
        _advance(optimizer, range(_CHANGE), everyone)
    cut.select(torch.tensor(rest))
    problem = "runs go on otherwise when others leave the stack (what is kept from step to step belongs in `state`)"
    for steps in (range(_CHANGE, _CHANGE), range(_CHANGE, 2 * _STEPS)):
        _advance(stack, steps, everyone)
        _advance(cut, steps, rest)
        require_same_bits(_state(cut), at(_state(stack), rest), problem)


def _advance(optimizer: Optimizer, steps: range, replicas: Replicas) -> None:
    """Takes steps with gradients of each replica's own: noise, and a pull that depends on the value."""
    for step in steps:
        if step == _CHANGE:
            optimizer.set("learning_rate", optimizer.get("learning_rate") / 2)
        optimizer.zero_grad()
        for place, parameter in enumerate(optimizer.parameters):
            noise = normal(R, *parameter.shape, seed=1000 * (step + 1) + place, dtype=parameter.value.dtype)
            parameter.grad += noise[0 if replicas is None else replicas] + 0.1 * parameter.value
        optimizer.step()


def _values(optimizer: Optimizer) -> Outcome:
    return {f"parameter {place}": parameter.value.clone() for place, parameter in enumerate(optimizer.parameters)}


def _state(optimizer: Optimizer) -> Outcome:
    """Parameters, gradients and the hyper-parameters that differ between replicas."""
    gradients = {f"gradient {place}": parameter.grad.clone() for place, parameter in enumerate(optimizer.parameters)}
    given = {name: optimizer.get(name) for name in optimizer.hyper_parameters()}
    return _values(optimizer) | gradients | {name: value for name, value in given.items() if value.dim()}
