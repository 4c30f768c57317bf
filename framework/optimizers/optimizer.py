"""The base class of optimizers, which does everything except the update formula.

All parameters move into one flat buffer, their gradients into a second, and each kind of optimizer state is a buffer of
the same length, so that an update takes a few operations for any number of layers. Hyper-parameters are buffers too, so
that learning rates may differ between replicas, and equal rates are computed by the same formula as different ones.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from fairgrid.framework.parameter import Parameter
from fairgrid.framework.representation import arguments, represent
from fairgrid.framework.state import check

HyperParameter = float | Sequence[float] | Tensor

# in floats: parameters start on a 64-byte boundary of the flat buffer
_ALIGNMENT = 16


class Optimizer:
    """Base class of optimizers. A subclass names its state and defines `update`.

    Args:
        parameters: parameters, all plain or all stacked with the same R; their value and grad become views of `value`
            and `grad`.
        hyper_parameters: numbers ≥ 0, or one number per replica, including learning_rate. Each is passed to `update` as
            a tensor of the shape of `value`.

    Attributes:
        state: names of the buffers of `update`, initially zero.
        value: all parameters, flat.
        grad: all gradients, flat.
        steps: the number of steps taken.

    Raises:
        ValueError: there are no parameters, their replicas or dtypes differ, or a hyper-parameter is negative or has
            another number of values than there are replicas.
    """

    state: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Iterable[Parameter], **hyper_parameters: HyperParameter) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{type(self).__name__} needs at least one parameter, found none")
        kinds = {(parameter.replicas, parameter.value.dtype) for parameter in self.parameters}
        if len(kinds) > 1:
            raise ValueError(
                f"{type(self).__name__} needs parameters of one number of replicas and one dtype, "
                f"found {sorted(kinds, key=str)}"
            )
        self.steps = 0
        self._flatten()
        self.buffers = {name: torch.zeros_like(self.value) for name in self.state}
        self._given: dict[str, Tensor] = {}
        self._used: dict[str, bool] = {}
        self._expanded: dict[str, Tensor] = {}
        for name, value in hyper_parameters.items():
            self.set(name, value)

    def __repr__(self) -> str:
        present = arguments(self, vars(self) | self._given) | self._given
        present.pop("parameters", None)
        return represent(self, present)

    # with *args, mypy lets a subclass spell out its own keywords
    def update(self, value: Tensor, grad: Tensor, *args: Any, **named: Any) -> None:
        """Changes `value` and the state buffers in place.

        Args:
            value: all parameters, (P,).
            grad: all gradients, (P,).
            args: none.
            named: hyper-parameters and state buffers by name, (P,) each, and the numbers of `factors`.
        """
        raise NotImplementedError

    def factors(self, step: int) -> dict[str, float]:
        """The numbers of `update` that depend on the step (the first is 1), by name."""
        return {}

    def step(self) -> None:
        """Updates all parameters from their gradients.

        Raises:
            ValueError: the parameters were initialized again after the optimizer was built.
        """
        if self.parameters[0].value.data_ptr() != self.value.data_ptr():
            raise ValueError(f"{type(self).__name__} no longer holds its parameters: build it after initialize")
        self.steps += 1
        self.update(self.value, self.grad, **self._expanded, **self.buffers, **self.factors(self.steps))

    def zero_grad(self) -> None:
        """Sets every gradient to zero."""
        self.grad.zero_()

    @property
    def replicas(self) -> int | None:
        """R, or None for plain parameters."""
        return self.parameters[0].replicas

    def get(self, name: str) -> Tensor:
        """A hyper-parameter, () for one number or (R,); on the CPU, for parameters on any device."""
        return self._given[name]

    def set(self, name: str, value: HyperParameter) -> None:
        """Sets a hyper-parameter, to a number or to one number per replica."""
        given = torch.as_tensor(value, dtype=torch.float64, device="cpu")
        if given.dim() > 1 or (given.dim() == 1 and given.shape[0] != self.replicas):
            raise ValueError(
                f"{type(self).__name__} needs {name} as a number or one per replica ({self.replicas}), "
                f"found shape {tuple(given.shape)}"
            )
        if not bool((given >= 0).all() and given.isfinite().all()):
            wrong = given[~((given >= 0) & given.isfinite())].flatten()[0]
            raise ValueError(f"{type(self).__name__} needs a finite {name} ≥ 0, found {wrong.item():g}")
        self._given[name] = given
        self._used[name] = bool(given.any())
        self._expanded[name] = self._expand(given)

    def hyper_parameters(self) -> dict[str, Tensor]:
        """All hyper-parameters as `update` takes them, (P,)."""
        return self._expanded

    def offsets(self) -> list[int]:
        """The index of each parameter's first element in `value`, `grad` and every state buffer."""
        return list(self._offsets)

    def used(self, name: str) -> bool:
        """Whether a hyper-parameter is nonzero for any replica."""
        return self._used[name]

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order, in parameters, gradients and state.

        `framework.select` does so in the model's buffers too.
        """
        buffers = {name: self._unflatten(buffer) for name, buffer in self.buffers.items()}
        for parameter in self.parameters:
            parameter.select(replicas)
        self._flatten()
        for name, pieces in buffers.items():
            self.buffers[name] = torch.zeros_like(self.value)
            for new, old in zip(self._unflatten(self.buffers[name]), pieces, strict=True):
                new.copy_(old[replicas])
        for name, given in self._given.items():
            self.set(name, given[replicas] if given.dim() else given)

    def state_dict(self) -> dict[str, Any]:
        """Copies of all state except the parameters, which are in the model's state.

        It consists of the class, the steps and other numbers, hyper-parameters, and state buffers, one tensor per
        parameter, such as "velocity.0".
        """
        state: dict[str, Any] = {"optimizer": type(self).__name__}
        state |= {name: value for name, value in vars(self).items() if isinstance(value, bool | int | float)}
        state |= {name: given.clone() for name, given in self._given.items()}
        for name, buffer in self.buffers.items():
            state |= {f"{name}.{place}": piece.clone() for place, piece in enumerate(self._unflatten(buffer))}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Loads what `state_dict` returned, hyper-parameters included.

        Raises:
            ValueError: the class, names, shapes (replicas included) or dtypes differ; no value has been changed.
        """
        expected = self.state_dict()
        if state.get("optimizer") != expected["optimizer"]:
            raise ValueError(f"the state does not fit {type(self).__name__}: it is of {state.get('optimizer')}")
        # one number may be replaced by one per replica, and the other way round
        for name in self._given.keys() & state.keys():
            if isinstance(state[name], Tensor) and state[name].shape in ((), (self.replicas,)):
                expected[name] = torch.empty_like(state[name], dtype=torch.float64)
        check(type(self).__name__, expected, state)
        for name, value in state.items():
            if name in self._given:
                self.set(name, value)
            elif isinstance(value, bool | int | float):
                setattr(self, name, value)
        for name, buffer in self.buffers.items():
            for place, piece in enumerate(self._unflatten(buffer)):
                piece.copy_(state[f"{name}.{place}"])

    def _flatten(self) -> None:
        first = self.parameters[0].value
        self._offsets = []
        end = 0
        for parameter in self.parameters:
            self._offsets.append(end)
            end += -(-parameter.value.numel() // _ALIGNMENT) * _ALIGNMENT
        self.value = torch.zeros(end, dtype=first.dtype, device=first.device)
        self.grad = torch.zeros_like(self.value)
        values, grads = self._unflatten(self.value), self._unflatten(self.grad)
        for parameter, value, grad in zip(self.parameters, values, grads, strict=True):
            parameter.value = value.copy_(parameter.value)
            parameter.grad = grad.copy_(parameter.grad)

    def _unflatten(self, buffer: Tensor) -> list[Tensor]:
        return [
            buffer[offset : offset + parameter.value.numel()].view(parameter.value.shape)
            for offset, parameter in zip(self._offsets, self.parameters, strict=True)
        ]

    def _expand(self, given: Tensor) -> Tensor:
        expanded = torch.zeros_like(self.value)
        for piece, parameter in zip(self._unflatten(expanded), self.parameters, strict=True):
            shape = (-1, *[1] * len(parameter.shape)) if given.dim() else ()
            piece.copy_(given.view(shape))
        return expanded
