"""What the tables of torch peers refuse."""

import re

import pytest
import torch

from fairgrid.framework import SGD, Linear, Loss, Module, Optimizer, Sequential, Tanh, pytorch_uniform
from fairgrid.framework.testing.clauses import generator
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer, parameters
from tests.framework.checks import problem


class Mine(Module):
    pass


class MyLoss(Loss):
    pass


class MyOptimizer(Optimizer):
    pass


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: module_peer(Sequential(Mine())),
            "Mine has no peer in torch: add one to MODULES in fairgrid/torch_peers.py",
        ),
        (
            lambda: loss_peer(MyLoss()),
            "MyLoss has no peer in torch: add one to LOSSES in fairgrid/torch_peers.py",
        ),
        (
            lambda: optimizer_peer(MyOptimizer(problem(None)), []),
            "MyOptimizer has no peer in torch: add one to OPTIMIZERS in fairgrid/torch_peers.py",
        ),
        (
            lambda: optimizer_peer(SGD(problem(2), [0.1, 0.2]), []),
            "torch.optim takes one learning_rate, found one per replica (2)",
        ),
    ],
)
def test_what_has_no_peer_is_named(call, message) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


def test_a_stack_has_no_peer() -> None:
    layer = Linear(2, 3)
    layer.initialize([generator(0), generator(1)], pytorch_uniform)
    with pytest.raises(ValueError, match=r"^module_peer takes plain parameters, found 2 replicas$"):
        module_peer(layer)


def test_a_shared_layer_is_shared_there() -> None:
    layer = Linear(3, 3)
    model = Sequential(layer, Tanh(), Sequential(layer))
    model.initialize(generator(0), pytorch_uniform, torch.float64)
    net = module_peer(model)
    assert len(list(net.parameters())) == len(parameters(model, net)) == 2
    assert net[0].weight is net[2][0].weight


def test_a_peer_has_copies_and_leaves_the_global_generator_alone() -> None:
    layer = Linear(2, 3)
    layer.initialize(generator(0), pytorch_uniform)
    before = torch.get_rng_state()
    net = module_peer(Sequential(layer))
    assert torch.equal(torch.get_rng_state(), before)
    weight, bias = parameters(Sequential(layer), net)
    assert (weight.ours, bias.ours) == (layer.weight, layer.bias)
    assert torch.equal(weight.value, layer.weight.value)
    assert weight.grad.eq(0).all()
    weight.value.zero_()
    assert net[0].weight.eq(0).all()
    assert layer.weight.value.ne(0).any()
