"""A module under test with its input, its noise and the gradient of its output."""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fairgrid.framework.initializers import pytorch_uniform
from fairgrid.framework.module import Module
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.passes import listed
from fairgrid.framework.testing.clauses import Outcome, generator, normal


@dataclass
class ModuleTrial:
    """An initialized module, plain or stacked, and what passes through it.

    Attributes:
        module: the module.
        streams: the seed of each replica's noise; a single one for a plain module.
        x: the input, (B, …) or (R, B, …).
        dy: the gradient of each output.
    """

    module: Module
    streams: int | list[int]
    x: Tensor
    dy: list[Tensor] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        module: Module,
        features: tuple[int, ...],
        replicas: int | None = None,
        dtype: torch.dtype = torch.float64,
        batch: int = 6,
        device: str = "cpu",
    ) -> "ModuleTrial":
        """Initializes a module and draws its input, both the same every time; dy is still missing."""
        streams: int | list[int] = 0 if replicas is None else list(range(replicas))
        generators = generator(0) if isinstance(streams, int) else [generator(stream) for stream in streams]
        module.initialize(generators, pytorch_uniform, dtype, device)
        leading = () if replicas is None else (replicas,)
        return cls(module, streams, normal(*leading, batch, *features, seed=1, dtype=dtype).to(device))

    def with_dy(self) -> "ModuleTrial":
        """This trial with gradients drawn for its outputs."""
        self.dy = dy_for(self.forward())
        return self

    def forward(self) -> list[Tensor]:
        """The outputs in an epoch of one batch, whose noise is the same every time."""
        self.begin_epoch()
        return listed(self.module.forward(self.x))

    def begin_epoch(self) -> None:
        """Announces an epoch of one batch."""
        if isinstance(self.streams, int):
            self.module.begin_epoch(generator(self.streams), self.x.shape[0])
        else:
            self.module.begin_epoch([generator(stream) for stream in self.streams], self.x.shape[1])

    def backward(self) -> Tensor:
        """The gradient for x."""
        dx: Tensor = self.module.backward(self.dy if len(self.dy) > 1 else self.dy[0])
        return dx

    def outcome(self) -> Outcome:
        """Outputs and gradients of one forward and backward."""
        for parameter in self.module.parameters():
            parameter.grad.zero_()
        outputs = {output_name(place): output.clone() for place, output in enumerate(self.forward())}
        return outputs | {"the gradient for x": self.backward().clone()} | self.gradients()

    def height(self) -> float:
        """The scalar whose gradient backward gives, ⟨dy, forward(x)⟩."""
        return sum(float((dy * output).sum()) for dy, output in zip(self.dy, self.forward(), strict=True))

    def state(self) -> Outcome:
        """Copies of the parameters and buffers."""
        return {name: buffer.value.clone() for name, buffer in self.module.named_state().items()}

    def gradients(self) -> Outcome:
        """Copies of the parameters' gradients."""
        return {f"the gradient of {name}": parameter.grad.clone() for name, parameter in self.parameters().items()}

    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name."""
        return {name: held for name, held in self.module.named_state().items() if isinstance(held, Parameter)}

    def subset(self, replicas: int | list[int]) -> "ModuleTrial":
        """A copy with some replicas of a stack; a single index gives a plain one."""
        assert isinstance(self.streams, list)
        module = copy.deepcopy(self.module)
        for buffer in module.named_state().values():
            buffer.assign(buffer.value[replicas].clone())
        streams = self.streams[replicas] if isinstance(replicas, int) else [self.streams[one] for one in replicas]
        return ModuleTrial(module, streams, self.x[replicas], [dy[replicas] for dy in self.dy])

    def spoil(self, replica: int, value: float) -> None:
        """Sets the input of one replica to a value that is not finite."""
        self.x[replica] = value

    def select(self, replicas: list[int]) -> None:
        """Keeps some replicas of a stack, in that order, as a training does when others leave."""
        assert isinstance(self.streams, list)
        indices = torch.tensor(replicas)
        self.module.select(indices)
        for parameter in self.module.parameters():
            parameter.select(indices)
        self.streams = [self.streams[replica] for replica in replicas]
        self.x, self.dy = self.x[indices], [dy[indices] for dy in self.dy]

    def double(self) -> "ModuleTrial":
        """A copy in float64."""
        module = copy.deepcopy(self.module)
        for buffer in module.named_state().values():
            buffer.assign(buffer.value.double())
        return ModuleTrial(module, self.streams, self.x.double(), [dy.double() for dy in self.dy])

    def in_parts(self, sizes: list[int]) -> Outcome:
        """The gradients of one epoch in batches of some sizes."""
        for parameter in self.module.parameters():
            parameter.grad.zero_()
        axis = 0 if isinstance(self.streams, int) else 1
        self.begin_epoch()
        gradients = []
        for x, *dy in zip(self.x.split(sizes, axis), *(dy.split(sizes, axis) for dy in self.dy), strict=True):
            self.module.forward(x)
            gradients.append(self.module.backward(dy if len(dy) > 1 else dy[0]))
        return {"the gradient for x": torch.cat(gradients, axis)} | self.gradients()


def dy_for(outputs: list[Tensor]) -> list[Tensor]:
    """Normal gradients of the outputs' shapes."""
    draws = (normal(*output.shape, seed=2 + place, dtype=output.dtype) for place, output in enumerate(outputs))
    return [draw.to(output.device) for draw, output in zip(draws, outputs, strict=True)]


def output_name(place: int) -> str:
    """The name of an output in an outcome."""
    return f"the output{f' {place}' if place else ''}"
