"""The measurement: the same learning first, then times, interleaved, of each contestant at its best stack size."""

import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from fairgrid.experiments.benchmark.contestants import CONTESTANTS, OPTIMIZERS, Contestant, Task, drawn
from fairgrid.framework import generate_disk, one_hot_encode

SAMPLES = 1000
BATCHES = (1, 10, 100)
# learning rate and epochs with which the networks learn the disk, by optimizer and batch
_RATES = {"sgd-momentum": {1: 0.005, 10: 0.02, 100: 0.1}, "adam": {1: 0.001, 10: 0.002, 100: 0.01}}
_EPOCHS = {1: 10, 10: 30, 100: 60}
_CHECKED = 3  # replicas whose errors are compared
_TOLERANCE = 0.06  # by which mean test errors after so few epochs may differ
_SLICE = 0.15  # seconds of one timing, or an epoch if that is longer


class UnequalError(RuntimeError):
    """A contestant does not learn what the others learn."""


def task(optimizer: str, batch: int, replicas: int) -> Task:
    """R disks and as many initial networks."""
    pairs = [generate_disk(SAMPLES, torch.Generator().manual_seed(seed)) for seed in range(replicas)]
    x = torch.stack([2 * points - 1 for points, _ in pairs]).float()
    target = torch.stack([one_hot_encode(label, 2) for _, label in pairs]).float()
    return Task(optimizer, batch, _RATES[optimizer][batch], x, target, *drawn(replicas))


def race(rounds: int, say: Callable[[str], None]) -> pd.DataFrame:
    """Rows of batch, optimizer, contestant, stack, test_error and every round's microseconds of a step of one replica.

    Raises:
        UnequalError: a contestant's test error after some epochs is not comparable to ours.
    """
    rows = []
    for batch, optimizer in itertools.product(BATCHES, OPTIMIZERS):
        kinds = _installed(say)
        errors = _compared(kinds, optimizer, batch)
        say(f"batch {batch}, {optimizer}: test errors after {_EPOCHS[batch]} epochs {_listed(errors)}")
        entries = {kind: _best(kind, optimizer, batch) for kind in kinds}
        times: dict[type[Contestant], list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind, contestant in entries.items():
                times[kind].append(microseconds(contestant))
        for kind, contestant in entries.items():
            common = [batch, optimizer, kind.name, contestant.task.replicas, errors[kind]]
            rows += [[*common, number, value] for number, value in enumerate(times[kind])]
        say("  " + _listed({kind: float(np.median(values)) for kind, values in times.items()}) + " µs")
    return pd.DataFrame(
        rows, columns=["batch", "optimizer", "contestant", "stack", "test_error", "round", "microseconds"]
    )


def microseconds(contestant: Contestant) -> float:
    """Of one optimizer step of one replica, over whole epochs."""
    epochs, start = 0, time.perf_counter()
    while epochs == 0 or time.perf_counter() - start < _SLICE:
        contestant.epoch()
        epochs += 1
    seconds = time.perf_counter() - start
    return seconds / (epochs * contestant.task.steps * contestant.task.replicas) * 1e6


def _installed(say: Callable[[str], None]) -> list[type[Contestant]]:
    installed = []
    for kind in CONTESTANTS:
        try:
            kind(task("adam", 100, 1))
        except ImportError as error:
            say(f"{kind.name} is left out: {error}")
        else:
            installed.append(kind)
    return installed


def _compared(kinds: Sequence[type[Contestant]], optimizer: str, batch: int) -> dict[type[Contestant], float]:
    """The mean test error of each over the same data sets."""
    disks = task(optimizer, batch, _CHECKED)
    fresh = [generate_disk(SAMPLES, torch.Generator().manual_seed(1000 + seed)) for seed in range(_CHECKED)]
    x = torch.stack([2 * points - 1 for points, _ in fresh]).float()
    label = torch.stack([classes for _, classes in fresh]).numpy()
    errors = {}
    for kind in kinds:
        wrong: list[float] = []
        for several in [disks] if kind.stacks else [_only(disks, replica) for replica in range(_CHECKED)]:
            contestant = kind(several)
            for _ in range(_EPOCHS[batch]):
                contestant.epoch()
            place = len(wrong)
            chosen = slice(None) if kind.stacks else slice(place, place + 1)
            wrong.append(float((contestant.decide(x[chosen]) != label[chosen]).mean()))
        errors[kind] = float(np.mean(wrong))
    ours = errors[kinds[0]]
    for kind, error in errors.items():
        if abs(error - ours) > _TOLERANCE:
            raise UnequalError(
                f"batch {batch}, {optimizer}: {kind.name} has a test error of {error:.3f}, {kinds[0].name} {ours:.3f}; "
                f"a comparison of their times would mean nothing"
            )
    return errors


def _only(several: Task, replica: int) -> Task:
    """One replica of a task."""
    one = slice(replica, replica + 1)
    weights, biases = [tensor[one] for tensor in several.weights], [tensor[one] for tensor in several.biases]
    return Task(several.optimizer, several.batch, several.rate, several.x[one], several.target[one], weights, biases)


def _best(kind: type[Contestant], optimizer: str, batch: int) -> Contestant:
    """A contestant at the stack size at which a step of a replica costs least."""
    trials = []
    for size in kind.stacks.get(batch, (1,)):
        contestant = kind(task(optimizer, batch, size))
        contestant.epoch()  # what is compiled is compiled now
        trials.append((min(microseconds(contestant) for _ in range(3)), size, contestant))
    return min(trials, key=lambda trial: trial[:2])[2]


def _listed(values: dict[type[Contestant], float]) -> str:
    return ", ".join(f"{kind.name} {value:.3g}" for kind, value in values.items())
