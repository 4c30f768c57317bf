"""The torch peers of the library, to whose tables this module adds those of the harness's own parts."""

from typing import Any

import torch
from torch import nn

from fairgrid.experiments.config.report_variants import AdamWithoutRoot, AveragedMomentum
from fairgrid.experiments.config.siamese import PairCrossEntropy
from fairgrid.torch_peers import (
    LOSSES,
    OPTIMIZERS,
    Criterion,
    loss_peer,
    module_peer,
    optimizer_peer,
    parameters,
    schedule_peer,
    single_number,
    weighted_sum,
)

__all__ = ["Criterion", "loss_peer", "module_peer", "optimizer_peer", "parameters", "schedule_peer"]


def _averaged_momentum(optimizer: AveragedMomentum, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """SGD with dampening, with a buffer that starts at zero instead of at the first gradient."""
    beta = single_number(optimizer, "beta")
    net = torch.optim.SGD(parameters, lr=single_number(optimizer, "learning_rate"), momentum=beta, dampening=beta)
    for parameter in parameters:
        net.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return net


class _AdamWithoutRoot(torch.optim.Optimizer):
    """The recursion with `torch.lerp` on autograd's gradients, because torch has no such optimizer."""

    def __init__(self, optimizer: AdamWithoutRoot, parameters: list[nn.Parameter]) -> None:
        super().__init__(parameters, {"lr": single_number(optimizer, "learning_rate")})
        self.ours = optimizer

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Updates every parameter."""
        first, second = 1 - self.ours.beta1, 1 - self.ours.beta2
        for group in self.param_groups:
            for parameter in group["params"]:
                state, grad = self.state[parameter], parameter.grad
                state["mean"] = torch.lerp(state.get("mean", torch.zeros_like(grad)), grad, first)
                state["square"] = torch.lerp(state.get("square", torch.zeros_like(grad)), grad**2, second)
                step = (state["mean"] / first) / (state["square"] / second + self.ours.epsilon)
                parameter.data.sub_(group["lr"] * step)


LOSSES[PairCrossEntropy] = weighted_sum
OPTIMIZERS[AdamWithoutRoot] = _AdamWithoutRoot
OPTIMIZERS[AveragedMomentum] = _averaged_momentum
