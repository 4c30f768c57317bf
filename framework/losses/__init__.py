"""Losses: one class a file."""

from framework.losses.binary_cross_entropy import BinaryCrossEntropyLoss
from framework.losses.cross_entropy import CrossEntropyLoss
from framework.losses.loss import Loss, Reduction
from framework.losses.mse import MSELoss
from framework.losses.weighted_sum import WeightedSum

__all__ = ["BinaryCrossEntropyLoss", "CrossEntropyLoss", "Loss", "MSELoss", "Reduction", "WeightedSum"]
