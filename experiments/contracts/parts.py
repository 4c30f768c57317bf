"""Parts of the user's own, those of studies and those that are named alone, and what is wrong with them."""

import functools
import inspect
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fairgrid.experiments.config import components as parts
from fairgrid.experiments.config.components import Kind, Spec
from fairgrid.experiments.config.identity import canonical_json
from fairgrid.experiments.config.registry import ACTIVATION, KINDS, OPTIMIZER
from fairgrid.experiments.config.run import Config, Settings, canonical
from fairgrid.experiments.contracts.draws import wrong_with_initializer, wrong_with_problem
from fairgrid.experiments.contracts.losses import LossCase, wrong_with_loss
from fairgrid.experiments.contracts.modules import Case, wrong_with_module
from fairgrid.experiments.contracts.optimizers import wrong_with_optimizer
from fairgrid.experiments.errors import BadKeyError
from fairgrid.framework import Module, PyTorchUniform
from fairgrid.framework.passes import listed

_WIDTH = 25  # features of what an activation is tried on
# what a class is tried in that no study names
_ALONE: Config = {
    "problem": {"name": "disk", "train": 100, "test": 50, "validation": 50},
    "model": {"name": "mlp", "hidden": [8]},
}
_ANY = Kind("class", {}, base=object)


@dataclass(frozen=True)
class Own:
    """A part of the user's own.

    Attributes:
        key: of a run that it is the value of.
        spec: canonical, as JSON.
        config: of a run that has it.
    """

    key: str
    spec: str
    config: Config

    @property
    def label(self) -> str:
        """Its dotted path and options."""
        name, options = parts.split(json.loads(self.spec))
        return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})" if options else name

    @property
    def noun(self) -> str:
        """What it is."""
        return KINDS[self.key].noun


def own_parts(configs: Iterable[Config]) -> list[Own]:
    """Those of some configurations, each once, beside the first that has it."""
    found: dict[tuple[str, str], Own] = {}
    for config in configs:
        for key in KINDS.keys() & config.keys():
            for spec in config[key] if isinstance(config[key], list) else [config[key]]:
                if ":" in parts.split(spec)[0]:
                    text = canonical_json(spec)
                    found.setdefault((key.removeprefix("output_"), text), Own(key, text, config))
    return [found[place] for place in sorted(found)]


def part_of(path: str) -> Own:
    """The part that a dotted path alone names, in a run that is otherwise of defaults.

    Raises:
        BadKeyError: it names no class, one that is no part, or one that needs options.
    """
    made_by = parts.maker(_ANY, path, path)
    assert inspect.isclass(made_by)  # a dotted path names no partial
    key = next((key for key, kind in KINDS.items() if issubclass(made_by, kind.base)), None)
    if key is None:
        bases = ", ".join(dict.fromkeys(kind.base.__name__ for kind in KINDS.values()))
        raise BadKeyError(path, f"expected a subclass of one of {bases}, found {made_by!r}")
    if KINDS[key].base is Module:
        required = [each for each in inspect.signature(made_by).parameters.values() if each.default is each.empty]
        key = "model" if len(required) >= KINDS["model"].supplied else "activation"
    spec: Spec = parts.canonical(KINDS[key], path, path)
    try:
        config = canonical({**_ALONE, key: [spec] if key == "measures" else spec, "epochs": 2, "checkpoints": 1})
    except BadKeyError as error:
        raise BadKeyError(path, error.problem) from error
    return Own(key, canonical_json(spec), config)


def wrong_with(own: Own) -> list[str]:
    """What is wrong with a part, a line each; of schedules and measures, trainings alone say so."""
    settings, spec = Settings(**own.config), json.loads(own.spec)
    if own.key == "optimizer":
        return list(wrong_with_optimizer(functools.partial(parts.build, OPTIMIZER, spec)))
    if own.key in ("activation", "output_activation"):
        make = functools.partial(parts.build, ACTIVATION, spec)
        return list(wrong_with_module(Case(make, PyTorchUniform(), (_WIDTH,), (1, 2, 3, 10, 100), same_shape=True)))
    if own.key == "model":
        problem = settings.build_problem()
        features = tuple(problem.sample(0).train.x.shape[1:])
        make = functools.partial(settings.build_model, problem)
        return list(wrong_with_module(Case(make, PyTorchUniform(), features, (2, 3, 10), same_shape=False)))
    if own.key == "loss":
        return list(wrong_with_loss(_loss_case(settings)))
    if own.key == "initializer":
        return list(wrong_with_initializer(settings.build_initializer()))
    return list(wrong_with_problem(settings.build_problem())) if own.key == "problem" else []


def _loss_case(settings: Settings) -> LossCase:
    """A loss on predictions of the shapes that the model gives, and targets of the problem."""
    import torch

    problem = settings.build_problem()
    model = settings.build_model(problem)
    model.initialize(torch.Generator().manual_seed(0), PyTorchUniform(), torch.float64)
    train = problem.sample(0).train
    model.train(False)
    outputs: Any = listed(model.forward(train.x[:2]))
    return LossCase(settings.build_loss, [tuple(each.shape[1:]) for each in outputs], listed(train.target))
