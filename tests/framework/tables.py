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

from fairgrid import framework
from fairgrid.framework import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    BinaryCrossEntropyLoss,
    Concatenate,
    Constant,
    ConstantRate,
    Conv2d,
    CosineDecay,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Graph,
    Identity,
    Initializer,
    KaimingNormal,
    KaimingUniform,
    LeakyReLU,
    Linear,
    Loss,
    MaxPool2d,
    Module,
    MSELoss,
    Optimizer,
    PyTorchUniform,
    ReduceLROnPlateau,
    ReLU,
    Schedule,
    Sequential,
    Sigmoid,
    Slice,
    Softmax,
    StandardNormal,
    StepDecay,
    Sum,
    Tanh,
    WeightedSum,
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
        smallest: the smallest batch that it takes.
    """

    make: Callable[[], Module]
    features: tuple[int, ...] = (4,)
    samplewise: bool = True
    smallest: int = 1


def evaluating(module: Module) -> Module:
    """The module in its evaluation mode."""
    module.train(False)
    return module


def join(module: Module) -> Graph:
    """A module that takes two tensors, between a layer that both of them come from and one that is used twice."""
    shared = Linear(3, 2)
    operators = {"in": Linear(4, 3), "a": shared, "b": [Tanh(), shared], "join": module}
    return Graph(operators, {"a": ["in"], "b": ["in"], "join": ["a", "b"]}, ["in"], ["join"])


def siamese() -> Graph:
    """Two images, one tower for both, its outputs compared by a layer, and added to it."""
    tower = Sequential(Conv2d(1, 3, 2), MaxPool2d(2), LeakyReLU(), Flatten())
    operators = {"pair": Identity(), 0: Slice(0, 1, -3), 1: Slice(1, 2, -3), "left": tower, "right": tower}
    operators |= {"both": Concatenate(), "compare": Linear(24, 12), "sum": Sum()}
    edges = {0: ["pair"], 1: ["pair"], "left": [0], "right": [1], "both": ["left", "right"], "compare": ["both"]}
    return Graph(operators, edges | {"sum": ["left", "compare"]}, ["pair"], ["sum"])


MODULES: dict[type[Module], list[Example]] = {
    BatchNorm: [
        Example(lambda: BatchNorm(4), samplewise=False, smallest=2),
        Example(lambda: BatchNorm(1, momentum=1.0, epsilon=0.1), (1,), samplewise=False, smallest=2),
        Example(lambda: BatchNorm(3, dims=2), (3, 4, 5), samplewise=False),
        Example(lambda: evaluating(BatchNorm(4))),
        Example(lambda: evaluating(BatchNorm(3, dims=2)), (3, 4, 5)),
        Example(
            lambda: Sequential(Conv2d(1, 2, 3, bias=False), BatchNorm(2, dims=2), Tanh()), (1, 5, 5), samplewise=False
        ),
    ],
    Concatenate: [
        Example(lambda: join(Concatenate())),
        Example(lambda: join(Sequential(Concatenate(), Linear(4, 3)))),
    ],
    Conv2d: [
        Example(lambda: Conv2d(1, 1, 1), (1, 1, 1)),
        Example(lambda: Conv2d(2, 3, 3), (2, 5, 6)),
        Example(lambda: Conv2d(2, 3, 3, padding=1), (2, 4, 3)),
        Example(lambda: Conv2d(1, 4, 2, stride=2, bias=False), (1, 5, 4)),
        Example(lambda: Conv2d(3, 2, 3, stride=2, padding=2), (3, 6, 5)),
        Example(lambda: Conv2d(2, 1, 2, stride=3, padding=1), (2, 6, 5)),
        Example(lambda: Conv2d(1, 8, 5), (1, 5, 5)),
        Example(lambda: Sequential(Conv2d(1, 4, 3, padding=1), ReLU(), Conv2d(4, 2, 2)), (1, 4, 4)),
    ],
    Dropout: [
        Example(lambda: Dropout(0.3)),
        Example(lambda: Dropout(0.0)),
        Example(lambda: Dropout(0.5), (2, 3, 3)),
        Example(lambda: evaluating(Dropout(0.9))),
        Example(lambda: Sequential(Dropout(0.2), Linear(4, 9), Tanh(), Dropout(0.5), Linear(9, 2))),
    ],
    Flatten: [
        Example(Flatten, (2, 3, 4)),
        Example(lambda: Flatten(2), (2, 3)),
        Example(lambda: Sequential(Conv2d(1, 4, 3), Flatten(), Linear(16, 2)), (1, 4, 4)),
    ],
    Graph: [
        Example(siamese, (2, 5, 5)),
        Example(lambda: Graph({1: [Linear(4, 3)]}, {1: []}, [1], [1])),
        Example(lambda: Graph({"in": Linear(4, 4), "out": join(Sum())}, {"out": ["in"]}, ["in"], ["out"])),
        Example(lambda: join(Graph({1: Identity(), 2: Linear(2, 2), 3: Sum()}, {3: [2, 1]}, [1, 2], [3]))),
        Example(lambda: Sequential(Graph({1: Linear(4, 3), 2: Tanh()}, {2: [1]}, [1], [1, 2]), Sum())),
    ],
    Identity: [Example(Identity)],
    LeakyReLU: [Example(LeakyReLU), Example(lambda: LeakyReLU(0.3)), Example(lambda: LeakyReLU(0.0))],
    Linear: [
        Example(lambda: Linear(4, 3)),
        Example(lambda: Linear(4, 3, bias=False)),
        Example(lambda: Linear(1, 1), (1,)),
        Example(lambda: Linear(25, 1), (25,)),
        Example(lambda: Linear(25, 25), (25,)),
    ],
    MaxPool2d: [
        Example(lambda: MaxPool2d(2), (2, 5, 4)),
        Example(lambda: MaxPool2d(3, 2, 1), (2, 5, 6)),
        Example(lambda: MaxPool2d(3, 1), (1, 4, 5)),
        Example(lambda: MaxPool2d(2, 3, 1), (1, 4, 5)),
        Example(lambda: Sequential(ReLU(), MaxPool2d(3, 2, 1)), (2, 4, 4)),  # equal maxima
        Example(lambda: Sequential(Conv2d(1, 3, 2), MaxPool2d(2, 1)), (1, 4, 4)),
    ],
    ReLU: [Example(ReLU), Example(ReLU, (1,))],
    Sequential: [
        Example(Sequential),
        Example(lambda: Sequential(Linear(4, 5), Tanh(), Linear(5, 6), ReLU(), Linear(6, 1), Sigmoid())),
        Example(lambda: Sequential(Sequential(Linear(4, 3, bias=False), LeakyReLU()), Sequential(Linear(3, 2)))),
        Example(lambda: Sequential(Linear(2, 25), ReLU(), Linear(25, 25), Identity(), Linear(25, 2)), (2,)),
    ],
    Slice: [
        Example(lambda: Slice(1, 3)),
        Example(lambda: Sequential(Slice(1, 2, -3), Conv2d(1, 2, 2)), (2, 3, 3)),
    ],
    Softmax: [Example(Softmax), Example(Softmax, (1,)), Example(lambda: Sequential(Linear(4, 9), Softmax()))],
    Sum: [Example(lambda: join(Sum())), Example(lambda: join(Sequential(Sum(), ReLU())))],
    Sigmoid: [Example(Sigmoid), Example(Sigmoid, (1,))],
    Tanh: [Example(Tanh), Example(Tanh, (1,))],
}


def like_prediction(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """A target of the prediction's shape, normal."""
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def probabilities(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """A target of the prediction's shape that adds up to 1 over the classes."""
    drawn = torch.rand(shape, generator=generator, dtype=torch.float64)
    return drawn / drawn.sum(-1, keepdim=True)


def indices(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """A class for every sample."""
    return torch.randint(shape[-1], shape[:-1], generator=generator)


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
    BinaryCrossEntropyLoss: [
        LossExample(BinaryCrossEntropyLoss, target=probabilities),
        LossExample(lambda reduction: BinaryCrossEntropyLoss(reduction, 0.25), 1, target=probabilities),
    ],
    CrossEntropyLoss: [
        LossExample(CrossEntropyLoss, 10, indices),
        LossExample(CrossEntropyLoss, 3, probabilities),
        LossExample(CrossEntropyLoss, 2, like_prediction),
        LossExample(lambda reduction: CrossEntropyLoss(reduction, 0.25), 2, indices),
    ],
    MSELoss: [LossExample(MSELoss), LossExample(MSELoss, 1), LossExample(lambda reduction: MSELoss(reduction, 0.25))],
}

# A configuration is the keywords of the optimizer; a tuple has a value for each of three replicas.
RATE = (0.1, 0.03, 0.01)
ADAMS: list[dict[str, Any]] = [
    {"learning_rate": RATE},
    {"learning_rate": RATE, "weight_decay": (0.1, 0.0, 0.3)},
    {"learning_rate": RATE, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
    {"learning_rate": 0.01, "beta1": 0.0},
]
OPTIMIZERS: dict[type[Optimizer], list[dict[str, Any]]] = {
    Adam: ADAMS,
    AdamW: ADAMS,
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
    AdamW: [{"learning_rate": 0.02, "weight_decay": 1e-4}],
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

SCHEDULES: dict[type[Schedule], list[Callable[[], Schedule]]] = {
    ConstantRate: [ConstantRate],
    CosineDecay: [lambda: CosineDecay(30), lambda: CosineDecay(17, 0.02), lambda: CosineDecay(1), CosineDecay],
    ReduceLROnPlateau: [
        ReduceLROnPlateau,
        lambda: ReduceLROnPlateau(2, 0.5),
        lambda: ReduceLROnPlateau(0, 0.3, min_lr=0.01),
        lambda: ReduceLROnPlateau(3, 0.2, threshold=0.0),
        lambda: ReduceLROnPlateau(1, 0.9, 1e-7, 0.2),
    ],
    StepDecay: [StepDecay, lambda: StepDecay(7, 0.5), lambda: StepDecay(1, 0.97), lambda: StepDecay(5, 1.0)],
}


# takes lists of tensors, which the checks do not give: tests/framework/test_weighted_sum.py
LISTS = {WeightedSum}


def classes(base: type[T]) -> list[type[T]]:
    """The classes of framework/ below `base` that are not themselves abstract, wherever they are defined in it."""
    for module in pkgutil.walk_packages(framework.__path__, f"{framework.__name__}."):
        importlib.import_module(module.name)

    def below(kind: type[T]) -> Iterable[type[T]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    abstract = ("forward", "update", "draw", "rates")
    return sorted(
        {
            kind
            for kind in below(base)
            if kind.__module__.startswith(f"{framework.__name__}.")
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
    for kind in set(classes(base)) - LISTS:
        assert table.get(kind), f"{kind.__name__} has no example: add a line to {name} in tests/framework/tables.py"
