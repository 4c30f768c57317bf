"""Random streams of a stack: one generator per replica, or one for plain tensors."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


class Streams:
    """Generators that follow their replicas.

    Args:
        generators: one per replica, or a single one for plain tensors.

    Attributes:
        generators: as given, for those who are still there.
    """

    def __init__(self, generators: Generator | Sequence[Generator]) -> None:
        self.generators = generators if isinstance(generators, Generator) else list(generators)

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas whose indices are given, in that order; one that occurs twice draws the same twice."""
        if isinstance(self.generators, Generator):
            return
        places, own = replicas.tolist(), self.generators
        # a copy of a replica draws from a copy of its generator
        self.generators = [
            Generator().set_state(own[place].get_state()) if place in places[:number] else own[place]
            for number, place in enumerate(places)
        ]

    def permutations(self, samples: int) -> Tensor:
        """One draw per replica: an order of N samples, (R, N) or (N,)."""
        if isinstance(self.generators, Generator):
            return torch.randperm(samples, generator=self.generators)
        return torch.stack([torch.randperm(samples, generator=generator) for generator in self.generators])
