"""A loss over several outputs, which takes lists: what tests/framework/test_losses.py holds for the others."""

import pytest
import torch

from fairgrid.framework import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss, WeightedSum
from fairgrid.framework.testing.clauses import generator, normal
from fairgrid.torch_peers import loss_peer
from tests.framework.checks import R, close, same_bits


def example(replicas: int | None) -> tuple[WeightedSum, list[torch.Tensor], list[torch.Tensor]]:
    leading = (6,) if replicas is None else (replicas, 6)
    classes = CrossEntropyLoss("sum")
    loss = WeightedSum([classes, MSELoss(scale=0.5), classes, BinaryCrossEntropyLoss()], [1.0, 0.3, 0.0, 2.0])
    predictions = [normal(*leading, outputs, seed=outputs) for outputs in (3, 1, 5, 2)]
    targets = [
        torch.randint(3, leading, generator=generator(0)),
        normal(*leading, 1, seed=10),
        torch.randint(5, leading, generator=generator(1)),
        normal(*leading, 2, seed=11).sigmoid(),
    ]
    return loss, predictions, targets


@pytest.mark.parametrize("replicas", [None, R], ids=["plain", "stacked"])
def test_agrees_with_autograd(replicas) -> None:
    loss, predictions, targets = example(replicas)
    found = loss.forward(predictions, targets)
    gradients = loss.backward()
    assert found.shape == (() if replicas is None else (R,))
    for r in range(replicas or 1):
        leaves = [(one if replicas is None else one[r]).clone().requires_grad_() for one in predictions]
        expected = loss_peer(loss)(leaves, [one if replicas is None else one[r] for one in targets])
        expected.backward()
        close(found if replicas is None else found[r], expected.detach(), "the loss")
        for place, (ours, leaf) in enumerate(zip(gradients, leaves, strict=True)):
            close(ours if replicas is None else ours[r], leaf.grad, f"gradient {place}")


@pytest.mark.parametrize("stack", [[0, 1], [5, 2, 9], list(range(63, -1, -1))])
def test_does_not_depend_on_the_stack(stack) -> None:
    loss, predictions, targets = example(64)
    predictions = [one.float() for one in predictions]
    targets = [one.float() if one.is_floating_point() else one for one in targets]
    whole, gradients = loss.forward(predictions, targets), loss.backward()
    same_bits(loss.forward([one[stack] for one in predictions], [one[stack] for one in targets]), whole[stack], "loss")
    for ours, expected in zip(loss.backward(), gradients, strict=True):
        same_bits(ours, expected[stack], "a gradient")
