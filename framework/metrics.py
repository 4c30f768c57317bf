"""Decisions from predictions, and their error rate."""

import torch
from torch import Tensor


def decide(prediction: Tensor) -> Tensor:
    """The predicted class: for one output 1 above zero, for several the index of the largest (the first of equals).

    Shapes: prediction (N, C) or (R, N, C) → (N,) or (R, N).
    """
    return (prediction[..., 0] > 0).long() if prediction.shape[-1] == 1 else prediction.argmax(-1)


def error_rate(prediction: Tensor, label: Tensor) -> Tensor:
    """The fraction of misclassified samples. Shapes: prediction (..., N, C), label (..., N) → (...), float64."""
    return (decide(prediction) != label).to(torch.float64).mean(-1)
