"""Agreement of modules, losses and optimizers with their peers in torch, by checks that raise AssertionError."""

from typing import Any

import torch
from torch import Tensor

from fairgrid.framework import Loss, Optimizer, Parameter
from fairgrid.framework.testing.clauses import Outcome, at, generator, normal, require_near, require_same_bits
from fairgrid.framework.testing.module_trial import ModuleTrial, start
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer
from fairgrid.torch_peers import parameters as pairs
from tests.framework.tables import Example, LossExample

R = 3
B = 6


def close(actual: Tensor, expected: Tensor, what: str, tolerance: float = 1e-10) -> None:
    """Equal shapes and dtypes, and equal to a relative tolerance in the Euclidean norm."""
    require_near({what: actual}, {what: expected}, "expected near numbers", tolerance)


def same_bits(actual: Tensor, expected: Tensor, what: str) -> None:
    """Equal bit for bit; a NaN equals another, 0 differs from −0."""
    require_same_bits({what: actual}, {what: expected}, "expected equal bits")


# Modules


def trial(
    example: Example, replicas: int | None = None, dtype: torch.dtype = torch.float64, device: str = "cpu"
) -> ModuleTrial:
    """The example's module, plain or stacked, with x and dy."""
    return start(example.make(), example.features, replicas, dtype, B, device)


def twin_outcome(plain: ModuleTrial) -> Outcome:
    """The outcome of a plain module's peer, by autograd."""
    net = module_peer(plain.module)
    x = plain.x.clone().requires_grad_()
    plain.begin_epoch()
    y = net(x)
    y.backward(plain.dy[0])
    names = {parameter: name for name, parameter in plain.parameters().items()}
    peers = pairs(plain.module, net)
    assert [pair.ours for pair in peers] == plain.module.parameters(), "the peer does not pair every parameter"
    gradients = {f"the gradient of {names[pair.ours]}": pair.grad for pair in peers}
    return {"the output": y.detach(), "the gradient for x": x.grad} | gradients


def check_twin(tried: ModuleTrial) -> None:
    """Output and all gradients agree with torch's; in a stack, those of every replica with its own peer."""
    outcome = tried.outcome()
    if isinstance(tried.streams, int):
        compare(outcome, twin_outcome(tried), "plain")
        return
    for r in tried.streams:
        compare(at(outcome, r), twin_outcome(tried.subset(r)), f"replica {r}")


def compare(outcome: Outcome, expected: Outcome, where: str, tolerance: float = 1e-10) -> None:
    """The same tensors, near to each other."""
    assert outcome.keys() == expected.keys(), f"{where}: expected {sorted(expected)}, found {sorted(outcome)}"
    require_near(outcome, expected, where, tolerance)


# Losses


def loss_inputs(
    example: LossExample, replicas: int | None = None, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """A prediction and a target."""
    shape = (B, example.outputs) if replicas is None else (replicas, B, example.outputs)
    target = example.target(shape, generator(3))
    return normal(*shape, seed=4, dtype=dtype), target.to(dtype) if target.is_floating_point() else target


def twin_loss_outcome(loss: Loss, prediction: Tensor, target: Tensor) -> Outcome:
    prediction = prediction.clone().requires_grad_()
    value = loss_peer(loss)(prediction, target)
    value.backward()
    return {"loss": value.detach(), "gradient": prediction.grad}


def check_loss_twin(loss: Loss, prediction: Tensor, target: Tensor) -> None:
    """Loss and gradient agree with torch's; in a stack, those of every replica."""
    outcome = {"loss": loss.forward(prediction, target).clone(), "gradient": loss.backward().clone()}
    if prediction.dim() == 2:
        compare(outcome, twin_loss_outcome(loss, prediction, target), "plain")
        return
    assert outcome["loss"].shape == (R,), f"expected a loss of shape {(R,)}, found {tuple(outcome['loss'].shape)}"
    for r in range(R):
        compare(at(outcome, r), twin_loss_outcome(loss, prediction[r], target[r]), f"replica {r}")


# Optimizers

SHAPES = ((3, 5), (1, 5), (5, 1), (1, 1), (7, 9), (2, 3, 2, 2))
LATER = (0.3, 0.5, 0.2)  # factors on the three learning rates when they change


def problem(replicas: int | None, dtype: torch.dtype = torch.float64) -> list[Parameter]:
    """Parameters with random values."""
    parameters = []
    for place, shape in enumerate(SHAPES):
        parameter = Parameter(shape)
        drawn = torch.stack([normal(*shape, seed=1000 * r + place) for r in range(replicas or 1)])
        parameter.assign((drawn if replicas is not None else drawn[0]).to(dtype))
        parameters.append(parameter)
    return parameters


def pull(value: Tensor, place: int, step: int, replica: int) -> Tensor:
    """The gradient of one replica's parameter: noise and a pull that depends on the value."""
    noise = normal(*SHAPES[place], seed=100_000 * (replica + 1) + 100 * step + place, dtype=value.dtype)
    return noise + 0.5 * value


def of(config: dict[str, Any], replica: int) -> dict[str, Any]:
    """The configuration of one replica."""
    return {name: value[replica % R] if isinstance(value, tuple) else value for name, value in config.items()}


def of_stack(config: dict[str, Any], replicas: list[int]) -> dict[str, Any]:
    """The configuration of a stack of replicas."""
    return {
        name: [value[r % R] for r in replicas] if isinstance(value, tuple) else value for name, value in config.items()
    }


def check_optimizer_twin(kind: type[Optimizer], config: dict[str, Any], replica: int | None) -> None:
    """After every one of 14 steps, with another learning rate from the eighth on, the parameters are torch.optim's.

    Args:
        kind: the class.
        config: its keywords.
        replica: one of the three for plain parameters, None for a stack of all.
    """
    if replica is None:
        names = list(range(R))
        parameters = problem(R)
        optimizer = kind(parameters, **of_stack(config, names))
    else:
        names = [replica]
        parameters = problem(None)
        optimizer = kind(parameters, **of(config, replica))
    theirs = []
    for i, r in enumerate(names):
        values = [parameter.value[i] if replica is None else parameter.value for parameter in parameters]
        leaves = [torch.nn.Parameter(value.clone()) for value in values]
        theirs.append((r, leaves, optimizer_peer(kind(problem(None), **of(config, r)), leaves)))
    for step in range(14):
        if step == 7:
            rates = [of(config, r)["learning_rate"] * LATER[r] for r in names]
            optimizer.set("learning_rate", rates if replica is None else rates[0])
            for rate, (_, _, peer) in zip(rates, theirs, strict=True):
                peer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        for i, (r, leaves, peer) in enumerate(theirs):
            for place, (parameter, leaf) in enumerate(zip(parameters, leaves, strict=True)):
                leaf.grad = pull(leaf.detach(), place, step, r)
                (parameter.grad[i] if replica is None else parameter.grad).add_(leaf.grad)
            peer.step()
        optimizer.step()
        for i, (r, leaves, _) in enumerate(theirs):
            for place, (parameter, leaf) in enumerate(zip(parameters, leaves, strict=True)):
                value = parameter.value[i] if replica is None else parameter.value
                close(value, leaf.detach(), f"parameter {place} of replica {r} after step {step}")
