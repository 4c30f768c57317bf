"""The engines `framework` and `compiled`: runs that differ only in seed and stackable options train as one stack.

The engines differ in their passes over the data: tensor operations on all replicas at once, or the same operations
compiled, on one replica after the other.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fairgrid.experiments.config.metrics import Part, measured
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.compiled import CompiledPasses, NotCompilableError, epoch_program, forward_program
from fairgrid.experiments.engines.record import Record, Status, checkpoint_epochs, kept_of, stacked
from fairgrid.experiments.problems import Problem, Samples
from fairgrid.experiments.runtime.determinism import Device
from fairgrid.experiments.runtime.seeding import Purpose, generator
from fairgrid.framework import Loss, Module, Optimizer, Training, predict, replica_of, train_epoch


def train(configs: Sequence[RunConfig], seeds: Sequence[int], keep: Sequence[bool], device: Device) -> list[Record]:
    """Trains one stack.

    Args:
        configs: one configuration per run, different at most in the optimizer's stackable options and the initializer.
        seeds: one seed per run.
        keep: one flag per run, whether its record, if ok, contains the data of figures.
        device: the device of models and data.

    Returns:
        A record per run, in order, that depends only on the run's own configuration and seed.
    """
    records = [Record() for _ in seeds]
    shared = configs[0]
    problem = shared.build_problem()
    criterion = shared.build_loss()

    def streams(purpose: Purpose) -> list[torch.Generator]:
        return [generator(seed, purpose) for seed in seeds]

    model = shared.build_model(problem)
    dtype = getattr(torch, shared.dtype)
    model.initialize(streams("initialization"), [config.build_initializer() for config in configs], dtype, device)
    data = stacked([problem.sample(seed) for seed in seeds], dtype, device)
    optimizer = _optimizer(configs, model)
    compiled = CompiledPasses(optimizer) if shared.engine == "compiled" else None
    evaluate = compiled.predict if compiled else predict
    training = Training(
        model,
        optimizer,
        criterion,
        data["train"].x,
        data["train"].target,
        epochs=shared.epochs,
        batch_size=shared.batch_size,
        shuffle=streams("order") if shared.shuffle else None,
        noise=streams("noise"),
        validation=(data["validation"].x, data["validation"].target) if shared.watches_validation() else None,
        schedule=shared.build_schedule(),
        stopping=shared.build_stopping(),
        train=compiled.train_epoch if compiled else train_epoch,
        evaluate=evaluate,
    )

    checkpoints = checkpoint_epochs(shared)

    def evaluation_of() -> list[dict[str, float]]:
        return _evaluate(_rows(data, training.rows), lambda x: evaluate(model, x), criterion, problem)

    for record, evaluation in zip(records, evaluation_of(), strict=False):
        record.add(0, evaluation)
    for epoch in training:
        if epoch not in checkpoints and not training.finished.any():
            continue
        evaluations = evaluation_of()
        measures: dict[str, Tensor] = {}
        if training.finished.any():
            measures = measured(shared.build_measures(), model, problem, _rows(data, training.rows))
        for row, replica in training.replicas().items():
            record, finished = records[row], bool(training.finished[replica])
            if row in training.diverged:
                record.diverge(*training.diverged[row])
            elif epoch in checkpoints or finished:
                record.add(epoch, evaluations[replica])
            if finished:
                record.finish(epoch, shared, problem)
            if finished and record.status == Status.OK:
                record.metrics |= {name: float(value[replica]) for name, value in measures.items()}
                if keep[row]:
                    record.kept = kept_of(replica_of(model, replica), problem, seeds[row])
    return records


def refuses_to_compile(config: RunConfig) -> str | None:
    """The reason why the engine `compiled` cannot train a configuration; None if it can."""
    problem = config.build_problem()
    model = config.build_model(problem)
    dtype = getattr(torch, config.dtype)
    model.initialize([generator(0, "initialization")], config.build_initializer(), dtype)
    optimizer = _optimizer([config], model)
    train = stacked([problem.sample(0)], dtype)["train"]
    try:
        epoch_program(model, config.build_loss(), optimizer, train.x, train.target, config.batch_size)
        forward_program(model, optimizer, train.x)
    except NotCompilableError as error:
        return str(error)
    return None


def _optimizer(configs: Sequence[RunConfig], model: Module) -> Optimizer:
    """The optimizer, with one value per replica for each stackable option."""
    first = configs[0].optimizer
    names = [name for name, option in first.known_options.items() if option.stackable]
    values = {name: [config.optimizer.option(name) for config in configs] for name in sorted(names)}
    optimizer: Optimizer = first.build(model.parameters(), **values)
    return optimizer


def _rows(data: dict[Part, Samples], rows: list[int]) -> dict[Part, Samples]:
    """The data of the remaining replicas."""
    index = torch.tensor(rows)
    return {name: samples.each(lambda tensor: tensor[index]) for name, samples in data.items()}


def _evaluate(
    data: dict[Part, Samples], evaluate: Callable[[Tensor], Tensor], criterion: Loss, problem: Problem
) -> list[dict[str, float]]:
    """Losses and errors of every replica in the data."""
    evaluations: dict[str, Tensor] = {}
    for name, samples in data.items():
        prediction = evaluate(samples.x)
        evaluations[f"{name}_loss"] = criterion.forward(prediction, samples.target)
        evaluations[f"{name}_error"] = problem.error(prediction, samples.label)
    columns = {name: value.tolist() for name, value in evaluations.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
