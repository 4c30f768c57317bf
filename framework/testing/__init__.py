"""Checks that a class keeps the contract of its kind, for the tests of the library and for your own.

    from fairgrid.framework.testing import check_optimizer

    def test_lion():
        check_optimizer(Lion)

Each `check_…` raises an AssertionError with all faults, a line each; each `…_faults` yields them.
"""

from fairgrid.framework.testing.initializers import check_initializer, initializer_faults
from fairgrid.framework.testing.losses import check_loss, loss_faults
from fairgrid.framework.testing.modules import activation_faults, check_activation, check_layer, layer_faults
from fairgrid.framework.testing.optimizers import check_optimizer, optimizer_faults

__all__ = [
    "activation_faults",
    "check_activation",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_optimizer",
    "initializer_faults",
    "layer_faults",
    "loss_faults",
    "optimizer_faults",
]
