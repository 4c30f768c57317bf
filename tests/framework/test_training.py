"""The training loop: batches are the samples in their order, an epoch is what torch's own loop does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgrid.framework import Adam, Linear, MSELoss, Sequential, Tanh, XavierUniform, batches, replica_of, train_epoch
from fairgrid.framework.testing.clauses import generator, normal
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer, parameters
from tests.framework.checks import close


def permutations(replicas: int, samples: int) -> torch.Tensor:
    return torch.stack([torch.randperm(samples, generator=generator(r)) for r in range(replicas)])


@settings(max_examples=50, derandomize=True)
@given(
    replicas=st.integers(1, 4),
    samples=st.integers(1, 20),
    batch_size=st.integers(1, 25),
    trailing=st.sampled_from([(1,), (3,), (2, 2)]),
    shared=st.booleans(),
)
def test_batches_are_each_replicas_samples_in_its_order(replicas, samples, batch_size, trailing, shared) -> None:
    x = normal(*([samples] if shared else [replicas, samples]), *trailing, seed=0)
    if shared:
        x = x.expand(replicas, *x.shape)
    order = permutations(replicas, samples)
    found = list(batches(x, order, batch_size))
    assert [batch.shape[1] for batch in found[:-1]] == [batch_size] * (len(found) - 1)
    assert 1 <= found[-1].shape[1] <= batch_size
    joined = torch.cat(found, 1)
    for r in range(replicas):
        assert torch.equal(joined[r], x[r][order[r]])


@pytest.mark.parametrize("batch_size", [1, 7, 20, 50])
def test_an_epoch_is_torchs_loop(batch_size) -> None:
    model = Sequential(Linear(2, 5), Tanh(), Linear(5, 1))
    model.initialize([generator(0), generator(1)], XavierUniform(bias="same"), torch.float64)
    x, target, order = normal(2, 20, 2, seed=3), normal(2, 20, 1, seed=4), permutations(2, 20)
    alone = [replica_of(model, r) for r in range(2)]
    criterion = MSELoss()
    optimizer = Adam(model.parameters(), learning_rate=[0.01, 0.1])
    losses = train_epoch(model, criterion, optimizer, x, target, order, batch_size)
    for r, one in enumerate(alone):
        net = module_peer(one)
        peer = optimizer_peer(Adam(one.parameters(), learning_rate=[0.01, 0.1][r]), net.parameters())
        theirs = []
        for index in order[r].split(batch_size):
            peer.zero_grad()
            loss = loss_peer(criterion)(net(x[r][index]), target[r][index])
            loss.backward()
            peer.step()
            theirs.append(loss.detach())
        close(losses[:, r], torch.stack(theirs), "the losses")
        for pair in parameters(replica_of(model, r), net):
            close(pair.ours.value, pair.value, "a parameter")
    assert all(parameter.grad.eq(0).all() for parameter in model.parameters())
