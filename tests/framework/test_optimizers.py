"""Every optimizer keeps its contract and follows torch.optim."""

import pytest
import torch
from torch import Tensor

from fairgrid import torch_peers as twins
from fairgrid.framework import SGD, Adam, Optimizer, Parameter
from fairgrid.framework.testing import check_optimizer
from tests.framework import checks
from tests.framework.tables import OPTIMIZERS, SOLVES, check_complete, rows

every_optimizer = pytest.mark.parametrize(("kind", "config"), rows(OPTIMIZERS))


def test_every_optimizer_has_an_example() -> None:
    check_complete(Optimizer, OPTIMIZERS, "OPTIMIZERS")
    check_complete(Optimizer, SOLVES, "SOLVES")


@pytest.mark.parametrize("replica", range(checks.R))
@every_optimizer
def test_plain_agrees_with_torch(kind, config, replica) -> None:
    checks.check_optimizer_twin(kind, config, replica)


@every_optimizer
def test_stacked_agrees_with_torch(kind, config) -> None:
    checks.check_optimizer_twin(kind, config, None)


@every_optimizer
def test_keeps_the_contract(kind, config) -> None:
    varied = {name: value for name, value in config.items() if isinstance(value, tuple)}
    check_optimizer(lambda parameters: kind(parameters, **checks.of(config, 0)), varied or None)


@every_optimizer
def test_an_infinite_replica_stays_infinite_or_nan(kind, config) -> None:
    parameters = checks.problem(checks.R, torch.float32)
    for parameter in parameters:
        parameter.value[1] = torch.inf
    optimizer = kind(parameters, **checks.of_stack(config, [0, 1, 2]))
    for step in range(10):
        optimizer.zero_grad()
        for place, parameter in enumerate(parameters):
            parameter.grad += torch.stack([checks.pull(parameter.value[r], place, step, r) for r in range(checks.R)])
        optimizer.step()
    assert not any(parameter.value[1].isfinite().any() for parameter in parameters)


def parabola(point: Tensor) -> Tensor:
    return (point - torch.tensor([[1.0, -2.0]])).square().sum() * 10


def rosenbrock(point: Tensor) -> Tensor:
    x, y = point[..., 0], point[..., 1]
    return ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum()


@pytest.mark.parametrize(("function", "minimum"), [(parabola, (1.0, -2.0)), (rosenbrock, (1.0, 1.0))])
@pytest.mark.parametrize(("kind", "config"), rows(SOLVES))
def test_finds_a_minimum(kind, config, function, minimum) -> None:
    point = Parameter((1, 2))
    point.assign(torch.tensor([[[-0.5, 1.0]], [[0.0, 0.0]]]))
    optimizer = kind([point], **config)
    for _ in range(5000):
        optimizer.zero_grad()
        at = point.value.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(at), at)
        point.grad += gradient
        optimizer.step()
    torch.testing.assert_close(point.value, torch.tensor(minimum).expand(2, 1, 2), atol=0.05, rtol=0)


@pytest.mark.parametrize("replicas", [None, 3], ids=["plain", "stacked"])
def test_parameters_and_gradients_are_views_of_the_flat_buffers(replicas) -> None:
    parameters = checks.problem(replicas)
    before = [parameter.value.clone() for parameter in parameters]
    for parameter in parameters:
        parameter.grad += 1
    optimizer = SGD(parameters, learning_rate=0.1)
    for parameter, value in zip(parameters, before, strict=True):
        checks.same_bits(parameter.value, value, "a parameter moved into the flat buffer")
        assert parameter.grad.eq(1).all(), "a gradient was lost on the way into the flat buffer"
        assert parameter.value.is_contiguous()
        assert parameter.value.data_ptr() % 64 == optimizer.value.data_ptr() % 64
    optimizer.zero_grad()
    assert all(parameter.grad.eq(0).all() for parameter in parameters)
    parameters[0].value.fill_(7)
    assert optimizer.value.eq(7).sum() == parameters[0].value.numel()


def test_a_learning_rate_can_be_read_back() -> None:
    optimizer = Adam(checks.problem(2), learning_rate=[0.1, 0.2])
    assert optimizer.get("learning_rate").tolist() == [0.1, 0.2]
    optimizer.set("learning_rate", 0.5)
    assert optimizer.get("learning_rate").item() == 0.5


@pytest.mark.parametrize("name", ["momentum", "weight_decay"])
def test_what_was_zero_can_be_set_later(name) -> None:
    parameters = checks.problem(2)
    leaves = [torch.nn.Parameter(parameter.value.clone()) for parameter in parameters]
    optimizer = SGD(parameters, learning_rate=0.1)
    peer = torch.optim.SGD(leaves, lr=0.1)
    for step in range(6):
        if step == 3:
            optimizer.set(name, 0.5)
            peer.param_groups[0][name] = 0.5
        optimizer.zero_grad()
        for parameter, leaf in zip(parameters, leaves, strict=True):
            parameter.grad += parameter.value.cos()
            leaf.grad = leaf.detach().cos()
        optimizer.step()
        peer.step()
    for parameter, leaf in zip(parameters, leaves, strict=True):
        checks.close(parameter.value, leaf.detach(), "a parameter")


class MomentumInsideTheRate(SGD):
    """v ← ρv + αg, p ← p − v: equal to torch's as long as α stays as it is."""

    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        velocity = named["velocity"].mul_(named["momentum"]).add_(named["learning_rate"] * grad)
        value.sub_(velocity)


class ForgetsDecay(SGD):
    def used(self, name: str) -> bool:
        return name != "weight_decay" and super().used(name)


class OneRateForAll(SGD):
    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        named["learning_rate"] = named["learning_rate"][0].expand_as(value)
        super().update(value, grad, **named)


class Uncorrected(Adam):
    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        mean = named["mean"].lerp_(grad, 1 - self.beta1)
        square = named["square"].lerp_(grad * grad, 1 - self.beta2)
        value.sub_(named["learning_rate"] * mean / (square.sqrt() + self.epsilon))


MOMENTUM = {"learning_rate": (0.1, 0.03, 0.01), "momentum": 0.9}


@pytest.mark.parametrize(
    ("model", "kind", "config"),
    [
        (SGD, MomentumInsideTheRate, MOMENTUM),
        (SGD, ForgetsDecay, {"learning_rate": 0.1, "weight_decay": 0.1}),
        (SGD, OneRateForAll, MOMENTUM),
        (Adam, Uncorrected, {"learning_rate": 0.1}),
    ],
)
def test_a_faulty_optimizer_is_caught(monkeypatch, model, kind, config) -> None:
    monkeypatch.setitem(twins.OPTIMIZERS, kind, twins.OPTIMIZERS[model])
    with pytest.raises(AssertionError, match=r"off by"):
        checks.check_optimizer_twin(kind, config, None)
