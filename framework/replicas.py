"""How replicas leave a stack.

There is one way: `select(replicas, model, optimizer)`. Whatever keeps something per replica has a method `select` that
keeps the replicas whose indices are given, in that order, and each thing is kept by one owner: parameters, gradients,
moments and hyper-parameters by the optimizer, buffers by the model. What else a training loop keeps (a schedule, the
data, the generators) goes along. An index may occur twice: the second is a copy that trains beside the first.

Replicas leave between epochs, because the noise of an epoch was drawn for those who were there: `begin_epoch` comes
next.
"""

import copy
from typing import Protocol

from torch import Tensor

from fairgrid.framework.module import Module
from fairgrid.framework.optimizers import Optimizer


class Selectable(Protocol):
    """What keeps something per replica."""

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas whose indices are given, in that order."""


def select(replicas: Tensor, model: Module, optimizer: Optimizer, *others: Selectable) -> None:
    """Keeps the replicas whose indices are given, in that order, in everything that trains them.

    Shapes: replicas (K,), indices into R; stacks have K replicas afterwards.
    """
    parts: list[Selectable] = [model, optimizer, *others]
    for part in parts:
        part.select(replicas)


def replica_of(model: Module, replica: int) -> Module:
    """One replica as a plain model of its own, with copies of its parameters and buffers."""
    plain = copy.deepcopy(model)
    for buffer in plain.named_state().values():
        buffer.assign(buffer.value[replica].clone())
    return plain
