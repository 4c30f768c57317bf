"""The trace of a step: immutable operations, simplified, with the numbers that change from step to step by name."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fairgrid.experiments.engines.compiled import forward_program
from fairgrid.experiments.engines.compiled.elementwise import PLAIN, SCALED
from fairgrid.experiments.engines.compiled.ir import (
    Elementwise,
    Factor,
    Layout,
    NotCompilableError,
    Operation,
    Product,
    Step,
    text,
)
from fairgrid.experiments.engines.compiled.trace import trace, trace_forward
from fairgrid.framework import Adam, Linear, MSELoss, Optimizer, Sequential, Tanh, xavier_normal
from tests.framework.checks import generator


def network() -> Sequential:
    model = Sequential(Linear(3, 4), Tanh(), Linear(4, 2))
    model.initialize([generator(0), generator(1)], xavier_normal)
    return model


def traced(kind: type[Optimizer] = Adam) -> Step:
    model = network()
    return trace(model, MSELoss(), kind(model.parameters(), learning_rate=0.1), batch=5, inputs=3, outputs=2)


def test_operations_are_immutable_and_the_same_in_every_trace() -> None:
    step = traced()
    for op in step.ops:
        assert dataclasses.is_dataclass(op)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(op, "out", step.result)  # noqa: B010
    assert text(step) == text(traced())


def test_every_elementwise_operation_can_be_emitted() -> None:
    assert PLAIN.keys() | SCALED.keys() | {Operation.POW} == set(Operation)
    assert not PLAIN.keys() & SCALED.keys()


def test_two_layers_are_five_products() -> None:
    products = [op for op in traced().ops if isinstance(op, Product)]
    shapes = [(op.out.rows, op.out.cols) for op in products]
    # forward twice, the second weight, back to the first layer, the first weight; nobody reads the gradient of x
    assert shapes == [(5, 4), (5, 2), (4, 2), (5, 4), (3, 4)]
    assert [op.bias is not None for op in products] == [True, True, False, False, False]


def test_gradients_are_assigned_and_never_cleared() -> None:
    ops = traced().ops
    assert not any(isinstance(op, Product) and op.accumulates for op in ops)
    assert not any(isinstance(op, Elementwise) and op.operation is Operation.FILL for op in ops)


def test_what_changes_from_step_to_step_is_named() -> None:
    step = traced()
    assert step.factors == ("smallest", "scale")
    scalars = {scalar for op in step.ops if isinstance(op, Elementwise) for scalar in (*op.operands, op.factor)}
    assert {scalar for scalar in scalars if isinstance(scalar, Factor)} == {Factor("smallest"), Factor("scale")}


class Retreating(Optimizer):
    def factors(self, step: int) -> dict[str, float]:
        return {"fraction": 1 / step}

    def update(self, value: Tensor, grad: Tensor, *, learning_rate: Tensor, fraction: float) -> None:
        value.addcmul_(learning_rate, grad, value=-fraction)


class Halving(Retreating):
    def update(self, value: Tensor, grad: Tensor, *, learning_rate: Tensor, fraction: float) -> None:
        value.addcmul_(learning_rate, grad, value=-fraction / 2)


def test_a_negative_factor_is_recognized() -> None:
    last = traced(Retreating).ops[-1]
    assert isinstance(last, Elementwise)
    assert last.factor == Factor("fraction", negated=True)


def test_a_number_computed_from_a_factor_is_refused() -> None:
    with pytest.raises(NotCompilableError, match=r"^Halving, whose update depends on the number of the step"):
        traced(Halving)


def test_a_prediction_reads_parameters_and_nothing_else_that_is_flat() -> None:
    model = network()
    step = trace_forward(model, Adam(model.parameters()), batch=7, inputs=3)
    flat = {name for name, array in step.named.items() if array.layout is Layout.FLAT}
    assert (flat, set(step.named) - flat, step.factors) == ({"value"}, {"x"}, ())
    assert (step.result.rows, step.result.cols) == (7, 2)


class Outside(Tanh):
    """Adds a tensor that was there before."""

    constant = torch.ones(1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.constant


def test_a_tensor_from_outside_of_the_step_is_refused() -> None:
    model = Sequential(Linear(3, 2), Outside())
    model.initialize([generator(0), generator(1)], xavier_normal)
    with pytest.raises(NotCompilableError, match=r"^a tensor of shape \(1,\) from outside of the step$"):
        trace_forward(model, Adam(model.parameters()), batch=7, inputs=3)


class Applied(Tanh):
    """A function of x that torch computes."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: torch.div(x, 2.0, rounding_mode="floor"), "div with rounding_mode"),
        (lambda x: x.sum(-1, keepdim=True, dtype=torch.float64), "sum with dtype"),
        (lambda x: torch.zeros_like(x, dtype=torch.float64), "zeros_like with dtype"),
        (lambda x: x + torch.ones(1, 7, 2), "the operation ones"),
        (lambda x: x.floor(), "the operation floor"),
    ],
)
def test_what_cannot_be_traced_is_refused(function, reason) -> None:
    model = Sequential(Linear(3, 2), Applied(function))
    model.initialize([generator(0), generator(1)], xavier_normal)
    with pytest.raises(NotCompilableError, match=f"^{reason}$"):
        trace_forward(model, Adam(model.parameters()), batch=7, inputs=3)


def test_a_power_of_a_constant_is_refused() -> None:
    model = Sequential(Linear(3, 2), Applied(lambda x: 2**x))
    model.initialize([generator(0), generator(1)], xavier_normal)
    with pytest.raises(NotCompilableError, match=r"^a power other than 2, 3 and ½$"):
        forward_program(model, Adam(model.parameters()), torch.zeros(2, 7, 3))


@pytest.mark.parametrize(
    "function",
    [lambda x: x.clone(memory_format=torch.contiguous_format), lambda x: torch.zeros_like(x, dtype=torch.float32)],
)
def test_keywords_that_change_no_number_are_accepted(function) -> None:
    model = Sequential(Linear(3, 2), Applied(function))
    model.initialize([generator(0), generator(1)], xavier_normal)
    assert trace_forward(model, Adam(model.parameters()), batch=7, inputs=3).result.cols == 2
