"""Dropout: its distribution, its epochs, and that a mask belongs to its replica alone."""

import math

import pytest
import torch
from torch import Tensor

from fairgrid.framework import Dropout, Linear, Sequential, Tanh, pytorch_uniform
from fairgrid.framework.testing.clauses import generator, normal
from tests.framework.checks import same_bits


def masks(layer: Dropout, seeds: list[int], sizes: list[int], features: tuple[int, ...] = (4,)) -> Tensor:
    """The masks of an epoch, (R, N, ...)."""
    layer.begin_epoch([generator(seed) for seed in seeds], sum(sizes))
    return torch.cat([layer.forward(torch.ones(len(seeds), size, *features)) for size in sizes], 1)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_elements_are_dropped_at_the_rate_and_the_mean_stays(rate) -> None:
    found = masks(Dropout(rate), [0, 1], [5000], (10,))
    count = found.numel()
    dropped = found.eq(0).sum().item()
    assert abs(dropped - rate * count) <= 5 * math.sqrt(count * rate * (1 - rate))
    torch.testing.assert_close(found[found != 0], torch.full((count - dropped,), 1 / (1 - rate)))


def test_a_rate_of_zero_is_the_identity_and_draws_nothing() -> None:
    layer = Dropout(0.0)
    stream = generator(0)
    before = stream.get_state()
    layer.begin_epoch(stream, 6)
    x = normal(6, 4, seed=0)
    assert layer.forward(x) is x
    same_bits(layer.backward(x), x, "the gradient")
    assert torch.equal(stream.get_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_rate_of_nearly_one_stays_finite(dtype) -> None:
    layer = Dropout(1 - 1e-7)
    layer.begin_epoch([generator(0), generator(1)], 100)
    x = normal(2, 100, 50, seed=0, dtype=dtype)
    y = layer.forward(x)
    assert y.isfinite().all()
    assert y.dtype == dtype
    assert (y == 0).sum() >= y.numel() - 5


def test_evaluation_is_the_identity_and_takes_no_masks() -> None:
    layer = Dropout(0.5)
    x = torch.ones(2, 3, 4)
    expected = masks(layer, [0, 1], [3, 3])
    layer.begin_epoch([generator(0), generator(1)], 6)
    first = layer.forward(x)
    layer.train(False)
    assert layer.forward(x) is x
    same_bits(layer.backward(x), x, "the gradient in evaluation")
    layer.train(True)
    same_bits(torch.cat([first, layer.forward(x)], 1), expected, "the masks around an evaluation")


def test_masks_do_not_depend_on_the_batch_size_the_dtype_or_the_layer_before() -> None:
    expected = masks(Dropout(0.3), [0, 1], [10])
    for sizes in ([1] * 10, [4, 4, 2]):
        same_bits(masks(Dropout(0.3), [0, 1], sizes), expected, f"batches of {sizes}")
    layer = Dropout(0.3)
    layer.begin_epoch([generator(0), generator(1)], 10)
    double = layer.forward(torch.ones(2, 10, 4, dtype=torch.float64))
    assert torch.equal(double != 0, expected != 0)


def test_masks_do_not_depend_on_the_stack() -> None:
    whole = masks(Dropout(0.3), list(range(64)), [7, 3])
    for seeds in ([0, 1], [63, 5], [31, 2, 17]):
        same_bits(masks(Dropout(0.3), seeds, [7, 3]), whole[seeds], f"replicas {seeds}")
    plain = Dropout(0.3)
    plain.begin_epoch(generator(5), 10)
    same_bits(plain.forward(torch.ones(10, 4)), whole[5], "a replica alone")


def test_a_generator_that_occurs_twice_draws_once() -> None:
    """A lone run trains beside a copy of itself, and must find its generator where it would be without."""
    shared, alone = generator(0), generator(0)
    layer = Dropout(0.5)
    for _ in range(2):
        layer.begin_epoch([shared, shared], 6)
        found = layer.forward(torch.ones(2, 6, 4))
        layer.begin_epoch([alone, generator(9)], 6)
        expected = layer.forward(torch.ones(2, 6, 4))
        same_bits(found, expected[[0, 0]], "the masks")


def test_epochs_and_layers_have_masks_of_their_own() -> None:
    model = Sequential(Dropout(0.5), Dropout(0.5))
    streams = [generator(0), generator(1)]
    found = []
    for _ in range(2):
        model.begin_epoch(streams, 20)
        found += [module.forward(torch.ones(2, 20, 9)) for module in model.modules]
    for i, one in enumerate(found):
        assert not any(torch.equal(one, other) for other in found[:i])
    assert not torch.equal(found[0][0], found[0][1])


def test_a_twin_has_masks_of_its_own() -> None:
    layer = Dropout(0.5)
    model = Sequential(layer, layer)
    model.begin_epoch(generator(0), 20)
    x = torch.ones(20, 9)
    first, second = (module.forward(x) for module in model.modules)
    assert not torch.equal(first, second)


def test_training_with_dropout_does_not_depend_on_the_stack() -> None:
    def trained(seeds: list[int]) -> list[Tensor]:
        model = Sequential(Dropout(0.2), Linear(4, 9), Tanh(), Dropout(0.5), Linear(9, 1))
        model.initialize([generator(seed) for seed in seeds], pytorch_uniform)
        streams = [generator(100 + seed) for seed in seeds]
        x = torch.stack([normal(10, 4, seed=seed, dtype=torch.float32) for seed in seeds])
        for _ in range(3):
            model.begin_epoch(streams, 10)
            for batch in x.split(4, 1):
                model.backward(model.forward(batch))
                for parameter in model.parameters():
                    parameter.value -= 0.1 * parameter.grad
                    parameter.grad.zero_()
        return [parameter.value for parameter in model.parameters()]

    expected = trained(list(range(64)))
    for seeds in ([0, 1], [63, 5], [31, 2, 17]):
        for found, value in zip(trained(seeds), expected, strict=True):
            same_bits(found, value[seeds], f"a parameter of replicas {seeds}")
