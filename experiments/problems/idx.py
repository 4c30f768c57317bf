"""The IDX files of MNIST: images and labels, plain or gzip, checked before anything is made of them."""

import gzip
import math
from pathlib import Path

import torch
from torch import Tensor

_IMAGES, _LABELS = 2051, 2049  # unsigned bytes in three dimensions, in one


def read_pool(directory: Path, part: str) -> tuple[Tensor, Tensor]:
    """The images (N, H, W) in [0, 1] float64 and labels (N,) of one part, "train" or "t10k".

    Args:
        directory: with the part's two files, named as MNIST's are, with a hyphen or a dot before idx, with or without
            .gz; what is gzip is told by content.
        part: the beginning of their names.

    Raises:
        ValueError: a file is missing or is not what its header says, their counts differ, or a label is above 9.
    """
    image_file, label_file = _find(directory, f"{part}-images", 3), _find(directory, f"{part}-labels", 1)
    images, labels = _read(image_file, _IMAGES, 3), _read(label_file, _LABELS, 1)
    if len(images) != len(labels):
        raise ValueError(f"{label_file}: expected a label per image ({len(images)}), found {len(labels)}")
    if len(labels) and int(labels.max()) > 9:
        raise ValueError(f"{label_file}: expected labels 0 to 9, found {int(labels.max())}")
    return images.double() / 255, labels.long()


def find_pools(directory: Path) -> list[Path]:
    """The four files of a directory, in a fixed order.

    Raises:
        ValueError: one is missing.
    """
    return [
        _find(directory, f"{part}-{kind}", dimensions)
        for part in ("train", "t10k")
        for kind, dimensions in (("images", 3), ("labels", 1))
    ]


def _find(directory: Path, stem: str, dimensions: int) -> Path:
    names = [f"{stem}{mark}idx{dimensions}-ubyte{ending}" for mark in "-." for ending in ("", ".gz")]
    for name in names:
        if (directory / name).is_file():
            return directory / name
    raise ValueError(f"{directory}: expected one of {', '.join(names)}, found none")


def _read(path: Path, magic: int, dimensions: int) -> Tensor:
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError) as error:
            raise ValueError(f"{path}: expected whole gzip data, found: {error}") from error
    header = 4 * (dimensions + 1)
    if len(raw) < header:
        raise ValueError(f"{path}: expected a header of {header} bytes, found {len(raw)}")
    magic_number, *sizes = (int.from_bytes(raw[at : at + 4], "big") for at in range(0, header, 4))
    if magic_number != magic:
        raise ValueError(f"{path}: expected the magic number {magic}, found {magic_number}")
    if math.prod(sizes) != len(raw) - header:
        shape = " x ".join(map(str, sizes))
        raise ValueError(f"{path}: expected {math.prod(sizes)} bytes for {shape}, found {len(raw) - header}")
    return torch.frombuffer(bytearray(raw[header:]), dtype=torch.uint8).reshape(sizes)
