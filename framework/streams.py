"""Random streams of a stack: one generator per replica, or one for plain tensors."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


class Streams:
    """Generators that are selected along with their replicas.

    Args:
        generators: one per replica, or a single one for plain tensors.

    Attributes:
        generators: the generators of the remaining replicas.
    """

    def __init__(self, generators: Generator | Sequence[Generator]) -> None:
        self.generators = generators if isinstance(generators, Generator) else list(generators)

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order; copies of one replica draw the same numbers."""
        if isinstance(self.generators, Generator):
            return
        places, own = replicas.tolist(), self.generators
        # a copied replica draws from a copy of its generator
        self.generators = [
            Generator().set_state(own[place].get_state()) if place in places[:number] else own[place]
            for number, place in enumerate(places)
        ]

    def permutations(self, samples: int) -> Tensor:
        """Draws an order of N samples for each replica, (R, N) or (N,)."""
        if isinstance(self.generators, Generator):
            return torch.randperm(samples, generator=self.generators)
        return torch.stack([torch.randperm(samples, generator=generator) for generator in self.generators])
