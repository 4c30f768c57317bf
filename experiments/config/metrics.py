"""What a run may measure at its end beyond losses and errors. Each measure gives named numbers, one per replica."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fairgrid.experiments.problems import Plane, Problem, Samples
from fairgrid.framework import LeakyReLU, Module, ReLU, predict

Part = Literal["train", "validation", "test"]


class Measure:
    """Base class. A subclass's keyword arguments are its options in a study.

    Attributes:
        gives: the names of its numbers, so that a study can be held against them before it runs; empty if unknown.
        direction: "min" or "max", whether less or more of its numbers is better; or that by name; empty if unknown.
    """

    gives: ClassVar[tuple[str, ...]] = ()
    direction: ClassVar[str | Mapping[str, str]] = ""

    def __call__(self, model: Module, problem: Problem, data: Mapping[Part, Samples]) -> dict[str, Tensor]:
        """Numbers by name, (R,) or, for a plain model, ().

        Args:
            model: trained.
            problem: the problem that it was trained on.
            data: by part, (R, N, …) or (N, …).
        """
        raise NotImplementedError


def measured(
    measures: Iterable[Measure], model: Module, problem: Problem, data: Mapping[Part, Samples]
) -> dict[str, Tensor]:
    """What measures give; see `Measure`.

    Raises:
        ValueError: other names than a measure says it gives, or another shape than of a number per replica.
    """
    values: dict[str, Tensor] = {}
    shape = data["test"].label.shape[:-1]
    for measure in measures:
        given = measure(model, problem, data)
        name = type(measure).__name__
        if measure.gives and set(given) != set(measure.gives):
            raise ValueError(
                f"the measure {name} says that it gives {', '.join(measure.gives)}, found {', '.join(given)}"
            )
        for key, value in given.items():
            if not isinstance(value, Tensor) or value.shape != shape:
                what = f"the shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(f"the measure {name} needs a number per run for {key}, {tuple(shape)}, found {what}")
        values |= given
    return values


class Border(Measure):
    """How far test points lie from the border between the classes: all of them, and those that are misclassified.

    The mean over points of either kind, and the largest distance of a misclassified one; not a number where none is.
    """

    gives = ("border_distance", "border_distance_wrong", "border_distance_wrong_max")
    direction = "min"

    def __call__(self, model: Module, problem: Problem, data: Mapping[Part, Samples]) -> dict[str, Tensor]:
        test = data["test"]
        if not isinstance(problem, Plane) or test.points is None:
            raise ValueError(f"the measure border needs a problem in the plane, found {type(problem).__name__}")
        distance = problem.distance(test.points)
        wrong = problem.decide(predict(model, test.x)) != test.label
        mean = torch.where(wrong, distance, 0).sum(-1) / wrong.sum(-1)
        farthest = torch.where(wrong, distance, -1).amax(-1)
        return {
            "border_distance": distance.mean(-1),
            "border_distance_wrong": mean,
            "border_distance_wrong_max": torch.where(wrong.any(-1), farthest, torch.nan),
        }


class Baseline(Measure):
    """What the best constant answer errs on the test set, as `majority_error`."""

    gives = ("majority_error",)
    direction = "min"

    def __call__(self, model: Module, problem: Problem, data: Mapping[Part, Samples]) -> dict[str, Tensor]:
        label = data["test"].label
        if label.is_floating_point():
            raise ValueError("the measure baseline needs classes, found numbers that are predicted")
        others = range(1, max(2, problem.outputs))
        shares = torch.stack([(label == one).to(torch.float64).mean(-1) for one in others], -1)
        # class 0 errs on all that are of another, any other on all but its own
        return {"majority_error": torch.minimum(shares.sum(-1), (1 - shares).amin(-1))}


class DeadUnits(Measure):
    """The fraction of rectified units that are never positive on the training set."""

    gives = ("dead_units",)
    direction = "min"

    def __call__(self, model: Module, problem: Problem, data: Mapping[Part, Samples]) -> dict[str, Tensor]:
        model.train(False)
        model.forward(data["train"].x)
        model.train(True)
        rectifiers = [module for _, module in model.walk() if isinstance(module, ReLU | LeakyReLU)]
        if not rectifiers:
            raise ValueError("the measure dead_units needs ReLU or LeakyReLU layers, found none")
        stacked = any(parameter.replicas is not None for parameter in model.parameters())
        axis = 1 if stacked else 0
        dead = [(module.saved_for_backward() <= 0).all(axis).flatten(axis) for module in rectifiers]
        return {"dead_units": torch.cat(dead, -1).to(torch.float64).mean(-1)}
