"""Who is measured. Each trains the same network on the same data from the same weights, an epoch at a time.

An epoch is all that a training loop does: a new order of the samples, then forward, backward and update for every
batch.
Imports are made when a contestant is, so that those that are not installed are left out with a word.
"""

import importlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fairgrid.experiments.engines.compiled import CompiledPasses
from fairgrid.framework import (
    SGD,
    Adam,
    Linear,
    MSELoss,
    Optimizer,
    ReLU,
    Sequential,
    predict,
    pytorch_uniform,
    train_epoch,
)

WIDTHS = (2, 25, 25, 25, 2)
MOMENTUM = 0.9
OPTIMIZERS = ("sgd-momentum", "adam")


@dataclass(frozen=True)
class Task:
    """What is trained: R replicas, each with its own data and initial weights.

    Attributes:
        optimizer: one of OPTIMIZERS.
        batch: samples per step.
        rate: the learning rate.
        x: points, (R, N, 2). target: one-hot classes, (R, N, 2).
        weights: of every layer, (R, in, out). biases: (R, 1, out).
    """

    optimizer: str
    batch: int
    rate: float
    x: Tensor
    target: Tensor
    weights: list[Tensor]
    biases: list[Tensor]

    @property
    def replicas(self) -> int:
        """R."""
        return self.x.shape[0]

    @property
    def steps(self) -> int:
        """Optimizer steps of one replica in an epoch."""
        return self.x.shape[1] // self.batch


class Contestant(ABC):
    """A way to train.

    Attributes:
        name: as tables have it.
        stacks: sizes of a stack that are tried, by batch size; (1,) if it has none.
    """

    name: ClassVar[str]
    stacks: ClassVar[dict[int, tuple[int, ...]]] = {}

    def __init__(self, task: Task) -> None:
        self.task = task

    @abstractmethod
    def epoch(self) -> None:
        """Trains one epoch, all of its work done when it returns."""

    @abstractmethod
    def decide(self, x: Tensor) -> np.ndarray:
        """The class of every point, (R, N), for x (R, N, 2)."""


class _Ours(Contestant):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.model, self.optimizer = build(task)
        self.criterion = MSELoss()
        self.generators = [torch.Generator().manual_seed(replica) for replica in range(task.replicas)]

    def order(self) -> Tensor:
        """A new order of the samples for every replica."""
        samples = self.task.x.shape[1]
        return torch.stack([torch.randperm(samples, generator=generator) for generator in self.generators])


class Stacked(_Ours):
    """The engine `framework`."""

    name = "fairgrid, tensor operations"
    stacks: ClassVar = {1: (64, 128, 256), 10: (32, 64, 128), 100: (8, 16, 32)}

    def epoch(self) -> None:
        task = self.task
        train_epoch(self.model, self.criterion, self.optimizer, task.x, task.target, self.order(), task.batch)

    def decide(self, x: Tensor) -> np.ndarray:
        classes: np.ndarray = predict(self.model, x).argmax(-1).numpy()
        return classes


class Compiled(_Ours):
    """The engine `compiled`."""

    name = "fairgrid, compiled"
    stacks: ClassVar = {1: (16, 64), 10: (16, 64), 100: (16, 64)}

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.passes = CompiledPasses(self.optimizer)

    def epoch(self) -> None:
        task = self.task
        self.passes.train_epoch(
            self.model, self.criterion, self.optimizer, task.x, task.target, self.order(), task.batch
        )

    def decide(self, x: Tensor) -> np.ndarray:
        classes: np.ndarray = self.passes.predict(self.model, x).argmax(-1).numpy()
        return classes


class TorchEager(Contestant):
    """torch.nn, autograd and torch.optim, one network."""

    name = "torch.nn eager"
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        layers: list[torch.nn.Module] = []
        for number, (weight, bias) in enumerate(zip(task.weights, task.biases, strict=True)):
            linear = torch.nn.Linear(weight.shape[1], weight.shape[2])
            with torch.no_grad():
                linear.weight.copy_(weight[0].mT)
                linear.bias.copy_(bias[0, 0])
            layers += [torch.nn.ReLU()] if number else []
            layers += [linear]
        self.net = torch.nn.Sequential(*layers)
        self.loss = torch.nn.MSELoss()
        self.generator = torch.Generator().manual_seed(0)
        self.optimizer = (
            torch.optim.SGD(self.net.parameters(), lr=task.rate, momentum=MOMENTUM, **self.options)
            if task.optimizer == "sgd-momentum"
            else torch.optim.Adam(self.net.parameters(), lr=task.rate, **self.options)
        )

    def epoch(self) -> None:
        x, target = self.task.x[0], self.task.target[0]
        for index in torch.randperm(len(x), generator=self.generator).split(self.task.batch):
            self.optimizer.zero_grad()
            self.loss(self.net(x[index]), target[index]).backward()
            self.optimizer.step()

    def decide(self, x: Tensor) -> np.ndarray:
        with torch.no_grad():
            classes: np.ndarray = self.net(x[0]).argmax(-1).numpy()[None]
        return classes


