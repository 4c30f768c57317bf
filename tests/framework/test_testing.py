"""The checks of framework/testing: every clause refuses a class that breaks it, and says how."""

import ast
import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fairgrid.framework import CrossEntropyLoss, Linear, Module, MSELoss, StandardNormal, Tanh, WeightedSum, testing
from fairgrid.framework.testing import (
    ContractError,
    check_activation,
    check_initializer,
    check_layer,
    check_loss,
    check_optimizer,
    clauses,
)
from tests.framework.mutants import (
    ACTIVATIONS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    Descends,
    NaiveTanh,
    Noisy,
    WrongSlope,
)


def rows(check: Callable[..., None], faults: dict[Any, str]) -> list[Any]:
    """Pytest parameters (what the check does to a class, the fault), named by the class."""
    return [
        pytest.param(functools.partial(check, kind), fault, id=f"{check.__name__}-{number}-{kind.__name__}")
        for number, (kind, fault) in enumerate(faults.items())
    ]


MUTANTS = [
    *rows(check_activation, ACTIVATIONS),
    *rows(check_loss, LOSSES),
    *rows(check_optimizer, OPTIMIZERS),
    *rows(lambda kind: check_initializer(kind()), INITIALIZERS),
    *(
        pytest.param(functools.partial(check_layer, make, (4,), **options), fault, id=f"check_layer-{number}")
        for number, (make, options, fault) in enumerate(LAYERS)
    ),
]


@pytest.mark.parametrize(("check", "fault"), MUTANTS)
def test_a_class_that_breaks_a_clause_is_refused(check, fault) -> None:
    with pytest.raises(AssertionError) as caught:
        check()
    assert any(line.startswith(fault) for line in str(caught.value).splitlines()), str(caught.value)


def test_every_clause_and_every_refusal_has_a_mutant(monkeypatch) -> None:
    raised, clauses_reached = set(), set()

    def note(self: BaseException, *args: object) -> None:
        AssertionError.__init__(self, *args)
        frame = sys._getframe(1)
        raised.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        while frame.f_code.co_name != "_fault":
            clauses_reached.add(frame.f_code.co_name)
            frame = frame.f_back

    monkeypatch.setattr(clauses.FaultError, "__init__", note)
    for mutant in MUTANTS:
        with pytest.raises(AssertionError):
            mutant.values[0]()
    for file in Path(testing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Raise) and "FaultError" in ast.unparse(node):
                lines = range(node.lineno, node.end_lineno + 1)
                assert any((file.name, line) in raised for line in lines), f"{file.name}, line {node.lineno}"
            if isinstance(node, ast.Lambda) and isinstance(node.body, ast.Call):
                name = ast.unparse(node.body.func)
                assert name in clauses_reached or not re.fullmatch(r"_[a-z_]+", name), f"{file.name}, {name}"


def test_a_class_that_keeps_the_contract_passes() -> None:
    check_activation(Tanh)
    check_layer(lambda: Linear(4, 3), (4,), samplewise=True)
    check_loss(MSELoss)
    check_optimizer(Descends)
    check_initializer(StandardNormal())


def test_a_loss_takes_targets_and_several_outputs() -> None:
    check_loss(CrossEntropyLoss, (4,), torch.arange(4))
    losses = [CrossEntropyLoss(), MSELoss("sum")]
    check_loss(lambda: WeightedSum(losses, [1.0, 0.3]), [(4,), (2,)], [torch.arange(4), torch.ones(4, 2)])


class WrongTwice(NaiveTanh):
    backward = WrongSlope.backward


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise KeyError


class Crashes(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        raise SpeechlessError


class Exits(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        sys.exit("gone\nfor good")


def faults(make: Callable[[], Module]) -> list[str]:
    with pytest.raises(ContractError) as caught:
        check_activation(make)
    assert str(caught.value).splitlines() == caught.value.faults
    return caught.value.faults


def test_all_faults_are_lines_of_one_error() -> None:
    slope, large = faults(WrongTwice)
    assert slope.startswith("backward's gradient for x is not the derivative of forward")
    assert large == "the output at x = 100 is NaN in float32"


def test_whatever_a_class_raises_is_a_fault_of_one_line() -> None:
    assert faults(Crashes) == ["forward and backward: SpeechlessError: its text is not to be had (KeyError)"]
    assert faults(Exits) == ["forward and backward: SystemExit: gone"]


def test_checks_leave_the_global_stream_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    assert faults(Noisy)
    assert torch.equal(torch.rand(2), expected)
