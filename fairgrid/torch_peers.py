"""The torch.nn and torch.optim peers of the framework's models, losses and optimizers.

The `pytorch` engine trains them with autograd, and the tests compare the framework with them. A class of your own gets
a peer by a line in the tables below: MODULES and PARAMETERS for a layer, LOSSES, OPTIMIZERS.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fairgrid.framework import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    BinaryCrossEntropyLoss,
    Concatenate,
    ConstantRate,
    Conv2d,
    CosineDecay,
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
    Optimizer,
    Parameter,
    ReduceLROnPlateau,
    ReLU,
    Schedule,
    Sequential,
    Sigmoid,
    Slice,
    Softmax,
    StepDecay,
    Sum,
    Tanh,
    WeightedSum,
)

Layout = Callable[[Tensor], Tensor]
Criterion = Callable[[Any, Any], Tensor]  # Tensors, or lists of them for a loss over several outputs


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


def _viewed(shape: tuple[int, ...]) -> Layout:
    """The same elements in another shape, such as (C,) as (1, C)."""
    return lambda theirs: theirs.view(shape)


def _linear(module: Linear) -> nn.Module:
    weight = module.weight.value
    # built on "meta", so that torch draws nothing from its global generator
    inputs, outputs = module.weight.shape
    net = nn.Linear(inputs, outputs, bias=module.bias is not None, device="meta", dtype=weight.dtype)
    return net.to_empty(device=weight.device)


def _conv2d(module: Conv2d) -> nn.Module:
    weight = module.weight.value
    outputs, inputs, *_ = module.weight.shape
    sizes = (module.kernel, module.stride, module.padding)
    net = nn.Conv2d(inputs, outputs, *sizes, bias=module.bias is not None, device="meta", dtype=weight.dtype)
    return net.to_empty(device=weight.device)


def _batch_norm(module: BatchNorm) -> nn.Module:
    kind = nn.BatchNorm1d if len(module.weight.shape) == 2 else nn.BatchNorm2d
    weight = module.weight.value
    net = kind(module.weight.shape[1], module.epsilon, module.momentum, dtype=weight.dtype, device=weight.device)
    for running, buffer in ((net.running_mean, module.mean), (net.running_var, module.variance)):
        assert running is not None
        running.copy_(buffer.value.flatten())
    return net


class _Function(nn.Module):
    """A layer without parameters that torch has only as a function."""

    def __init__(self, function: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Tensor:
        return self.function(x)


class _Dropout(nn.Module):
    """Dropout with the masks of ours, which need `begin_epoch` of the module, because torch's would be different."""

    def __init__(self, ours: Dropout) -> None:
        super().__init__()
        self.ours = ours

    def forward(self, x: Tensor) -> Tensor:
        self.ours.training = self.training
        return x * self.ours.forward(torch.ones_like(x))


class _Graph(nn.Sequential):
    """The operators of a graph, each called with what its predecessors returned."""

    def __init__(self, ours: Graph) -> None:
        super().__init__(*map(_build, ours.modules.values()))
        self.ours = ours

    def forward(self, x: Any) -> Any:
        peers = dict(zip(self.ours.modules, self, strict=True))
        values = dict(zip(self.ours.inputs, x if self.ours.takes_list else [x], strict=True))
        for key in self.ours.order:
            inputs = [values[predecessor] for predecessor in self.ours.connectivity[key]] or [values[key]]
            values[key] = peers[key](inputs if len(inputs) > 1 else inputs[0])
        results = [values[key] for key in self.ours.outputs]
        return results if len(results) > 1 else results[0]


# a layer, its peer with parameters still to be copied
MODULES: dict[type[Module], Callable[[Any], nn.Module]] = {
    BatchNorm: _batch_norm,
    Concatenate: lambda module: _Function(lambda tensors: torch.cat(tensors, module.dim)),
    Conv2d: _conv2d,
    Dropout: _Dropout,
    Flatten: lambda module: nn.Flatten(-module.dims),
    Graph: _Graph,
    Identity: lambda module: nn.Identity(),
    LeakyReLU: lambda module: nn.LeakyReLU(module.alpha),
    Linear: _linear,
    MaxPool2d: lambda module: nn.MaxPool2d(module.kernel, module.stride, module.padding),
    ReLU: lambda module: nn.ReLU(),
    Sequential: lambda module: nn.Sequential(*map(_build, module.modules)),
    Sigmoid: lambda module: nn.Sigmoid(),
    Slice: lambda module: _Function(lambda x: x.narrow(module.dim, module.start, module.stop - module.start)),
    Softmax: lambda module: nn.Softmax(-1),
    Sum: lambda module: _Function(lambda tensors: torch.stack(tensors).sum(0)),
    Tanh: lambda module: nn.Tanh(),
}

# a layer with parameters of its own: the attribute here, the attribute there, the layout; None: a view of our shape
PARAMETERS: dict[type[Module], list[tuple[str, str, Layout | None]]] = {
    BatchNorm: [("weight", "weight", None), ("bias", "bias", None)],
    Conv2d: [("weight", "weight", None), ("bias", "bias", None)],
    Linear: [("weight", "weight", _transposed), ("bias", "bias", None)],
}


def weighted_sum(loss: WeightedSum) -> Criterion:
    """The peer of a weighted sum of losses, and of a class that only chooses the weights."""
    criteria = [loss_peer(part) for part in loss.losses]

    def criterion(predictions: list[Tensor], targets: list[Tensor]) -> Tensor:
        parts = zip(loss.weights, criteria, predictions, targets, strict=True)
        return torch.stack([weight * one(prediction, target) for weight, one, prediction, target in parts]).sum()

    return criterion