class TorchFused(TorchEager):
    """The same with torch.optim's fused updates."""

    name = "torch.nn eager, fused optimizer"
    options: ClassVar = {"fused": True}


class TorchFunc(Contestant):
    """torch.func: a stack through vmap(grad(…)), updated in place by torch's own updates of lists of tensors."""

    name = "torch.func vmap"
    stacks: ClassVar = {1: (64, 256), 10: (16, 64, 128), 100: (8, 32, 64)}

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.parameters = [tensor.clone() for tensor in (*task.weights, *task.biases)]
        self.first = [torch.zeros_like(tensor) for tensor in self.parameters]
        self.second = [torch.zeros_like(tensor) for tensor in self.parameters]
        self.steps = 0
        self.rows = torch.arange(task.replicas)[:, None]
        self.generator = torch.Generator().manual_seed(0)

        def loss(parameters: list[Tensor], x: Tensor, target: Tensor) -> Tensor:
            return (_network(parameters, x) - target).square().mean()

        self.gradient = torch.func.vmap(torch.func.grad(loss))

    def epoch(self) -> None:
        task = self.task
        order = torch.stack([torch.randperm(task.x.shape[1], generator=self.generator) for _ in range(task.replicas)])
        x, target = task.x[self.rows, order], task.target[self.rows, order]
        with torch.no_grad():
            for batch, wanted in zip(x.split(task.batch, 1), target.split(task.batch, 1), strict=True):
                self.update(list(self.gradient(self.parameters, batch, wanted)))

    def update(self, gradients: list[Tensor]) -> None:
        """One step of all tensors."""
        self.steps += 1
        if self.task.optimizer == "sgd-momentum":
            torch._foreach_mul_(self.first, MOMENTUM)
            torch._foreach_add_(self.first, gradients)
            torch._foreach_add_(self.parameters, self.first, alpha=-self.task.rate)
            return
        torch._foreach_lerp_(self.first, gradients, 0.1)
        torch._foreach_mul_(self.second, 0.999)
        torch._foreach_addcmul_(self.second, gradients, gradients, value=0.001)
        correction = (1 - 0.999**self.steps) ** 0.5
        # zeros take a slow path of the square root
        roots = torch._foreach_sqrt(torch._foreach_clamp_min(self.second, torch.finfo(torch.float32).tiny))
        torch._foreach_add_(roots, 1e-8 * correction)
        torch._foreach_addcdiv_(
            self.parameters, self.first, roots, value=-self.task.rate * correction / (1 - 0.9**self.steps)
        )

    def decide(self, x: Tensor) -> np.ndarray:
        classes: np.ndarray = torch.func.vmap(_network)(self.parameters, x).argmax(-1).numpy()
        return classes


