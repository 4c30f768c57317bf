"""The training loop, plain or stacked, in which every replica ends in an epoch of its own.

Iterating over a `Training`, once, trains an epoch per iteration, and its attributes can be read in between.
`train_model` runs it to the end. The passes over the data are in framework/passes.py.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from fairgrid.framework.losses import Loss
from fairgrid.framework.module import Module
from fairgrid.framework.optimizers import Optimizer
from fairgrid.framework.passes import Pass, Target, listed, predict, train_epoch
from fairgrid.framework.replicas import Selectable, select
from fairgrid.framework.schedules import Schedule
from fairgrid.framework.stopping import EarlyStopping
from fairgrid.framework.streams import Streams


@dataclass
class _Samples:
    """Data that is selected along with its replicas."""

    x: Tensor
    target: Target

    def select(self, replicas: Tensor) -> None:
        self.x = self.x[replicas]
        self.target = _each(self.target, lambda tensor: tensor[replicas])


class Training:
    """Trains a model, an epoch per iteration. See `train_model` for the arguments.

    Values between epochs (losses, ends, rates) are on the CPU, for a model on any device.

    A replica is `finished` if its loss or a parameter is not finite, if it stopped early, or after the last epoch. It
    stays in the stack until the next epoch, so that it can be evaluated; then it leaves and takes no more time. A stack
    of one replica, from the start or after all others have left, trains with a padding replica, a copy of it, because
    products with one replica may round differently.

    Attributes:
        rows: the original index of each remaining replica; a padding replica shares its original's.
        losses: the training loss of every batch of the last epoch, (steps, R) or (steps,).
        validation_loss: the validation loss after the last epoch, (R,) or (); None without validation data.
        finished: a mask of the replicas that end with the last epoch, (R,) or ().
        diverged: the step (from 1) and the quantity that was not finite, by the original index of diverged replicas.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        criterion: Loss,
        x: Tensor,
        target: Target,
        *,
        epochs: int,
        batch_size: int,
        shuffle: Generator | Sequence[Generator] | None = None,
        noise: Generator | Sequence[Generator] | None = None,
        validation: tuple[Tensor, Target] | None = None,
        schedule: Schedule | None = None,
        stopping: EarlyStopping | None = None,
        train: Pass = train_epoch,
        evaluate: Callable[[Module, Tensor], Any] = predict,
    ) -> None:
        for name, number in (("epochs", epochs), ("batch_size", batch_size)):
            if number < 1:
                raise ValueError(f"training needs {name} ≥ 1, found {number}")
        _check_samples("training", x, target, optimizer.replicas)
        if validation is not None:
            _check_samples("validation", *validation, optimizer.replicas)
        for name, streams in (("shuffle", shuffle), ("noise", noise)):
            _check_streams(name, streams, optimizer.replicas)
        if validation is None and (stopping is not None or (schedule is not None and schedule.watches)):
            raise ValueError("early stopping and schedules that watch the loss need validation data, found none")
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.epochs, self.batch_size = epochs, batch_size
        self.samples = x.shape[0 if optimizer.replicas is None else 1]
        self.data = _Samples(x, target)
        self.order = Streams(shuffle) if shuffle is not None else None
        self.noise = Streams(noise) if noise is not None else None
        self.validation = _Samples(*validation) if validation is not None else None
        self.schedule, self.stopping = schedule, stopping
        self.train, self.evaluate = train, evaluate
        self.rows = list(range(optimizer.replicas or 1))
        self.losses = torch.empty(0)
        self.validation_loss: Tensor | None = None
        self.finished = torch.empty(0)
        self.diverged: dict[int, tuple[int, str]] = {}
        if optimizer.replicas == 1:
            self._keep(torch.tensor([0]))

    def replicas(self) -> dict[int, int]:
        """The place in the stack of each remaining replica, by original index."""
        return {row: place for place, row in reversed(list(enumerate(self.rows)))}

    def __iter__(self) -> Iterator[int]:
        """Trains an epoch per iteration; yields its number, from 1."""
        for epoch in range(1, self.epochs + 1):
            self._epoch()
            diverged = self._diverged(epoch)
            if self.validation is not None:
                prediction = self.evaluate(self.model, self.validation.x)
                self.validation_loss = self.criterion.forward(prediction, self.validation.target).cpu()
            stopped = torch.zeros_like(diverged)
            if self.stopping is not None and self.validation_loss is not None:
                stopped = self.stopping.step(self.validation_loss, self.model)
            self.finished = diverged | stopped | (epoch == self.epochs)
            if self.stopping is not None:
                self.stopping.restore(self.model, self.finished & ~diverged)
            yield epoch
            if bool(self.finished.all()):
                return
            if bool(self.finished.any()):
                self._leave()
            if self.schedule is not None:
                self.schedule.step(self.optimizer, self.validation_loss)

    def _epoch(self) -> None:
        if self.noise is not None:
            self.model.begin_epoch(self.noise.generators, self.samples)
        if self.order is not None:
            order = self.order.permutations(self.samples)
        else:
            order = torch.arange(self.samples)
            if self.optimizer.replicas is not None:
                order = order.expand(self.optimizer.replicas, -1)
        losses = self.train(
            self.model, self.criterion, self.optimizer, self.data.x, self.data.target, order, self.batch_size
        )
        self.losses = losses.cpu()

    def _diverged(self, epoch: int) -> Tensor:
        """A mask of the replicas that diverged in this epoch, (R,) or ()."""
        bad = ~self.losses.isfinite()
        axis = 0 if self.optimizer.replicas is None else 1
        sound = torch.stack(
            [parameter.value.isfinite().flatten(axis).all(-1) for parameter in self.model.parameters()]
        ).all(0)
        diverged = bad.any(0) | ~sound.cpu()
        for row, place in self.replicas().items():
            if diverged.view(-1)[place]:
                column = bad.view(len(bad), -1)[:, place]
                quantity = "training loss" if column.any() else "parameters"
                # the first bad loss; parameters are only checked after an epoch
                step = int(column.to(torch.uint8).argmax()) + 1 if column.any() else len(bad)
                self.diverged[row] = (epoch - 1) * len(bad) + step, f"{quantity} not finite"
        return diverged

    def _leave(self) -> None:
        self._keep((~self.finished).nonzero().flatten())

    def _keep(self, staying: Tensor) -> None:
        """Keeps the replicas at the given places, a single one with a padding replica."""
        if len(staying) == 1:
            staying = staying.repeat(2)
        others = [self.data, self.order, self.noise, self.validation, self.schedule, self.stopping]
        following: list[Selectable] = [other for other in others if other is not None]
        select(staying, self.model, self.optimizer, *following)
        self.rows = [self.rows[place] for place in staying.tolist()]
        if self.validation_loss is not None:
            self.validation_loss = self.validation_loss[staying]


