"""Points in the unit square, inside or outside a disk: the task of the five reports."""

from typing import Literal

from torch import Tensor

from experiments.problems.problem import Data, Problem, Samples
from experiments.seeds import generator
from framework.data import DISK_RADIUS, generate_disk, normalize, one_hot_encode

Encoding = Literal["one_hot", "signed", "soft"]
Normalize = Literal["none", "train", "each_own", "scalar"]


class Disk(Problem):
    """Uniform points in [0, 1]², class 1 inside a disk. The default disk has area exactly 1/2.

    Args:
        train: number of training points.
        test: number of test points.
        validation: number of validation points, drawn extra, from a stream of their own.
        center: of the disk.
        radius: of the disk.
        encoding: of the target. "one_hot": (1, 0) or (0, 1); "soft": the same with 0.8 and 0.2; "signed": one output,
            −1 outside and 1 inside.
        normalize: of the points. "train": each feature by the training set's mean and standard deviation; "each_own":
            each set by its own (as report 000_886196d3797ee705.txt's code does); "scalar": both features by one mean
            and standard deviation of the training set (as 001_5b15d9e50895a1bd.txt's code does); or "none".

    Raises:
        ValueError: fewer than 2 training points, no test points, or a radius that is not positive.
    """

    inputs = 2

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
        for name, number, least in (("train", train, 2), ("test", test, 1), ("validation", validation, 0)):
            if number < least:
                raise ValueError(f"disk needs {name} ≥ {least}, found {number}")
        if not radius > 0:
            raise ValueError(f"disk needs radius > 0, found {radius:g}")
        self.train, self.test, self.validation = train, test, validation
        self.center, self.radius = center, radius
        self.encoding, self.normalize = encoding, normalize
        self.outputs = 1 if encoding == "signed" else 2

    def sample(self, seed: int) -> Data:
        stream = generator(seed, "data")
        train, test = (generate_disk(count, stream, self.center, self.radius) for count in (self.train, self.test))
        validation = generate_disk(self.validation, generator(seed, "validation"), self.center, self.radius)
        parts = [train, validation, test]
        points = self._normalized([part[0] for part in parts])
        return Data(*(Samples(x, self._encoded(part[1]), part[1]) for x, part in zip(points, parts, strict=True)))

    def _normalized(self, points: list[Tensor]) -> list[Tensor]:
        """Train, validation and test points, normalised."""
        if self.normalize == "train":
            return normalize(*points)
        if self.normalize == "each_own":
            return [normalize(x)[0] if len(x) > 1 else x for x in points]
        if self.normalize == "scalar":
            flat = normalize(*(x.reshape(-1, 1) for x in points))
            return [x.reshape(-1, 2) for x in flat]
        return points

    def _encoded(self, label: Tensor) -> Tensor:
        if self.encoding == "signed":
            return label[:, None].double() * 2 - 1
        target = one_hot_encode(label, 2)
        return target * 0.6 + 0.2 if self.encoding == "soft" else target
