"""Data helpers: the disk of the five reports, splitting, normalization, encoding."""

import math

import torch
from torch import Generator, Tensor

DISK_RADIUS = 1 / math.sqrt(2 * math.pi)  # a disk of area 1/2


def generate_disk(
    samples: int,
    generator: Generator,
    center: tuple[float, float] = (0.5, 0.5),
    radius: float = DISK_RADIUS,
) -> tuple[Tensor, Tensor]:
    """Uniform points of the unit square, (N, 2) float64, and their class, (N,): 1 inside the disk, 0 outside."""
    points = torch.rand(samples, 2, generator=generator, dtype=torch.float64)
    distance = (points - torch.tensor(center, dtype=torch.float64)).square().sum(-1)
    return points, (distance < radius**2).long()


def split_train_test(
    x: Tensor, y: Tensor, train_size: float = 0.8, generator: Generator | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Splits N samples in two: x_train, y_train, x_test, y_test.

    Args:
        x: (N, ...).
        y: (N, ...).
        train_size: the fraction for training, in (0, 1).
        generator: the source of a shuffle before the split; None takes the first samples for training.

    Raises:
        ValueError: the fraction is out of range, x and y differ in N, or a part would be empty.
    """
    if not 0 < train_size < 1:
        raise ValueError(f"split_train_test needs train_size in (0, 1), found {train_size:g}")
    if len(x) != len(y):
        raise ValueError(f"split_train_test needs as many x as y, found {len(x)} and {len(y)}")
    cut = round(train_size * len(x))
    if not 0 < cut < len(x):
        raise ValueError(f"split_train_test needs a sample in each part, found {cut} and {len(x) - cut}")
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def normalize(train: Tensor, *others: Tensor) -> list[Tensor]:
    """All sets, with each feature shifted and scaled by its mean and standard deviation (N − 1) in `train`.

    A feature that is constant in `train` is only shifted. Shapes: (N, D) or (R, N, D) each, with N of its own.

    Raises:
        ValueError: fewer than two training samples.
    """
    if train.shape[-2] < 2:
        raise ValueError(f"normalize needs at least 2 training samples, found {train.shape[-2]}")
    mean, std = train.mean(-2, keepdim=True), train.std(-2, keepdim=True)
    # the deviation of equal values need not be exactly 0
    std = torch.where(train.amax(-2, keepdim=True) > train.amin(-2, keepdim=True), std, 1)
    return [(x - mean) / std for x in (train, *others)]


def one_hot_encode(label: Tensor, classes: int) -> Tensor:
    """(…, N) of classes 0 … C−1 as (…, N, C) float64 of zeros and ones.

    Raises:
        ValueError: a label outside.
    """
    if label.numel() and not (int(label.min()) >= 0 and int(label.max()) < classes):
        raise ValueError(
            f"one_hot_encode needs labels in 0 … {classes - 1}, found {int(label.min())} … {int(label.max())}"
        )
    return (label[..., None] == torch.arange(classes, device=label.device)).to(torch.float64)
