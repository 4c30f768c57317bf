"""Every loss keeps its contract and agrees with its peer in torch."""

import pytest
import torch
from torch import Tensor

from fairgrid import torch_peers as twins
from fairgrid.framework import Loss, MSELoss
from fairgrid.framework.testing import check_loss
from fairgrid.framework.testing.clauses import generator
from tests.framework import checks
from tests.framework.mutants import AveragesAlways, ForgetsTwo, MixesRuns
from tests.framework.tables import LOSSES, LossExample, check_complete, rows

every_loss = pytest.mark.parametrize(("kind", "example"), rows(LOSSES))
both_reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])
plain_and_stacked = pytest.mark.parametrize("replicas", [None, checks.R], ids=["plain", "stacked"])


def test_every_loss_has_an_example() -> None:
    check_complete(Loss, LOSSES, "LOSSES")


@both_reductions
@every_loss
def test_keeps_the_contract(kind, example, reduction) -> None:
    loss = example.make(reduction)
    assert type(loss) is kind
    assert loss.reduction == reduction
    targets = example.target((50, example.outputs), generator(3))
    check_loss(lambda: example.make(reduction), (example.outputs,), targets)


@both_reductions
@plain_and_stacked
@every_loss
def test_agrees_with_autograd(kind, example, replicas, reduction) -> None:
    checks.check_loss_twin(example.make(reduction), *checks.loss_inputs(example, replicas))


@every_loss
def test_an_infinite_prediction_has_no_finite_loss(kind, example) -> None:
    prediction, target = checks.loss_inputs(example, checks.R)
    prediction[1] = torch.inf
    assert not example.make("mean").forward(prediction, target)[1].isfinite()


class ForgetsScale(MSELoss):
    def backward(self) -> Tensor:
        return super().backward() / self.scale


@pytest.mark.parametrize(
    ("make", "reduction"),
    [
        (ForgetsTwo, "mean"),
        (lambda reduction: ForgetsScale(reduction, 0.5), "mean"),
        (AveragesAlways, "sum"),
        (MixesRuns, "mean"),
    ],
)
def test_a_loss_that_disagrees_with_its_peer_is_caught(monkeypatch, make, reduction) -> None:
    loss = make(reduction)
    monkeypatch.setitem(twins.LOSSES, type(loss), twins.LOSSES[MSELoss])
    with pytest.raises(AssertionError, match="is off by"):
        checks.check_loss_twin(loss, *checks.loss_inputs(LossExample(make), checks.R))