LOSSES: dict[type[Loss], Callable[[Any], Criterion]] = {
    BinaryCrossEntropyLoss: lambda loss: nn.BCEWithLogitsLoss(reduction=loss.reduction),
    CrossEntropyLoss: lambda loss: nn.CrossEntropyLoss(reduction=loss.reduction),
    MSELoss: lambda loss: nn.MSELoss(reduction=loss.reduction),
    WeightedSum: weighted_sum,
}


def _adam(optimizer: Adam) -> dict[str, Any]:
    return {
        "lr": single_number(optimizer, "learning_rate"),
        "betas": (optimizer.beta1, optimizer.beta2),
        "eps": optimizer.epsilon,
        "weight_decay": single_number(optimizer, "weight_decay"),
    }


OPTIMIZERS: dict[type[Optimizer], Callable[[Any, list[nn.Parameter]], torch.optim.Optimizer]] = {
    Adam: lambda optimizer, parameters: torch.optim.Adam(parameters, **_adam(optimizer)),
    AdamW: lambda optimizer, parameters: torch.optim.AdamW(parameters, **_adam(optimizer)),
    SGD: lambda optimizer, parameters: torch.optim.SGD(
        parameters,
        lr=single_number(optimizer, "learning_rate"),
        momentum=single_number(optimizer, "momentum"),
        nesterov=optimizer.nesterov,
        weight_decay=single_number(optimizer, "weight_decay"),
    ),
}


class _Cosine(torch.optim.lr_scheduler.CosineAnnealingLR):
    """Torch's schedule would rise again after its period; ours stays."""

    def step(self, epoch: int | None = None) -> None:
        if self.last_epoch < self.T_max:
            super().step(epoch)


SCHEDULES: dict[type[Schedule], Callable[[Any, torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]] = {
    ConstantRate: lambda schedule, optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0),
    CosineDecay: lambda schedule, optimizer: _Cosine(optimizer, schedule.period, schedule.min_rate),
    ReduceLROnPlateau: lambda schedule, optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=schedule.factor,
        patience=schedule.patience,
        threshold=schedule.threshold,
        min_lr=schedule.min_lr,
    ),
    StepDecay: lambda schedule, optimizer: torch.optim.lr_scheduler.StepLR(optimizer, schedule.period, schedule.factor),
}


def module_peer(module: Module) -> nn.Module:
    """The torch.nn peer of an initialized plain module, with copies of its parameters and its dtype.

    A parameter that is used at several places is one parameter in the peer too.

    Raises:
        ValueError: the class of a part has no peer, or the parameters are stacked.
    """
    net = _build(module)
    copied: dict[Parameter, nn.Parameter] = {}
    for owner, name, pair in _walk(module, net):
        if pair.ours.replicas is not None:
            raise ValueError(f"module_peer takes plain parameters, found {pair.ours.replicas} replicas")
        if pair.ours in copied:
            setattr(owner, name, copied[pair.ours])
        else:
            pair.value.copy_(pair.ours.value)
            copied[pair.ours] = pair.theirs
    return net


def parameters(module: Module, net: nn.Module) -> list[Pair]:
    """The parameters of a module beside those of its peer, in the order of `Module.parameters`."""
    return list({pair.ours: pair for _, _, pair in _walk(module, net)}.values())


def loss_peer(loss: Loss) -> Criterion:
    """The peer of a loss: a function of prediction (B, C) and target, with its reduction and scale.

    Raises:
        ValueError: its class has no peer.
    """
    criterion = _entry(LOSSES, loss, "LOSSES")(loss)
    return lambda prediction, target: loss.scale * criterion(prediction, target)


def optimizer_peer(optimizer: Optimizer, torch_parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The torch.optim peer of an optimizer that has taken no step, with its hyper-parameters.

    Raises:
        ValueError: its class has no peer, or a hyper-parameter is one per replica.
    """
    peer: torch.optim.Optimizer = _entry(OPTIMIZERS, optimizer, "OPTIMIZERS")(optimizer, list(torch_parameters))
    return peer


def schedule_peer(schedule: Schedule, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    """The peer of a schedule, over the peer of its optimizer.

    Raises:
        ValueError: its class has no peer.
    """
    peer: torch.optim.lr_scheduler.LRScheduler = _entry(SCHEDULES, schedule, "SCHEDULES")(schedule, optimizer)
    return peer


def _build(module: Module) -> nn.Module:
    net: nn.Module = _entry(MODULES, module, "MODULES")(module)
    net.training = module.training
    return net


def _walk(module: Module, net: nn.Module) -> Iterator[tuple[nn.Module, str, Pair]]:
    """Every use of a parameter: the peer of the layer that uses it, its name there, and the pair."""
    for ours, theirs, layout in PARAMETERS.get(type(module), []):
        parameter: Parameter | None = getattr(module, ours)
        if parameter is not None:
            yield net, theirs, Pair(parameter, getattr(net, theirs), layout or _viewed(parameter.shape))
    for child, peer in zip(module.children(), net.children(), strict=True):
        yield from _walk(child, peer)


def _entry(table: Mapping[type[Any], Any], ours: object, name: str) -> Any:
    kind = type(ours)
    if kind not in table:
        raise ValueError(f"{kind.__name__} has no peer in torch: add one to {name} in fairgrid/torch_peers.py")
    return table[kind]


def single_number(optimizer: Optimizer, name: str) -> float:
    """A hyper-parameter as torch.optim takes it.

    Raises:
        ValueError: it is one per replica.
    """
    given = optimizer.get(name)
    if given.dim():
        raise ValueError(f"torch.optim takes one {name}, found one per replica ({given.shape[0]})")
    return given.item()
