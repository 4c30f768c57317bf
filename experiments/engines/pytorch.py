"""The engine `pytorch`: torch.nn, autograd and torch.optim, one run at a time.

The peer that any cell can be checked against: it starts from the same weights and sees the same data in the same order.
"""

import torch
from torch import nn

from experiments.engines.record import (
    EVALUATION_ROWS,
    Part,
    Record,
    checkpoint_epochs,
    orders,
    stacked,
    steps_per_epoch,
)
from experiments.names import OPTIMIZER
from experiments.parts import build
from experiments.problems import Problem, Samples
from experiments.seeds import generator
from experiments.settings import Config, Settings
from experiments.twins import Criterion, parameters, twin_loss, twin_module, twin_optimizer


def train(config: Config, seed: int, keep: bool = False) -> Record:
    """Trains one run; arguments and record have the meaning that they have in the engine `framework`."""
    settings = Settings(**config)
    problem = settings.build_problem()
    dtype = getattr(torch, settings.dtype)
    model = settings.build_model(problem)
    model.initialize(generator(seed, "initialization"), settings.build_initializer(), dtype)
    net = twin_module(model)
    criterion = twin_loss(settings.build_loss())
    optimizer = twin_optimizer(build(OPTIMIZER, settings.optimizer, model.parameters()), net.parameters())
    parts = stacked([problem.sample(seed)], dtype)
    x, target = parts["train"].x[0], parts["train"].target[0]
    stream = generator(seed, "order")
    record = Record()

    checkpoints = checkpoint_epochs(settings)
    steps = steps_per_epoch(settings, problem)
    record.add(0, _evaluate(net, criterion, problem, parts))
    for epoch in range(1, settings.epochs + 1):
        order = orders(settings, problem.train, [stream])[0]
        losses = []
        for batch in order.split(settings.batch_size):
            optimizer.zero_grad()
            loss = criterion(net(x[batch]), target[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        bad = ~torch.stack(losses).isfinite()
        if bad.any():
            record.diverge((epoch - 1) * steps + int(bad.to(torch.uint8).argmax()) + 1, "training loss not finite")
        elif not all(bool(parameter.isfinite().all()) for parameter in net.parameters()):
            record.diverge(epoch * steps, "parameters not finite")
        if record.status == "diverged":
            record.finish(epoch * steps, epoch * problem.train)
            return record
        if epoch in checkpoints:
            record.add(epoch, _evaluate(net, criterion, problem, parts))
    record.finish(settings.epochs * steps, settings.epochs * problem.train)
    if keep:
        record.parameters = [pair.value.clone() for pair in parameters(model, net)]
    return record


@torch.no_grad()
def _evaluate(net: nn.Module, criterion: Criterion, problem: Problem, parts: dict[Part, Samples]) -> dict[str, float]:
    found = {}
    for name, samples in parts.items():
        prediction = torch.cat([net(block) for block in samples.x[0].split(EVALUATION_ROWS)])
        found[f"{name}_loss"] = float(criterion(prediction, samples.target[0]))
        found[f"{name}_error"] = float(problem.error(prediction[None], samples.label))
    return found
