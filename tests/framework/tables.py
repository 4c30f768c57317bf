"""How to make examples of every class of framework/. A new class, or a new configuration, is a line here.

The contract tests find the classes themselves and fail for one without an entry.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import torch
from torch import Generator, Tensor, nn

import framework
from framework import (
    SGD,
    Adam,
    Constant,
    Identity,
    Initializer,
    KaimingNormal,
    KaimingUniform,
    LeakyReLU,
    Linear,
    Loss,
    Module,
    MSELoss,
    Optimizer,
    PyTorchUniform,
    ReLU,
    Sequential,
    Sigmoid,
    StandardNormal,
    Tanh,
    XavierNormal,
    XavierUniform,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Example:
    """A module and its input.

    Attributes:
        make: the module, before initialization.
        features: the shape of one sample.
        samplewise: whether samples are independent of each other in it, so that half-batches add up to a batch.
    """

    make: Callable[[], Module]
    features: tuple[int, ...] = (4,)
    samplewise: bool = True


MODULES: dict[type[Module], list[Example]] = {
    Identity: [Example(Identity)],
    LeakyReLU: [Example(LeakyReLU), Example(lambda: LeakyReLU(0.3)), Example(lambda: LeakyReLU(0.0))],
    Linear: [
        Example(lambda: Linear(4, 3)),
        Example(lambda: Linear(4, 3, bias=False)),
        Example(lambda: Linear(1, 1), (1,)),
        Example(lambda: Linear(25, 1), (25,)),
        Example(lambda: Linear(25, 25), (25,)),
    ],
    ReLU: [Example(ReLU), Example(ReLU, (1,))],
    Sequential: [
        Example(Sequential),
        Example(lambda: Sequential(Linear(4, 5), Tanh(), Linear(5, 6), ReLU(), Linear(6, 1), Sigmoid())),
        Example(lambda: Sequential(Sequential(Linear(4, 3, bias=False), LeakyReLU()), Sequential(Linear(3, 2)))),
        Example(lambda: Sequential(Linear(2, 25), ReLU(), Linear(25, 25), Identity(), Linear(25, 2)), (2,)),
    ],
    Sigmoid: [Example(Sigmoid), Example(Sigmoid, (1,))],
    Tanh: [Example(Tanh), Example(Tanh, (1,))],
}


def like_prediction(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """A target of the prediction's shape, normal."""
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class LossExample:
    """A loss for the "sum" and "mean" of a batch, and its target.

    Attributes:
        make: the loss for a reduction.
        outputs: C.
        target: from the shape of the prediction and a generator.
    """

    make: Callable[[str], Loss]
    outputs: int = 3
    target: Callable[[tuple[int, ...], Generator], Tensor] = like_prediction


LOSSES: dict[type[Loss], list[LossExample]] = {
    MSELoss: [LossExample(MSELoss), LossExample(MSELoss, 1), LossExample(lambda reduction: MSELoss(reduction, 0.25))],
}

# A configuration is the keywords of the optimizer; a tuple has a value for each of three replicas.
RATE = (0.1, 0.03, 0.01)
OPTIMIZERS: dict[type[Optimizer], list[dict[str, Any]]] = {
    Adam: [
        {"learning_rate": RATE},
        {"learning_rate": RATE, "weight_decay": (0.1, 0.0, 0.3)},
        {"learning_rate": RATE, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
        {"learning_rate": 0.01, "beta1": 0.0},
    ],
    SGD: [
        {"learning_rate": RATE},
        {"learning_rate": 0.1},
        {"learning_rate": RATE, "weight_decay": (0.1, 0.0, 0.3)},
        {"learning_rate": RATE, "momentum": (0.9, 0.0, 0.5)},
        {"learning_rate": RATE, "momentum": 0.9, "weight_decay": 0.1},
        {"learning_rate": RATE, "momentum": (0.9, 0.7, 0.5), "nesterov": True},
        {"learning_rate": RATE, "momentum": (0.9, 0.7, 0.5), "nesterov": True, "weight_decay": (0.1, 0.0, 0.3)},
    ],
}

# keywords with which an optimizer is near the minimum of a parabola and of Rosenbrock's function within 5000 steps
SOLVES: dict[type[Optimizer], list[dict[str, Any]]] = {
    Adam: [{"learning_rate": 0.02}],
    SGD: [
        {"learning_rate": 0.002},
        {"learning_rate": 0.001, "momentum": 0.9},
        {"learning_rate": 0.001, "momentum": 0.9, "nesterov": True},
    ],
}

# an initializer and what torch does to a weight (C, D) that should have the same distribution; None: draws nothing
INITIALIZERS: dict[type[Initializer], list[tuple[Initializer, Callable[[Tensor], Any] | None]]] = {
    Constant: [(Constant(value=1e-6), None), (Constant(), None)],
    KaimingNormal: [
        (KaimingNormal(), lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
        (KaimingNormal(gain=5 / 3, bias="same"), lambda w: nn.init.kaiming_normal_(w, nonlinearity="tanh")),
    ],
    KaimingUniform: [
        (KaimingUniform(), lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        (KaimingUniform(gain=5 / 3, bias="same"), lambda w: nn.init.kaiming_uniform_(w, nonlinearity="tanh")),
    ],
    PyTorchUniform: [(PyTorchUniform(), lambda w: w.copy_(nn.Linear(*w.mT.shape).weight))],
    StandardNormal: [(StandardNormal(), nn.init.normal_)],
    XavierNormal: [
        (XavierNormal(), nn.init.xavier_normal_),
        (XavierNormal(gain=5 / 3, bias="same"), lambda w: nn.init.xavier_normal_(w, gain=5 / 3)),
    ],
    XavierUniform: [
        (XavierUniform(), nn.init.xavier_uniform_),
        (XavierUniform(gain=5 / 3, bias="same"), lambda w: nn.init.xavier_uniform_(w, gain=5 / 3)),
    ],
}


def classes(base: type[T]) -> list[type[T]]:
    """The classes of framework/ below `base` that are not themselves abstract, wherever they are defined in it."""
    for module in pkgutil.walk_packages(framework.__path__, "framework."):
        importlib.import_module(module.name)

    def below(kind: type[T]) -> Iterable[type[T]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    abstract = ("forward", "update", "draw")
    return sorted(
        {
            kind
            for kind in below(base)
            if kind.__module__.split(".")[0] == "framework"
            and all(getattr(kind, name, None) is not vars(base)[name] for name in abstract if name in vars(base))
        },
        key=lambda kind: kind.__name__,
    )


def rows(table: dict[Any, list[Any]]) -> list[Any]:
    """Pytest parameters (class, example), named by the class and the place in its list."""
    return [
        pytest.param(kind, example, id=f"{kind.__name__}-{number}")
        for kind, examples in table.items()
        for number, example in enumerate(examples)
    ]


def check_complete(base: type[Any], table: dict[Any, list[Any]], name: str) -> None:
    """Fails for a class without examples."""
    for kind in classes(base):
        assert table.get(kind), f"{kind.__name__} has no example: add a line to {name} in tests/framework/tables.py"
