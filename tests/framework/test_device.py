"""On a GPU every class keeps its tensors there, draws the numbers that it draws here, and mixes nothing.

The GPU is pretended (tests/pretended.py), so numbers are equal bit for bit; a real one is in
tests/experiments/execution/test_gpu.py.
"""

import math

import pytest
import torch

from fairgrid.framework import (
    SGD,
    BatchNorm,
    Dropout,
    EarlyStopping,
    History,
    Initializer,
    Linear,
    Module,
    MSELoss,
    ReduceLROnPlateau,
    Sequential,
    Tanh,
    XavierNormal,
    one_hot_encode,
    train_model,
)
from fairgrid.framework.testing.clauses import generator, normal, require_same_bits
from tests.framework import checks
from tests.framework.tables import INITIALIZERS, LOSSES, MODULES, OPTIMIZERS, SCHEDULES, rows
from tests.pretended import DEVICE, PretendedGPU

plain_and_stacked = pytest.mark.parametrize("replicas", [None, checks.R], ids=["plain", "stacked"])
RATES = (0.1, 0.03, 0.01)
INITIAL = XavierNormal()


def devices(module: Module) -> set[str]:
    held = module.named_state().values()
    return {tensor.device.type for one in held for tensor in (one.value, getattr(one, "grad", one.value))}


@plain_and_stacked
@pytest.mark.parametrize(("kind", "example"), rows(MODULES))
def test_module(kind, example, replicas) -> None:
    expected = checks.trial(example, replicas).outcome()
    with PretendedGPU():
        trial = checks.trial(example, replicas, device=DEVICE)
        outcome = trial.outcome()
        assert {tensor.device.type for tensor in outcome.values()} == {DEVICE}
        assert devices(trial.module) <= {DEVICE}
        outcome = {name: tensor.cpu() for name, tensor in outcome.items()}
    require_same_bits(outcome, expected, "on a GPU")


@pytest.mark.parametrize(("kind", "example"), rows(LOSSES))
def test_loss(kind, example) -> None:
    prediction = normal(checks.R, checks.B, example.outputs, seed=0)
    target = example.target(tuple(prediction.shape), generator(1))
    loss = example.make("mean")
    value, gradient = loss.forward(prediction, target), loss.backward()
    with PretendedGPU():
        there = example.make("mean")
        found = there.forward(prediction.to(DEVICE), target.to(DEVICE)), there.backward()
        assert {tensor.device.type for tensor in found} == {DEVICE}
        checks.same_bits(found[0].cpu(), value, "loss")
        checks.same_bits(found[1].cpu(), gradient, "gradient")


@pytest.mark.parametrize(("kind", "options"), rows(OPTIMIZERS))
def test_optimizer(kind, options) -> None:
    def trained(device: str) -> torch.Tensor:
        module = Sequential(Linear(4, 3), Tanh(), Linear(3, 2))
        module.initialize([generator(r) for r in range(checks.R)], INITIAL, device=device)
        optimizer = kind(module.parameters(), **options)
        for step in range(4):
            optimizer.grad.copy_(normal(len(optimizer.grad), seed=step).float())
            optimizer.step()
            optimizer.zero_grad()
            if step == 1:
                optimizer.set("learning_rate", [0.2, 0.1, 0.3])
        optimizer.select(torch.tensor([2, 0]))
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        assert devices(module) == {device}
        return optimizer.value.cpu()

    expected = trained("cpu")
    with PretendedGPU():
        found = trained(DEVICE)
    checks.same_bits(found, expected, "parameters")


@pytest.mark.parametrize(("kind", "example"), rows(INITIALIZERS))
def test_initializer(kind, example) -> None:
    initializer, _ = example
    assert isinstance(initializer, Initializer)
    ours, theirs = Linear(5, 4), Linear(5, 4)
    ours.initialize(generator(3), initializer)
    with PretendedGPU():
        theirs.initialize(generator(3), initializer, device=DEVICE)
        checks.same_bits(theirs.weight.value.cpu(), ours.weight.value, "weight")


@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_schedule(kind, make) -> None:
    def rates(device: str) -> list[float]:
        module = Linear(4, 3)
        module.initialize([generator(r) for r in range(checks.R)], INITIAL, device=device)
        optimizer, schedule = SGD(module.parameters(), learning_rate=RATES), make()
        for epoch in range(5):
            schedule.step(optimizer, torch.tensor([1.0, 2.0, 3.0 - epoch]).to(device))
        schedule.select(torch.tensor([0, 2]))
        return optimizer.hyper_parameters()["learning_rate"].tolist()

    expected = rates("cpu")
    with PretendedGPU():
        assert rates(DEVICE) == expected


def test_early_stopping_restores_there() -> None:
    def best(device: str) -> list[float]:
        module = Linear(2, 2)
        module.initialize([generator(r) for r in range(2)], INITIAL, device=device)
        stopping = EarlyStopping(2, restore_best=True)
        for loss in ([3.0, 1.0], [2.0, math.nan], [4.0, 2.0]):
            ends = stopping.step(torch.tensor(loss), module)
            module.weight.value.add_(1)
        stopping.restore(module, ends)
        return module.weight.value.tolist()

    expected = best("cpu")
    with PretendedGPU():
        assert best(DEVICE) == expected


def test_training_with_noise_and_replicas_that_leave() -> None:
    def trained(device: str) -> tuple[list[float], History]:
        module = Sequential(Linear(2, 6), BatchNorm(6), Tanh(), Dropout(0.3), Linear(6, 1))
        module.initialize([generator(r) for r in range(checks.R)], INITIAL, device=device)
        x, target = (normal(checks.R, 24, n, seed=n).float().to(device) for n in (2, 1))
        history = train_model(
            module,
            SGD(module.parameters(), learning_rate=(0.1, 1e30, 0.01), momentum=0.9),
            MSELoss(),
            x,
            target,
            epochs=7,
            batch_size=5,
            shuffle=[generator(r) for r in range(checks.R)],
            noise=[generator(10 + r) for r in range(checks.R)],
            validation=(x, target),
            schedule=ReduceLROnPlateau(0, 0.5),
            stopping=EarlyStopping(2, restore_best=True),
        )
        assert devices(module) == {device}
        return [number for held in module.named_state().values() for number in held.value.flatten().tolist()], history

    expected, history = trained("cpu")
    assert len(set(history.epochs)) > 1
    with PretendedGPU():
        found, there = trained(DEVICE)
    assert list(map(repr, found)) == list(map(repr, expected))
    assert (there.epochs, there.diverged) == (history.epochs, history.diverged)
    checks.same_bits(there.train_loss, history.train_loss, "loss")


def test_labels_are_encoded_where_they_are() -> None:
    with PretendedGPU():
        found = one_hot_encode(torch.tensor([0, 2]).to(DEVICE), 3)
        assert found.device.type == DEVICE
        assert found.tolist() == [[1, 0, 0], [0, 0, 1]]


class Forgetful(Tanh):
    """Its mask stays on the processor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * torch.ones(x.shape)


def test_a_class_that_mixes_devices_is_caught() -> None:
    with PretendedGPU(), pytest.raises(RuntimeError) as caught:
        Forgetful().forward(torch.zeros(2, 3).to(DEVICE))
    assert str(caught.value) == "aten::mul: expected tensors of one device, found meta (2, 3), cpu (2, 3)"
