"""The data helpers have the properties that their names promise."""

import math

import numpy as np
import pytest
import torch

from fairgrid.framework import decide, error_rate, generate_disk, normalize, one_hot_encode, split_train_test
from fairgrid.framework.testing.clauses import generator, normal


def test_the_disk_covers_half_of_the_square() -> None:
    points, label = generate_disk(40_000, generator(0))
    assert points.shape == (40_000, 2)
    assert points.dtype == torch.float64
    assert 0 <= points.min() < 1e-3
    assert 1 - 1e-3 < points.max() < 1
    assert label.dtype == torch.int64
    assert label.unique().tolist() == [0, 1]
    assert label.double().mean().item() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(40_000))


@pytest.mark.parametrize(("center", "radius"), [((0.5, 0.5), 0.3), ((0.0, 0.0), 0.5), ((0.2, 0.9), 0.1)])
def test_a_point_is_of_class_1_within_the_radius(center: tuple[float, float], radius: float) -> None:
    points, label = generate_disk(500, generator(1), center, radius)
    for (x, y), inside in zip(points.tolist(), label.tolist(), strict=True):
        assert (math.dist((x, y), center) < radius) == bool(inside)
    assert 0 < label.sum() < 500


def test_the_disk_depends_on_the_generator_alone() -> None:
    first, again, other = (generate_disk(9, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("train_size", [0.8, 0.5, 0.05, 0.99])
@pytest.mark.parametrize("seed", [None, 0])
def test_a_split_keeps_every_sample_with_its_label(train_size: float, seed: int | None) -> None:
    x = torch.arange(60, dtype=torch.float64).view(20, 3) if train_size < 0.9 else normal(200, 3, seed=0)
    y = x.sum(-1)
    stream = None if seed is None else generator(seed)
    x_train, y_train, x_test, y_test = split_train_test(x, y, train_size, stream)
    assert len(x_train) == len(y_train) == round(train_size * len(x))
    assert torch.equal(x_train.sum(-1), y_train)
    assert torch.equal(x_test.sum(-1), y_test)
    joined = torch.cat([y_train, y_test])
    assert torch.equal(joined.sort().values, y.sort().values)
    assert torch.equal(joined, y) == (seed is None)


def test_normalizing_is_fitted_on_the_training_set() -> None:
    train, test = normal(50, 3, seed=0) * 4 + 7, normal(20, 3, seed=1)
    found, other = normalize(train, test)
    array = train.numpy()
    np.testing.assert_allclose(found.numpy().mean(0), 0, atol=1e-14)
    np.testing.assert_allclose(found.numpy().std(0, ddof=1), 1, rtol=1e-14)
    # the same map for both: it can be read off the training set and undone on the other
    slope = (found[1] - found[0]) / (train[1] - train[0])
    back = other / slope + torch.tensor(array.mean(0))
    torch.testing.assert_close(back, test, rtol=1e-12, atol=1e-12)


def test_normalizing_a_stack_is_normalizing_each_replica() -> None:
    train, test = normal(4, 50, 3, seed=0) * 4 + 7, normal(4, 20, 3, seed=1)
    found = normalize(train, test)
    for r in range(4):
        for stacked, alone in zip(found, normalize(train[r], test[r]), strict=True):
            torch.testing.assert_close(stacked[r], alone, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.3, 1e-30, 1e20])
def test_a_feature_without_variance_is_shifted_alone(value: float, dtype: torch.dtype) -> None:
    # the mean of equal values need not be their value, nor their deviation 0
    train = torch.stack([torch.full((1000,), value, dtype=dtype), normal(1000, seed=0, dtype=dtype)], -1)
    test = train[:2] + 1
    found, other = normalize(train, test)
    scale = max(abs(value), torch.finfo(dtype).tiny)
    # how a sum rounds depends on how many features lie beside each other
    for alone in (found[:, 0], *normalize(torch.full((1000, 1), value, dtype=dtype))):
        assert alone.abs().max().item() <= 1e-5 * scale
    torch.testing.assert_close(other[:, 0], test[:, 0] - value, rtol=0, atol=1e-5 * max(scale, 1))
    assert found[:, 1].std().item() == pytest.approx(1, rel=1e-5)


def test_normalizing_leaves_what_it_was_given() -> None:
    train = normal(9, 2, seed=0)
    before = train.clone()
    normalize(train, train)
    assert torch.equal(train, before)


def test_one_hot_rows_are_of_the_identity() -> None:
    label = torch.tensor([[2, 0], [1, 1]])
    found = one_hot_encode(label, 4)
    assert found.dtype == torch.float64
    np.testing.assert_array_equal(found.numpy(), np.eye(4)[label.numpy()])
    assert torch.equal(decide(found), label)
    assert one_hot_encode(torch.empty(0, dtype=torch.int64), 2).shape == (0, 2)


def test_classes_are_decided_and_counted() -> None:
    assert decide(torch.tensor([[0.1, 0.5, 0.5], [2.0, -1.0, 0.0]])).tolist() == [1, 0]
    assert decide(torch.tensor([[0.2], [0.0], [-1.0]])).tolist() == [1, 0, 0]
    prediction, label = normal(3, 50, 4, seed=0), torch.randint(4, (3, 50), generator=generator(1))
    expected = (prediction.numpy().argmax(-1) != label.numpy()).mean(-1)
    np.testing.assert_allclose(error_rate(prediction, label).numpy(), expected, rtol=1e-15)
    assert error_rate(prediction[0], label[0]).item() == pytest.approx(expected[0])
