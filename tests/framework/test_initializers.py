"""Every initializer draws what torch.nn.init draws, once per parameter, from its own generator."""

import pytest
import torch
from scipy.stats import ks_2samp
from torch.utils._python_dispatch import TorchDispatchMode

from fairgrid.framework import Initializer, Linear, Parameter, Sequential, XavierNormal, kaiming_normal, pytorch_uniform
from fairgrid.framework.testing import check_initializer
from fairgrid.framework.testing.clauses import generator
from tests.framework.checks import same_bits
from tests.framework.tables import INITIALIZERS, check_complete, rows

every_initializer = pytest.mark.parametrize(("kind", "example"), rows(INITIALIZERS))
D, C = 400, 300


class CountDraws(TorchDispatchMode):
    """Notes the shape of every random draw."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if torch.Tag.nondeterministic_seeded in function.tags:
            self.shapes.append(tuple(result.shape))
        return result


def test_every_initializer_has_an_example() -> None:
    check_complete(Initializer, INITIALIZERS, "INITIALIZERS")


@every_initializer
def test_keeps_the_contract(kind, example) -> None:
    check_initializer(example[0])


@every_initializer
def test_weights_are_distributed_as_torchs(kind, example) -> None:
    initializer, reference = example
    assert type(initializer) is kind
    drawn = initializer(Linear(D, C).weight, generator(0))
    assert (drawn.shape, drawn.dtype) == ((D, C), torch.float64)
    if reference is None:
        assert drawn.eq(initializer.value).all()
        return
    torch.manual_seed(1)
    expected = torch.empty(C, D, dtype=torch.float64)
    with torch.no_grad():
        reference(expected)
    assert ks_2samp(drawn.flatten(), expected.flatten()).pvalue > 0.01
    assert drawn.std() / expected.std() == pytest.approx(1, abs=0.01)
    assert abs(drawn.mean()) < 5 * drawn.std() / drawn.numel() ** 0.5
    if expected.abs().max() < 2 * expected.std():  # a uniform distribution ends there, at both sides
        for end in (drawn.max(), -drawn.min()):
            assert end / expected.abs().max() == pytest.approx(1, abs=1e-4)


def test_pytorchs_biases_are_distributed_as_torchs() -> None:
    drawn = pytorch_uniform(Linear(7, 100_000).bias, generator(0))
    torch.manual_seed(1)
    assert ks_2samp(drawn.flatten(), torch.nn.Linear(7, 100_000).bias.detach()).pvalue > 0.01


@every_initializer
@pytest.mark.parametrize("mode", ["same", "zeros"])
def test_biases_are_drawn_as_weights_or_zero(kind, example, mode) -> None:
    initializer = kind(**vars(example[0]) | {"bias": mode})
    bias = Linear(D, 1000).bias
    drawn = initializer(bias, generator(0))
    assert drawn.shape == (1, 1000)
    if mode == "zeros":
        assert drawn.eq(0).all()
    else:
        like_a_weight = Parameter((1, 1000), fan_in=D, fan_out=1000)
        same_bits(drawn, initializer(like_a_weight, generator(0)), "a bias drawn as a weight")


@every_initializer
def test_a_parameter_is_one_draw_of_its_shape(kind, example) -> None:
    initializer, reference = example
    model = Sequential(Linear(3, 4), Linear(4, 2))
    expected = [
        parameter.shape
        for parameter in model.parameters()
        if reference is not None and (parameter.role == "weight" or initializer.bias == "same")
    ]
    with CountDraws() as draws:
        model.initialize(generator(0), initializer)
    assert draws.shapes == expected


@every_initializer
def test_a_replica_depends_on_its_own_generator_alone(kind, example) -> None:
    def drawn(seeds, initializers=example[0]):
        model = Sequential(Linear(3, 4), Linear(4, 2))
        model.initialize([generator(s) for s in seeds] if isinstance(seeds, list) else generator(seeds), initializers)
        return [parameter.value for parameter in model.parameters()]

    alone = drawn(5)
    others = [XavierNormal(gain=2.0, bias="same"), kaiming_normal]
    for company, place in [
        (drawn([5, 6]), 0),
        (drawn([1, 2, 5, 3]), 2),
        (drawn([1, 5, 2], [others[0], example[0], others[1]]), 1),
    ]:
        for together, single in zip(company, alone, strict=True):
            same_bits(together[place], single, "a replica in company")


@every_initializer
def test_float32_is_float64_rounded(kind, example) -> None:
    for seeds in ([0, 1], None):
        models = []
        for dtype in (torch.float32, torch.float64):
            model = Linear(30, 20)
            model.initialize([generator(s) for s in seeds] if seeds else generator(2), example[0], dtype)
            models.append(model)
        for single, double in zip(*(model.parameters() for model in models), strict=True):
            assert (single.value.dtype, double.value.dtype) == (torch.float32, torch.float64)
            same_bits(single.value, double.value.float(), "float32")
        weight = models[1].weight.value
        if example[1] is not None:
            assert weight.ne(weight.float()).any(), "the float64 draw was rounded"


@every_initializer
def test_a_fixed_parameter_keeps_its_start(kind, example) -> None:
    with CountDraws() as draws:
        drawn = example[0](Parameter((2, 3), role="fixed", start=1.5), generator(0))
    assert drawn.shape == (2, 3)
    assert drawn.eq(1.5).all()
    assert not draws.shapes


def test_initializing_clears_gradients() -> None:
    layer = Linear(2, 2)
    layer.weight.grad += 1
    layer.initialize([generator(0), generator(1)], pytorch_uniform)
    assert layer.weight.grad.shape == layer.weight.value.shape == (2, 2, 2)
    assert layer.weight.grad.eq(0).all()
