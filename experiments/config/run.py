"""The configuration of a run: every key with its default, parsed once to typed components.

Outside of TOML and of the store a configuration is a `RunConfig`. `parse` makes one from what a study says, and checks
what can be checked without importing what is behind known names; `try_out` builds its components, so that their classes
can refuse values.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairgrid.experiments.config import components
from fairgrid.experiments.config.components import Component
from fairgrid.experiments.config.messages import first_problem
from fairgrid.experiments.config.registry import KINDS, LISTS
from fairgrid.experiments.errors import BadKeyError, first_line, nearest
from fairgrid.experiments.runtime.process_state import contained
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.runtime.user_code import Module as OwnModule

if TYPE_CHECKING:
    from fairgrid.experiments.config.metrics import Measure
    from fairgrid.experiments.problems import Problem
    from fairgrid.framework import EarlyStopping, Initializer, Loss, Module, Schedule

Engine = Literal["framework", "compiled", "pytorch"]
DType = Literal["float32", "float64"]

# a configuration as JSON has it, with keys at their default left out
Config = dict[str, Any]

SYNONYM = "gradient_evaluations_per_sample"  # of epochs


class Stopping(BaseModel):
    """When a run ends early; see fairgrid.framework.EarlyStopping."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    patience: int = Field(ge=1)
    restore_best: bool = False


