"""The base class of layers, activations and networks: forward, backward, parameters.

The contract of a module:
- `forward(x)` computes the output and saves in `cache` what backward needs; it changes neither x nor the parameters.
  In training it may update its buffers (running statistics).
- `backward(dy)` takes the gradient of a scalar with respect to the output of the last forward, adds the gradients of
  the parameters to their `grad`, and returns the gradient with respect to the input: the exact vector-Jacobian
  product, without averaging (only losses average). It does not change dy.
- Layers operate on trailing dimensions, so a leading replica dimension passes through.
- State that persists from step to step is in `Parameter`s and `Buffer`s. An optimizer owns the parameters it is given.
- `train(True | False)` switches between training and evaluation; a new module is in training mode.
- A training loop calls `begin_epoch(generators, samples)` before each epoch; modules with noise draw it from these.
- A module used at two places of a network is replaced at the second by a `tied_copy`: the same parameters and buffers,
  but a separate cache. `Sequential` and `Graph` do so themselves.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from fairgrid.framework.initializers import Initializer
from fairgrid.framework.parameter import Buffer, Parameter
from fairgrid.framework.representation import arguments, represent
from fairgrid.framework.state import check


class Module:
    """Base class of layers and networks.

    Attributes:
        cache: values saved by the last forward for backward; None before the first.
        training: whether the module is in training mode; set by `train`.
        takes_list: whether forward takes a list of tensors and backward returns one.
    """

    cache: Any = None
    training: bool = True
    takes_list: bool = False

    def forward(self, x: Any) -> Any:
        """Computes the output for x, (B, D) or (R, B, D); lists of tensors for several inputs or outputs."""
        raise NotImplementedError

    def backward(self, dy: Any) -> Any:
        """Adds to the parameters' gradients and returns the gradient with respect to the last x."""
        raise NotImplementedError

    def __repr__(self) -> str:
        values = {
            name: value
            for name, value in vars(self).items()
            if not any(isinstance(item, Module) for _, item in _items(value))
        }
        return represent(self, arguments(self, values), self.named_children())

    def saved_for_backward(self) -> Any:
        """The cache of the last forward.

        Raises:
            ValueError: forward has not been called.
        """
        if self.cache is None:
            raise ValueError(f"{type(self).__name__}.backward needs a forward before it")
        return self.cache

    def recall(self) -> Any:
        """The earlier name of `saved_for_backward`, for classes of your own that use it."""
        return self.saved_for_backward()

    def broadcast_input(self, x: Tensor, parameter: Parameter) -> Tensor:
        """Broadcasts a plain input to the replica dimension of a stacked parameter.

        Args:
            x: the input, plain or stacked.
            parameter: a parameter whose declared shape has as many dimensions as a plain x.

        Returns:
            x, expanded to (R, *x.shape) if it is plain and the parameter is stacked.

        Raises:
            ValueError: x has too few dimensions, or another number of replicas than the parameter.
        """
        dims, value = len(parameter.shape), parameter.value
        if x.dim() == dims < value.dim():
            x = x.expand(value.shape[0], *x.shape)
        if x.dim() < dims or x.shape[:-dims] != value.shape[:-dims]:
            raise ValueError(
                f"{type(self).__name__}'s parameter is {tuple(value.shape)}, "
                f"which does not fit x of shape {tuple(x.shape)}"
            )
        return x

    def train(self, mode: bool) -> None:
        """Switches this module and all its descendants to training (True) or evaluation (False)."""
        for _, module in self.walk():
            module.training = mode

    def begin_epoch(self, generators: Generator | Sequence[Generator], samples: int) -> None:
        """Announces an epoch, so that modules with noise draw all of it at once.

        Args:
            generators: one generator per replica of the stack; a single one for plain tensors.
            samples: N, the number of training samples in the epoch, in batches of any size.
        """
        for child in self.children():
            child.begin_epoch(generators, samples)

    def walk(self, name: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yields this module and all its descendants, depth first, with the prefix of their names ("modules.0.")."""
        yield name, self
        for suffix, child in self.named_children():
            yield from child.walk(f"{name}{suffix}.")

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yields the modules in attributes, and in lists and dictionaries there, by name, in order of assignment."""
        for attribute, value in vars(self).items():
            for suffix, item in _items(value):
                if isinstance(item, Module):
                    yield f"{attribute}{suffix}", item

    def children(self) -> Iterator["Module"]:
        """The modules of `named_children`, without their names."""
        return (child for _, child in self.named_children())

    def named_state(self) -> dict[str, Buffer]:
        """All parameters and buffers by name, first this module's, then its children's; a shared one only once."""
        names: dict[Buffer, str] = {}
        for name, module in self.walk():
            for attribute, value in vars(module).items():
                if isinstance(value, Buffer):
                    names.setdefault(value, name + attribute)
        return {name: buffer for buffer, name in names.items()}

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of `named_state`."""
        return [buffer for buffer in self.named_state().values() if isinstance(buffer, Parameter)]

    def buffers(self) -> list[Buffer]:
        """All buffers that are not parameters, in the order of `named_state`."""
        return [buffer for buffer in self.named_state().values() if not isinstance(buffer, Parameter)]

    def initialize(
        self,
        generators: Generator | Sequence[Generator],
        initializers: Initializer | Sequence[Initializer],
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        """Draws all parameters and resets all buffers.

        Args:
            generators: a list for stacked parameters, one generator per replica; a single one for plain parameters.
                A replica's values depend only on its own generator, which draws parameter after parameter.
            initializers: one initializer for all replicas, or one per replica.
            dtype: the dtype of the values; draws are made in float64 and rounded.
            device: the device of the values; draws are made on the CPU, so they are the same for every device.

        Raises:
            ValueError: the numbers of generators and initializers differ.
        """
        plain = isinstance(generators, Generator)
        if plain and not isinstance(initializers, Initializer):
            raise ValueError("a single generator takes a single initializer, found a list")
        streams = [generators] if isinstance(generators, Generator) else list(generators)
        schemes = [initializers] * len(streams) if isinstance(initializers, Initializer) else list(initializers)
        if len(schemes) != len(streams):
            raise ValueError(f"one initializer per generator is needed, found {len(schemes)} for {len(streams)}")
        for parameter in self.parameters():
            drawn = [scheme(parameter, stream) for scheme, stream in zip(schemes, streams, strict=True)]
            parameter.assign((drawn[0] if plain else torch.stack(drawn)).to(device, dtype))
        for buffer in self.buffers():
            shape = buffer.shape if plain else (len(streams), *buffer.shape)
            buffer.assign(torch.full(shape, buffer.start, dtype=dtype, device=device))

    def tied_copy(self) -> "Module":
        """A module with the same parameters and buffers, but a separate forward cache and noise."""
        tied = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Module):
                setattr(tied, name, value.tied_copy())
            elif isinstance(value, list):
                setattr(tied, name, [item.tied_copy() if isinstance(item, Module) else item for item in value])
            elif isinstance(value, dict):
                items = {key: item.tied_copy() if isinstance(item, Module) else item for key, item in value.items()}
                setattr(tied, name, items)
        tied.cache = None
        return tied

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices in all buffers; the optimizer selects in the parameters.

        `framework.select` does both.
        """
        for buffer in self.buffers():
            buffer.select(replicas)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all parameters and buffers, by name, without caches and the noise of an epoch."""
        return {name: buffer.value.clone() for name, buffer in self.named_state().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Loads values that `state_dict` returned.

        Raises:
            ValueError: names, shapes (replicas included) or dtypes differ; no value has been changed.
        """
        buffers = self.named_state()
        check(type(self).__name__, {name: buffer.value for name, buffer in buffers.items()}, state)
        for name, buffer in buffers.items():
            buffer.value.copy_(state[name])


def distinct(modules: Iterable[Module]) -> list[Module]:
    """The modules, with tied copies in place of those that occurred before, alone or inside another."""
    seen: set[int] = set()
    result = []
    for module in modules:
        below = {id(item) for _, item in module.walk()}
        result.append(module.tied_copy() if below & seen else module)
        seen |= below
    return result


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    """The items of an attribute's value, each with the rest of its name."""
    if isinstance(value, list):
        return ((f".{index}", item) for index, item in enumerate(value))
    if isinstance(value, dict):
        return ((f".{key}", item) for key, item in value.items())
    return (("", value),)
