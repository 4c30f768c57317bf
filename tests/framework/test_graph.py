"""Graphs train as their torch twins do, share what is shared, and nest."""

import pytest
import torch
from torch import Tensor

from fairgrid.framework import (
    SGD,
    Adam,
    BatchNorm,
    Concatenate,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Graph,
    Identity,
    LeakyReLU,
    Linear,
    Loss,
    MaxPool2d,
    Module,
    MSELoss,
    ReLU,
    Sequential,
    Slice,
    Sum,
    Tanh,
    WeightedSum,
    pytorch_uniform,
)
from fairgrid.framework.testing.clauses import generator, normal
from fairgrid.framework.testing.module_trial import ModuleTrial
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer, parameters
from tests.framework.checks import close, same_bits

R, SAMPLES, BATCH = 3, 24, 8


def two_branches() -> Graph:
    """The kind of report 002's figure 1: a deep and a linear branch into a sum."""
    operators = {"x": [Identity()], 1: [Linear(2, 9)], 2: [Tanh()], 3: [Linear(9, 2)], 4: [Linear(2, 2)], 5: [Sum()]}
    return Graph(operators, {"x": [], 1: ["x"], 2: [1], 3: [2], 4: ["x"], 5: [3, 4]}, inputs=["x"], outputs=[5])


def digit_pairs() -> Graph:
    """Report 001's comparison of two digits: one tower and one classifier for both, whose outputs are auxiliary."""
    tower = Sequential(
        *(Conv2d(1, 4, 3, padding=1, bias=False), MaxPool2d(2), BatchNorm(4, dims=2), Dropout(0.2)),
        *(Conv2d(4, 3, 3, padding=1), MaxPool2d(2), LeakyReLU(), Flatten()),
    )
    digit = Sequential(Linear(12, 16), ReLU(), Linear(16, 10))
    operators = {"pair": Identity(), "first": Slice(0, 1, -3), "second": Slice(1, 2, -3), "left": tower, "right": tower}
    operators |= {"digit": digit, "other": digit, "both": Concatenate(), "compare": [Linear(20, 2)]}
    edges = {"first": ["pair"], "second": ["pair"], "left": ["first"], "right": ["second"]}
    edges |= {"digit": ["left"], "other": ["right"], "both": ["digit", "other"], "compare": ["both"]}
    return Graph(operators, edges, inputs=["pair"], outputs=["compare", "digit", "other"])


def classes(count: int, seed: int) -> Tensor:
    return torch.randint(count, (R, SAMPLES), generator=generator(seed))


PROBLEMS = [
    pytest.param(two_branches, (2,), MSELoss(), normal(R, SAMPLES, 2, seed=1), id="two_branches"),
    pytest.param(
        digit_pairs,
        (2, 8, 8),
        WeightedSum([CrossEntropyLoss()] * 3, [1.0, 0.5, 0.3]),
        [classes(2, 2), classes(10, 3), classes(10, 4)],
        id="digit_pairs",
    ),
]


def part(target: Tensor | list[Tensor], *index: int | slice) -> Tensor | list[Tensor]:
    return [one[index] for one in target] if isinstance(target, list) else target[index]


@pytest.mark.parametrize(("kind", "rate"), [(SGD, 0.1), (Adam, 0.01)])
@pytest.mark.parametrize(("make", "features", "criterion", "target"), PROBLEMS)
def test_a_graph_trains_as_its_twin(make, features, criterion: Loss, target, kind, rate) -> None:
    model: Module = make()
    model.initialize([generator(r) for r in range(R)], pytorch_uniform, torch.float64)
    twins = []
    for r in range(R):
        plain: Module = make()
        plain.initialize(generator(r), pytorch_uniform, torch.float64)
        net = module_peer(plain)
        peer = optimizer_peer(kind(plain.parameters(), rate), net.parameters())
        assert len(list(net.parameters())) == len(plain.parameters()), "what is shared is one parameter"
        twins.append((plain, net, peer))
    optimizer = kind(model.parameters(), rate)
    x = normal(R, SAMPLES, *features, seed=5)
    losses = []
    for epoch in range(4):
        model.begin_epoch([generator(100 * epoch + r) for r in range(R)], SAMPLES)
        for r, (plain, _, _) in enumerate(twins):
            plain.begin_epoch(generator(100 * epoch + r), SAMPLES)
        for start in range(0, SAMPLES, BATCH):
            rows = slice(start, start + BATCH)
            found = criterion.forward(model.forward(x[:, rows]), part(target, slice(None), rows))
            model.backward(criterion.backward())
            optimizer.step()
            optimizer.zero_grad()
            losses.append(found)
            for r, (_, net, peer) in enumerate(twins):
                peer.zero_grad()
                expected = loss_peer(criterion)(net(x[r, rows]), part(target, r, rows))
                expected.backward()
                peer.step()
                close(found[r], expected.detach(), f"the loss of replica {r}")
    for r, (plain, net, _) in enumerate(twins):
        for ours, pair in zip(model.parameters(), parameters(plain, net), strict=True):
            close(ours.value[r], pair.value, f"a parameter of replica {r}", 1e-9)
    assert (torch.stack(losses[-3:]).mean(0) < torch.stack(losses[:3]).mean(0)).all()


