"""The configuration of a run: every key with its default, its one canonical form, and the parts built from it."""

import functools
import json
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairgrid.experiments.config import components as parts
from fairgrid.experiments.config.components import Spec
from fairgrid.experiments.config.messages import first_problem
from fairgrid.experiments.config.metrics import Measure
from fairgrid.experiments.config.registry import (
    ACTIVATION,
    INITIALIZER,
    KINDS,
    LISTS,
    LOSS,
    MEASURE,
    MODEL,
    PROBLEM,
    SCHEDULE,
)
from fairgrid.experiments.errors import BadKeyError, first_line, nearest
from fairgrid.experiments.problems import Problem
from fairgrid.framework import BatchNorm, EarlyStopping, Initializer, Loss, Module, Schedule

Engine = Literal["framework", "compiled", "pytorch"]

# a canonical configuration: JSON values, keys at their default omitted
Config = dict[str, Any]


class Stopping(BaseModel):
    """When a run ends early; see framework.EarlyStopping."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    patience: int = Field(ge=1)
    restore_best: bool = False


class Settings(BaseModel):
    """What a run is, apart from its seed. Parts are names or tables (see experiments/config/components.py)."""

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
    epochs: int = Field(100, ge=1, description="passes over the data; gradient_evaluations_per_sample is a synonym")
    checkpoints: int = Field(20, ge=1, description="evaluations after the one at the start, evenly spaced over epochs")
    engine: Engine = Field(
        "framework", description="what trains: the library, the library `compiled`, or torch.nn (`pytorch`)"
    )
    targets: list[float] = Field([], description="test errors; a run records the first checkpoint at each")
    measures: Any = Field([], description="what a run measures at its end beyond losses and errors, a list")
    schedule: Any = Field("constant", description="what happens to the learning rate after an epoch")
    stopping: Stopping | None = Field(None, description="early stopping on validation loss: patience, restore_best")
    dtype: Literal["float32", "float64"] = Field("float32", description="of parameters and data")

    def activations(self) -> list[Spec]:
        """The activation as a list, of one or of one per hidden layer."""
        return self.activation if isinstance(self.activation, list) else [self.activation]

    def build_problem(self) -> Problem:
        """The problem, ready to sample."""
        made: Problem = parts.build(PROBLEM, self.problem)
        return made

    def build_model(self, problem: Problem) -> Module:
        """The model, not yet initialized."""
        made: Module = parts.build(
            MODEL,
            self.model,
            problem.inputs,
            problem.outputs,
            [_activation(spec) for spec in self.activations()],
            _activation(self.output_activation),
        )
        return made

    def build_initializer(self) -> Initializer:
        """How parameters start."""
        made: Initializer = parts.build(INITIALIZER, self.initializer)
        return made

    def build_loss(self) -> Loss:
        """The criterion."""
        made: Loss = parts.build(LOSS, self.loss)
        return made

    def build_measures(self) -> list[Measure]:
        """What is measured at the end."""
        return [parts.build(MEASURE, spec) for spec in self.measures]

    def build_schedule(self) -> Schedule:
        """The learning-rate schedule, new."""
        made: Schedule = parts.build(SCHEDULE, self.schedule)
        return made

    def build_stopping(self) -> EarlyStopping | None:
        """The early stopping, new, if there is one."""
        return EarlyStopping(self.stopping.patience, self.stopping.restore_best) if self.stopping else None

    def watches_validation(self) -> bool:
        """Whether training looks at the validation loss after each epoch."""
        return self.stopping is not None or self.build_schedule().watches

    def option(self, key: str, name: str) -> Any:
        """An option of a part, its default if not given, None if there is neither or the part has no such option."""
        part, options = parts.split(getattr(self, key))
        known = parts.parameters(KINDS[key], parts.maker(KINDS[key], part, key))
        if name in options:
            return options[name]
        return known[name].default if name in known and known[name].default is not Parameter.empty else None


def _activation(spec: Spec) -> Callable[[], Module]:
    return functools.partial(parts.build, ACTIVATION, spec)


def canonical(raw: Mapping[str, Any]) -> Config:
    """A configuration as written, checked and in its canonical form.

    Raises:
        BadKeyError: an unknown key, a wrong type, an unknown name, a value that is refused, or parts that do not fit.
    """
    given = dict(raw)
    if "gradient_evaluations_per_sample" in given:
        if "epochs" in given:
            raise BadKeyError(
                "gradient_evaluations_per_sample", "expected it or epochs, which mean the same, found both"
            )
        given["epochs"] = given.pop("gradient_evaluations_per_sample")
    for key in given:
        if key not in Settings.model_fields:
            known = [*Settings.model_fields, "gradient_evaluations_per_sample"]
            raise BadKeyError(key, f"expected a key of a run, found {key!r}{nearest(key, known)}")
    for key in KINDS.keys() & given.keys():
        given[key] = canonical_part(key, given[key], key)
    try:
        settings = Settings.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise first_problem(error, known=Stopping.model_fields) from error
    problem = settings.build_problem()
    for name in ("inputs", "outputs", "train", "validation", "test"):
        try:
            value = getattr(problem, name, None)
            found = repr(value) if hasattr(problem, name) else "none"
        except Exception as error:
            value, found = None, first_line(error)
        if type(value) is not int:  # own classes may forget one
            raise BadKeyError("problem", f"expected {type(problem).__name__} to have an integer {name}, found {found}")
    if settings.batch_size > problem.train:
        raise BadKeyError(
            "batch_size", f"expected at most problem.train ({problem.train}), found {settings.batch_size}"
        )
    if settings.watches_validation() and not problem.validation:
        key = "stopping" if settings.stopping else "schedule"
        raise BadKeyError(key, "expected problem.validation ≥ 1, as it watches the validation loss, found 0")
    try:
        model = settings.build_model(problem)
    except ValueError as error:
        raise BadKeyError("model", str(error)) from error
    lone = settings.batch_size == 1 or problem.train % settings.batch_size == 1
    if lone and any(isinstance(module, BatchNorm) and module.axes == (-2,) for _, module in model.walk()):
        raise BadKeyError(
            "batch_size",
            "expected no batch of one sample, which BatchNorm has no variance of, "
            f"found problem.train = {problem.train} in batches of {settings.batch_size}",
        )
    plain = settings.model_dump(mode="json")
    defaults = Settings()
    return {key: plain[key] for key in sorted(plain) if plain[key] != getattr(defaults, key)}


def canonical_part(key: str, written: Any, place: str) -> Any:
    """The value of a key that holds a part, or of `activation`, which may hold a list, in its canonical form.

    Raises:
        BadKeyError: see `parts.canonical`; it names `place`.
    """
    if key in LISTS and isinstance(written, list):
        listed = [_canonical_one(key, item, f"{place}[{i}]") for i, item in enumerate(written)]
        return listed[0] if len(listed) == 1 and key == "activation" else listed
    if key == "measures":
        return [_canonical_one(key, written, place)]
    return _canonical_one(key, written, place)


def _canonical_one(key: str, written: Any, place: str) -> Spec:
    named = isinstance(written, str) or (isinstance(written, dict) and isinstance(written.get("name"), str))
    if not named:
        raise BadKeyError(place, f"expected a name or a table with a name, found {written!r}")
    return parts.canonical(KINDS[key], written, place)


def default_settings() -> dict[str, tuple[Any, str]]:
    """Every key with its default and what it means."""
    return {name: (field.default, field.description or "") for name, field in Settings.model_fields.items()}
