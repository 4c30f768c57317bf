"""The engines `framework` and `compiled`: runs that differ in seed and stackable options alone train as one stack.

They differ in what makes a pass over the data: tensor operations on all replicas at once, or the same operations
compiled, on one replica after the other.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fairgrid.experiments.config import components as parts
from fairgrid.experiments.config.metrics import Part, measured
from fairgrid.experiments.config.registry import OPTIMIZER
from fairgrid.experiments.config.run import Config, Settings
from fairgrid.experiments.engines.compiled import CompiledPasses, NotCompilableError, epoch_program, forward_program
from fairgrid.experiments.engines.record import Record, checkpoint_epochs, kept_of, stacked
from fairgrid.experiments.problems import Problem, Samples
from fairgrid.experiments.runtime.determinism import Device
from fairgrid.experiments.runtime.seeding import Purpose, generator
from fairgrid.framework import Loss, Module, Optimizer, Training, predict, replica_of, train_epoch


def train(configs: Sequence[Config], seeds: Sequence[int], keep: Sequence[bool], device: Device) -> list[Record]:
    """Trains one stack.

    Args:
        configs: one per run; they differ in the optimizer's stackable options and the initializer at most.
        seeds: one per run.
        keep: for each run, whether its record, if ok, holds what figures are drawn from.
        device: where models and data are.

    Returns:
        A record per run, in order; each depends on its own configuration and seed alone.
    """
    records = [Record() for _ in seeds]
    if len(seeds) == 1:
        # a product with one replica may round differently from one with several, so a lone run trains beside a twin
        configs, seeds = [*configs, *configs], [*seeds, *seeds]
    every = [Settings(**config) for config in configs]
    settings = every[0]
    problem = settings.build_problem()
    criterion = settings.build_loss()

    def streams(purpose: Purpose) -> list[torch.Generator]:
        return [generator(seed, purpose) for seed in seeds]

    model = settings.build_model(problem)
    dtype = getattr(torch, settings.dtype)
    model.initialize(streams("initialization"), [each.build_initializer() for each in every], dtype, device)
    data = stacked([problem.sample(seed) for seed in seeds], dtype, device)
    optimizer = _optimizer(every, model)
    compiled = CompiledPasses(optimizer) if settings.engine == "compiled" else None
    evaluate = compiled.predict if compiled else predict
    training = Training(
        model,
        optimizer,
        criterion,
        data["train"].x,
        data["train"].target,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        shuffle=streams("order") if settings.shuffle else None,
        noise=streams("noise"),
        validation=(data["validation"].x, data["validation"].target) if settings.watches_validation() else None,
        schedule=settings.build_schedule(),
        stopping=settings.build_stopping(),
        train=compiled.train_epoch if compiled else train_epoch,
        evaluate=evaluate,
    )

    checkpoints = checkpoint_epochs(settings)

    def evaluation_of() -> list[dict[str, float]]:
        return _evaluate(_rows(data, training.rows), lambda x: evaluate(model, x), criterion, problem)

    for record, evaluation in zip(records, evaluation_of(), strict=False):
        record.add(0, evaluation)
    for epoch in training:
        if epoch not in checkpoints and not training.finished.any():
            continue
        evaluations = evaluation_of()
        found: dict[str, Tensor] = {}
        if training.finished.any():
            found = measured(settings.build_measures(), model, problem, _rows(data, training.rows))
        for row, replica in training.replicas().items():
            if row >= len(records):
                continue
            record, finished = records[row], bool(training.finished[replica])
            if row in training.diverged:
                record.diverge(*training.diverged[row])
            elif epoch in checkpoints or finished:
                record.add(epoch, evaluations[replica])
            if finished:
                record.finish(epoch, settings, problem)
            if finished and record.status == "ok":
                record.metrics |= {name: float(value[replica]) for name, value in found.items()}
                if keep[row]:
                    record.kept = kept_of(replica_of(model, replica), problem, seeds[row])
    return records


def refuses_to_compile(config: Config) -> str | None:
    """Why the engine `compiled` cannot train a configuration; None if it can."""
    settings = Settings(**config)
    problem = settings.build_problem()
    model = settings.build_model(problem)
    dtype = getattr(torch, settings.dtype)
    model.initialize([generator(0, "initialization")], settings.build_initializer(), dtype)
    optimizer = _optimizer([settings], model)
    train = stacked([problem.sample(0)], dtype)["train"]
    try:
        epoch_program(model, settings.build_loss(), optimizer, train.x, train.target, settings.batch_size)
        forward_program(model, optimizer, train.x)
    except NotCompilableError as error:
        return str(error)
    return None


def _optimizer(every: Sequence[Settings], model: Module) -> Optimizer:
    """The optimizer, with one value per replica for each stackable option."""
    spec = every[0].optimizer
    names = parts.stackable(OPTIMIZER, parts.split(spec)[0])
    values = {name: [settings.option("optimizer", name) for settings in every] for name in sorted(names)}
    made: Optimizer = parts.build(OPTIMIZER, spec, model.parameters(), **values)
    return made


def _rows(data: dict[Part, Samples], rows: list[int]) -> dict[Part, Samples]:
    """The data of the replicas that are there."""
    there = torch.tensor(rows)
    return {name: samples.each(lambda tensor: tensor[there]) for name, samples in data.items()}


def _evaluate(
    data: dict[Part, Samples], evaluate: Callable[[Tensor], Tensor], criterion: Loss, problem: Problem
) -> list[dict[str, float]]:
    """Losses and errors of every replica whose data is given."""
    found: dict[str, Tensor] = {}
    for name, samples in data.items():
        prediction = evaluate(samples.x)
        found[f"{name}_loss"] = criterion.forward(prediction, samples.target)
        found[f"{name}_error"] = problem.error(prediction, samples.label)
    values = {name: value.tolist() for name, value in found.items()}
    return [dict(zip(values, each, strict=True)) for each in zip(*values.values(), strict=True)]
