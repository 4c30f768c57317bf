"""Configurations of single runs, as a study would give them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.run import RunConfig, parse, try_out
from fairgrid.experiments.runtime.user_code import Finder


def configured(raw: Mapping[str, Any]) -> RunConfig:
    """A configuration whose parts have taken their values."""
    config = parse(raw, Finder(Path.cwd()))
    try_out(config)
    return config
