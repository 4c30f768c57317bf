"""Every loss keeps its contract, and the checks catch those that do not."""

import pytest
import torch
from torch import Tensor

from fairgrid import torch_peers as twins
from fairgrid.framework import Loss, MSELoss
from tests.framework import checks
from tests.framework.tables import LOSSES, LossExample, check_complete, rows

every_loss = pytest.mark.parametrize(("kind", "example"), rows(LOSSES))
both_reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])
plain_and_stacked = pytest.mark.parametrize("replicas", [None, checks.R], ids=["plain", "stacked"])


def test_every_loss_has_an_example() -> None:
    check_complete(Loss, LOSSES, "LOSSES")


@both_reductions
@plain_and_stacked
@every_loss
def test_agrees_with_autograd(kind, example, replicas, reduction) -> None:
    loss = example.make(reduction)
    assert type(loss) is kind
    checks.check_loss_twin(loss, *checks.loss_inputs(example, replicas))


@both_reductions
@plain_and_stacked
@every_loss
def test_gradient_is_the_slope(kind, example, replicas, reduction) -> None:
    checks.check_loss_directional(example.make(reduction), *checks.loss_inputs(example, replicas))


@plain_and_stacked
@every_loss
def test_parts_of_a_batch_add_up(kind, example, replicas) -> None:
    checks.check_loss_parts(example.make("sum"), *checks.loss_inputs(example, replicas))


@both_reductions
@plain_and_stacked
@every_loss
def test_leaves_what_it_was_given_alone(kind, example, replicas, reduction) -> None:
    checks.check_loss_leaves_alone(example.make(reduction), *checks.loss_inputs(example, replicas))


@every_loss
def test_backward_needs_a_forward(kind, example) -> None:
    with pytest.raises(ValueError, match=rf"^{kind.__name__}\.backward needs a forward before it$"):
        example.make("mean").backward()


@every_loss
def test_float32_stays_float32(kind, example) -> None:
    loss = example.make("mean")
    prediction, target = checks.loss_inputs(example, checks.R, torch.float32)
    found = checks.loss_outcome(loss, prediction, target)
    exact = checks.loss_outcome(loss, prediction.double(), target.double() if target.is_floating_point() else target)
    checks.compare(found, {name: tensor.float() for name, tensor in exact.items()}, "float32", 1e-5)


@every_loss
def test_a_diverged_replica_leaves_its_neighbours_alone(kind, example) -> None:
    loss = example.make("mean")
    prediction, target = checks.loss_inputs(example, checks.R)
    before = checks.loss_outcome(loss, prediction, target)
    prediction[1] = torch.inf
    after = checks.loss_outcome(loss, prediction, target)
    for name, tensor in before.items():
        checks.same_bits(after[name][[0, 2]], tensor[[0, 2]], name)
    assert not after["loss"][1].isfinite()


class ForgetsTwo(MSELoss):
    def backward(self) -> Tensor:
        return super().backward() / 2


class ForgetsScale(MSELoss):
    def backward(self) -> Tensor:
        return super().backward() / self.scale


class AveragesAlways(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.batch = prediction.shape[-2]
        return super().forward(prediction, target) / self.batch

    def backward(self) -> Tensor:
        return super().backward() / self.batch


class MixesReplicas(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        value = super().forward(prediction, target)
        return value.mean().expand_as(value).clone()


class InPlace(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction.sub_(target), torch.zeros_like(target))


class Doubles(MSELoss):
    times = 1

    def backward(self) -> Tensor:
        self.times *= 2
        return super().backward() * self.times


@pytest.mark.parametrize(
    ("check", "make", "reduction"),
    [
        (checks.check_loss_twin, ForgetsTwo, "mean"),
        (checks.check_loss_directional, ForgetsTwo, "sum"),
        (checks.check_loss_twin, lambda reduction: ForgetsScale(reduction, 0.5), "mean"),
        (checks.check_loss_twin, AveragesAlways, "sum"),
        (checks.check_loss_parts, AveragesAlways, "sum"),
        (checks.check_loss_twin, MixesReplicas, "mean"),
        (checks.check_loss_leaves_alone, InPlace, "mean"),
        (checks.check_loss_leaves_alone, Doubles, "mean"),
    ],
)
def test_a_faulty_loss_is_caught(monkeypatch, check, make, reduction) -> None:
    loss = make(reduction)
    monkeypatch.setitem(twins.LOSSES, type(loss), twins.LOSSES[MSELoss])
    with pytest.raises(AssertionError):
        check(loss, *checks.loss_inputs(LossExample(make), checks.R))
