"""The engine `pytorch`: torch.nn, autograd and torch.optim, one run at a time.

Any cell can be compared with it: it starts from the same weights and sees the same data in the same order.
"""

import copy
import math
import operator

import torch
from torch import Tensor, nn

from fairgrid.experiments.config.metrics import Part, measured
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.record import Record, Status, checkpoint_epochs, kept_of, stacked
from fairgrid.experiments.engines.torch_peers import (
    Criterion,
    loss_peer,
    module_peer,
    optimizer_peer,
    parameters,
    schedule_peer,
)
from fairgrid.experiments.problems import Problem, Samples
from fairgrid.experiments.runtime.determinism import Device
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework.passes import EVALUATION_SAMPLES, Target


def train(config: RunConfig, seed: int, keep: bool, device: Device) -> Record:
    """Trains one run; arguments and record are as in the engine `framework`."""
    problem = config.build_problem()
    dtype = getattr(torch, config.dtype)
    model = config.build_model(problem)
    model.initialize(generator(seed, "initialization"), config.build_initializer(), dtype, device)
    net = module_peer(model)
    criterion = loss_peer(config.build_loss())
    optimizer = optimizer_peer(config.optimizer.build(model.parameters()), net.parameters())
    scheduler = schedule_peer(config.build_schedule(), optimizer)
    stopping = config.build_stopping()
    parts = stacked([problem.sample(seed)], dtype, device)
    training = parts["train"].each(lambda tensor: tensor[0])
    order_stream, noise_stream = generator(seed, "order"), generator(seed, "noise")
    record = Record()
    best, waited = math.inf, 0
    kept: dict[str, Tensor] = {}

    checkpoints = checkpoint_epochs(config)
    record.add(0, _evaluate(net, criterion, problem, parts))
    for epoch in range(1, config.epochs + 1):
        model.begin_epoch(noise_stream, problem.train)
        order = torch.arange(problem.train)
        if config.shuffle:
            order = torch.randperm(problem.train, generator=order_stream)
        losses = []
        for batch in order.to(device).split(config.batch_size):
            optimizer.zero_grad()
            picked = training.each(operator.itemgetter(batch))
            loss = criterion(net(picked.x), picked.target)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        bad = ~torch.stack(losses).cpu().isfinite()
        if bad.any():
            record.diverge((epoch - 1) * len(bad) + int(bad.to(torch.uint8).argmax()) + 1, "training loss not finite")
        elif not all(bool(parameter.isfinite().all()) for parameter in net.parameters()):
            record.diverge(epoch * len(bad), "parameters not finite")
        if record.status == Status.DIVERGED:
            record.finish(epoch, config, problem)
            return record
        watched = _loss(net, criterion, parts["validation"]) if config.watches_validation() else math.nan
        waited = 0 if watched < best else waited + 1
        if watched < best or epoch == 1:
            kept = copy.deepcopy(net.state_dict())
        best = min(best, watched)
        ends = epoch == config.epochs or (stopping is not None and waited >= stopping.patience)
        if ends and stopping is not None and stopping.restore_best:
            net.load_state_dict(kept)
        if epoch in checkpoints or ends:
            record.add(epoch, _evaluate(net, criterion, problem, parts))
        if ends:
            break
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(watched)
        else:
            scheduler.step()
    record.finish(epoch, config, problem)
    if record.status == Status.OK:
        for pair in parameters(model, net):
            pair.ours.value.copy_(pair.value)
        plain = {name: samples.each(lambda tensor: tensor[0]) for name, samples in parts.items()}
        measures = measured(config.build_measures(), model, problem, plain)
        record.metrics |= {name: float(value) for name, value in measures.items()}
        if keep:
            record.kept = kept_of(model, problem, seed)
    return record


def _predict(net: nn.Module, samples: Samples) -> Target:
    net.eval()
    with torch.no_grad():
        blocks = [net(block) for block in samples.x[0].split(EVALUATION_SAMPLES)]
    net.train()
    if isinstance(blocks[0], list):
        return [torch.cat(part) for part in zip(*blocks, strict=True)]
    return torch.cat(blocks)


def _loss(net: nn.Module, criterion: Criterion, samples: Samples) -> float:
    return float(criterion(_predict(net, samples), samples.each(lambda tensor: tensor[0]).target))


def _evaluate(net: nn.Module, criterion: Criterion, problem: Problem, parts: dict[Part, Samples]) -> dict[str, float]:
    evaluation = {}
    for name, samples in parts.items():
        evaluation[f"{name}_loss"] = _loss(net, criterion, samples)
        evaluation[f"{name}_error"] = float(problem.error(_predict(net, samples), samples.label[0]))
    return evaluation
