"""Every name that a study may use, one line each. Nothing is imported before a component is built.

`options.json` beside this file has the options of each name, with types and defaults: see catalogue.py.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Named:
    """The class, or function, behind a name.

    Attributes:
        path: its module and name, "module:Class".
        presets: arguments in the place of the class's defaults.
    """

    path: str
    presets: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Builds one."""
        return self.maker()(*arguments, **options)

    def maker(self) -> Callable[..., Any]:
        """The class, or a partial of it."""
        target: Callable[..., Any] = imported(self.path)
        return partial(target, **self.presets) if self.presets else target


@dataclass(frozen=True)
class Kind:
    """A kind of component.

    Attributes:
        noun: what messages call it.
        base: the class that a user's own must derive from, as "module:Class".
        names: what is behind every known name.
        supplied: how many leading arguments the harness hands in.
        trial: builds one from a maker and options, to let the class refuse values.
    """

    noun: str
    base: str
    names: Mapping[str, Named]
    supplied: int = 0
    trial: Callable[[Callable[..., Any], dict[str, Any]], Any] = lambda maker, options: maker(**options)


def imported(path: str) -> Any:
    """What a path, "module:Class", names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _framework(name: str, **presets: Any) -> Named:
    return Named(f"fairgrid.framework:{name}", presets)


def _config(module: str, name: str) -> Named:
    return Named(f"fairgrid.experiments.config.{module}:{name}")


def _problem(name: str) -> Named:
    return Named(f"fairgrid.experiments.problems:{name}")


def _model_of(maker: Callable[..., Any], options: dict[str, Any]) -> Any:
    """A model between 8 inputs and 1 output: whether its widths fit the activations is known where both are."""
    from fairgrid.framework import Identity  # torch is loaded where something is built

    return maker(8, 1, [Identity] * len(options.get("hidden", "_")), Identity, **options)


def _optimizer_of(maker: Callable[..., Any], options: dict[str, Any]) -> Any:
    """An optimizer of one number."""
    from fairgrid.framework import Parameter  # torch is loaded where something is built

    return maker([Parameter((1,))], **options)


PROBLEM = Kind(
    "problem",
    "fairgrid.experiments.problems:Problem",
    {
        "breast_cancer": _problem("BreastCancer"),
        "circles": _problem("Circles"),
        "digit_pairs": _problem("DigitPairs"),
        "digits": _problem("Digits"),
        "disk": _problem("Disk"),
        "iris": _problem("Iris"),
        "line": _problem("Line"),
        "moons": _problem("Moons"),
        "table": _problem("Table"),
        "wine": _problem("Wine"),
    },
)

MODEL = Kind(
    "model",
    "fairgrid.framework:Module",
    {"mlp": _config("models", "mlp"), "siamese": _config("siamese", "siamese")},
    supplied=4,
    trial=_model_of,
)

ACTIVATION = Kind(
    "activation",
    "fairgrid.framework:Module",
    {
        "identity": _framework("Identity"),
        "relu": _framework("ReLU"),
        "leaky_relu": _framework("LeakyReLU"),
        "tanh": _framework("Tanh"),
        "sigmoid": _framework("Sigmoid"),
    },
)

INITIALIZER = Kind(
    "initializer",
    "fairgrid.framework:Initializer",
    {
        "standard_normal": _framework("StandardNormal"),
        "xavier_normal": _framework("XavierNormal"),
        "xavier_uniform": _framework("XavierUniform"),
        "kaiming_normal": _framework("KaimingNormal"),
        "kaiming_uniform": _framework("KaimingUniform"),
        "pytorch_uniform": _framework("PyTorchUniform"),
        "constant": _framework("Constant"),
    },
)

LOSS = Kind(
    "loss",
    "fairgrid.framework:Loss",
    {
        "mse": _framework("MSELoss"),
        # Σ (ŷ − y)² / 4 over batch and outputs (report 000 as coded): its gradient (ŷ − y)/2 grows with the batch
        "summed_half_mse": _framework("MSELoss", reduction="sum", scale=0.25),
        "cross_entropy": _framework("CrossEntropyLoss"),
        "binary_cross_entropy": _framework("BinaryCrossEntropyLoss"),
        "pair_cross_entropy": _config("siamese", "PairCrossEntropy"),
    },
)

OPTIMIZER = Kind(
    "optimizer",
    "fairgrid.framework:Optimizer",
    {
        "sgd": _framework("SGD"),
        "momentum": _framework("SGD", momentum=0.9),
        "nesterov": _framework("SGD", momentum=0.9, nesterov=True),
        "adam": _framework("Adam"),
        "adamw": _framework("AdamW"),
        "averaged_momentum": _config("report_variants", "AveragedMomentum"),
        "adam_without_root": _config("report_variants", "AdamWithoutRoot"),
    },
    supplied=1,
    trial=_optimizer_of,
)

SCHEDULE = Kind(
    "schedule",
    "fairgrid.framework:Schedule",
    {
        "constant": _framework("ConstantRate"),
        "step": _framework("StepDecay"),
        "cosine": _framework("CosineDecay"),
        "plateau": _framework("ReduceLROnPlateau"),
    },
)

MEASURE = Kind(
    "measure",
    "fairgrid.experiments.config.metrics:Measure",
    {
        "baseline": _config("metrics", "Baseline"),
        "border": _config("metrics", "Border"),
        "dead_units": _config("metrics", "DeadUnits"),
    },
)

# the keys of a run whose value is a component
KINDS = {
    "problem": PROBLEM,
    "model": MODEL,
    "activation": ACTIVATION,
    "output_activation": ACTIVATION,
    "initializer": INITIALIZER,
    "loss": LOSS,
    "optimizer": OPTIMIZER,
    "schedule": SCHEDULE,
    "measures": MEASURE,
}

# those that may be a list of components
LISTS = ("activation", "measures")
