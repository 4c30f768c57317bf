"""Two half circles in the plane, each around the other's end."""

import math

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.plane import Normalize, Plane


class Moons(Plane):
    """Points on two half circles of radius 1, with noise; either class is as likely.

    Class 0 is the upper half circle around (0, 0), class 1 the lower one around (1, 1/2).

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra.
        noise: standard deviation of what is added to each coordinate.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the points; see Plane.

    Raises:
        ValueError: fewer than 2 training points, no test points, or negative noise.
    """

    low, high = -1.75, 2.75

    def __init__(
        self,
        train: int = 1000,
        test: int = 1000,
        validation: int = 1000,
        noise: float = 0.2,
        encoding: Encoding = "one_hot",
        normalize: Normalize = "none",
    ) -> None:
        super().__init__(train, test, validation, encoding, normalize)
        if noise < 0:
            raise ValueError(f"moons need noise ≥ 0, found {noise:g}")
        self.noise = noise

    def draw(self, samples: int, stream: Generator) -> tuple[Tensor, Tensor]:
        label = torch.randint(2, (samples,), generator=stream)
        angle = math.pi * torch.rand(samples, generator=stream, dtype=torch.float64)
        upper = torch.stack([angle.cos(), angle.sin()], -1)
        lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], -1)
        noise = self.noise * torch.randn(samples, 2, generator=stream, dtype=torch.float64)
        return torch.where(label[:, None] == 1, lower, upper) + noise, label