def test_running_statistics_are_the_twins() -> None:
    """A shared normalisation sees both images, in the order of the graph."""
    model = digit_pairs()
    model.initialize(generator(0), pytorch_uniform, torch.float64)
    model.begin_epoch(generator(1), BATCH)
    net = module_peer(model)
    x = normal(BATCH, 2, 8, 8, seed=2)
    net(x)
    model.begin_epoch(generator(1), BATCH)
    model.forward(x)
    mean, variance = model.buffers()
    left = net[list(model.modules).index("left")][2]
    right = net[list(model.modules).index("right")][2]
    # torch's two peers are updated once each, ours twice: 0.9 (0.9 s + 0.1 l) + 0.1 r
    for ours, start, one, other in (
        (mean, 0.0, left.running_mean, right.running_mean),
        (variance, 1.0, left.running_var, right.running_var),
    ):
        expected = 0.9 * one + (other - 0.9 * start)
        close(ours.value.flatten(), expected, "a running statistic")


def test_sequential_and_graph_share_a_module_wherever_it_is() -> None:
    layer = Linear(3, 3)
    nested = Sequential(layer, Tanh(), layer, Graph({1: Sequential(Tanh(), layer)}, {}, [1], [1]))
    chain = Sequential(*(Linear(3, 3) for _ in range(3)))
    nested.initialize(generator(0), pytorch_uniform, torch.float64)
    assert nested.parameters() == [layer.weight, layer.bias]
    apart = Sequential(chain.modules[0], Tanh(), chain.modules[1], Tanh(), chain.modules[2])
    for one in chain.modules:
        for ours, parameter in zip(one.parameters(), layer.parameters(), strict=True):
            ours.assign(parameter.value.clone())
    x, dy = normal(5, 3, seed=1), [normal(5, 3, seed=2)]
    outcome, expected = (list(ModuleTrial(model, 0, x, dy).outcome().values()) for model in (nested, apart))
    sums = [sum(expected[2 + place :: 2]) for place in range(2)]  # of three weights, and of three biases
    for ours, theirs in zip(outcome, [*expected[:2], *sums], strict=True):
        close(ours, theirs, "a layer used three times")


def test_several_inputs_and_outputs_give_lists() -> None:
    graph = Graph(
        {"a": Linear(2, 3), "b": Linear(4, 3), "sum": Sum(), "out": Tanh()},
        {"sum": ["b", "a"], "out": ["sum"]},
        inputs=["a", "b"],
        outputs=["out", "sum"],
    )
    graph.initialize([generator(r) for r in range(R)], pytorch_uniform, torch.float64)
    a, b = normal(R, 5, 2, seed=0), normal(R, 5, 4, seed=1)
    out, total = graph.forward([a, b])
    close(out, total.tanh(), "the output after the sum")
    dout, dtotal = normal(R, 5, 3, seed=2), normal(R, 5, 3, seed=3)
    da, db = graph.backward([dout, dtotal])
    gradient = dout * (1 - out * out) + dtotal
    weights = {key: graph.modules[key].weight.value for key in ("a", "b")}
    close(da, gradient @ weights["a"].mT, "the gradient of the first input")
    close(db, gradient @ weights["b"].mT, "the gradient of the second input")


def test_an_operator_twice_among_the_predecessors_counts_twice() -> None:
    graph = Graph({1: Identity(), 2: Sum()}, {2: [1, 1, 1]}, [1], [2])
    x = normal(5, 4, seed=0)
    close(graph.forward(x), 3 * x, "the sum")
    close(graph.backward(x), 3 * x, "its gradient")


def test_the_order_of_the_dictionaries_does_not_matter() -> None:
    graphs = []
    for keys in (["in", "a", "b", "out"], ["out", "b", "in", "a"]):
        made = {"in": Identity(), "a": Linear(2, 3), "b": Sequential(Linear(2, 3), Tanh()), "out": Sum()}
        graph = Graph({key: made[key] for key in keys}, {"out": ["a", "b"], "a": ["in"], "b": ["in"]}, ["in"], ["out"])
        for key, seed in (("a", 0), ("b", 1)):
            made[key].initialize([generator(seed), generator(seed + 2)], pytorch_uniform)
        graphs.append(graph)
    x = normal(2, 5, 2, seed=4, dtype=torch.float32)
    one, other = (graph.forward(x) for graph in graphs)
    same_bits(one, other, "the output")


def test_parameters_come_in_the_order_of_the_operators() -> None:
    first, second = Linear(2, 3), Linear(3, 2)
    graph = Graph({"second": second, "first": first}, {"second": ["first"]}, ["first"], ["second"])
    assert graph.parameters() == [second.weight, second.bias, first.weight, first.bias]
    assert list(graph.state_dict()) == [
        "modules.second.weight",
        "modules.second.bias",
        "modules.first.weight",
        "modules.first.bias",
    ]
