"""Which values of the varied keys tell a study's cells apart."""

from collections.abc import Sequence
from typing import Any

from fairgrid.experiments.config.components import join
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import SYNONYM, RunConfig, canonical_json


def factors(configs: Sequence[RunConfig], keys: Sequence[str]) -> list[dict[str, Any]]:
    """For each configuration, its value of every key that takes more than one.

    A component's value leaves out options that are factors of their own. A key that a configuration's component does
    not have is None there.
    """
    rows = [{key: _value(config, key, keys) for key in keys} for config in configs]
    varied = [key for key in keys if len({canonical_json(row[key]) for row in rows}) > 1]
    return [{key: row[key] for key in varied} for row in rows]


def _value(config: RunConfig, key: str, keys: Sequence[str]) -> Any:
    head, _, option = key.partition(".")
    head = "epochs" if head == SYNONYM else head
    stated = config.value(head)
    if head not in KINDS:
        return (stated or {}).get(option) if option else stated
    component = config.component(head)
    if component is None:
        return None if option else stated
    if option:
        value = component.option(option)
        return list(value) if isinstance(value, tuple) else value
    options = {name: given for name, given in component.options.items() if f"{key}.{name}" not in keys}
    return join(component.name, options)
