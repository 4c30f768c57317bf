"""Report 004's claim: the library and PyTorch train alike (III: all parameters 10⁻⁶; here also random weights)."""

import math
from itertools import pairwise

import pytest
import torch

from fairgrid.framework import SGD, Constant, Linear, MSELoss, ReLU, Sequential, XavierNormal, replica_of, train_epoch
from fairgrid.framework.testing.clauses import generator
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer, parameters

EPOCHS, BATCH = 25, 100


@pytest.mark.parametrize("initializer", [Constant(value=1e-6), XavierNormal(bias="same")], ids=["constant", "random"])
def test_losses_over_25_epochs_agree_with_pytorch(initializer) -> None:
    x = torch.rand(1000, 2, generator=generator(0), dtype=torch.float64)
    inside = (x - 0.5).square().sum(1) < 1 / (2 * math.pi)
    target = torch.stack([~inside, inside], 1).double()
    widths = [2, 25, 25, 25, 25, 2]
    layers = [part for pair in pairwise(widths) for part in (Linear(*pair), ReLU())]
    model = Sequential(*layers[:-1])
    model.initialize([generator(1), generator(2)], initializer, torch.float64)
    criterion = MSELoss()
    alone = [replica_of(model, r) for r in range(2)]
    nets = [module_peer(one) for one in alone]
    optimizers = [
        optimizer_peer(SGD(one.parameters(), learning_rate=0.1, momentum=0.9), net.parameters())
        for one, net in zip(alone, nets, strict=True)
    ]
    optimizer = SGD(model.parameters(), learning_rate=0.1, momentum=0.9)
    order = torch.arange(1000).expand(2, -1)

    first = last = None
    for _ in range(EPOCHS):
        ours = train_epoch(
            model, criterion, optimizer, x.expand(2, -1, -1), target.expand(2, -1, -1), order, BATCH
        ).sum(0)
        for r in range(2):
            theirs = 0.0
            for batch, wanted in zip(x.split(BATCH), target.split(BATCH), strict=True):
                optimizers[r].zero_grad()
                loss = loss_peer(criterion)(nets[r](batch), wanted)
                loss.backward()
                optimizers[r].step()
                theirs += loss.item()
            assert ours[r].item() == pytest.approx(theirs, abs=1e-6, rel=0)
        first, last = first if first is not None else ours, ours
    assert (last < first).all()  # there was training to compare

    for r in range(2):
        for pair in parameters(replica_of(model, r), nets[r]):
            torch.testing.assert_close(pair.ours.value, pair.value, atol=1e-6, rtol=0)
