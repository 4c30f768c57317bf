"""Every module keeps the contract of framework/module.py, and the checks catch those that do not."""

import pytest
import torch
from torch import Tensor

from fairgrid import torch_peers as twins
from fairgrid.framework import Linear, Module, MSELoss, ReLU, Sequential, Tanh
from tests.framework import checks
from tests.framework.tables import MODULES, Example, check_complete, rows

every_module = pytest.mark.parametrize(("kind", "example"), rows(MODULES))
plain_and_stacked = pytest.mark.parametrize("replicas", [None, checks.R], ids=["plain", "stacked"])


def test_every_module_has_an_example() -> None:
    check_complete(Module, MODULES, "MODULES")


@pytest.mark.parametrize(
    "spread", [lambda x: x, lambda x: x * (x > 0), lambda x: 300 * x], ids=["normal", "with_zeros", "large"]
)
@plain_and_stacked
@every_module
def test_agrees_with_autograd(kind, example, replicas, spread) -> None:
    module = checks.initialized(example, replicas)
    x, dy = checks.inputs(module, example, replicas)
    assert kind in {type(part) for part in checks.modules(module)}
    checks.check_twin(module, spread(x), dy)


@plain_and_stacked
@every_module
def test_gradients_are_slopes(kind, example, replicas) -> None:
    module = checks.initialized(example, replicas)
    checks.check_directional(module, *checks.inputs(module, example, replicas))


@plain_and_stacked
@every_module
def test_gradients_accumulate(kind, example, replicas) -> None:
    module = checks.initialized(example, replicas)
    checks.check_accumulates(module, *checks.inputs(module, example, replicas), example.samplewise)


@plain_and_stacked
@every_module
def test_leaves_what_it_was_given_alone(kind, example, replicas) -> None:
    module = checks.initialized(example, replicas)
    checks.check_leaves_alone(module, *checks.inputs(module, example, replicas))


@plain_and_stacked
@every_module
def test_backward_needs_a_forward(kind, example, replicas) -> None:
    module = checks.initialized(example, replicas)
    checks.check_backward_needs_forward(module, *checks.inputs(module, example, replicas))


@every_module
def test_stacked_is_plain(kind, example) -> None:
    module = checks.initialized(example, checks.R)
    checks.check_stacked_is_plain(module, *checks.inputs(module, example, checks.R))


@every_module
def test_a_diverged_replica_leaves_its_neighbours_alone(kind, example) -> None:
    module = checks.initialized(example, checks.R)
    checks.check_neighbours(module, *checks.inputs(module, example, checks.R))


@plain_and_stacked
@every_module
def test_float32_stays_float32(kind, example, replicas) -> None:
    checks.check_dtype(example, replicas)


def test_a_plain_input_reaches_every_replica() -> None:
    stacked = checks.initialized(Example(lambda: Sequential(Linear(4, 3), Tanh(), Linear(3, 2))), checks.R)
    x, dy = checks.normal(checks.B, 4, seed=0), checks.normal(checks.R, checks.B, 2, seed=1)
    same = x.expand(checks.R, *x.shape).contiguous()
    checks.compare(checks.outcome(stacked, x, dy), checks.outcome(stacked, same, dy), "plain x", 0)


def test_a_shared_parameter_is_listed_once() -> None:
    layer = Linear(4, 4)
    assert Sequential(layer, Sequential(Tanh(), layer)).parameters() == [layer.weight, layer.bias]


class WrongSlope(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        return dy * (1 - self.saved_for_backward())


class BackwardInPlace(ReLU):
    def backward(self, dy: Tensor) -> Tensor:
        return dy.mul_(self.saved_for_backward().sign())


class ForwardInPlace(ReLU):
    def forward(self, x: Tensor) -> Tensor:
        self.cache = x.clamp_min_(0)
        return self.cache


class LosesNaN(ReLU):
    def forward(self, x: Tensor) -> Tensor:
        self.cache = torch.where(x > 0, x, 0.0)
        return self.cache


class Widens(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.double())


class Unguarded(Tanh):
    def saved_for_backward(self) -> Tensor:
        return self.cache


class Averages(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        self.weight.grad /= dy.shape[-2]
        return dx


class Overwrites(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        self.weight.grad.zero_()
        return super().backward(dy)


class ForgetsBias(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        before = self.bias.grad.clone()
        dx = super().backward(dy)
        self.bias.grad.copy_(before)
        return dx


class MixesReplicas(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (1e-9 * x.sum() if x.dim() == 3 else 0)


class MixesGradients(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        if dy.dim() == 3:
            self.bias.grad.copy_(self.bias.grad.mean(0, keepdim=True))
        return dx


def with_linear(layer: type[Linear]) -> Example:
    return Example(lambda: layer(4, 3))


FAULTY = [
    (checks.check_twin, Example(WrongSlope), Tanh, None),
    (checks.check_twin, with_linear(Averages), Linear, None),
    (checks.check_twin, with_linear(ForgetsBias), Linear, None),
    (checks.check_twin, with_linear(MixesReplicas), Linear, checks.R),
    (checks.check_twin, with_linear(MixesGradients), Linear, checks.R),
    (checks.check_directional, Example(WrongSlope), Tanh, None),
    (checks.check_directional, with_linear(Averages), Linear, checks.R),
    (checks.check_directional, with_linear(ForgetsBias), Linear, None),
    (checks.check_accumulates, with_linear(Overwrites), Linear, checks.R),
    (checks.check_accumulates, with_linear(Averages), Linear, None),
    (checks.check_leaves_alone, Example(BackwardInPlace), ReLU, None),
    (checks.check_leaves_alone, Example(ForwardInPlace), ReLU, checks.R),
    (checks.check_backward_needs_forward, Example(Unguarded), Tanh, None),
    (checks.check_stacked_is_plain, with_linear(MixesReplicas), Linear, checks.R),
    (checks.check_stacked_is_plain, with_linear(MixesGradients), Linear, checks.R),
    (checks.check_neighbours, with_linear(MixesReplicas), Linear, checks.R),
    (checks.check_neighbours, Example(LosesNaN), ReLU, checks.R),
]


@pytest.mark.parametrize(("check", "example", "model", "replicas"), FAULTY)
def test_a_faulty_module_is_caught(monkeypatch, check, example, model, replicas) -> None:
    module = checks.initialized(example, replicas)
    monkeypatch.setitem(twins.MODULES, type(module), twins.MODULES[model])
    monkeypatch.setitem(twins.PARAMETERS, type(module), twins.PARAMETERS.get(model, []))
    x, dy = checks.inputs(module, example, replicas)
    fresh = checks.normal(*x.shape, seed=1)  # ForwardInPlace has changed x already
    with pytest.raises(AssertionError):
        check(module, fresh, dy)


def test_a_module_that_changes_the_dtype_is_caught() -> None:
    with pytest.raises(AssertionError):
        checks.check_dtype(Example(Widens), None)


def test_the_earlier_name_of_saved_for_backward_still_works() -> None:
    for part in (Tanh(), MSELoss()):
        with pytest.raises(ValueError, match=rf"^{type(part).__name__}.backward needs a forward before it$"):
            part.recall()
        part.cache = torch.ones(1)
        assert part.recall() is part.saved_for_backward() is part.cache
