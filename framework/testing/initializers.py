"""The contract of initializers (framework/initializers.py): a draw depends on the parameter and the generator only."""

import torch

from fairgrid.framework.initializers import Initializer
from fairgrid.framework.parameter import Parameter
from fairgrid.framework.testing.clauses import FaultError, Outcome, check, generator, require_finite
from fairgrid.framework.testing.stacks import require_same_twice

_PARAMETERS = {
    "a weight": Parameter((25, 3), fan_in=25, fan_out=3),
    "a bias": Parameter((1, 3), fan_in=25, fan_out=3, role="bias"),
}


def check_initializer(initializer: Initializer) -> None:
    """Checks that an initializer keeps its contract.

    Raises:
        ContractError: it does not.
    """
    check(
        [
            [("a draw", lambda: _draws(initializer))],
            [("a second draw", lambda: _repeats(initializer))],
            [("a draw", lambda: _keeps_roles(initializer))],
        ]
    )


def _draws(initializer: Initializer) -> None:
    for name, parameter in _PARAMETERS.items():
        drawn = initializer(parameter, generator(0))
        if not isinstance(drawn, torch.Tensor) or tuple(drawn.shape) != parameter.shape or drawn.dtype != torch.float64:
            what = f"{tuple(drawn.shape)} of {drawn.dtype}" if isinstance(drawn, torch.Tensor) else type(drawn).__name__
            raise FaultError(f"{name}: expected {parameter.shape} of torch.float64, found {what}")
        require_finite(drawn, name)


def _repeats(initializer: Initializer) -> None:
    def draws() -> Outcome:
        return {name: initializer(parameter, generator(0)) for name, parameter in _PARAMETERS.items()}

    require_same_twice(draws, "the same draw twice is not the same (draw from the generator handed in)")


def _keeps_roles(initializer: Initializer) -> None:
    drawn = initializer(Parameter((2, 3), role="fixed", start=1.5), generator(0))
    if not bool(drawn.eq(1.5).all()):
        raise FaultError(f"a fixed parameter: expected its start, 1.5, found {float(drawn[drawn != 1.5][0])}")
    drawn = initializer(_PARAMETERS["a bias"], generator(0))
    if initializer.bias == "zeros" and bool(drawn.any()):
        raise FaultError(f"a bias: expected zeros, because bias is 'zeros', found {float(drawn[drawn != 0][0])}")
