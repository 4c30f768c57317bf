"""A circle around another in the plane."""

import math

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.plane import Normalize, Plane


class Circles(Plane):
    """Points on two circles around the origin, with noise; either class is as likely. Class 1 is the inner circle.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra.
        inner: the inner circle's radius; the outer one's is 1.
        noise: standard deviation of what is added to each coordinate.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the points; see Plane.

    Raises:
        ValueError: fewer than 2 training points, no test points, an inner radius that is not in [0, 1), or negative
            noise.
    """

    low, high = -1.75, 1.75

    def __init__(
        self,
        train: int = 1000,
        test: int = 1000,
        validation: int = 1000,
        inner: float = 0.5,
        noise: float = 0.15,
        encoding: Encoding = "one_hot",
        normalize: Normalize = "none",
    ) -> None:
        super().__init__(train, test, validation, encoding, normalize)
        if not 0 <= inner < 1:
            raise ValueError(f"circles need inner in [0, 1), found {inner:g}")
        if noise < 0:
            raise ValueError(f"circles need noise ≥ 0, found {noise:g}")
        self.inner, self.noise = inner, noise

    def draw(self, samples: int, stream: Generator) -> tuple[Tensor, Tensor]:
        label = torch.randint(2, (samples,), generator=stream)
        angle = 2 * math.pi * torch.rand(samples, generator=stream, dtype=torch.float64)
        radius = torch.ones(samples, dtype=torch.float64).masked_fill(label == 1, self.inner)
        noise = self.noise * torch.randn(samples, 2, generator=stream, dtype=torch.float64)
        return radius[:, None] * torch.stack([angle.cos(), angle.sin()], -1) + noise, label
