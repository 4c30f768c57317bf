"""Components of the user's own, those of studies and those that are named alone, and what is wrong with them."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.components import Component, own_class
from fairgrid.experiments.config.registry import KINDS, imported
from fairgrid.experiments.config.run import Config, RunConfig, canonical_json, parse, try_out
from fairgrid.experiments.contracts.problems import check_problem
from fairgrid.experiments.errors import BadKeyError, short_message
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.framework import Module, pytorch_uniform
from fairgrid.framework.testing import (
    ContractError,
    check_activation,
    check_initializer,
    check_layer,
    check_loss,
    check_optimizer,
)

# what a class is tried in that no study names
_ALONE: Config = {
    "problem": {"name": "disk", "train": 100, "test": 50, "validation": 50},
    "model": {"name": "mlp", "hidden": [8]},
    "epochs": 2,
    "checkpoints": 1,
}


@dataclass(frozen=True)
class Own:
    """A component of the user's own.

    Attributes:
        component: the component.
        config: the configuration of a run that has it.
    """

    component: Component
    config: RunConfig

    @property
    def label(self) -> str:
        """Its dotted path and options."""
        options = ", ".join(f"{key}={value}" for key, value in self.component.options.items())
        return f"{self.component.name}({options})" if options else self.component.name

    @property
    def noun(self) -> str:
        """What it is."""
        return self.component.kind.noun


def own_parts(configs: Iterable[RunConfig]) -> list[Own]:
    """Those of some configurations, each once, beside the first that has it."""
    parts: dict[tuple[str, str], Own] = {}
    for config in configs:
        for component in config.components:
            if component.is_own:
                place = component.key.removeprefix("output_"), canonical_json(component.spec)
                parts.setdefault(place, Own(component, config))
    return [parts[place] for place in sorted(parts)]


def part_of(path: str) -> Own:
    """The component that a dotted path alone names, in a run that is otherwise of defaults.

    Raises:
        BadKeyError: it names no class, one that is no component, or one that needs options.
    """
    finder = Finder(Path.cwd())
    own, _, _ = own_class(path, path, finder)
    bases = {key: imported(kind.base) for key, kind in KINDS.items()}
    key = next((key for key, base in bases.items() if inspect.isclass(own) and issubclass(own, base)), None)
    if key is None:
        names = ", ".join(dict.fromkeys(base.__name__ for base in bases.values()))
        raise BadKeyError(path, f"expected a subclass of one of {names}, found {own!r}")
    if bases[key] is Module:
        required = [each for each in inspect.signature(own).parameters.values() if each.default is each.empty]
        key = "model" if len(required) >= KINDS["model"].supplied else "activation"
    try:
        config = parse({**_ALONE, key: [path] if key == "measures" else path}, finder)
        try_out(config)
    except BadKeyError as error:
        raise BadKeyError(path + error.key.removeprefix(key).removeprefix("[0]"), error.problem) from error
    return own_parts([config])[0]


def wrong_with(own: Own) -> list[str]:
    """The faults of a component, a line each; those of schedules and measures show in trainings only."""
    try:
        _check(own.config, own.component)
    except ContractError as error:
        return [short_message(fault) for fault in error.faults]
    return []


def _check(config: RunConfig, component: Component) -> None:
    if component.key == "optimizer":
        check_optimizer(component.build)
    elif component.key in ("activation", "output_activation"):
        check_activation(component.build)
    elif component.key == "model":
        problem = config.build_problem()
        check_layer(lambda: config.build_model(problem), tuple(problem.sample(0).train.x.shape[1:]))
    elif component.key == "loss":
        _check_loss(config)
    elif component.key == "initializer":
        check_initializer(config.build_initializer())
    elif component.key == "problem":
        check_problem(config.build_problem())


def _check_loss(config: RunConfig) -> None:
    """Checks a loss on predictions of the shapes that the model gives, and targets of the problem."""
    import torch

    problem = config.build_problem()
    model = config.build_model(problem)
    model.initialize(torch.Generator().manual_seed(0), pytorch_uniform, torch.float64)
    train = problem.sample(0).train
    model.train(False)
    outputs: Any = model.forward(train.x[:2])
    several = isinstance(train.target, list)
    shapes = [tuple(output.shape[1:]) for output in (outputs if several else [outputs])]
    check_loss(config.build_loss, shapes if several else shapes[0], train.target)
