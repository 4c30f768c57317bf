"""Optimizers: one class per file, with the recursion and its source in the docstring."""

from fairgrid.framework.optimizers.adam import Adam
from fairgrid.framework.optimizers.adamw import AdamW
from fairgrid.framework.optimizers.optimizer import Optimizer
from fairgrid.framework.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
