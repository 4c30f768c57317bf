"""What modules, losses, optimizers, schedules and early stopping print as."""

import inspect
from typing import Any

import pytest
import torch

from fairgrid import framework
from fairgrid.framework import (
    SGD,
    Adam,
    BatchNorm,
    Buffer,
    Conv2d,
    CosineDecay,
    EarlyStopping,
    Graph,
    Identity,
    Linear,
    Module,
    MSELoss,
    Optimizer,
    ReduceLROnPlateau,
    Sequential,
    Sum,
    Tanh,
    WeightedSum,
)
from tests.framework import checks
from tests.framework.tables import LOSSES, MODULES, OPTIMIZERS, SCHEDULES, rows

LEAVES = [
    pytest.param(example.make(), id=f"{kind.__name__}-{number}")
    for kind, examples in MODULES.items()
    for number, example in enumerate(examples)
    if not list(example.make().children())
]


def plain(part: object) -> dict[str, Any]:
    """The attributes of a part, with the declared shapes of its parameters and buffers in their place."""
    values = {name: value for name, value in vars(part).items() if name != "training"}
    return {name: value.shape if isinstance(value, Buffer) else value for name, value in values.items()}


def check_can_be_read_back(part: object) -> None:
    text = repr(part)
    other = eval(text, vars(framework).copy())
    assert type(other) is type(part)
    assert plain(other) == plain(part), text
    for name in inspect.signature(type(part)).parameters:
        assert f"{name}=" in text or name == "modules", text


@pytest.mark.parametrize("module", LEAVES)
def test_a_layer_can_be_read_back(module: Module) -> None:
    check_can_be_read_back(module)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("kind", "example"), rows(LOSSES))
def test_a_loss_can_be_read_back(kind, example, reduction) -> None:
    check_can_be_read_back(example.make(reduction))


@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_a_schedule_can_be_read_back(kind, make) -> None:
    check_can_be_read_back(make())


@pytest.mark.parametrize(("kind", "config"), rows(OPTIMIZERS))
def test_an_optimizer_prints_its_options(kind, config) -> None:
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
    optimizer = kind(checks.problem(3), **options)
    given = eval(repr(optimizer), {kind.__name__: dict})
    expected = set(inspect.signature(kind).parameters) - {"parameters"}
    assert set(given) == expected
    assert {name: given[name] for name in options} == options


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Linear(2, 25), "Linear(inputs=2, outputs=25, bias=True)"),
        (Linear(2, 25, bias=False), "Linear(inputs=2, outputs=25, bias=False)"),
        (Conv2d(1, 4, 3), "Conv2d(inputs=1, outputs=4, kernel=3, stride=1, padding=0, bias=True)"),
        (BatchNorm(4, dims=2), "BatchNorm(features=4, dims=2, momentum=0.1, epsilon=1e-05)"),
        (Tanh(), "Tanh()"),
        (Sequential(), "Sequential()"),
        (MSELoss("sum"), "MSELoss(reduction='sum', scale=1.0)"),
        (CosineDecay(7), "CosineDecay(period=7, min_rate=0.0)"),
        (EarlyStopping(3), "EarlyStopping(patience=3, restore_best=False)"),
        (
            WeightedSum([MSELoss(), MSELoss("sum")], [1, 0.5]),
            "WeightedSum(losses=[MSELoss(reduction='mean', scale=1.0), MSELoss(reduction='sum', scale=1.0)], "
            "weights=[1, 0.5])",
        ),
    ],
)
def test_parts_print_as_they_are_written(part: object, text: str) -> None:
    assert repr(part) == text


def test_a_network_prints_its_modules_by_the_names_of_their_state() -> None:
    model = Sequential(Linear(2, 3), Sequential(Tanh(), Linear(3, 1, bias=False)))
    assert repr(model) == (
        "Sequential(\n"
        "  (modules.0): Linear(inputs=2, outputs=3, bias=True)\n"
        "  (modules.1): Sequential(\n"
        "    (modules.0): Tanh()\n"
        "    (modules.1): Linear(inputs=3, outputs=1, bias=False)\n"
        "  )\n"
        ")"
    )
    assert "modules.1.modules.1.weight" in model.state_dict()


def test_a_graph_prints_its_edges() -> None:
    graph = Graph({1: Identity(), 2: Tanh(), 3: Sum()}, {2: [1], 3: [1, 2]}, [1], [3])
    assert repr(graph) == (
        "Graph(\n"
        "  connectivity={1: [], 2: [1], 3: [1, 2]}, inputs=[1], outputs=[3]\n"
        "  (modules.1): Identity()\n"
        "  (modules.2): Tanh()\n"
        "  (modules.3): Sum()\n"
        ")"
    )


def test_an_optimizer_prints_its_present_rates() -> None:
    optimizer = SGD(checks.problem(3), learning_rate=0.1)
    optimizer.set("learning_rate", [0.5, 0.25, 0.125])
    assert repr(optimizer) == ("SGD(learning_rate=[0.5, 0.25, 0.125], momentum=0.0, nesterov=False, weight_decay=0.0)")
    many = Adam(checks.problem(100), learning_rate=[0.5] * 100)
    assert repr(many).startswith("Adam(learning_rate=[0.5, 0.5, 0.5, … 100 in all], beta1=0.9, ")


def test_a_class_of_your_own_prints_as_well() -> None:
    class Sign(Optimizer):
        def update(self, value, grad, *, learning_rate):
            value.sub_(learning_rate * grad.sign())

    class Scale(Module):
        def __init__(self, factor: float, secret: int) -> None:
            self.factor = factor

    assert repr(Sign(checks.problem(None), learning_rate=0.1)) == "Sign(learning_rate=0.1)"

    class Pair(Module):
        def __init__(self, first: Module, share: float) -> None:
            self.first, self.share = first, share

    assert repr(Scale(2.0, 3)) == "Scale(factor=2.0)"
    assert repr(Pair(Tanh(), 0.5)) == "Pair(\n  share=0.5\n  (first): Tanh()\n)"


def test_what_a_schedule_has_seen_is_not_printed() -> None:
    schedule = ReduceLROnPlateau(2)
    before = repr(schedule)
    schedule.step(SGD(checks.problem(None)), torch.tensor(1.0))
    assert repr(schedule) == before
