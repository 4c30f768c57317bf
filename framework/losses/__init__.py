"""Losses: one class per file."""

from fairgrid.framework.losses.binary_cross_entropy import BinaryCrossEntropyLoss
from fairgrid.framework.losses.cross_entropy import CrossEntropyLoss
from fairgrid.framework.losses.loss import Loss, Reduction
from fairgrid.framework.losses.mse import MSELoss
from fairgrid.framework.losses.weighted_sum import WeightedSum

__all__ = ["BinaryCrossEntropyLoss", "CrossEntropyLoss", "Loss", "MSELoss", "Reduction", "WeightedSum"]
