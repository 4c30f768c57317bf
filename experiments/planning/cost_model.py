"""What runs are expected to cost before any has been trained. Long chunks start first, and the time left goes by it."""

import math
from typing import TYPE_CHECKING

from fairgrid.experiments.config.run import RunConfig

if TYPE_CHECKING:
    from fairgrid.experiments.problems import Problem
    from fairgrid.framework import Module

_counted: dict[str, tuple[int, int]] = {}


def cost(config: RunConfig, runs: int) -> float:
    """Seconds, from a step's fixed cost and its products at some ten billion operations a second."""
    problem = config.build_problem()
    count, _ = shapes(config)
    products, modules = _work(config)
    steps = config.epochs * math.ceil(problem.train / config.batch_size)
    if config.engine == "pytorch":
        return runs * steps * 5e-4
    if config.engine == "compiled":
        return steps * (1e-6 + runs * (config.batch_size * 6 * products / 5e10 + count * 2e-10))
    return steps * (1e-5 * modules + runs * (config.batch_size * 6 * products / 1e10 + count * 1e-9))


def shapes(config: RunConfig) -> tuple[int, int]:
    """Number of parameters, and of activations per sample: every bias goes with an output and its activation."""
    problem = config.build_problem()
    parameters = config.build_model(problem).parameters()
    count = sum(math.prod(parameter.shape) for parameter in parameters)
    return count, problem.inputs + 2 * sum(p.shape[-1] for p in parameters if p.role == "weight")


def _work(config: RunConfig) -> tuple[int, int]:
    """Products of a sample's forward pass, and modules; found once for a problem and a model."""
    modules = [each.module and each.module.content for each in (config.problem, config.model)]
    key = repr((config.problem.spec, config.model.spec, modules))
    if key not in _counted:
        _counted[key] = _count(config)
    return _counted[key]


def _count(config: RunConfig) -> tuple[int, int]:
    """Products of a sample's forward pass, and modules.

    A sample meets every weight of a matrix once. What has others, of convolutions say, is run once and counted.
    """
    problem = config.build_problem()
    model = config.build_model(problem)
    sizes = [parameter.shape for parameter in model.parameters()]
    products, modules = sum(map(math.prod, sizes)), sum(1 for _ in model.walk())
    if any(len(size) > 2 for size in sizes):
        products = _counted_by_torch(config, problem, model)
    return products, modules


def _counted_by_torch(config: RunConfig, problem: "Problem", model: "Module") -> int:
    import torch  # planning imports it where a class is built
    from torch.utils.flop_counter import FlopCounterMode

    model.initialize([torch.Generator().manual_seed(0)], config.build_initializer())
    model.train(False)
    with FlopCounterMode(display=False) as counter:
        model.forward(problem.sample(0).train.x[None, :1].float())
    products: int = counter.get_total_flops() // 2
    return products
