"""A module under test with its input, its noise and the gradients of its outputs."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fairgrid.framework.initializers import pytorch_uniform
from fairgrid.framework.module import Module
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.passes import listed
from fairgrid.framework.testing.clauses import Outcome, generator, normal
from fairgrid.framework.testing.differentiable import Differentiable


@dataclass
class ModuleTrial(Differentiable):
    """An initialized module, plain or stacked, and what passes through it.

    Attributes:
        module: the module.
        streams: the seed of each replica's noise; a single one for a plain module.
        x: the input, (B, …) or (R, B, …).
        dy: the gradient of each output.
        additive: whether the gradients of two parts of a batch must add up to those of the batch.
        same_shape: whether the output has the shape of the input.
    """

    module: Module
    streams: int | list[int]
    x: Tensor
    dy: list[Tensor]
    additive: bool = False
    same_shape: bool = False

    function: ClassVar[str] = "forward"
    filled: ClassVar[str] = "x ="
    numbers_of_nan: ClassVar[str] = "forward of NaN gives numbers"
    repeat_hint: ClassVar[str] = "randomness comes from begin_epoch's generators"
    round_hint: ClassVar[str] = " (draw noise in one dtype, whatever that of x)"
    stack_hint: ClassVar[str] = "R comes first: work on the trailing dimensions"

    def inputs(self) -> Outcome:
        parameters = {f"the parameter {name}": parameter.value for name, parameter in self.parameters().items()}
        return {"x": self.x} | {f"dy{place or ''}": dy for place, dy in enumerate(self.dy)} | parameters

    def varied(self) -> Outcome:
        parameters = {f"the gradient of {name}": parameter.value for name, parameter in self.parameters().items()}
        return {"the gradient for x": self.x} | parameters

    def outputs(self) -> list[Tensor]:
        """The outputs in an epoch of one batch, whose noise is the same every time."""
        self.begin_epoch()
        return listed(self.module.forward(self.x))

    def forward(self) -> Outcome:
        """The outputs by name."""
        return {f"the output{f' {place}' if place else ''}": output for place, output in enumerate(self.outputs())}

    def backward(self) -> Outcome:
        """The gradient for x."""
        return {"the gradient for x": self.module.backward(self.dy if len(self.dy) > 1 else self.dy[0])}

    def accumulated(self) -> Outcome:
        return {f"the gradient of {name}": parameter.grad for name, parameter in self.parameters().items()}

    def height(self) -> float:
        return sum(float((dy * output).sum()) for dy, output in zip(self.dy, self.outputs(), strict=True))

    def begin_epoch(self) -> None:
        """Announces an epoch of one batch."""
        if isinstance(self.streams, int):
            self.module.begin_epoch(generator(self.streams), self.x.shape[0])
        else:
            self.module.begin_epoch([generator(stream) for stream in self.streams], self.x.shape[1])

    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name."""
        return {name: state for name, state in self.module.named_state().items() if isinstance(state, Parameter)}

    def subset(self, replicas: int | list[int]) -> "ModuleTrial":
        """A copy with some replicas of a stack; a single index gives a plain one."""
        assert isinstance(self.streams, list)
        streams = self.streams[replicas] if isinstance(replicas, int) else [self.streams[one] for one in replicas]
        return self._copy(lambda tensor: tensor[replicas].clone(), streams)

    def double(self) -> "ModuleTrial":
        return self._copy(Tensor.double, self.streams)

    def _copy(self, change: Callable[[Tensor], Tensor], streams: int | list[int]) -> "ModuleTrial":
        module = copy.deepcopy(self.module)
        for buffer in module.named_state().values():
            buffer.assign(change(buffer.value))
        return ModuleTrial(module, streams, change(self.x), [change(dy) for dy in self.dy])

    def lacks_nan(self, outcome: Outcome) -> bool:
        numbers = [~tensor.isnan() for name, tensor in outcome.items() if name.startswith("the output")]
        return any(bool(one.any() if self.same_shape else one.all()) for one in numbers)

    def fill(self, value: float) -> None:
        self.x.fill_(value)

    def spoil(self, replica: int, value: float) -> None:
        """Sets the input of one replica to a value that is not finite."""
        self.x[replica] = value

    def in_parts(self, sizes: list[int]) -> Outcome:
        for gradient in self.accumulated().values():
            gradient.zero_()
        axis = 0 if isinstance(self.streams, int) else 1
        self.begin_epoch()
        gradients = []
        for x, *dy in zip(self.x.split(sizes, axis), *(dy.split(sizes, axis) for dy in self.dy), strict=True):
            self.module.forward(x)
            gradients.append(self.module.backward(dy if len(dy) > 1 else dy[0]))
        return {"the gradient for x": torch.cat(gradients, axis)} | self.accumulated()

    def select(self, replicas: list[int]) -> None:
        """Keeps some replicas of a stack, in that order, as a training does when others leave."""
        assert isinstance(self.streams, list)
        indices = torch.tensor(replicas)
        self.module.select(indices)
        for parameter in self.module.parameters():
            parameter.select(indices)
        self.streams = [self.streams[replica] for replica in replicas]
        self.x, self.dy = self.x[indices], [dy[indices] for dy in self.dy]


def start(
    module: Module,
    features: tuple[int, ...],
    replicas: int | None = None,
    dtype: torch.dtype = torch.float64,
    batch: int = 6,
    device: str = "cpu",
) -> ModuleTrial:
    """Initializes a module, and draws its input and the gradients of its outputs; the same every time."""
    streams: int | list[int] = 0 if replicas is None else list(range(replicas))
    generators = generator(0) if isinstance(streams, int) else [generator(stream) for stream in streams]
    module.initialize(generators, pytorch_uniform, dtype, device)
    leading = (batch,) if replicas is None else (replicas, batch)
    x = normal(*leading, *features, seed=1, dtype=dtype).to(device)
    # another forward than that under test, which may not have happened yet and may change x
    outputs = ModuleTrial(copy.deepcopy(module), streams, x.clone(), []).outputs()
    shapes = [output.shape for output in outputs if isinstance(output, Tensor)]
    dy = [normal(*shape, seed=2 + place, dtype=dtype).to(device) for place, shape in enumerate(shapes)]
    return ModuleTrial(module, streams, x, dy)
