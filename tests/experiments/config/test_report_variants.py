"""The reports' own update rules and loss do what their authors' code did."""

from typing import Any

import pytest
import torch

from fairgrid.experiments.config.registry import LOSS, OPTIMIZER
from fairgrid.experiments.engines.torch_peers import loss_peer, optimizer_peer
from fairgrid.framework import Optimizer, Parameter

STEPS = 12


def trajectories(name: str, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Where a parameter goes by our rule and by the peer's, on the same gradients."""
    stream = torch.Generator().manual_seed(3)
    ours = Parameter((4, 3))
    ours.assign(torch.randn(4, 3, generator=stream, dtype=torch.float64))
    theirs = torch.nn.Parameter(ours.value.clone())
    optimizer: Optimizer = OPTIMIZER.names[name]([ours], **options)
    peer = optimizer_peer(optimizer, [theirs])
    for _ in range(STEPS):
        gradient = torch.randn(4, 3, generator=stream, dtype=torch.float64)
        ours.grad.copy_(gradient)
        theirs.grad = gradient
        optimizer.step()
        peer.step()
    return ours.value, theirs.detach()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("averaged_momentum", {"learning_rate": 0.1}),
        ("averaged_momentum", {"learning_rate": 0.1, "beta": 0.5}),
        ("adam_without_root", {"learning_rate": 1e-3}),
        ("adam_without_root", {"learning_rate": 1e-3, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.1}),
    ],
)
def test_they_agree_with_their_peers(name: str, options: dict[str, float]) -> None:
    ours, theirs = trajectories(name, **options)
    assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_constant_gradient_moves_by_what_the_authors_printed() -> None:
    ours = Parameter((1,))
    ours.assign(torch.zeros(1, dtype=torch.float64))
    optimizer = OPTIMIZER.names["averaged_momentum"]([ours], learning_rate=1.0, beta=0.9)
    for _ in range(STEPS):
        ours.grad.fill_(1)
        optimizer.step()
    # u after t steps is 1 − 0.9ᵗ
    assert ours.value.item() == pytest.approx(-sum(1 - 0.9**t for t in range(1, STEPS + 1)))


def test_the_summed_loss_has_half_the_difference_for_a_gradient() -> None:
    loss = LOSS.names["summed_half_mse"]()
    prediction, target = torch.randn(2, 5, 2, dtype=torch.float64).unbind()
    value = loss.forward(prediction, target)
    assert value.item() == pytest.approx(((prediction - target) ** 2).sum().item() / 4)
    assert torch.allclose(loss.backward(), (prediction - target) / 2)
    assert loss_peer(loss)(prediction, target).item() == pytest.approx(value.item())
