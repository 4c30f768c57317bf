"""What every layer, activation and network is: forward, backward, parameters.

The contract of a module:
- `forward(x)` computes the output and leaves in `cache` what backward needs; it changes neither x nor the parameters.
  While training it may update its buffers (running statistics).
- `backward(dy)` takes the gradient of a scalar with respect to the output of the last forward, adds the gradients of
  the parameters to their `grad`, and returns the gradient with respect to the input: the exact vector-Jacobian
  product, with no averaging (that happens in the loss alone). It does not change dy.
- Layers are written for trailing dimensions, so a leading replica dimension passes through.
- What is kept from step to step is in `Parameter`s and `Buffer`s; parameters belong to the optimizer once it has them.
- `train(True | False)` switches what differs between training and evaluation; a new module is in training.
- A training loop calls `begin_epoch(generators, samples)` before each epoch; modules with noise take it from there.
- A module that is used at two places of a network is a `tied_copy` of itself at the second: the same parameters and
  buffers, but a cache of its own. `Sequential` and `Graph` see to that.
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
        cache: what the last forward left for backward; None before the first.
        training: whether forward is that of training; `train` sets it.
        takes_list: whether forward takes a list of tensors and backward returns one.
    """

    cache: Any = None
    training: bool = True
    takes_list: bool = False

    def forward(self, x: Any) -> Any:
        """The output for x, (B, D) or (R, B, D); a list of tensors where there are several inputs or outputs."""
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
            ValueError: there was no forward.
        """
        if self.cache is None:
            raise ValueError(f"{type(self).__name__}.backward needs a forward before it")
        return self.cache

    def recall(self) -> Any:
        """The earlier name of `saved_for_backward`, which classes of your own may use."""
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
        """Switches this module and all below it to training (True) or evaluation (False)."""
        for _, module in self.walk():
            module.training = mode

    def begin_epoch(self, generators: Generator | Sequence[Generator], samples: int) -> None:
        """Announces an epoch, so that modules with noise draw all of it at once.

        Args:
            generators: one per replica of the stack; a single one for plain tensors.
            samples: N, training samples that will pass through in the epoch, in batches of any size.
        """
        for child in self.children():
            child.begin_epoch(generators, samples)

    def walk(self, name: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module and then all below it, depth first, with the names by which they are reached ("modules.0.")."""
        yield name, self
        for suffix, child in self.named_children():
            yield from child.walk(f"{name}{suffix}.")

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Modules in attributes, or in a list or dictionary in an attribute, by name, in the order of assignment."""
        for attribute, value in vars(self).items():
            for suffix, item in _items(value):
                if isinstance(item, Module):
                    yield f"{attribute}{suffix}", item

    def children(self) -> Iterator["Module"]:
        """The modules of `named_children`, without their names."""
        return (child for _, child in self.named_children())

    def named_state(self) -> dict[str, Buffer]:
        """All parameters and buffers by name, this module's own first, then its children's; a shared one once."""
        names: dict[Buffer, str] = {}
        for name, module in self.walk():
            for attribute, value in vars(module).items():
                if isinstance(value, Buffer):
                    names.setdefault(value, name + attribute)
        return {name: buffer for buffer, name in names.items()}

    def parameters(self) -> list[Parameter]:
        """All parameters, this module's own first, then its children's in order; a shared one once."""
        return [buffer for buffer in self.named_state().values() if isinstance(buffer, Parameter)]

    def buffers(self) -> list[Buffer]:
        """All that is kept but not trained, in the same order."""
        return [buffer for buffer in self.named_state().values() if not isinstance(buffer, Parameter)]

    def initialize(
        self,
        generators: Generator | Sequence[Generator],
        initializers: Initializer | Sequence[Initializer],
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        """Draws all parameters and sets all buffers to their start.

        Args:
            generators: a list gives stacked parameters, one replica per generator; a single one plain parameters.
                Generators are used parameter by parameter, so a replica's values depend on its own generator alone.
            initializers: one for all replicas, or one per replica.
            dtype: of the values; draws are made in float64 and rounded to it.
            device: where the values are put; generators are the CPU's, so draws are the same for every device.

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
        """A module with the same parameters and buffers, but a forward cache and noise of its own."""
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
        """Keeps the replicas whose indices are given in all buffers; the parameters are the optimizer's to select.

        Use `framework.select`, which does both.
        """
        for buffer in self.buffers():
            buffer.select(replicas)

    def state_dict(self) -> dict[str, Tensor]:
        """A copy of all parameters and buffers, by name. Caches and an epoch's noise are not part of it."""
        return {name: buffer.value.clone() for name, buffer in self.named_state().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the values that `state_dict` gave.

        Raises:
            ValueError: names, shapes (replicas included) or dtypes differ; nothing is changed then.
        """
        buffers = self.named_state()
        check(type(self).__name__, {name: buffer.value for name, buffer in buffers.items()}, state)
        for name, buffer in buffers.items():
            buffer.value.copy_(state[name])


def distinct(modules: Iterable[Module]) -> list[Module]:
    """The modules, where one that occurred before (or holds one that did) is replaced by a tied copy."""
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
