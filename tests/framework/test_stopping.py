"""Early stopping is what a plain loop over one run's losses does, for every replica of a stack on its own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fairgrid.framework import BatchNorm, EarlyStopping, Linear, Module, Sequential, pytorch_uniform
from fairgrid.framework.testing.clauses import generator
from tests.framework.checks import same_bits

LOSS = st.sampled_from([0.5, 1.0, 1.0 - 1e-12, 2.0, 3.0, -1.0, math.nan, math.inf])


def plain_loop(losses: list[float], patience: int) -> tuple[int, int]:
    """The epoch of the end, and the one whose parameters are the best: the first one where none is."""
    best, best_epoch, since = math.inf, 1, 0
    for epoch, loss in enumerate(losses, 1):
        since += 1
        if loss < best:
            best, best_epoch, since = loss, epoch, 0
        if since == patience:
            return epoch, best_epoch
    return len(losses), best_epoch


def network(replicas: int | None) -> Module:
    model = Sequential(Linear(2, 3), BatchNorm(3))
    streams = generator(0) if replicas is None else [generator(r) for r in range(replicas)]
    model.initialize(streams, pytorch_uniform)
    return model


def mark(model: Module, epoch: int) -> None:
    """A state by which the epoch is known, and in a stack the replica."""
    for held in model.named_state().values():
        held.value.fill_(epoch)


@settings(max_examples=60, derandomize=True)
@given(losses=st.lists(LOSS, min_size=1, max_size=12), patience=st.integers(1, 4))
def test_a_plain_model_stops_and_returns_as_a_plain_loop_would(losses: list[float], patience: int) -> None:
    end, best = plain_loop(losses, patience)
    model, stopping = network(None), EarlyStopping(patience, restore_best=True)
    for epoch, loss in enumerate(losses, 1):
        mark(model, epoch)
        stops = stopping.step(torch.tensor(loss, dtype=torch.float64), model)
        assert stops.shape == ()
        if epoch == end:
            break
        assert not stops
    assert stops or end == len(losses)
    stopping.restore(model, torch.tensor(True))
    for name, held in model.named_state().items():
        assert held.value.eq(best).all(), name


@settings(max_examples=60, derandomize=True)
@given(
    losses=st.lists(st.lists(LOSS, min_size=10, max_size=10), min_size=2, max_size=5),
    patience=st.integers(1, 4),
    restore=st.booleans(),
)
def test_every_replica_stops_as_it_would_alone(losses: list[list[float]], patience: int, restore: bool) -> None:
    expected = [plain_loop(row, patience) for row in losses]
    model, stopping = network(len(losses)), EarlyStopping(patience, restore)
    watched = torch.tensor(losses, dtype=torch.float64)
    there = torch.arange(len(losses))
    for epoch in range(1, 11):
        mark(model, epoch)
        stops = stopping.step(watched[there, epoch - 1], model) | torch.tensor(epoch == 10)
        assert stops.tolist() == [expected[r][0] == epoch for r in there.tolist()]
        stopping.restore(model, stops)
        for place, r in enumerate(there.tolist()):
            marked = expected[r][1] if stops[place] and restore else epoch
            for name, held in model.named_state().items():
                assert held.value[place].eq(marked).all(), name
        staying = (~stops).nonzero().flatten()
        if not len(staying):
            break
        there = there[staying]
        for held in model.named_state().values():
            held.select(staying)
        stopping.select(staying)


def test_what_is_kept_is_a_copy_of_parameters_and_buffers() -> None:
    model, stopping = network(3), EarlyStopping(5, restore_best=True)
    before: dict[str, Tensor] = model.state_dict()
    stopping.step(torch.ones(3), model)
    for held in model.named_state().values():
        held.value.mul_(-3).add_(1)
    stopping.restore(model, torch.tensor([True, False, True]))
    for name, held in model.named_state().items():
        same_bits(held.value[[0, 2]], before[name][[0, 2]], name)
        same_bits(held.value[1], before[name][1] * -3 + 1, name)


@pytest.mark.parametrize("restore", [False, True])
def test_nothing_is_kept_that_nobody_asked_for(restore: bool) -> None:
    stopping = EarlyStopping(1, restore)
    stopping.step(torch.ones(2), network(2))
    assert bool(stopping.best_values) == restore
