"""What every layer, activation and network is: forward, backward, parameters.

The contract of a module:
- `forward(x)` computes the output and leaves in `cache` what backward needs; it changes neither x nor the parameters.
- `backward(dy)` takes the gradient of a scalar with respect to the output of the last forward, adds the gradients of
  the parameters to their `grad`, and returns the gradient with respect to the input: the exact vector-Jacobian
  product, with no averaging (that happens in the loss alone). It does not change dy.
- Layers are written for trailing dimensions, so a leading replica dimension passes through.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from framework.initializers import Initializer
from framework.parameter import Parameter


class Module:
    """Base class of layers and networks.

    Attributes:
        cache: what the last forward left for backward; None before the first.
    """

    cache: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """The output for x, (B, D) or (R, B, D)."""
        raise NotImplementedError

    def backward(self, dy: Tensor) -> Tensor:
        """Adds to the parameters' gradients and returns the gradient with respect to the last x."""
        raise NotImplementedError

    def recall(self) -> Any:
        """The cache of the last forward.

        Raises:
            ValueError: there was no forward.
        """
        if self.cache is None:
            raise ValueError(f"{type(self).__name__}.backward needs a forward before it")
        return self.cache

    def children(self) -> Iterator["Module"]:
        """Modules held in attributes, or in a list in an attribute, in the order of assignment."""
        for held in vars(self).values():
            for item in held if isinstance(held, list) else [held]:
                if isinstance(item, Module):
                    yield item

    def parameters(self) -> list[Parameter]:
        """All parameters, this module's own first, then its children's in order; a shared one once."""
        own = [held for held in vars(self).values() if isinstance(held, Parameter)]
        nested = [parameter for child in self.children() for parameter in child.parameters()]
        return list(dict.fromkeys(own + nested))

    def initialize(
        self,
        generators: Generator | Sequence[Generator],
        initializers: Initializer | Sequence[Initializer],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Draws all parameters.

        Args:
            generators: a list gives stacked parameters, one replica per generator; a single one plain parameters.
                Generators are used parameter by parameter, so a replica's values depend on its own generator alone.
            initializers: one for all replicas, or one per replica.
            dtype: of the values; draws are made in float64 and rounded to it.

        Raises:
            ValueError: the numbers of generators and initializers differ.
        """
        if isinstance(generators, Generator):
            if not isinstance(initializers, Initializer):
                raise ValueError("a single generator takes a single initializer, found a list")
            for parameter in self.parameters():
                parameter.assign(initializers(parameter, generators).to(dtype))
            return
        schemes = [initializers] * len(generators) if isinstance(initializers, Initializer) else list(initializers)
        if len(schemes) != len(generators):
            raise ValueError(f"one initializer per generator is needed, found {len(schemes)} for {len(generators)}")
        for parameter in self.parameters():
            drawn = [scheme(parameter, generator) for scheme, generator in zip(schemes, generators, strict=True)]
            parameter.assign(torch.stack(drawn).to(dtype))
