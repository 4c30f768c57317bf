"""Losses and softmax where numbers are large, few or the same."""

import pytest
import torch

from fairgrid.framework import (
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    Linear,
    Loss,
    MSELoss,
    ReLU,
    Sequential,
    Softmax,
    pytorch_uniform,
)
from fairgrid.framework.testing.clauses import generator, normal
from tests.framework.checks import close, same_bits

DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_of_enormous_logits(dtype) -> None:
    loss = CrossEntropyLoss()
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]], dtype=dtype)
    assert loss.forward(logits[:1], torch.tensor([0])).item() == 0
    assert loss.forward(logits[:1], torch.tensor([1])).item() == 2e4
    assert loss.backward().tolist() == [[1, -1, 0]]
    found = loss.forward(logits[1:2], torch.tensor([1]))
    close(found, torch.tensor(2.0, dtype=dtype).log(), "log 2", 1e-6)
    assert loss.backward().tolist() == [[0, -0.5, 0.5]]
    close(loss.forward(logits[2:], torch.tensor([2])), torch.tensor(3.0, dtype=dtype).log(), "log 3", 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_cross_entropy_of_enormous_logits(dtype) -> None:
    loss = BinaryCrossEntropyLoss("sum")
    logits = torch.tensor([[1e4], [-1e4], [1e4], [-1e4]], dtype=dtype)
    target = torch.tensor([[1.0], [0.0], [0.0], [1.0]], dtype=dtype)
    assert loss.forward(logits, target).item() == 2e4
    assert loss.backward().tolist() == [[0], [0], [1], [-1]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_enormous_numbers(dtype) -> None:
    layer = Softmax()
    x = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -2e4]], dtype=dtype)
    assert layer.forward(x).tolist() == [[1, 0, 0], [0.5, 0.5, 0]]
    assert layer.backward(torch.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, 5.0]], dtype=dtype)).tolist() == [
        [0, 0, 0],
        [0.25, -0.25, 0],
    ]


@pytest.mark.parametrize("outputs", [1, 4])
def test_a_shift_of_the_logits_leaves_softmax_and_cross_entropy_alone(outputs) -> None:
    x, dy = normal(3, 5, outputs, seed=0), normal(3, 5, outputs, seed=1)
    layer, loss = Softmax(), CrossEntropyLoss()
    target = torch.randint(outputs, (3, 5), generator=generator(2))
    found = [
        (layer.forward(shifted), layer.backward(dy), loss.forward(shifted, target), loss.backward())
        for shifted in (x, x + 1024)
    ]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)
    softmax, gradient, _, loss_gradient = found[0]
    torch.testing.assert_close(softmax.sum(-1), torch.ones(3, 5, dtype=torch.float64))
    # the outputs add up to 1, so a gradient along (1, …, 1) is none
    torch.testing.assert_close(gradient.sum(-1), torch.zeros(3, 5, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(loss_gradient.sum(-1), torch.zeros(3, 5, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("replicas", [(), (3,)], ids=["plain", "stacked"])
def test_indices_and_one_hot_are_the_same_target(replicas) -> None:
    loss = CrossEntropyLoss()
    logits = normal(*replicas, 6, 4, seed=0)
    index = torch.randint(4, (*replicas, 6), generator=generator(1))
    one_hot = torch.eye(4, dtype=torch.int64)[index]
    expected, gradient = loss.forward(logits, index), loss.backward()
    for target in (one_hot, one_hot.bool(), one_hot.double(), index.to(torch.uint8)):
        same_bits(loss.forward(logits, target), expected, "the loss")
        same_bits(loss.backward(), gradient, "its gradient")


@pytest.mark.parametrize("loss", [MSELoss(), BinaryCrossEntropyLoss(), CrossEntropyLoss()])
def test_a_batch_of_one_is_as_good_as_any(loss: Loss) -> None:
    prediction, target = normal(3, 5, 2, seed=0), normal(3, 5, 2, seed=1)
    whole, gradient = loss.forward(prediction, target), loss.backward()
    parts = []
    for i in range(5):
        parts.append(loss.forward(prediction[:, i : i + 1], target[:, i : i + 1]))
        close(loss.backward() / 5, gradient[:, i : i + 1], "the gradient of one sample")
    close(torch.stack(parts).mean(0), whole, "the mean of the losses")


@pytest.mark.parametrize("loss", [MSELoss(), BinaryCrossEntropyLoss(), CrossEntropyLoss()])
@pytest.mark.parametrize("shape", [(0, 2), (3, 0, 2)])
def test_an_empty_batch_is_refused(loss: Loss, shape) -> None:
    message = f"^{type(loss).__name__} needs at least one sample, found an empty batch$"
    with pytest.raises(ValueError, match=message):
        loss.forward(torch.ones(shape), torch.ones(shape))


def test_a_net_of_dead_units_has_zero_gradients_and_goes_on() -> None:
    model = Sequential(Linear(3, 4), ReLU(), Linear(4, 2))
    model.initialize(generator(0), pytorch_uniform)
    first, last = model.modules[0], model.modules[2]
    first.bias.value.fill_(-1e6)
    loss = CrossEntropyLoss()
    prediction = model.forward(normal(5, 3, seed=0, dtype=torch.float32))
    same_bits(prediction, last.bias.value.expand(5, 2), "the output of dead units")
    loss.forward(prediction, torch.tensor([0, 1, 1, 0, 1]))
    assert model.backward(loss.backward()).eq(0).all()
    assert all(parameter.grad.eq(0).all() for parameter in (first.weight, first.bias, last.weight))
    assert last.bias.grad.isfinite().all()
    assert last.bias.grad.ne(0).all()
