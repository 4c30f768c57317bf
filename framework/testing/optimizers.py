"""The contract of optimizers (framework/optimizers/optimizer.py), clause by clause."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fairgrid.framework.optimizers import Optimizer
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.testing.clauses import FaultError, Outcome, broken, normal, refuse, require_same_bits
from fairgrid.framework.testing.stacks import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)

Make = Callable[[list[Parameter]], Optimizer]

_SHAPES = ((3, 5), (1, 5), (5, 1), (1, 1), (7, 9))
_STEPS = 8
_RATES = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)  # factors on the learning rate of each of three replicas
_HINT = "update is given the parameters of all runs as one flat tensor: work elementwise"


def check_optimizer(make: Make) -> None:
    """Checks that an optimizer keeps its contract.

    Args:
        make: a new optimizer of given parameters, such as its class.

    Raises:
        AssertionError: it does not; the message has a line per fault.
    """
    refuse(optimizer_faults(make))


def optimizer_faults(make: Make) -> Iterator[str]:
    """The faults of an optimizer, a line each; see `check_optimizer`."""
    return broken(
        [
            [("a step", lambda: _steps(make))],
            [("a step", lambda: _downhill(make))],
            [("a step from a gradient of zero", lambda: _zero(make))],
            [("another learning rate", lambda: _rate(make))],
            [
                ("a second training", lambda: _repeats(make)),
                ("a stack with a learning rate per run", lambda: _alone(make)),
                ("a stack", lambda: _stacks(make)),
                ("a stack with a run that is not a number", lambda: _neighbours(make)),
                ("a stack that some runs leave (what is kept belongs in `state`)", lambda: _select(make)),
            ],
        ]
    )


@dataclass
class _Trial:
    """Steps of an optimizer on the parameters of some replicas, with a learning rate for each if there are factors."""

    make: Make
    replicas: list[int] | int
    dtype: torch.dtype
    rates: Tensor | None = None  # (replicas,), or () for one
    spoiled: int | None = None

    def outcome(self) -> Outcome:
        optimizer = _optimizer(self.make, self.replicas, self.dtype)
        if self.rates is not None:
            optimizer.set("learning_rate", optimizer.get("learning_rate") * self.rates)
        if self.spoiled is not None:
            for parameter in optimizer.parameters:
                parameter.value[self.spoiled] = torch.nan
        _advance(optimizer, range(_STEPS), self.replicas)
        return _values(optimizer)

    def subset(self, replicas: int | list[int]) -> "_Trial":
        assert isinstance(self.replicas, list)
        chosen = self.replicas[replicas] if isinstance(replicas, int) else [self.replicas[one] for one in replicas]
        return _Trial(self.make, chosen, self.dtype, None if self.rates is None else self.rates[replicas])

    def spoil(self, replica: int) -> None:
        self.spoiled = replica


def _steps(make: Make) -> None:
    for replicas in (None, [0, 1, 2]):
        optimizer = _optimizer(make, replicas)
        before = _values(optimizer)
        _advance(optimizer, range(1), replicas)
        for name, value in _values(optimizer).items():
            if not bool(value.isfinite().all()):
                raise FaultError(f"a step from normal gradients gives {name} that is not finite")
            if torch.equal(value, before[name]):
                raise FaultError(f"a step leaves {name} as it was (update changes value in place)")
            if value.dtype != torch.float64:
                raise FaultError(f"a step: expected {name} of torch.float64 as given, found {value.dtype}")


def _downhill(make: Make) -> None:
    optimizer = _optimizer(make, None)
    before = optimizer.value.clone()
    _advance(optimizer, range(1), None)
    if float(((optimizer.value - before) * optimizer.grad).sum()) >= 0:
        raise FaultError("the first step goes uphill: against the gradient it should be")


def _zero(make: Make) -> None:
    optimizer = _optimizer(make, None, torch.float32)
    optimizer.zero_grad()
    optimizer.step()
    for name, value in _values(optimizer).items():
        if not bool(value.isfinite().all()):
            raise FaultError(f"a step from a gradient of zero gives {name} that is not finite")


def _rate(make: Make) -> None:
    optimizer = _optimizer(make, None)
    if "learning_rate" not in optimizer.hyper_parameters():
        raise FaultError(
            "no hyper-parameter learning_rate, which tuning and schedules set: hand it to super().__init__"
        )
    values = []
    for factor in (1, 2):
        optimizer = _optimizer(make, None)
        optimizer.set("learning_rate", factor * optimizer.get("learning_rate"))
        _advance(optimizer, range(1), None)
        values.append(optimizer.value)
    if torch.equal(*values):
        raise FaultError("twice the learning rate gives the same step (use what update is given)")


def _repeats(make: Make) -> None:
    require_same_twice(
        _Trial(make, [0, 1, 2], torch.float32).outcome,
        "the same training twice is not the same (an optimizer draws nothing)",
    )


def _alone(make: Make) -> None:
    require_alone(_Trial(make, [0, 1, 2], torch.float64, _RATES), _HINT)


def _stacks(make: Make) -> None:
    require_any_stack(_Trial(make, list(range(R)), torch.float32), _HINT)


def _neighbours(make: Make) -> None:
    require_neighbours(_Trial(make, [0, 1, 2], torch.float32), _HINT)


def _select(make: Make) -> None:
    whole, kept = list(range(5)), [3, 0, 4]
    stack, cut = (_optimizer(make, whole, torch.float32) for _ in range(2))
    for optimizer in (stack, cut):
        _advance(optimizer, range(_STEPS), whole)
    cut.select(torch.tensor(kept))
    _advance(stack, range(_STEPS, 2 * _STEPS), whole)
    _advance(cut, range(_STEPS, 2 * _STEPS), kept)
    expected = {name: value[kept] for name, value in _values(stack).items()}
    problem = "runs go on otherwise when others leave the stack (what is kept from step to step belongs in `state`)"
    require_same_bits(_values(cut), expected, problem)


def _optimizer(make: Make, replicas: Sequence[int] | int | None, dtype: torch.dtype = torch.float64) -> Optimizer:
    """A new optimizer of the parameters of some replicas; plain for a single one or none."""
    parameters = []
    for place, shape in enumerate(_SHAPES):
        drawn = normal(R, *shape, seed=place, dtype=dtype)
        parameter = Parameter(shape)
        parameter.assign(drawn[0 if replicas is None else replicas].clone())
        parameters.append(parameter)
    return make(parameters)


def _advance(optimizer: Optimizer, steps: range, replicas: Sequence[int] | int | None) -> None:
    """Takes steps with gradients of each replica's own: noise, and a pull that depends on the value."""
    for step in steps:
        optimizer.zero_grad()
        for place, parameter in enumerate(optimizer.parameters):
            noise = normal(R, *parameter.shape, seed=1000 * (step + 1) + place, dtype=parameter.value.dtype)
            parameter.grad += noise[0 if replicas is None else replicas] + 0.1 * parameter.value
        optimizer.step()


def _values(optimizer: Optimizer) -> Outcome:
    return {f"parameter {place}": parameter.value.clone() for place, parameter in enumerate(optimizer.parameters)}
