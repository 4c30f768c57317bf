"""Which values of the varied keys tell a study's cells apart."""

from collections.abc import Sequence
from typing import Any

from fairgrid.experiments.config.components import join, split
from fairgrid.experiments.config.identity import canonical_json
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import Config, Settings


def factors(configs: Sequence[Config], keys: Sequence[str]) -> list[dict[str, Any]]:
    """For each configuration, its value of every key that takes more than one.

    A part's value leaves out options that are factors of their own. A key that a configuration's part does not have is
    None there.
    """
    rows = [{key: _value(Settings(**config), key, keys) for key in keys} for config in configs]
    varied = [key for key in keys if len({canonical_json(row[key]) for row in rows}) > 1]
    return [{key: row[key] for key in varied} for row in rows]


def _value(settings: Settings, key: str, keys: Sequence[str]) -> Any:
    head, _, option = key.partition(".")
    if head == "gradient_evaluations_per_sample":
        head = "epochs"
    plain = settings.model_dump(mode="json", include={head})[head]
    if head not in KINDS:
        return (plain or {}).get(option) if option else plain
    if isinstance(plain, list):
        return None if option else plain
    if option:
        value = settings.option(head, option)
        return list(value) if isinstance(value, tuple) else value
    name, options = split(plain)
    return join(name, {inner: options[inner] for inner in options if f"{key}.{inner}" not in keys})
