"""How factors and their levels are spelled, wherever people read them."""

import json
from typing import Any

from fairgrid.experiments.config.components import join, split
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import RunConfig, canonical_json
from fairgrid.experiments.study.declaration import Cell, Declaration

CLASSES = "classes"  # beside the columns of runs.csv


def label(value: Any) -> str:
    """A part, list or number as people read it: leaky_relu(alpha=0.2), relu+tanh, 25-25, - for what there is not."""
    if isinstance(value, dict):
        options = ", ".join(f"{key}={label(inner)}" for key, inner in value.items() if key != "name")
        return f"{label(value['name'])}({options})" if "name" in value else options
    if isinstance(value, list | tuple):
        if not value:
            return "none"
        if all(isinstance(item, float) for item in value):
            return f"({', '.join(label(item) for item in value)})"
        return ("-" if all(isinstance(item, int) for item in value) else "+").join(label(item) for item in value)
    if isinstance(value, str):
        return value.rpartition(":")[2]
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def labels(factors: str) -> dict[str, str]:
    """Factors as a record holds them, each value as people read it."""
    return {key: label(value) for key, value in json.loads(factors).items()}


def described(config: RunConfig) -> dict[str, Any]:
    """What runs.csv says of a configuration."""
    hidden = config.model.option("hidden")
    return {
        "engine": config.engine,
        "problem": label(config.problem.spec),
        "optimizer": config.optimizer.name,
        "learning_rate": config.optimizer.option("learning_rate"),
        "momentum": config.optimizer.option("momentum"),
        "batch_size": config.batch_size,
        "activation": label(config.value("activation")),
        "initializer": label(config.initializer.spec),
        "hidden": label(hidden) if hidden is not None else "",
        "loss": label(config.loss.spec),
        "epochs": config.epochs,
    }


def recorded(config: RunConfig) -> dict[str, Any]:
    """What a store has of a configuration beside itself: what runs.csv says, and facts about classes of the user's."""
    facts = config.class_facts
    return described(config) | ({CLASSES: facts} if facts else {})


def factors_text(factors: dict[str, Any]) -> str:
    """Factors as they are written to tables."""
    return canonical_json(factors)


def factor_labels(study: Declaration) -> dict[str, dict[str, str]]:
    """For the factors of every cell, as a record holds them, each value as people read it.

    Of a part's options only those are shown that tell it from others of its name: disk(center=(0, 0)).
    """
    levels: dict[str, dict[str, Any]] = {}
    for cell in study.cells:
        for name, value in cell.factors.items():
            levels.setdefault(name, {})[canonical_json(value)] = value
    shown: dict[tuple[str, str, bool], str] = {}

    def level(factor: str, cell: Cell) -> str:
        key = factor, canonical_json(cell.factors[factor]), bool(cell.rates)
        if key not in shown:
            shown[key] = _level(factor, cell, list(levels[factor].values()))
        return shown[key]

    return {factors_text(cell.factors): {name: level(name, cell) for name in cell.factors} for cell in study.cells}


def _level(factor: str, cell: Cell, levels: list[Any]) -> str:
    value = cell.factors[factor]
    component = cell.config.component(factor) if factor in KINDS else None
    if component is None:
        return label(value)
    name, given = split(value)
    known = component.known_options
    namesakes = [split(level)[1] for level in levels if isinstance(level, str | dict) and split(level)[0] == name]
    told = [
        option
        for option in known
        if len({label(options.get(option, known[option].default)) for options in namesakes}) > 1
    ]
    shown = {option: given.get(option, known[option].default) for option in told}
    if cell.rates and factor == "optimizer" and "learning_rate" in shown:
        shown["learning_rate"] = "tuned"
    return label(join(name, shown))


def factors_order(study: Declaration) -> dict[str, list[str]]:
    """The study's factors and their levels as labels, in the order in which the study states them."""
    order: dict[str, list[str]] = {}
    for shown in factor_labels(study).values():
        for name, level in shown.items():
            levels = order.setdefault(name, [])
            if level not in levels:
                levels.append(level)
    return order
