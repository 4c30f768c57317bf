"""Every ValueError of framework/ states the requirement and what was found; its whole message is here."""

import ast
from pathlib import Path

import pytest
import torch

import framework
from framework import (
    SGD,
    Adam,
    LeakyReLU,
    Linear,
    MSELoss,
    Parameter,
    Sequential,
    Tanh,
    kaiming_normal,
    pytorch_uniform,
)
from tests.framework.checks import generator, problem


def layer(replicas: int) -> Linear:
    stacked = Linear(4, 3)
    stacked.initialize([generator(r) for r in range(replicas)], pytorch_uniform)
    return stacked


ones = torch.ones
ERRORS = [
    (lambda: LeakyReLU(1.0), "LeakyReLU needs alpha in [0, 1), found 1.0"),
    (lambda: LeakyReLU(-0.1), "LeakyReLU needs alpha in [0, 1), found -0.1"),
    (lambda: Linear(0, 3), "Linear needs inputs ≥ 1, found 0"),
    (lambda: Linear(3, -1), "Linear needs outputs ≥ 1, found -1"),
    (lambda: Linear(4, 3).forward(ones(6, 5)), "Linear takes 4 features, found x of shape (6, 5)"),
    (lambda: layer(2).forward(ones(2, 6, 3)), "Linear takes 4 features, found x of shape (2, 6, 3)"),
    (
        lambda: Linear(4, 3).forward(ones(2, 6, 4)),
        "Linear's weight is (4, 3), which does not fit x of shape (2, 6, 4)",
    ),
    (
        lambda: layer(2).forward(ones(3, 6, 4)),
        "Linear's weight is (2, 4, 3), which does not fit x of shape (3, 6, 4)",
    ),
    (lambda: Sequential(Tanh(), torch.tanh), "Sequential takes modules, found builtin_function_or_method"),
    (lambda: Linear(4, 3).backward(ones(6, 3)), "Linear.backward needs a forward before it"),
    (lambda: Sequential(Tanh()).backward(ones(6, 3)), "Tanh.backward needs a forward before it"),
    (
        lambda: Linear(4, 3).initialize(generator(0), [kaiming_normal]),
        "a single generator takes a single initializer, found a list",
    ),
    (
        lambda: Linear(4, 3).initialize([generator(0), generator(1)], [kaiming_normal] * 3),
        "one initializer per generator is needed, found 3 for 2",
    ),
    (
        lambda: Parameter((4, 3)).assign(ones(3, 4)),
        "a parameter of shape (4, 3) takes that or a leading R, found (3, 4)",
    ),
    (
        lambda: Parameter((4, 3)).assign(ones(2, 2, 4, 3)),
        "a parameter of shape (4, 3) takes that or a leading R, found (2, 2, 4, 3)",
    ),
    (lambda: MSELoss("average"), "MSELoss needs reduction 'mean' or 'sum', found 'average'"),
    (lambda: MSELoss("mean", 0.0), "MSELoss needs scale > 0, found 0.0"),
    (lambda: MSELoss("mean", float("nan")), "MSELoss needs scale > 0, found nan"),
    (
        lambda: MSELoss().forward(ones(2, 6, 1), ones(6, 1)),
        "MSELoss needs equal shapes, found prediction (2, 6, 1), target (6, 1)",
    ),
    (lambda: MSELoss().backward(), "MSELoss.backward needs a forward before it"),
    (lambda: SGD([]), "SGD needs at least one parameter, found none"),
    (lambda: Adam(iter(())), "Adam needs at least one parameter, found none"),
    (
        lambda: SGD([*problem(None), *problem(2)]),
        "SGD needs parameters of one number of replicas and one dtype, "
        "found [(2, torch.float64), (None, torch.float64)]",
    ),
    (
        lambda: SGD([*problem(None), *problem(None, torch.float32)]),
        "SGD needs parameters of one number of replicas and one dtype, "
        "found [(None, torch.float32), (None, torch.float64)]",
    ),
    (lambda: SGD(problem(None), learning_rate=-0.1), "SGD needs learning_rate ≥ 0, found -0.1"),
    (lambda: SGD(problem(2), learning_rate=[0.1, -0.1]), "SGD needs learning_rate ≥ 0, found -0.1"),
    (lambda: Adam(problem(2), learning_rate=float("nan")), "Adam needs learning_rate ≥ 0, found nan"),
    (lambda: SGD(problem(None), momentum=-1), "SGD needs momentum ≥ 0, found -1"),
    (lambda: Adam(problem(None), weight_decay=-1), "Adam needs weight_decay ≥ 0, found -1"),
    (
        lambda: SGD(problem(2), learning_rate=[0.1, 0.2, 0.3]),
        "SGD needs learning_rate as a number or one per replica (2), found shape (3,)",
    ),
    (
        lambda: SGD(problem(None), momentum=[0.1]),
        "SGD needs momentum as a number or one per replica (None), found shape (1,)",
    ),
    (
        lambda: SGD(problem(2)).set("learning_rate", ones(2, 1)),
        "SGD needs learning_rate as a number or one per replica (2), found shape (2, 1)",
    ),
    (lambda: SGD(problem(None), 0.1).set("learning_rate", -1), "SGD needs learning_rate ≥ 0, found -1"),
    (lambda: SGD(problem(None), nesterov=True), "SGD with nesterov needs momentum > 0, found 0"),
    (lambda: SGD(problem(2), momentum=[0.9, 0], nesterov=True), "SGD with nesterov needs momentum > 0, found 0"),
    (lambda: Adam(problem(None), beta1=1.0), "Adam needs beta1 in [0, 1), found 1"),
    (lambda: Adam(problem(None), beta2=-0.5), "Adam needs beta2 in [0, 1), found -0.5"),
    (lambda: Adam(problem(None), epsilon=0), "Adam needs epsilon > 0, found 0"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message[:40] for _, message in ERRORS])
def test_the_message_says_what_is_needed_and_what_was_found(call, message) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 the whole message is compared
        call()
    assert str(caught.value) == message


def test_every_error_has_its_message_here() -> None:
    raised = set()
    for call, _ in ERRORS:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 the messages are compared above
            call()
        place = caught.traceback[-1]
        raised.add((Path(place.path), place.lineno + 1))
    for file in Path(framework.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Raise) and ast.unparse(node.exc).startswith("ValueError"):
                lines = range(node.lineno, node.end_lineno + 1)
                assert any((file, line) in raised for line in lines), (
                    f"{file.name}, line {node.lineno}: add its message to ERRORS in tests/framework/test_errors.py"
                )