class Keys(BaseModel):
    """What a run is, apart from its seed, as a study writes it. Components are names or tables (see components.py)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    problem: Any = Field("disk", description="where the data comes from")
    model: Any = Field("mlp", description="the architecture")
    activation: Any = Field("relu", description="after each hidden layer: one, or a list with one per layer")
    output_activation: Any = Field("identity", description="after the last layer")
    initializer: Any = Field("pytorch_uniform", description="how weights and biases start")
    loss: Any = Field("mse", description="what is minimized")
    optimizer: Any = Field("sgd", description="how it is minimized")
    batch_size: int = Field(10, ge=1, description="samples per optimizer step")
    shuffle: bool = Field(True, description="whether every epoch has a new order")
    epochs: int = Field(100, ge=1, description=f"passes over the data; {SYNONYM} is a synonym")
    checkpoints: int = Field(20, ge=1, description="evaluations after the one at the start, evenly spaced over epochs")
    engine: Engine = Field(
        "framework", description="what trains: the library, the library `compiled`, or torch.nn (`pytorch`)"
    )
    targets: list[float] = Field([], description="test errors; a run records the first checkpoint at each")
    measures: Any = Field([], description="what a run measures at its end beyond losses and errors, a list")
    schedule: Any = Field("constant", description="what happens to the learning rate after an epoch")
    stopping: Stopping | None = Field(None, description="early stopping on validation loss: patience, restore_best")
    dtype: DType = Field("float32", description="of parameters and data")
    sources: list[str] = Field([], description="files that classes of your own import under names that they compute")


DEFAULTS: Config = Keys().model_dump(mode="json")


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run.

    Attributes:
        canonical: what it was parsed from, in the one canonical form: JSON values, keys at their default left out.
        problem, model, output_activation, initializer, loss, optimizer, schedule: its components.
        activation: one for all hidden layers, or one for each.
        measures: what is measured at the end.
        batch_size, shuffle, epochs, checkpoints, engine, targets, stopping, dtype, sources: see `Keys`.
    """

    canonical: Config
    problem: Component
    model: Component
    activation: tuple[Component, ...]
    output_activation: Component
    initializer: Component
    loss: Component
    optimizer: Component
    schedule: Component
    measures: tuple[Component, ...]
    batch_size: int
    shuffle: bool
    epochs: int
    checkpoints: int
    engine: Engine
    targets: tuple[float, ...]
    stopping: Stopping | None
    dtype: DType
    sources: tuple[tuple[str, str, str], ...]  # the declared files: name, path and SHA-256 of each

    parsed: ClassVar[int] = 0  # how many configurations were parsed in this process

    @functools.cached_property
    def canonical_json(self) -> str:
        """The canonical form as text, the same for the same configuration."""
        return canonical_json(self.canonical)

    @property
    def components(self) -> list[Component]:
        """All components, in the order of their keys."""
        single = [self.problem, self.model, *self.activation, self.output_activation, self.initializer, self.loss]
        return [*single, self.optimizer, self.schedule, *self.measures]

    @property
    def own_modules(self) -> dict[str, OwnModule]:
        """The modules of components of the user's own, by their dotted paths."""
        return {each.name: each.module for each in self.components if each.module is not None}

    def value(self, key: str) -> Any:
        """What a key says, its default if it says nothing: JSON values."""
        return self.canonical.get(key, DEFAULTS[key])

    def component(self, key: str) -> Component | None:
        """The component of a key; None for a list of several."""
        listed = getattr(self, key)
        if isinstance(listed, tuple):
            return listed[0] if len(listed) == 1 and not isinstance(self.value(key), list) else None
        return listed if isinstance(listed, Component) else None

    def with_learning_rate(self, rate: float) -> "RunConfig":
        """The configuration with another learning rate. Nothing is parsed for it."""
        return self._with_optimizer(self.optimizer.with_option("learning_rate", rate))

    def shortened(self, epochs: int, checkpoints: int) -> "RunConfig":
        """The configuration with fewer epochs and checkpoints. Nothing is parsed for it."""
        canonical = _without_defaults({**self.canonical, "epochs": epochs, "checkpoints": checkpoints})
        return replace(self, canonical=canonical, epochs=epochs, checkpoints=checkpoints)

    def _with_optimizer(self, optimizer: Component) -> "RunConfig":
        canonical = _without_defaults({**self.canonical, "optimizer": optimizer.spec})
        return replace(self, canonical=canonical, optimizer=optimizer)

    @property
    def class_facts(self) -> list[dict[str, Any]]:
        """What reading it without importing a class of the user's own takes; see class_facts.py."""
        return [component.facts() for component in self.components if component.is_own]

    def samples(self, split: Literal["train", "validation", "test"]) -> int:
        """How many samples its problem has."""
        if self.problem.recorded is not None:
            return self.problem.recorded.of(self.problem.options).samples[split]
        return int(getattr(self.build_problem(), split))

    def build_problem(self) -> "Problem":
        """The problem, ready to sample."""
        problem: Problem = self.problem.build()
        return problem

    def build_model(self, problem: "Problem") -> "Module":
        """The model, not yet initialized."""
        model: Module = self.model.build(
            problem.inputs,
            problem.outputs,
            [component.build for component in self.activation],
            self.output_activation.build,
        )
        return model

    def build_initializer(self) -> "Initializer":
        """How parameters start."""
        initializer: Initializer = self.initializer.build()
        return initializer

    def build_loss(self) -> "Loss":
        """The criterion."""
        loss: Loss = self.loss.build()
        return loss

    def build_measures(self) -> "list[Measure]":
        """What is measured at the end."""
        return [component.build() for component in self.measures]

    def build_schedule(self) -> "Schedule":
        """The learning-rate schedule, new."""
        schedule: Schedule = self.schedule.build()
        return schedule

    def build_stopping(self) -> "EarlyStopping | None":
        """The early stopping, new, if there is one."""
        from fairgrid.framework import EarlyStopping  # imports torch

        return EarlyStopping(self.stopping.patience, self.stopping.restore_best) if self.stopping else None

    def watches_validation(self) -> bool:
        """Whether training looks at the validation loss after each epoch."""
        return self.stopping is not None or self.build_schedule().watches

    def __repr__(self) -> str:
        return f"RunConfig({self.canonical_json})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def canonical_json(value: Any) -> str:
    """JSON in its one form: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse(raw: Mapping[str, Any], finder: Finder) -> RunConfig:
    """A configuration from its written form.

    Args:
        raw: JSON values by key.
        finder: where classes of the user's own and declared files are looked for.

    Raises:
        BadKeyError: an unknown key, a wrong type, an unknown name, or a module or file that is not found.
    """
    RunConfig.parsed += 1
    given = dict(raw)
    if SYNONYM in given:
        if "epochs" in given:
            raise BadKeyError(SYNONYM, "expected it or epochs, which mean the same, found both")
        given["epochs"] = given.pop(SYNONYM)
    for key in given:
        if key not in Keys.model_fields:
            raise BadKeyError(
                key, f"expected a key of a run, found {key!r}{nearest(key, [*Keys.model_fields, SYNONYM])}"
            )
    patterns = given.get("sources", [])
    stated = isinstance(patterns, list) and all(isinstance(pattern, str) for pattern in patterns)
    finder = finder.declaring(patterns if stated else [])
    parsed = {key: parse_key(key, given.get(key, DEFAULTS[key]), key, finder) for key in KINDS}
    for key in KINDS.keys() & given.keys():
        given[key] = _spec(key, given[key], parsed[key])
    try:
        keys = Keys.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise first_problem(error, known=Stopping.model_fields) from error
    return RunConfig(
        canonical=_without_defaults(keys.model_dump(mode="json")),
        **{key: listed if key in LISTS else listed[0] for key, listed in parsed.items()},  # type: ignore[arg-type]
        batch_size=keys.batch_size,
        shuffle=keys.shuffle,
        epochs=keys.epochs,
        checkpoints=keys.checkpoints,
        engine=keys.engine,
        targets=tuple(keys.targets),
        stopping=keys.stopping,
        dtype=keys.dtype,
        sources=_declared(keys.sources, finder),
    )


def parse_key(key: str, written: Any, place: str, finder: Finder) -> tuple[Component, ...]:
    """The components that a key's value states: one, or several of a key that may be a list.

    Raises:
        BadKeyError: see `components.parse`; it names `place`.
    """
    if key in LISTS and isinstance(written, list):
        return tuple(_parse_one(key, item, f"{place}[{number}]", finder) for number, item in enumerate(written))
    return (_parse_one(key, written, place, finder),)


def canonical_value(key: str, written: Any, place: str, finder: Finder) -> Any:
    """The value of a key that holds a component, in its canonical form.

    Raises:
        BadKeyError: see `components.parse`; it names `place`.
    """
    return _spec(key, written, parse_key(key, written, place, finder))


def _parse_one(key: str, written: Any, place: str, finder: Finder) -> Component:
    memo = repr((key, written))
    if memo not in finder.parsed:
        finder.parsed[memo] = _parse_named(key, written, place, finder)
    component: Component = finder.parsed[memo]
    return component


def _parse_named(key: str, written: Any, place: str, finder: Finder) -> Component:
    named = isinstance(written, str) or (isinstance(written, dict) and isinstance(written.get("name"), str))
    if not named:
        raise BadKeyError(place, f"expected a name or a table with a name, found {written!r}")
    return components.parse(key, written, place, finder)


def _spec(key: str, written: Any, parsed: Sequence[Component]) -> Any:
    """What stands for components in the canonical form: a list of one activation is that activation."""
    specs = [component.spec for component in parsed]
    return specs if key == "measures" or (isinstance(written, list) and len(specs) != 1) else specs[0]


def _declared(patterns: Sequence[str], finder: Finder) -> tuple[tuple[str, str, str], ...]:
    if not patterns:
        return ()
    try:
        return tuple((name, path, digest) for name, (path, digest) in sorted(finder.declared_files().items()))
    except (OSError, ValueError, NotImplementedError) as error:  # the last of a pattern from the root
        raise BadKeyError("sources", f"expected patterns of files beside the study, found {error}") from error


def _without_defaults(values: Config) -> Config:
    return {key: values[key] for key in sorted(values) if values[key] != DEFAULTS[key]}


# what decides whether components go together
_TOGETHER = ("problem", "model", "activation", "output_activation", "batch_size", "schedule", "stopping")


def try_out(config: RunConfig, accepted: set[str] | None = None) -> None:
    """Lets components refuse their values, and one another.

    Args:
        config: what is tried.
        accepted: what was tried before, of configurations with the same classes, and need not be again; added to.

    Raises:
        BadKeyError: a class refuses a value, or components do not go together.
    """
    accepted = set() if accepted is None else accepted
    for key in KINDS:
        listed = getattr(config, key)
        several = isinstance(config.value(key), list)
        for number, component in enumerate(listed if isinstance(listed, tuple) else (listed,)):
            tried = canonical_json([key, component.spec])
            if tried not in accepted:
                component.try_out(f"{key}[{number}]" if several else key)
                accepted.add(tried)
    together = canonical_json([config.value(key) for key in _TOGETHER])
    if together not in accepted:
        with contained() if config.own_modules else nullcontext():
            _try_together(config)
        accepted.add(together)


def _try_together(config: RunConfig) -> None:
    from fairgrid.framework import BatchNorm  # imports torch

    problem = config.build_problem()
    for name in ("inputs", "outputs", "train", "validation", "test"):
        try:
            value = getattr(problem, name, None)
            shown_value = repr(value) if hasattr(problem, name) else "none"
        except Exception as error:
            value, shown_value = None, first_line(error)
        if type(value) is not int:  # own classes may forget one
            raise BadKeyError(
                "problem", f"expected {type(problem).__name__} to have an integer {name}, found {shown_value}"
            )
    if config.batch_size > problem.train:
        raise BadKeyError("batch_size", f"expected at most problem.train ({problem.train}), found {config.batch_size}")
    if config.watches_validation() and not problem.validation:
        key = "stopping" if config.stopping else "schedule"
        raise BadKeyError(key, "expected problem.validation ≥ 1, as it watches the validation loss, found 0")
    try:
        model = config.build_model(problem)
    except ValueError as error:
        raise BadKeyError("model", str(error)) from error
    lone = config.batch_size == 1 or problem.train % config.batch_size == 1
    if lone and any(isinstance(module, BatchNorm) and module.axes == (-2,) for _, module in model.walk()):
        raise BadKeyError(
            "batch_size",
            "expected no batch of one sample, which BatchNorm has no variance of, "
            f"found problem.train = {problem.train} in batches of {config.batch_size}",
        )


def default_keys() -> dict[str, tuple[Any, str]]:
    """Every key with its default and what it means."""
    return {name: (DEFAULTS[name], field.description or "") for name, field in Keys.model_fields.items()}
