"""What runs are expected to cost before any has been trained. Long chunks start first, and the time left goes by it."""

import functools
import json
import math

import torch
from torch.utils.flop_counter import FlopCounterMode

from fairgrid.experiments.config.identity import canonical_json
from fairgrid.experiments.config.run import Settings


def cost(settings: Settings, runs: int) -> float:
    """Seconds, from a step's fixed cost and its products at some ten billion operations a second."""
    problem = settings.build_problem()
    count, _ = shapes(settings)
    products, modules = _work(canonical_json({"problem": settings.problem, "model": settings.model}))
    steps = settings.epochs * math.ceil(problem.train / settings.batch_size)
    if settings.engine == "pytorch":
        return runs * steps * 5e-4
    if settings.engine == "compiled":
        return steps * (1e-6 + runs * (settings.batch_size * 6 * products / 5e10 + count * 2e-10))
    return steps * (1e-5 * modules + runs * (settings.batch_size * 6 * products / 1e10 + count * 1e-9))


def shapes(settings: Settings) -> tuple[int, int]:
    """Number of parameters, and of activations per sample: every bias goes with an output and its activation."""
    problem = settings.build_problem()
    parameters = settings.build_model(problem).parameters()
    count = sum(math.prod(parameter.shape) for parameter in parameters)
    return count, problem.inputs + 2 * sum(p.shape[-1] for p in parameters if p.role == "weight")


@functools.cache
def _work(parts: str) -> tuple[int, int]:
    """Products of a sample's forward pass, and modules.

    A sample meets every weight of a matrix once. What has others, of convolutions say, is run once and counted.

    Args:
        parts: a problem and a model, as JSON.
    """
    settings = Settings(**json.loads(parts))
    problem = settings.build_problem()
    model = settings.build_model(problem)
    sizes = [parameter.shape for parameter in model.parameters()]
    products, modules = sum(map(math.prod, sizes)), sum(1 for _ in model.walk())
    if any(len(size) > 2 for size in sizes):
        model.initialize([torch.Generator().manual_seed(0)], settings.build_initializer())
        model.train(False)
        with FlopCounterMode(display=False) as counter:
            model.forward(problem.sample(0).train.x[None, :1].float())
        products = counter.get_total_flops() // 2
    return products, modules
