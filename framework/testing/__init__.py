"""Checks that a class keeps the contract of its kind, for the tests of the library and for your own.

    from fairgrid.framework.testing import check_optimizer

    def test_lion():
        check_optimizer(Lion)

Each raises a ContractError, an AssertionError, with all faults: a line each in its message, a list in `faults`.
"""

from fairgrid.framework.testing.clauses import ContractError
from fairgrid.framework.testing.initializers import check_initializer
from fairgrid.framework.testing.losses import check_loss
from fairgrid.framework.testing.modules import check_activation, check_layer
from fairgrid.framework.testing.optimizers import check_optimizer

__all__ = [
    "ContractError",
    "check_activation",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_optimizer",
]