@dataclass
class History:
    """The history of a training, for R replicas (R = 1 for a plain model).

    Attributes:
        train_loss: the mean loss over an epoch's batches, (epochs, R), NaN after a replica's end.
        validation_loss: the validation loss after each epoch, (epochs, R), NaN after a replica's end or without
            validation data.
        epochs: the number of epochs that each replica trained.
        diverged: the step and the quantity that was not finite, by index of diverged replicas.
    """

    train_loss: Tensor
    validation_loss: Tensor
    epochs: list[int]
    diverged: dict[int, tuple[int, str]]


def train_model(
    model: Module,
    optimizer: Optimizer,
    criterion: Loss,
    x: Tensor,
    target: Target,
    *,
    epochs: int,
    batch_size: int,
    shuffle: Generator | Sequence[Generator] | None = None,
    noise: Generator | Sequence[Generator] | None = None,
    validation: tuple[Tensor, Target] | None = None,
    schedule: Schedule | None = None,
    stopping: EarlyStopping | None = None,
    train: Pass = train_epoch,
    evaluate: Callable[[Module, Tensor], Any] = predict,
) -> History:
    """Trains a model to the end of every replica.

    Args:
        model: an initialized model, plain or stacked; afterwards every replica has its state at its own end. If some
            ended before others, the optimizer is no longer connected to it.
        optimizer: the optimizer of the model's parameters.
        criterion: the loss.
        x: training samples, (R, N, ...), or (N, ...) for a plain model.
        target: training targets, (R, N, ...) or (N, ...), or a list of them for a loss over several outputs.
        epochs: the largest number of epochs.
        batch_size: B; the last batch of an epoch is smaller where N is no multiple.
        shuffle: generators of the sample order, one per replica, or one for a plain model; None keeps the order.
        noise: generators of the noise in layers, one per replica, or one for a plain model.
        validation: an (x, target) pair of the shapes above, with N of its own.
        schedule: the learning rates after each epoch; None keeps them.
        stopping: the rule by which replicas end early; None trains all epochs.
        train: a training pass over the data.
        evaluate: predictions for validation data.

    Raises:
        ValueError: epochs, batch_size or the number of samples is 0; the number of data sets or generators is not the
            number of replicas; or early stopping or the schedule needs validation data, and there is none.
    """
    replicas = optimizer.replicas
    count = replicas or 1
    training = Training(
        model,
        optimizer,
        criterion,
        x,
        target,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        noise=noise,
        validation=validation,
        schedule=schedule,
        stopping=stopping,
        train=train,
        evaluate=evaluate,
    )
    trained = [0] * count
    lines = []
    ends: dict[int, list[Tensor]] = {}
    for epoch in training:
        line = torch.full((2, count), math.nan, dtype=torch.float64)
        for row, place in training.replicas().items():
            trained[row] = epoch
            line[0, row] = training.losses.view(len(training.losses), -1)[:, place].mean()
            if training.validation_loss is not None:
                line[1, row] = training.validation_loss.view(-1)[place]
            if replicas is not None and training.finished[place]:
                ends[row] = [buffer.value[place].clone() for buffer in model.named_state().values()]
        lines.append(line)
    if len(set(trained)) > 1:
        for number, buffer in enumerate(model.named_state().values()):
            buffer.assign(torch.stack([ends[row][number] for row in range(count)]))
    if replicas == 1:
        select(torch.tensor([0]), model, optimizer)  # without the padding replica
    train_loss, validation_loss = torch.stack(lines, 1)
    return History(train_loss, validation_loss, trained, training.diverged)


def _check_samples(use: str, x: Tensor, target: Target, replicas: int | None) -> None:
    shapes = [tuple(tensor.shape) for tensor in (x, *listed(target))]
    needed = "(N, …)" if replicas is None else f"({replicas}, N, …)"
    leading = {shape[: 1 if replicas is None else 2] for shape in shapes}
    first = next(iter(leading))
    if len(leading) > 1 or (replicas is not None and (len(first) < 2 or first[0] != replicas)):
        raise ValueError(f"{use} needs x and targets of shapes {needed} with one N, found {shapes}")
    if first[-1] == 0:
        raise ValueError(f"{use} needs at least one sample, found none")


def _check_streams(name: str, streams: Generator | Sequence[Generator] | None, replicas: int | None) -> None:
    if streams is None or (None if isinstance(streams, Generator) else len(streams)) == replicas:
        return
    needed = "a single generator" if replicas is None else f"a list of {replicas} generators"
    count = "a single one" if isinstance(streams, Generator) else f"a list of {len(streams)}"
    raise ValueError(f"training needs {needed} for {name}, found {count}")


def _each(target: Target, change: Callable[[Tensor], Tensor]) -> Target:
    return [change(tensor) for tensor in target] if isinstance(target, list) else change(target)
