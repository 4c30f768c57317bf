"""Every module keeps the contract of framework/module.py and agrees with its peer in torch."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fairgrid import torch_peers as twins
from fairgrid.framework import Linear, Module, MSELoss, Sequential, Tanh, activations
from fairgrid.framework.testing import check_activation, check_layer
from fairgrid.framework.testing.clauses import normal, require_same_bits
from tests.framework import checks
from tests.framework.mutants import ForgetsBias, MixesGradients, MixesReplicas, WrongSlope
from tests.framework.tables import MODULES, Example, check_complete, rows

every_module = pytest.mark.parametrize(("kind", "example"), rows(MODULES))
plain_and_stacked = pytest.mark.parametrize("replicas", [None, checks.R], ids=["plain", "stacked"])
BATCHES = (1, 2, 3, 10, 100)


def test_every_module_has_an_example() -> None:
    check_complete(Module, MODULES, "MODULES")


@every_module
def test_keeps_the_contract(kind, example) -> None:
    assert kind in {type(part) for _, part in example.make().walk()}
    sizes = [size for size in BATCHES if size >= example.smallest]
    check_layer(example.make, example.features, batches=sizes, samplewise=example.samplewise)


@pytest.mark.parametrize("kind", [kind for kind in MODULES if kind.__module__ == activations.__name__])
def test_an_activation_keeps_the_shape_too(kind) -> None:
    check_activation(kind)


@pytest.mark.parametrize(
    "spread", [lambda x: x, lambda x: x * (x > 0), lambda x: 300 * x], ids=["normal", "with_zeros", "large"]
)
@plain_and_stacked
@every_module
def test_agrees_with_autograd(kind, example, replicas, spread) -> None:
    trial = checks.trial(example, replicas)
    checks.check_twin(replace(trial, x=spread(trial.x)))


@every_module
def test_a_diverged_replica_has_no_number_left(kind, example) -> None:
    trial = checks.trial(example, checks.R)
    trial.spoil(1, float("nan"))
    assert all(output[1].isnan().all() for output in trial.outputs())


def test_a_plain_input_reaches_every_replica() -> None:
    stacked = checks.trial(Example(lambda: Sequential(Linear(4, 3), Tanh(), Linear(3, 2))), checks.R)
    x = normal(checks.B, 4, seed=0)
    same = replace(stacked, x=x.expand(checks.R, *x.shape).contiguous())
    require_same_bits(replace(stacked, x=x).outcome(), same.outcome(), "a plain x")


def test_a_shared_parameter_is_listed_once() -> None:
    layer = Linear(4, 4)
    assert Sequential(layer, Sequential(Tanh(), layer)).parameters() == [layer.weight, layer.bias]


class Averages(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        self.weight.grad /= dy.shape[-2]
        return dx


@pytest.mark.parametrize(
    ("example", "model", "replicas"),
    [
        (Example(WrongSlope), Tanh, None),
        *((Example(lambda layer=layer: layer(4, 3)), Linear, None) for layer in (Averages, ForgetsBias)),
        *((Example(lambda layer=layer: layer(4, 3)), Linear, checks.R) for layer in (MixesReplicas, MixesGradients)),
    ],
)
def test_a_module_that_disagrees_with_its_peer_is_caught(monkeypatch, example, model, replicas) -> None:
    trial = checks.trial(example, replicas)
    monkeypatch.setitem(twins.MODULES, type(trial.module), twins.MODULES[model])
    monkeypatch.setitem(twins.PARAMETERS, type(trial.module), twins.PARAMETERS.get(model, []))
    with pytest.raises(AssertionError, match="is off by"):
        checks.check_twin(trial)


def test_the_earlier_name_of_saved_for_backward_still_works() -> None:
    for part in (Tanh(), MSELoss()):
        with pytest.raises(ValueError, match=rf"^{type(part).__name__}.backward needs a forward before it$"):
            part.recall()
        part.cache = torch.ones(1)
        assert part.recall() is part.saved_for_backward() is part.cache
