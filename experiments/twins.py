"""The torch.nn and torch.optim peers of the framework's models, losses and optimizers.

The `pytorch` engine trains them with autograd, and the tests hold the framework against them. A class of one's own gets
a peer by a line in the tables below: MODULES and PARAMETERS for a layer, LOSSES, OPTIMIZERS.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from framework import (
    SGD,
    Adam,
    Identity,
    LeakyReLU,
    Linear,
    Loss,
    Module,
    MSELoss,
    Optimizer,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)

Layout = Callable[[Tensor], Tensor]
Criterion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Pair:
    """A framework parameter and its peer.

    Attributes:
        ours: the framework's parameter, plain.
        theirs: torch's parameter.
        layout: from torch's shape to the framework's, as a view.
    """

    ours: Parameter
    theirs: nn.Parameter
    layout: Layout

    @property
    def value(self) -> Tensor:
        """The peer's value in the framework's layout: a view, so it can be written to."""
        return self.layout(self.theirs.detach())

    @property
    def grad(self) -> Tensor:
        """The peer's gradient in the framework's layout, zero where autograd left none."""
        return torch.zeros_like(self.value) if self.theirs.grad is None else self.layout(self.theirs.grad)


def _transposed(theirs: Tensor) -> Tensor:
    """(C, D) as (D, C)."""
    return theirs.T


def _row(theirs: Tensor) -> Tensor:
    """(C,) as (1, C)."""
    return theirs[None]


def _linear(module: Linear) -> nn.Module:
    weight = module.weight.value
    # built on "meta", so that torch draws nothing from its global generator
    inputs, outputs = module.weight.shape
    net = nn.Linear(inputs, outputs, bias=module.bias is not None, device="meta", dtype=weight.dtype)
    return net.to_empty(device=weight.device)


# a layer, its peer with parameters still to be copied
MODULES: dict[type[Module], Callable[[Any], nn.Module]] = {
    Identity: lambda module: nn.Identity(),
    LeakyReLU: lambda module: nn.LeakyReLU(module.alpha),
    Linear: _linear,
    ReLU: lambda module: nn.ReLU(),
    Sequential: lambda module: nn.Sequential(*map(_build, module.modules)),
    Sigmoid: lambda module: nn.Sigmoid(),
    Tanh: lambda module: nn.Tanh(),
}

# a layer with parameters of its own: the attribute here, the attribute there, the layout
PARAMETERS: dict[type[Module], list[tuple[str, str, Layout]]] = {
    Linear: [("weight", "weight", _transposed), ("bias", "bias", _row)],
}

LOSSES: dict[type[Loss], Callable[[Any], Criterion]] = {
    MSELoss: lambda loss: nn.MSELoss(reduction=loss.reduction),
}

OPTIMIZERS: dict[type[Optimizer], Callable[[Any, list[nn.Parameter]], torch.optim.Optimizer]] = {
    Adam: lambda optimizer, parameters: torch.optim.Adam(
        parameters,
        lr=_number(optimizer, "learning_rate"),
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.epsilon,
        weight_decay=_number(optimizer, "weight_decay"),
    ),
    SGD: lambda optimizer, parameters: torch.optim.SGD(
        parameters,
        lr=_number(optimizer, "learning_rate"),
        momentum=_number(optimizer, "momentum"),
        nesterov=optimizer.nesterov,
        weight_decay=_number(optimizer, "weight_decay"),
    ),
}


def twin_module(module: Module) -> nn.Module:
    """The torch.nn peer of an initialized plain module, with copies of its parameters and its dtype.

    A parameter that is used at several places is one parameter there too.

    Raises:
        ValueError: a class in it has no peer, or its parameters are stacked.
    """
    net = _build(module)
    copied: dict[Parameter, nn.Parameter] = {}
    for owner, name, pair in _walk(module, net):
        if pair.ours.replicas is not None:
            raise ValueError(f"twin_module takes plain parameters, found {pair.ours.replicas} replicas")
        if pair.ours in copied:
            setattr(owner, name, copied[pair.ours])
        else:
            pair.value.copy_(pair.ours.value)
            copied[pair.ours] = pair.theirs
    return net


def parameters(module: Module, net: nn.Module) -> list[Pair]:
    """The parameters of a module beside those of its peer, in the order of `Module.parameters`."""
    return list({pair.ours: pair for _, _, pair in _walk(module, net)}.values())


def twin_loss(loss: Loss) -> Criterion:
    """The peer of a loss: a function of prediction (B, C) and target, with its reduction and scale.

    Raises:
        ValueError: its class has no peer.
    """
    criterion = _entry(LOSSES, loss, "LOSSES")(loss)
    return lambda prediction, target: loss.scale * criterion(prediction, target)


def twin_optimizer(optimizer: Optimizer, torch_parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The torch.optim peer of an optimizer that has taken no step, with its hyper-parameters.

    Raises:
        ValueError: its class has no peer, or a hyper-parameter is one per replica.
    """
    twin: torch.optim.Optimizer = _entry(OPTIMIZERS, optimizer, "OPTIMIZERS")(optimizer, list(torch_parameters))
    return twin


def _build(module: Module) -> nn.Module:
    net: nn.Module = _entry(MODULES, module, "MODULES")(module)
    return net


def _walk(module: Module, net: nn.Module) -> Iterator[tuple[nn.Module, str, Pair]]:
    """Every use of a parameter: the peer of the layer that uses it, its name there, and the pair."""
    for ours, theirs, layout in PARAMETERS.get(type(module), []):
        if getattr(module, ours) is not None:
            yield net, theirs, Pair(getattr(module, ours), getattr(net, theirs), layout)
    for child, peer in zip(module.children(), net.children(), strict=True):
        yield from _walk(child, peer)


def _entry(table: Mapping[type[Any], Any], ours: object, name: str) -> Any:
    kind = type(ours)
    if kind not in table:
        raise ValueError(f"{kind.__name__} has no peer in torch: add one to {name} in experiments/twins.py")
    return table[kind]


def _number(optimizer: Optimizer, name: str) -> float:
    given = optimizer.get(name)
    if given.dim():
        raise ValueError(f"torch.optim takes one {name}, found one per replica ({given.shape[0]})")
    return given.item()
