"""Points in the unit square, inside or outside a disk: the task of the five reports."""

import math

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.plane import Normalize, Plane
from fairgrid.framework.data import DISK_RADIUS, generate_disk


class Disk(Plane):
    """Uniform points in [0, 1]², class 1 inside a disk. The default disk has area exactly 1/2.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra.
        center: the center of the disk.
        radius: the radius of the disk.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the points; see Plane.

    Raises:
        ValueError: fewer than 2 training points, no test points, or a radius that is not positive.
    """

    def __init__(
        self,
        train: int = 1000,
        test: int = 1000,
        validation: int = 1000,
        center: tuple[float, float] = (0.5, 0.5),
        radius: float = DISK_RADIUS,
        encoding: Encoding = "one_hot",
        normalize: Normalize = "none",
    ) -> None:
        super().__init__(train, test, validation, encoding, normalize)
        if not radius > 0:
            raise ValueError(f"disk needs radius > 0, found {radius:g}")
        if math.isinf(radius * radius):
            raise ValueError(f"disk needs a radius whose square is finite, found {radius:g}")
        self.center, self.radius = center, radius

    def draw(self, samples: int, stream: Generator) -> tuple[Tensor, Tensor]:
        return generate_disk(samples, stream, self.center, self.radius)

    def distance(self, points: Tensor) -> Tensor:
        away = (points - torch.tensor(self.center, dtype=points.dtype).to(points.device)).square().sum(-1).sqrt()
        return (away - self.radius).abs()

    def border(self) -> Tensor:
        angle = torch.linspace(0, 2 * math.pi, 201, dtype=torch.float64)
        circle = torch.stack([angle.cos(), angle.sin()], -1)
        return circle * self.radius + torch.tensor(self.center, dtype=torch.float64)
