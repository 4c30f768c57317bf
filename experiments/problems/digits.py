"""Pairs of digits: is the first at most the second? Mini-project 1 of report 001_5b15d9e50895a1bd.txt."""

import functools
import hashlib
from pathlib import Path
from typing import Literal

import torch
from torch import Generator, Tensor

from fairgrid.experiments.problems.idx import find_pools, read_pool
from fairgrid.experiments.problems.problem import Data, Problem, Samples
from fairgrid.experiments.runtime.seeding import generator

Split = Literal["halves", "random"]
Pool = tuple[Tensor, Tensor]  # images (N, H, W) and labels (N,)


class DigitPairs(Problem):
    """Two images, class 1 if the first digit is at most the second.

    Images are split first, then paired within each pool: no image is in two pools, none is paired with itself. Pairs
    are drawn anew for every seed; an image may be in several pairs. The embedded images are scikit-learn's digits, 1797
    of 8×8, not MNIST; who has MNIST's IDX files names their directory, and their images are averaged to 14×14.

    Shapes: x (N, 2, H, W); target a list of the pair's class and of both digits, (N,) each.

    Args:
        train: pairs to train on.
        test: pairs to test on.
        validation: pairs drawn extra from the training pool.
        split: the split of the embedded images. "halves": 898 and 899 in the order of the data set, which separates
            writers; "random": by the seed.
        directory: with MNIST's files; empty for the embedded images.

    Raises:
        ValueError: no pairs, or files that are missing or malformed.
    """

    outputs = 2

    def __init__(
        self, train: int = 500, test: int = 500, validation: int = 0, split: Split = "halves", directory: str = ""
    ) -> None:
        for name, number, least in (("train", train, 1), ("test", test, 1), ("validation", validation, 0)):
            if number < least:
                raise ValueError(f"digit pairs need {name} ≥ {least}, found {number}")
        self.train, self.test, self.validation = train, test, validation
        self.split, self.directory = split, directory
        self.inputs = 8 if not directory else 14
        if directory:
            _mnist(directory)

    def sample(self, seed: int) -> Data:
        stream = generator(seed, "data")
        train, test = self._pools(stream)
        return Data(
            train=_pairs(train, self.train, stream),
            validation=_pairs(train, self.validation, generator(seed, "validation")),
            test=_pairs(test, self.test, stream),
        )

    def contents(self) -> dict[str, str]:
        return {"directory": _hash(self.directory)} if self.directory else {}

    def _pools(self, stream: Generator) -> tuple[Pool, Pool]:
        if self.directory:
            return _mnist(self.directory)
        images, labels = _embedded()
        order = torch.arange(len(images))
        if self.split == "random":
            order = torch.randperm(len(images), generator=stream)
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        return (images[first], labels[first]), (images[second], labels[second])


def _pairs(pool: Pool, count: int, stream: Generator) -> Samples:
    images, labels = pool
    first = torch.randint(len(images), (count,), generator=stream)
    # a step of 1 … N−1 around the pool: any other image, never the same
    second = (first + torch.randint(1, len(images), (count,), generator=stream)) % len(images)
    pairs = torch.stack([first, second], 1)
    answer = (labels[first] <= labels[second]).long()
    return Samples(images[pairs], [answer, labels[first], labels[second]], answer)


@functools.cache
def _embedded() -> Pool:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return torch.tensor(digits.images, dtype=torch.float64) / 16, torch.tensor(digits.target)


@functools.cache
def _hash(directory: str) -> str:
    digest = hashlib.sha256()
    for path in find_pools(Path(directory)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _mnist(directory: str) -> tuple[Pool, Pool]:
    train, test = (read_pool(Path(directory), part) for part in ("train", "t10k"))
    return _averaged(train), _averaged(test)


def _averaged(pool: Pool) -> Pool:
    """28×28 to 14×14, every value the mean of 2×2."""
    images, labels = pool
    if images.shape[1:] != (28, 28):
        raise ValueError(f"MNIST's images are 28 x 28, found {images.shape[1]} x {images.shape[2]}")
    return images.reshape(-1, 14, 2, 14, 2).mean((2, 4)), labels
