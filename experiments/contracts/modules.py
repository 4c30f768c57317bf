"""The contract of activations and models (framework/module.py), clause by clause."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fairgrid.experiments.contracts.contract import (
    Outcome,
    WrongError,
    findings,
    generator,
    normal,
    require_finite,
    require_like,
    require_slope,
)
from fairgrid.experiments.contracts.stack_invariance import (
    R,
    require_alone,
    require_any_stack,
    require_neighbours,
    require_same_twice,
)
from fairgrid.framework import Initializer, Module
from fairgrid.framework.passes import listed

_B = 6


@dataclass(frozen=True)
class Case:
    """How a module is tried.

    Attributes:
        make: a new one, not initialized.
        initializer: of its parameters.
        features: of a sample.
        batches: sizes of batches in stacks that are held against each other.
        same_shape: whether the output has the shape of the input.
    """

    make: Callable[[], Module]
    initializer: Initializer
    features: tuple[int, ...]
    batches: tuple[int, ...]
    same_shape: bool


@dataclass
class _Tried:
    """An initialized module, the streams of its noise (one: plain), samples and the gradient that backward is given."""

    module: Module
    streams: int | list[int]
    x: Tensor
    dy: Any = None

    def forward(self) -> list[Tensor]:
        """The outputs in an epoch of one batch, whose noise is always the same."""
        if isinstance(self.streams, int):
            self.module.begin_epoch(generator(self.streams), self.x.shape[0])
        else:
            self.module.begin_epoch([generator(stream) for stream in self.streams], self.x.shape[1])
        return listed(self.module.forward(self.x))

    def backward(self) -> Tensor:
        """The gradient for x."""
        dx: Tensor = self.module.backward(self.dy if len(self.dy) > 1 else self.dy[0])
        return dx

    def outcome(self) -> Outcome:
        """Outputs and gradients of one forward and backward."""
        for parameter in self.module.parameters():
            parameter.grad.zero_()
        found = {_output(place): output.clone() for place, output in enumerate(self.forward())}
        return found | {"the gradient for x": self.backward().clone()} | self.gradients()

    def gradients(self) -> Outcome:
        """Of the parameters, by name."""
        return {f"the gradient of {name}": held.grad.clone() for name, held in self.parameters().items()}

    def parameters(self) -> dict[str, Any]:
        """By name."""
        trained = self.module.parameters()
        return {name: held for name, held in self.module.named_state().items() if held in trained}

    def some(self, replicas: int | list[int]) -> "_Tried":
        """A copy of some replicas of a stack; of a single index, plain."""
        assert isinstance(self.streams, list)
        module = copy.deepcopy(self.module)
        for held in module.named_state().values():
            held.assign(held.value[replicas].clone())
        streams = replicas if isinstance(replicas, int) else [self.streams[replica] for replica in replicas]
        return _Tried(module, streams, self.x[replicas], [dy[replicas] for dy in self.dy])

    def spoil(self, replica: int) -> None:
        self.x[replica] = torch.nan


def wrong_with_module(case: Case) -> Iterator[str]:
    """What is wrong with an activation or a model, a line each."""
    yield from findings(
        [
            [
                ("forward and backward", lambda: _shapes(case)),
                ("forward and backward", lambda: _leaves_alone(case)),
            ],
            [("forward and backward", lambda: _gradients(case))],
            [("a second backward", lambda: _accumulates(case))],
            [("forward and backward of 0 and large numbers", lambda: _special(case))],
            [
                ("a second training", lambda: _repeats(case)),
                ("a stack", lambda: _alone(case)),
                ("a stack", lambda: _stacks(case)),
                ("a stack with a run that is not a number", lambda: _neighbours(case)),
            ],
        ]
    )


def _shapes(case: Case) -> None:
    for replicas in (None, 3):
        tried = _tried(case, replicas, dy=False)
        dims = 1 if replicas is None else 2
        outputs = tried.forward()
        for output in outputs:
            if case.same_shape:
                require_like(output, tried.x, "forward of x")
            elif not isinstance(output, Tensor) or output.shape[:dims] != tried.x.shape[:dims]:
                found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise WrongError(f"forward of x {tuple(tried.x.shape)}: expected its first dimensions, found {found}")
            elif output.dtype != tried.x.dtype:
                raise WrongError(f"forward of x: expected {tried.x.dtype} as given, found {output.dtype}")
            require_finite(output, "forward of normal draws")
        tried.dy = _gradients_for(outputs)
        dx = tried.backward()
        require_like(dx, tried.x, "backward")
        require_finite(dx, "backward for normal draws")


def _gradients(case: Case) -> None:
    tried = _tried(case, None)
    found = tried.outcome()

    def height() -> float:
        return sum(float((dy * output).sum()) for dy, output in zip(tried.dy, tried.forward(), strict=True))

    require_slope(height, tried.x, found["the gradient for x"], "backward's gradient for x", "forward")
    for name, held in tried.parameters().items():
        name = f"the gradient of {name}"
        require_slope(height, held.value, found[name], f"backward's {name.removeprefix('the ')}", "forward")


def _accumulates(case: Case) -> None:
    tried = _tried(case, None)
    once = tried.outcome()
    tried.backward()
    for name, gradient in tried.gradients().items():
        if not torch.allclose(gradient, 2 * once[name], rtol=1e-10, atol=0):
            raise WrongError(f"backward does not add to {name}: after two it is not twice that of one")


def _leaves_alone(case: Case) -> None:
    tried = _tried(case, None)
    held = {"x": tried.x} | {f"the parameter {name}": each.value for name, each in tried.parameters().items()}
    before = {name: tensor.clone() for name, tensor in held.items()}
    outputs = tried.forward()
    later = {_output(place): output for place, output in enumerate(outputs)}
    later |= {f"dy{place or ''}": dy for place, dy in enumerate(tried.dy)}
    before |= {name: tensor.clone() for name, tensor in later.items()}
    tried.backward()
    for name, tensor in (held | later).items():
        if not torch.equal(tensor, before[name]):
            raise WrongError(f"forward or backward changes {name} in place")


def _repeats(case: Case) -> None:
    require_same_twice(
        lambda: _tried(case, None, torch.float32).outcome(),
        "the same training twice is not the same (randomness comes from begin_epoch's generators)",
    )


def _alone(case: Case) -> None:
    require_alone(_tried(case, 3), "R comes first: work on the trailing dimensions")


def _stacks(case: Case) -> None:
    for batch in case.batches:
        require_any_stack(_tried(case, R, torch.float32, batch), f"batches of {batch}")


def _neighbours(case: Case) -> None:
    after = require_neighbours(_tried(case, 3, torch.float32))
    if not any(bool(tensor[1].isnan().any()) for name, tensor in after.items() if name.startswith("the output")):
        raise WrongError("forward of NaN gives numbers, so that a run that diverged would pass for one that did not")


def _special(case: Case) -> None:
    for value in (0.0, 100.0, -100.0):
        tried = _tried(case, None, torch.float32)
        tried.x = torch.full_like(tried.x, value)
        for name, tensor in tried.outcome().items():
            if bool(tensor.isnan().any()):
                raise WrongError(f"{name} at x = {value:g} is NaN in float32")


def _tried(
    case: Case, replicas: int | None, dtype: torch.dtype = torch.float64, batch: int = _B, dy: bool = True
) -> _Tried:
    """A new one, and unless it is not wanted yet the gradient for its outputs."""
    module = case.make()
    streams: int | list[int] = 0 if replicas is None else list(range(replicas))
    generators = generator(0) if isinstance(streams, int) else [generator(stream) for stream in streams]
    module.initialize(generators, case.initializer, dtype)
    leading = () if replicas is None else (replicas,)
    tried = _Tried(module, streams, normal(*leading, batch, *case.features, seed=1, dtype=dtype))
    if dy:
        tried.dy = _gradients_for(tried.forward())
    return tried


def _gradients_for(outputs: list[Tensor]) -> list[Tensor]:
    return [normal(*output.shape, seed=2 + place, dtype=output.dtype) for place, output in enumerate(outputs)]


def _output(place: int) -> str:
    return f"the output{f' {place}' if place else ''}"
