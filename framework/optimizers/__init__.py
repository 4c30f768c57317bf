"""Optimizers: one class a file, with the recursion and its source in the docstring."""

from framework.optimizers.adam import Adam
from framework.optimizers.adamw import AdamW
from framework.optimizers.optimizer import Optimizer
from framework.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
