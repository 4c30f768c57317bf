"""The disk problem, against plain numpy."""

import math
from typing import Any

import numpy as np
import pytest

from fairgrid.experiments.problems import Disk, Samples

MANY = 200_000
PARTS = ("train", "validation", "test")


def arrays(samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return samples.x.numpy(), samples.target.numpy(), samples.label.numpy()


@pytest.mark.parametrize("options", [{}, {"center": (0.2, 0.7), "radius": 0.3}, {"center": (0.0, 0.0)}])
def test_label_says_whether_a_point_is_inside(options: dict[str, Any]) -> None:
    disk = Disk(train=500, test=300, validation=200, **options)
    data = disk.sample(3)
    for part, count in (("train", 500), ("validation", 200), ("test", 300)):
        x, _, label = arrays(getattr(data, part))
        assert x.shape == (count, 2)
        assert x.dtype == np.float64
        assert ((x >= 0) & (x < 1)).all()
        away = np.hypot(*(x - np.array(disk.center)).T)
        assert (label == (away < disk.radius)).all()
        assert 0 < label.mean() < 1


@pytest.mark.parametrize(
    ("options", "area"),
    [
        ({}, 1 / 2),
        ({"radius": 0.25}, math.pi / 16),
        ({"center": (0.0, 0.0)}, 1 / 8),  # a quarter of a disk of area 1/2
        ({"center": (0.5, 0.0)}, 1 / 4),
        ({"radius": 2.0}, 1.0),
    ],
)
def test_class_1_covers_the_area_of_the_disk(options: dict[str, Any], area: float) -> None:
    label = Disk(train=MANY, test=1, validation=0, **options).sample(0).train.label.numpy()
    assert label.mean() == pytest.approx(area, abs=5 * math.sqrt(area * (1 - area) / MANY) + 1e-12)


def test_points_are_uniform_over_the_square() -> None:
    x = Disk(train=MANY, test=1, validation=0).sample(0).train.x.numpy()
    counts, _, _ = np.histogram2d(*x.T, bins=10, range=[[0, 1], [0, 1]])
    assert abs(counts - MANY / 100).max() < 6 * math.sqrt(MANY / 100)


@pytest.mark.parametrize(
    ("encoding", "outside", "inside"),
    [("one_hot", [1.0, 0.0], [0.0, 1.0]), ("soft", [0.8, 0.2], [0.2, 0.8]), ("signed", [-1.0], [1.0])],
)
def test_target_encodes_the_label(encoding: Any, outside: list[float], inside: list[float]) -> None:
    disk = Disk(train=100, test=50, validation=10, encoding=encoding)
    data = disk.sample(1)
    assert disk.outputs == len(inside)
    for part in PARTS:
        _, target, label = arrays(getattr(data, part))
        assert target.dtype == np.float64
        np.testing.assert_allclose(target, np.where(label[:, None] == 1, inside, outside), rtol=1e-15)
    plain = Disk(train=100, test=50, validation=10).sample(1)
    assert data.test.label.equal(plain.test.label)


def test_normalisations_agree_with_numpy_and_leave_labels_alone() -> None:
    def sampled(how: Any) -> dict[str, np.ndarray]:
        data = Disk(train=60, test=40, validation=30, normalize=how).sample(2)
        assert all(getattr(data, part).label.equal(getattr(plain, part).label) for part in PARTS)
        return {part: getattr(data, part).x.numpy() for part in PARTS}

    plain = Disk(train=60, test=40, validation=30).sample(2)
    raw = sampled("none")
    train = raw["train"]
    by_train, each_own, scalar = sampled("train"), sampled("each_own"), sampled("scalar")
    for part in PARTS:
        points = raw[part]
        np.testing.assert_allclose(by_train[part], (points - train.mean(0)) / train.std(0, ddof=1), rtol=1e-12)
        np.testing.assert_allclose(each_own[part], (points - points.mean(0)) / points.std(0, ddof=1), rtol=1e-12)
        np.testing.assert_allclose(scalar[part], (points - train.mean()) / train.std(ddof=1), rtol=1e-12)


@pytest.mark.parametrize("normalize", ["none", "train", "each_own", "scalar"])
def test_validation_points_are_drawn_extra(normalize: Any) -> None:
    with_none, with_many = (Disk(60, 40, count, normalize=normalize).sample(7) for count in (0, 500))
    assert with_none.validation.x.shape == (0, 2)
    assert with_none.train.x.equal(with_many.train.x)
    assert with_none.test.x.equal(with_many.test.x)
    points = with_many.validation.x
    assert len(points) == 500
    assert not (points[:40] == with_many.test.x).any()
    assert not (points[:60] == with_many.train.x).any()


def test_data_is_a_function_of_the_seed() -> None:
    disk = Disk(20, 20, 20)
    assert disk.sample(4).train.x.equal(Disk(20, 20, 20, radius=0.1).sample(4).train.x)
    assert not disk.sample(4).train.x.equal(disk.sample(5).train.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 1}, "disk needs train ≥ 2, found 1"),
        ({"test": 0}, "disk needs test ≥ 1, found 0"),
        ({"validation": -1}, "disk needs validation ≥ 0, found -1"),
        ({"radius": 0.0}, "disk needs radius > 0, found 0"),
        ({"radius": float("nan")}, "disk needs radius > 0, found nan"),
        ({"test": 1, "normalize": "each_own"}, "disk needs test ≥ 2 for normalize 'each_own', found 1"),
        ({"validation": 1, "normalize": "each_own"}, "disk needs validation ≥ 2 for normalize 'each_own', found 1"),
    ],
)
def test_impossible_disk_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"^disk needs") as refused:
        Disk(**options)
    assert str(refused.value) == message
