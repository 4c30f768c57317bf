"""Components of the user's own, those of studies and those that are named alone, and what is wrong with them."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.components import Component, own_class
from fairgrid.experiments.config.registry import KINDS, imported
from fairgrid.experiments.config.run import Config, RunConfig, canonical_json, parse, try_out
from fairgrid.experiments.contracts.draws import wrong_with_initializer, wrong_with_problem
from fairgrid.experiments.contracts.losses import LossCase, wrong_with_loss
from fairgrid.experiments.contracts.modules import Case, wrong_with_module
from fairgrid.experiments.contracts.optimizers import wrong_with_optimizer
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.framework import Module, PyTorchUniform
from fairgrid.framework.passes import listed

_WIDTH = 25  # features of what an activation is tried on
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
    """What is wrong with a component, a line each; of schedules and measures, trainings alone say so."""
    config, component = own.config, own.component
    if component.key == "optimizer":
        return list(wrong_with_optimizer(component.build))
    if component.key in ("activation", "output_activation"):
        return list(
            wrong_with_module(Case(component.build, PyTorchUniform(), (_WIDTH,), (1, 2, 3, 10, 100), same_shape=True))
        )
    if component.key == "model":
        problem = config.build_problem()
        features = tuple(problem.sample(0).train.x.shape[1:])

        def make() -> Module:
            return config.build_model(problem)

        return list(wrong_with_module(Case(make, PyTorchUniform(), features, (2, 3, 10), same_shape=False)))
    if component.key == "loss":
        return list(wrong_with_loss(_loss_case(config)))
    if component.key == "initializer":
        return list(wrong_with_initializer(config.build_initializer()))
    return list(wrong_with_problem(config.build_problem())) if component.key == "problem" else []


def _loss_case(config: RunConfig) -> LossCase:
    """A loss on predictions of the shapes that the model gives, and targets of the problem."""
    import torch

    problem = config.build_problem()
    model = config.build_model(problem)
    model.initialize(torch.Generator().manual_seed(0), PyTorchUniform(), torch.float64)
    train = problem.sample(0).train
    model.train(False)
    outputs: Any = listed(model.forward(train.x[:2]))
    return LossCase(config.build_loss, [tuple(each.shape[1:]) for each in outputs], listed(train.target))
