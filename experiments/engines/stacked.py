"""The engine `framework`: runs that differ in seed and stackable options alone train as one stack of replicas."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from experiments import parts
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
from experiments.problems import Problem, Samples
from experiments.seeds import generator
from experiments.settings import Config, Settings
from framework import Loss, Module, Optimizer, train_epoch


@dataclass
class _Stack:
    """The replicas still in training; `rows[i]` is the run that replica i belongs to."""

    rows: list[int]
    parts: dict[Part, Samples]
    streams: list[torch.Generator]

    def select(self, keep: torch.Tensor) -> None:
        chosen = keep.tolist()
        self.rows = [self.rows[i] for i in chosen]
        # copies, so that a replica and its twin draw the same
        self.streams = [torch.Generator().set_state(self.streams[i].get_state()) for i in chosen]
        self.parts = {
            name: Samples(part.x[keep], part.target[keep], part.label[keep]) for name, part in self.parts.items()
        }


def train(configs: Sequence[Config], seeds: Sequence[int], keep: bool = False) -> list[Record]:
    """Trains one stack.

    Args:
        configs: one per run; they differ in the optimizer's stackable options and the initializer at most.
        seeds: one per run.
        keep: whether records hold the last parameters of runs that are ok.

    Returns:
        A record per run, in order; each depends on its own configuration and seed alone.
    """
    every = [Settings(**config) for config in configs]
    settings = every[0]
    problem = settings.build_problem()
    criterion = settings.build_loss()
    dtype = getattr(torch, settings.dtype)
    records = [Record() for _ in seeds]

    # a product with one replica may round differently from one with several, so a lone run has a twin
    rows = list(range(len(seeds))) if len(seeds) > 1 else [0, 0]
    model = settings.build_model(problem)
    model.initialize(
        [generator(seeds[row], "initialization") for row in rows],
        [every[row].build_initializer() for row in rows],
        dtype,
    )
    optimizer = _optimizer([every[row] for row in rows], model)
    data = [problem.sample(seeds[row]) for row in rows]
    streams = [generator(seeds[row], "order") for row in rows]
    stack = _Stack(rows, stacked(data, dtype), streams)

    checkpoints = checkpoint_epochs(settings)
    steps = steps_per_epoch(settings, problem)
    _evaluate(stack, model, criterion, problem, 0, records)
    for epoch in range(1, settings.epochs + 1):
        training = stack.parts["train"]
        order = orders(settings, problem.train, stack.streams)
        losses = train_epoch(model, criterion, optimizer, training.x, training.target, order, settings.batch_size)
        diverged = _mark_diverged(stack, model, losses, records, (epoch - 1) * steps)
        if diverged.any():
            for row in {stack.rows[i] for i in diverged.nonzero().flatten().tolist()}:
                records[row].finish(epoch * steps, epoch * problem.train)
            staying = (~diverged).nonzero().flatten()
            if not len(staying):
                return records
            # the last one left stays beside itself
            staying = staying if len(staying) > 1 else staying.repeat(2)
            optimizer.select(staying)
            stack.select(staying)
        if epoch in checkpoints:
            _evaluate(stack, model, criterion, problem, epoch, records)
    for row in set(stack.rows):
        records[row].finish(settings.epochs * steps, settings.epochs * problem.train)
        if keep:
            replica = stack.rows.index(row)
            records[row].parameters = [parameter.value[replica].clone() for parameter in model.parameters()]
    return records


def _optimizer(every: Sequence[Settings], model: Module) -> Optimizer:
    """The optimizer, with one value per replica for each stackable option."""
    spec = every[0].optimizer
    names = parts.stackable(OPTIMIZER, parts.split(spec)[0])
    values = {name: [settings.option("optimizer", name) for settings in every] for name in sorted(names)}
    made: Optimizer = parts.build(OPTIMIZER, spec, model.parameters(), **values)
    return made


def _mark_diverged(
    stack: _Stack, model: Module, losses: torch.Tensor, records: list[Record], steps_before: int
) -> torch.Tensor:
    """Which replicas stopped being finite in this epoch, (R,); their records say when and why."""
    bad_loss = ~losses.isfinite()
    finite = torch.stack([parameter.value.isfinite().flatten(1).all(1) for parameter in model.parameters()]).all(0)
    diverged = bad_loss.any(0) | ~finite
    for i in diverged.nonzero().flatten().tolist():
        record = records[stack.rows[i]]
        if bad_loss[:, i].any():
            step = int(bad_loss[:, i].to(torch.uint8).argmax()) + 1
            record.diverge(steps_before + step, "training loss not finite")
        else:
            record.diverge(steps_before + len(losses), "parameters not finite")
    return diverged


def _evaluate(
    stack: _Stack, model: Module, criterion: Loss, problem: Problem, epoch: int, records: list[Record]
) -> None:
    """Adds a checkpoint to the record of every run in the stack."""
    found: dict[str, list[float]] = {}
    for name, samples in stack.parts.items():
        blocks = [model.forward(block.contiguous()) for block in samples.x.split(EVALUATION_ROWS, 1)]
        prediction = torch.cat(blocks, 1)
        found[f"{name}_loss"] = criterion.forward(prediction, samples.target).tolist()
        found[f"{name}_error"] = problem.error(prediction, samples.label).tolist()
    for row in set(stack.rows):
        replica = stack.rows.index(row)
        records[row].add(epoch, {name: values[replica] for name, values in found.items()})
