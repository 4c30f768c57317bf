"""Classes as a loss sees them."""

from typing import Literal

import torch
from torch import Tensor

from fairgrid.framework.data import one_hot_encode

Encoding = Literal["one_hot", "signed", "soft"]


def outputs_of(encoding: Encoding, classes: int) -> int:
    """How many outputs a model has.

    Raises:
        ValueError: fewer than two classes, or more than two in one signed output.
    """
    if classes < 2:
        raise ValueError(f"an encoding needs at least 2 classes, found {classes}")
    if encoding == "signed" and classes > 2:
        raise ValueError(f"the encoding 'signed' needs 2 classes, found {classes}")
    return 1 if encoding == "signed" else classes


def encoded(label: Tensor, classes: int, encoding: Encoding) -> Tensor:
    """Classes 0 … C−1 as targets. Shapes: (N,) → (N, C), or (N, 1) if signed; float64.

    Args:
        label: the classes.
        classes: C, how many there are.
        encoding: "one_hot": 1 for the class and 0 for the others; "soft": 0.8 for the class, 0.2 shared by the others;
            "signed": of two classes, −1 for class 0 and 1 for class 1.
    """
    if encoding == "signed":
        return label[:, None].double() * 2 - 1
    target = one_hot_encode(label, classes)
    if encoding == "soft":
        return torch.full_like(target, 0.2 / (classes - 1)).masked_fill_(target == 1, 0.8)
    return target
