"""Sliding windows over images, as views, for convolution and pooling.

A window of K × K elements slides over an image with a stride S. Instead of one view per window there is one per offset:
for each of the K² offsets in a window, `offsets` yields the elements at that offset of all windows.

Images keep their dimensions (..., B, C, H, W), but `pad` lays them out in memory with the batch innermost: rows of an
8 × 8 image are too short for fast operations. Elementwise layers preserve the layout, so it is made only once.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def size(length: int, kernel: int, stride: int, padding: int) -> int:
    """The number of windows along one dimension, ⌊(L + 2P − K) / S⌋ + 1; less than 1 if none fits."""
    return (length + 2 * padding - kernel) // stride + 1


def pad(x: Tensor, padding: int, value: float = 0.0) -> Tensor:
    """Adds a border to x (..., B, C, H, W), (..., B, C, H + 2P, W + 2P), with the batch innermost in memory."""
    last = x.movedim(-4, -1)
    if padding:
        last = torch.constant_pad_nd(last, [0, 0, *[padding] * 4], value)
    return last.contiguous().movedim(-1, -4)


def crop(x: Tensor, padding: int) -> Tensor:
    """A view of x without its border."""
    return x[..., padding:-padding, padding:-padding] if padding else x


def offsets(x: Tensor, kernel: int, stride: int) -> Iterator[Tensor]:
    """Yields for each offset in a window, in row-major order, a view (..., H', W') of that element of every window."""
    height, width = (size(length, kernel, stride, 0) for length in x.shape[-2:])
    for row in range(kernel):
        for column in range(kernel):
            yield x[..., row : row + stride * height : stride, column : column + stride * width : stride]
