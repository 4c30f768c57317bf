"""The removal of replicas from a stack.

`select(replicas, model, optimizer)` keeps the chosen replicas in every object that has state per replica. Each of these
has a method `select` for the state that it owns: the optimizer for parameters, gradients, moments and hyper-parameters,
the model for its buffers, and so on for a training loop's schedule, data and generators. An index may occur twice: the
second replica is a copy that trains along with the first.

Replicas leave between epochs, before `begin_epoch`, because the noise of an epoch is drawn for a fixed set of replicas.
"""

import copy
from typing import Protocol

from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.optimizers import Optimizer


class Selectable(Protocol):
    """An object with state per replica."""

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order."""


def select(replicas: Tensor, model: Module, optimizer: Optimizer, *others: Selectable) -> None:
    """Keeps the replicas with the given indices, in that order, in all objects that train them.

    Shapes: replicas (K,), indices into R; afterwards stacks have K replicas.
    """
    parts: list[Selectable] = [model, optimizer, *others]
    for part in parts:
        part.select(replicas)


def replica_of(model: Module, replica: int) -> Module:
    """One replica as a separate plain model, with copies of its parameters and buffers."""
    plain = copy.deepcopy(model)
    for buffer in plain.named_state().values():
        buffer.assign(buffer.value[replica].clone())
    return plain