class Jax(Contestant):
    """JAX: an epoch is one compiled program, jit of vmap of scan."""

    name = "JAX jit+vmap+scan"
    stacks: ClassVar = {1: (16, 64, 128), 10: (16, 64, 128), 100: (4, 10, 32)}

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        jax: Any = importlib.import_module("jax")
        jnp: Any = importlib.import_module("jax.numpy")
        self.jax = jax
        layers = [
            (jnp.asarray(weight.numpy()), jnp.asarray(bias.numpy()))
            for weight, bias in zip(task.weights, task.biases, strict=True)
        ]
        self.x, self.target = jnp.asarray(task.x.numpy()), jnp.asarray(task.target.numpy())
        samples, batch, rate = task.x.shape[1], task.batch, task.rate
        tree = jax.tree_util.tree_map

        def network(parameters: Any, x: Any) -> Any:
            for number, (weight, bias) in enumerate(parameters):
                x = (jnp.maximum(x, 0) if number else x) @ weight + bias
            return x

        def loss(parameters: Any, x: Any, target: Any) -> Any:
            return jnp.mean((network(parameters, x) - target) ** 2)

        def step(state: Any, sample: Any) -> Any:
            parameters, first, second, count = state
            gradient = jax.grad(loss)(parameters, *sample)
            count = count + 1
            if task.optimizer == "sgd-momentum":
                first = tree(lambda m, g: MOMENTUM * m + g, first, gradient)
                return (tree(lambda p, m: p - rate * m, parameters, first), first, second, count), None
            first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
            second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
            correction = jnp.sqrt(1 - 0.999**count)
            scale = rate * correction / (1 - 0.9**count)
            parameters = tree(
                lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8 * correction), parameters, first, second
            )
            return (parameters, first, second, count), None

        def epoch(state: Any, x: Any, target: Any, key: Any) -> Any:
            order = jax.random.permutation(key, samples)
            shaped = (samples // batch, batch, -1)
            return jax.lax.scan(step, state, (x[order].reshape(shaped), target[order].reshape(shaped)))[0]

        axes = (0, 0, 0, None)
        self.run = jax.jit(jax.vmap(epoch, in_axes=(axes, 0, 0, 0), out_axes=axes), donate_argnums=0)
        zeros = tree(jnp.zeros_like, layers)
        self.state = (layers, zeros, tree(jnp.zeros_like, layers), jnp.float32(0))
        self.key = jax.random.PRNGKey(0)
        self.network = jax.vmap(network)

    def epoch(self) -> None:
        self.key, key = self.jax.random.split(self.key)
        keys = self.jax.random.split(key, self.task.replicas)
        self.state = self.jax.block_until_ready(self.run(self.state, self.x, self.target, keys))

    def decide(self, x: Tensor) -> np.ndarray:
        classes: np.ndarray = np.asarray(self.network(self.state[0], x.numpy())).argmax(-1)
        return classes


class ScikitLearn(Contestant):
    """scikit-learn's MLPClassifier, by partial_fit. It has the cross-entropy for its only loss, and its own weights."""

    name = "scikit-learn MLPClassifier"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from sklearn.neural_network import MLPClassifier

        self.net = MLPClassifier(
            WIDTHS[1:-1],
            solver="sgd" if task.optimizer == "sgd-momentum" else "adam",
            learning_rate_init=task.rate,
            momentum=MOMENTUM,
            nesterovs_momentum=False,
            batch_size=task.batch,
            alpha=0.0,
            random_state=0,
        )
        self.x, self.label = task.x[0].numpy(), task.target[0].argmax(-1).numpy()

    def epoch(self) -> None:
        self.net.partial_fit(self.x, self.label, classes=[0, 1])

    def decide(self, x: Tensor) -> np.ndarray:
        classes: np.ndarray = self.net.predict(x[0].numpy())[None]
        return classes


CONTESTANTS: Sequence[type[Contestant]] = (
    Compiled,
    Stacked,
    TorchEager,
    TorchFused,
    TorchFunc,
    Jax,
    ScikitLearn,
)


def build(task: Task) -> tuple[Sequential, Optimizer]:
    """Our model with the task's weights, and the optimizer of it."""
    layers: list[Linear | ReLU] = []
    for number, weight in enumerate(task.weights):
        layers += [ReLU()] if number else []
        layers += [Linear(weight.shape[1], weight.shape[2])]
    model = Sequential(*layers)
    for layer, weight, bias in zip(
        (layer for layer in layers if isinstance(layer, Linear)), task.weights, task.biases, strict=True
    ):
        layer.weight.assign(weight.clone())
        assert layer.bias is not None
        layer.bias.assign(bias.clone())
    make: Callable[..., Optimizer] = Adam
    if task.optimizer == "sgd-momentum":
        make = SGD
    options = {"momentum": MOMENTUM} if make is SGD else {}
    return model, make(model.parameters(), learning_rate=task.rate, **options)


def drawn(replicas: int) -> tuple[list[Tensor], list[Tensor]]:
    """Initial weights and biases of so many replicas."""
    layers = [Linear(inputs, outputs) for inputs, outputs in itertools.pairwise(WIDTHS)]
    model = Sequential(*layers)
    model.initialize([torch.Generator().manual_seed(replica) for replica in range(replicas)], pytorch_uniform)
    return [layer.weight.value for layer in layers], [layer.bias.value for layer in layers if layer.bias is not None]


def _network(parameters: list[Tensor], x: Tensor) -> Tensor:
    """The output of one network from its weights and then its biases."""
    depth = len(parameters) // 2
    for number, (weight, bias) in enumerate(zip(parameters[:depth], parameters[depth:], strict=True)):
        x = (x.clamp_min(0) if number else x) @ weight + bias
    return x
