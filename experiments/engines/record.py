"""The record of a run, the same from every engine."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fairgrid.experiments.config.metric_names import TARGET
from fairgrid.experiments.config.metrics import Part
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.problems import Data, Plane, Problem, Samples, stack
from fairgrid.experiments.runtime.determinism import Device
from fairgrid.experiments.runtime.words import Word
from fairgrid.framework import Module, predict


class Status(Word):
    """The state of a run; that of a record is never planned."""

    PLANNED = "planned"
    OK = "ok"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass
class Record:
    """The outcome of one run.

    Attributes:
        status: OK, or DIVERGED if a training loss, a parameter or the final evaluation was not finite.
        diverged_at_step: the first step with a training loss that is not finite; for a parameter the last step of its
            epoch; for the final evaluation the last step.
        message: the reason why a run is not ok.
        steps: the number of optimizer steps.
        gradient_evaluations: the number of samples whose gradient was computed.
        final: the last evaluation, by the names of CURVES; empty unless ok.
        metrics: other measurements: those of the study, "stop_epoch" for runs that may stop early, and "epochs_to_…"
            for targets, NaN if not reached.
        curves: all evaluations by name, including "epoch".
        kept: the data of figures, if requested: the last parameters ("parameters.0", …) and, for problems in the plane,
            points, true and predicted classes of "train", "test" and a grid, "canvas"; and the points of the true
            "border", if it is known.
    """

    status: Status = Status.OK
    diverged_at_step: int | None = None
    message: str = ""
    steps: int = 0
    gradient_evaluations: int = 0
    final: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=lambda: {"epoch": []})
    kept: dict[str, Tensor] = field(default_factory=dict)

    def add(self, epoch: int, evaluation: dict[str, float]) -> None:
        """Appends one checkpoint to the curves."""
        self.curves["epoch"].append(epoch)
        for name, value in evaluation.items():
            self.curves.setdefault(name, []).append(value)

    def diverge(self, step: int, message: str) -> None:
        """Marks the run as diverged."""
        self.status, self.diverged_at_step, self.message = Status.DIVERGED, step, message

    def finish(self, epochs: int, config: RunConfig, problem: Problem) -> None:
        """Counts the work done and, for a run that has not diverged, takes the last checkpoint as the result."""
        steps = epochs * math.ceil(problem.train / config.batch_size)
        self.steps, self.gradient_evaluations = steps, epochs * problem.train
        if self.status != Status.OK:
            return
        if config.stopping is not None:
            self.metrics["stop_epoch"] = epochs
        for target in config.targets:
            reached = zip(self.curves["epoch"], self.curves["test_error"], strict=True)
            self.metrics[f"{TARGET}{target:g}"] = next((at for at, error in reached if error <= target), math.nan)
        final = {name: values[-1] for name, values in self.curves.items() if name != "epoch"}
        if all(math.isfinite(value) for value in final.values()):
            self.final = final
        else:
            self.diverge(steps, "final evaluation not finite")


def checkpoint_epochs(config: RunConfig) -> set[int]:
    """The epochs after which a run is evaluated: the start, the end, and evenly spaced ones between."""
    count = min(config.checkpoints, config.epochs)
    return {round(i * config.epochs / count) for i in range(count + 1)}


def stacked(data: list[Data], dtype: torch.dtype, device: Device = "cpu") -> dict[Part, Samples]:
    """The data of several runs by part, (R, N, …), without an empty validation part."""
    names: tuple[Part, ...] = ("train", "validation", "test") if len(data[0].validation.label) else ("train", "test")
    parts: dict[Part, Samples] = {}
    for name in names:
        samples = stack([getattr(run, name) for run in data])
        parts[name] = samples.each(lambda tensor: tensor.to(device, dtype if tensor.is_floating_point() else None))
    return parts


def kept_of(model: Module, problem: Problem, seed: int) -> dict[str, Tensor]:
    """The data of one run's figures; see `Record.kept`.

    Args:
        model: the trained model, plain.
        problem: the problem of the run.
        seed: the seed of the run.
    """
    kept = {
        f"parameters.{number}": parameter.value.cpu().clone() for number, parameter in enumerate(model.parameters())
    }
    canvas = problem.canvas(seed)
    if canvas is None:
        return kept
    data = problem.sample(seed)
    border = problem.border() if isinstance(problem, Plane) else None
    if border is not None:
        kept["border.points"] = border
    for name, samples in (("train", data.train), ("test", data.test), ("canvas", canvas)):
        if samples.points is not None:
            kept[f"{name}.points"] = samples.points
        if name != "canvas":
            kept[f"{name}.label"] = samples.label
        x = samples.x.to(model.parameters()[0].value)
        kept[f"{name}.decided"] = problem.decide(predict(model, x)).cpu()
    return kept
