"""Learning-rate schedules: the change of each replica's learning rate after an epoch.

The optimizer owns the rate; a schedule owns its history: the number of epochs, the initial rates, losses.
"""

import math
from typing import Any

import torch
from torch import Tensor

from fairgrid.framework.optimizers import Optimizer
from fairgrid.framework.representation import arguments, represent
from fairgrid.framework.state import check


class Schedule:
    """Base class of schedules. A subclass computes the next rates. Rates and losses are float64 on the CPU, (R,) or ().

    Attributes:
        watches: whether `step` needs the validation loss.
        epochs: the number of epochs that have ended.
        initial: the rates of the first epoch.
    """

    watches: bool = False
    epochs: int = 0
    initial: Tensor | None = None

    def __repr__(self) -> str:
        return represent(self, arguments(self, vars(self)))

    def step(self, optimizer: Optimizer, loss: Tensor | None = None) -> None:
        """Ends an epoch: sets the optimizer's learning rate for the next.

        Args:
            optimizer: the optimizer that owns the rate.
            loss: the validation loss after the epoch, (R,) or ().

        Raises:
            ValueError: the schedule watches the loss, and loss is None.
        """
        if self.watches and loss is None:
            raise ValueError(f"{type(self).__name__} needs a validation loss after each epoch, found none")
        rates = optimizer.get("learning_rate")
        if optimizer.replicas is not None:
            rates = rates.expand(optimizer.replicas)
        if self.initial is None:
            self.initial = rates.clone()
        self.epochs += 1
        following = self.rates(rates, torch.full_like(rates, math.nan) if loss is None else loss.to(rates))
        if not torch.equal(following, rates):
            optimizer.set("learning_rate", following)

    def rates(self, rates: Tensor, loss: Tensor) -> Tensor:
        """The rates that follow `rates` after `self.epochs` epochs; loss is NaN if there is none."""
        raise NotImplementedError

    def select(self, replicas: Tensor) -> None:
        """Keeps the replicas with the given indices, in that order."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.dim():
                setattr(self, name, value[replicas])

    def state_dict(self) -> dict[str, Any]:
        """Copies of the schedule's state: its class, options and history, with None for values not seen yet."""
        values = {"epochs": self.epochs, "initial": self.initial} | vars(self)
        copies = {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
        return {"schedule": type(self).__name__} | copies

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Loads what `state_dict` of a schedule of the same class returned, options included.

        Raises:
            ValueError: the class or the names differ; no value has been changed.
        """
        expected = self.state_dict()
        if state.get("schedule") != expected["schedule"]:
            raise ValueError(f"the state does not fit {type(self).__name__}: it is of {state.get('schedule')}")
        # history is None before the first epoch, and its length is the number of replicas, which may differ
        options, given = (
            {name: None if isinstance(value, Tensor) else value for name, value in values.items()}
            for values in (expected, state)
        )
        check(type(self).__name__, options, given)
        for name, value in state.items():
            if name != "schedule":
                setattr(self, name, value.clone() if isinstance(value, Tensor) else value)


class ConstantRate(Schedule):
    """A constant learning rate."""

    def rates(self, rates: Tensor, loss: Tensor) -> Tensor:
        return rates


class StepDecay(Schedule):
    """Multiplies the rate by `factor` after every `period` epochs, as torch.optim.lr_scheduler.StepLR.

    Args:
        period: the number of epochs between changes.
        factor: the factor, in (0, 1].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, period: int = 30, factor: float = 0.1) -> None:
        if period < 1:
            raise ValueError(f"StepDecay needs period ≥ 1, found {period}")
        _check_factor("StepDecay", factor)
        self.period, self.factor = period, factor

    def rates(self, rates: Tensor, loss: Tensor) -> Tensor:
        return rates * self.factor if self.epochs % self.period == 0 else rates


class CosineDecay(Schedule):
    """Decays the rate along half a cosine. Loshchilov and Hutter 2017, eq. 5.

    After t epochs αₜ = α_min + (α₀ − α_min)(1 + cos(πt/T))/2; from T on α_min.

    Args:
        period: T, in epochs.
        min_rate: α_min.

    Raises:
        ValueError: the period is below 1, or the rate is negative.
    """

    def __init__(self, period: int = 100, min_rate: float = 0.0) -> None:
        if period < 1:
            raise ValueError(f"CosineDecay needs period ≥ 1, found {period}")
        _check_rate("CosineDecay", min_rate, "min_rate")
        self.period, self.min_rate = period, min_rate

    def rates(self, rates: Tensor, loss: Tensor) -> Tensor:
        if self.initial is None:
            return rates
        share = (1 + math.cos(math.pi * min(self.epochs, self.period) / self.period)) / 2
        return self.min_rate + (self.initial - self.min_rate) * share


class ReduceLROnPlateau(Schedule):
    """Multiplies a replica's rate by `factor` when its loss has not improved for more than `patience` epochs.

    PyTorch's conventions (mode "min"): an improvement is a loss below (1 − threshold) times the best; a reduction
    restarts the count; changes of less than 10⁻⁸ are skipped. Report 000_886196d3797ee705.txt, III.

    Args:
        patience: the number of tolerated epochs without improvement.
        factor: the factor, in (0, 1).
        min_lr: the lower bound of the rate.
        threshold: the relative improvement that counts.

    Raises:
        ValueError: patience, min_lr or threshold is negative, or the factor is out of range.
    """

    watches = True

    def __init__(self, patience: int = 10, factor: float = 0.1, min_lr: float = 0.0, threshold: float = 1e-4) -> None:
        if patience < 0:
            raise ValueError(f"ReduceLROnPlateau needs patience ≥ 0, found {patience}")
        if not 0 < factor < 1:
            raise ValueError(f"ReduceLROnPlateau needs factor in (0, 1), found {factor:g}")
        _check_rate("ReduceLROnPlateau", min_lr, "min_lr")
        _check_rate("ReduceLROnPlateau", threshold, "threshold")
        self.patience, self.factor, self.min_lr, self.threshold = patience, factor, min_lr, threshold
        self.best: Tensor | None = None
        self.waited: Tensor | None = None

    def rates(self, rates: Tensor, loss: Tensor) -> Tensor:
        if self.best is None or self.waited is None:
            self.best = torch.full_like(loss, math.inf)
            self.waited = torch.zeros_like(loss, dtype=torch.int64)
        better = loss < self.best * (1 - self.threshold)
        self.best = torch.where(better, loss, self.best)
        self.waited = torch.where(better, 0, self.waited + 1)
        due = self.waited > self.patience
        self.waited = torch.where(due, 0, self.waited)
        reduced = (rates * self.factor).clamp_min(self.min_lr)
        return torch.where(due & (rates - reduced > 1e-8), reduced, rates)


def _check_factor(name: str, factor: float) -> None:
    if not 0 < factor <= 1:
        raise ValueError(f"{name} needs factor in (0, 1], found {factor:g}")


def _check_rate(name: str, rate: float, option: str) -> None:
    if not rate >= 0:
        raise ValueError(f"{name} needs {option} ≥ 0, found {rate:g}")
