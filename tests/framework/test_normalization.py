"""Batch normalization: its statistics, its two modes, and the edges."""

import pytest
import torch

from fairgrid.framework import SGD, BatchNorm, Linear, Sequential, Tanh, pytorch_uniform, select
from fairgrid.framework.testing.clauses import generator, normal
from tests.framework.checks import close, same_bits


def layer(replicas: int | None = None, features: int = 4, **options: float) -> BatchNorm:
    made = BatchNorm(features, **options)
    streams = generator(0) if replicas is None else [generator(r) for r in range(replicas)]
    made.initialize(streams, pytorch_uniform, torch.float64)
    return made


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.7, 1.0])
@pytest.mark.parametrize(("dims", "shape"), [(1, (6, 4)), (1, (2, 4)), (2, (5, 4, 3, 2)), (2, (1, 4, 2, 1))])
def test_running_statistics_and_evaluation_are_torchs(dims, shape, momentum) -> None:
    ours = layer(3, dims=dims, momentum=momentum)
    kind = torch.nn.BatchNorm1d if dims == 1 else torch.nn.BatchNorm2d
    peers = [kind(4, momentum=momentum, dtype=torch.float64) for _ in range(3)]
    for step in range(4):
        x = normal(3, *shape, seed=step) * 3 + 1
        y = ours.forward(x)
        for r, peer in enumerate(peers):
            close(y[r], peer(x[r]).detach(), "the output in training")
    x, dy = normal(3, *shape, seed=10), normal(3, *shape, seed=11)
    ours.train(False)
    y = ours.forward(x)
    dx = ours.backward(dy)
    for r, peer in enumerate(peers):
        peer.eval()
        leaf = x[r].clone().requires_grad_()
        expected = peer(leaf)
        expected.backward(dy[r])
        close(ours.mean.value[r].flatten(), peer.running_mean, "the running mean")
        close(ours.variance.value[r].flatten(), peer.running_var, "the running variance")
        close(y[r], expected.detach(), "the output in evaluation")
        close(dx[r], leaf.grad, "the input gradient in evaluation")
        close(ours.weight.grad[r].flatten(), peer.weight.grad, "the weight's gradient in evaluation")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_feature_without_variance_gives_the_bias(dtype) -> None:
    made = BatchNorm(2)
    made.initialize(generator(0), pytorch_uniform, dtype)
    made.bias.value.fill_(0.5)
    x = torch.tensor([[3.0, 1.0], [3.0, 2.0], [3.0, 6.0]], dtype=dtype)
    y = made.forward(x)
    assert y[:, 0].tolist() == [0.5, 0.5, 0.5]
    dx = made.backward(torch.tensor([[1.0, 1.0], [-1.0, 0.0], [3.0, 0.0]], dtype=dtype))
    assert dx.isfinite().all()
    assert made.variance.value[0, 0].item() == pytest.approx(0.9)
    # as torch, to the digits that 1 / √ε = 316 leaves
    peer = torch.nn.BatchNorm1d(2, dtype=dtype)
    leaf = x.clone().requires_grad_()
    peer(leaf).backward(torch.tensor([[1.0, 1.0], [-1.0, 0.0], [3.0, 0.0]], dtype=dtype))
    close(dx, leaf.grad, "the input gradient", 1e-5)


def test_a_scale_and_a_shift_of_the_data_do_not_matter() -> None:
    made = layer(3, epsilon=1e-12)
    x = normal(3, 8, 4, seed=0)
    close(made.forward(7 * x + 5), made.forward(x), "the output", 1e-9)


def test_evaluation_takes_a_batch_of_one_and_leaves_the_statistics() -> None:
    made = layer(2)
    made.forward(normal(2, 8, 4, seed=0))
    before = made.state_dict()
    made.train(False)
    x = normal(2, 5, 4, seed=1)
    close(torch.cat([made.forward(x[:, i : i + 1]) for i in range(5)], 1), made.forward(x), "one by one")
    for name, value in made.state_dict().items():
        same_bits(value, before[name], name)


def test_train_reaches_all_below() -> None:
    model = Sequential(Sequential(Linear(4, 4), BatchNorm(4)), Tanh())
    assert all(module.training for _, module in model.walk())
    model.train(False)
    assert not any(module.training for _, module in model.walk())
    model.train(True)
    assert all(module.training for _, module in model.walk())


def trained(model: Sequential, optimizer: SGD, x: torch.Tensor, steps: range) -> None:
    for step in steps:
        model.forward(x + step)
        model.backward(x)
        optimizer.step()
        optimizer.zero_grad()


def test_replicas_leave_with_their_statistics() -> None:
    kept = torch.tensor([3, 0, 3])
    models = []
    for _ in range(2):
        shared = BatchNorm(4)
        model = Sequential(Linear(4, 4), shared, Tanh(), shared)
        model.initialize([generator(r) for r in range(5)], pytorch_uniform)
        optimizer = SGD(model.parameters(), learning_rate=0.1, momentum=0.9)
        models.append((model, optimizer))
    x = normal(5, 6, 4, seed=0, dtype=torch.float32)
    (whole, whole_optimizer), (cut, cut_optimizer) = models
    trained(whole, whole_optimizer, x, range(6))
    trained(cut, cut_optimizer, x, range(3))
    select(kept, cut, cut_optimizer)
    trained(cut, cut_optimizer, x[kept], range(3, 6))
    for name, value in whole.state_dict().items():
        same_bits(cut.state_dict()[name], value[kept], name)
