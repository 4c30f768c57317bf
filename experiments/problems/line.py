"""Points on either side of a line: the sanity task of report 002_bb4c2440422f73ef.txt."""

import math

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.plane import Normalize, Plane


class Line(Plane):
    """Standard normal points in the plane, class 1 to the right of a line through the origin.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra.
        slope: the slope of the line.
        encoding: the encoding of the target; see `encoded`.
        normalize: the normalization of the points; see Plane.

    Raises:
        ValueError: fewer than 2 training points, or no test points.
    """

    low, high = -3.0, 3.0

    def __init__(
        self,
        train: int = 1000,
        test: int = 200,
        validation: int = 1000,
        slope: float = 4.0,
        encoding: Encoding = "soft",
        normalize: Normalize = "none",
    ) -> None:
        super().__init__(train, test, validation, encoding, normalize)
        self.slope = slope

    def draw(self, samples: int, stream: Generator) -> tuple[Tensor, Tensor]:
        points = torch.randn(samples, 2, generator=stream, dtype=torch.float64)
        return points, (self.slope * points[:, 0] > points[:, 1]).long()

    def distance(self, points: Tensor) -> Tensor:
        return (self.slope * points[..., 0] - points[..., 1]).abs() / math.hypot(self.slope, 1)

    def border(self) -> Tensor:
        end = self.high / max(1.0, abs(self.slope))  # where the line leaves the canvas
        return torch.tensor([[-end, -self.slope * end], [end, self.slope * end]], dtype=torch.float64)
