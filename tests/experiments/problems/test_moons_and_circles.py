"""Two synthetic problems in the plane, against the curves that their points lie on."""

from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from fairgrid.experiments.config.metrics import Border
from fairgrid.experiments.config.models import mlp
from fairgrid.experiments.problems import Circles, Moons, Plane
from fairgrid.framework import Identity, ReLU


@pytest.mark.parametrize(
    ("problem", "drawn"),
    [
        (Moons(2000, 10, 0, noise=0.0), datasets.make_moons(20_000, shuffle=False)),
        (Circles(2000, 10, 0, inner=0.3, noise=0.0), datasets.make_circles(20_000, shuffle=False, factor=0.3)),
    ],
    ids=["moons", "circles"],
)
def test_without_noise_points_lie_on_the_curves_of_scikit_learn(problem: Plane, drawn: Any) -> None:
    train = problem.sample(0).train
    points, label = train.x.numpy(), train.label.numpy()
    for one in (0, 1):
        curve = drawn[0][drawn[1] == one]
        away = np.linalg.norm(points[label == one][:, None] - curve[None, ::10], axis=-1)
        assert away.min(1).max() < 0.01  # every point is near the curve
        assert away.min(0).max() < 0.05  # and all of the curve has points
    assert abs(label.mean() - 0.5) < 5 * np.sqrt(0.25 / 2000)


@pytest.mark.parametrize("problem", [Moons, Circles])
def test_noise_is_added_to_each_coordinate(problem: Any) -> None:
    still, moved = (problem(50_000, 10, 0, noise=noise).sample(1).train for noise in (0.0, 0.3))
    assert (still.label == moved.label).all()
    noise = (moved.x - still.x).numpy()
    np.testing.assert_allclose(noise.std(0), 0.3, rtol=0.02)
    np.testing.assert_allclose(noise.mean(0), 0, atol=0.01)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.03


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Moons(noise=-0.1), "moons need noise ≥ 0, found -0.1"),
        (lambda: Circles(noise=-1.0), "circles need noise ≥ 0, found -1"),
        (lambda: Circles(inner=1.0), r"circles need inner in \[0, 1\), found 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


def test_their_border_is_not_known() -> None:
    problem = Moons(10, 10, 0)
    data = problem.sample(0)
    model = mlp(2, 2, [ReLU], Identity, (3,))
    with pytest.raises(ValueError, match=r"^the border between the classes of Moons is not known$"):
        Border()(model, problem, {"train": data.train, "test": data.test})
    assert problem.border() is None
