"""What a training leaves: one record per run, the same from every engine."""

import math
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from experiments.problems import Data, Problem, Samples
from experiments.settings import Settings

Status = Literal["ok", "diverged", "timeout", "error"]

Part = Literal["train", "validation", "test"]

CURVES = ("train_loss", "train_error", "validation_loss", "validation_error", "test_loss", "test_error")


@dataclass
class Record:
    """The outcome of one run.

    Attributes:
        status: "ok", or "diverged": a training loss, a parameter or the final evaluation was not finite.
        diverged_at_step: the first step whose training loss is not finite; or the last step of the epoch after which a
            parameter was not; or the last step, if only the final evaluation was not.
        message: why a run is not ok.
        steps: optimizer steps taken.
        gradient_evaluations: samples whose gradient was computed.
        final: the last evaluation, by the names of CURVES; empty unless ok.
        metrics: what else was measured: "stop_epoch" where runs may stop early.
        curves: every evaluation by name, "epoch" among them.
        parameters: the model's last parameters, in the order of Module.parameters, if they were asked for.
    """

    status: Status = "ok"
    diverged_at_step: int | None = None
    message: str = ""
    steps: int = 0
    gradient_evaluations: int = 0
    final: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=lambda: {"epoch": []})
    parameters: list[Tensor] = field(default_factory=list)

    def add(self, epoch: int, evaluation: dict[str, float]) -> None:
        """Appends one checkpoint to the curves."""
        self.curves["epoch"].append(epoch)
        for name, value in evaluation.items():
            self.curves.setdefault(name, []).append(value)

    def diverge(self, step: int, message: str) -> None:
        """Marks the run as diverged."""
        self.status, self.diverged_at_step, self.message = "diverged", step, message

    def finish(self, epochs: int, settings: Settings, problem: Problem) -> None:
        """Counts the work done and, for a run that is ok so far, takes the last checkpoint as the result."""
        steps = epochs * math.ceil(problem.train / settings.batch_size)
        self.steps, self.gradient_evaluations = steps, epochs * problem.train
        if self.status != "ok":
            return
        if settings.stopping is not None:
            self.metrics["stop_epoch"] = epochs
        final = {name: values[-1] for name, values in self.curves.items() if name != "epoch"}
        if all(math.isfinite(value) for value in final.values()):
            self.final = final
        else:
            self.diverge(steps, "final evaluation not finite")


def checkpoint_epochs(settings: Settings) -> set[int]:
    """The epochs after which a run is evaluated: the start, the end, and the rest evenly between."""
    count = min(settings.checkpoints, settings.epochs)
    return {round(i * settings.epochs / count) for i in range(count + 1)}


def stacked(data: list[Data], dtype: torch.dtype) -> dict[Part, Samples]:
    """Several runs' data by part, (R, N, …), in the dtype of training; an empty validation part is left out."""
    names: tuple[Part, ...] = ("train", "validation", "test") if len(data[0].validation.x) else ("train", "test")
    found: dict[Part, Samples] = {}
    for name in names:
        chosen: list[Samples] = [getattr(each, name) for each in data]
        found[name] = Samples(
            torch.stack([each.x for each in chosen]).to(dtype),
            torch.stack([each.target for each in chosen]).to(dtype),
            torch.stack([each.label for each in chosen]),
        )
    return found
