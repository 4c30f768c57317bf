"""What a run is called: a hash of what its record depends on, and of nothing else."""

import functools
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from fairgrid.experiments.config import components as parts
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import Config, Settings
from fairgrid.experiments.problems import Problem
from fairgrid.experiments.runtime.determinism import Device, Mode

# Raised when the same configuration and seed no longer give the same record (tests/experiments/test_golden.py).
RECORD_VERSION = 1


def canonical_json(value: Any) -> str:
    """JSON in its one form: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def cell_id(config: Config, mode: Mode, device: Device = "cpu") -> str:
    """Twelve hexadecimal digits for a configuration under given numerics."""
    return _digest(_identity(config, mode, device))[:12]


def run_id(config: Config, seed: int, mode: Mode, device: Device = "cpu") -> str:
    """SHA-256 over canonical JSON of configuration, seed, numerics, RECORD_VERSION and the source of own classes.

    Keys at their default are not in a canonical configuration, so adding a key with a default changes no run_id.
    """
    return run_ids(config, [seed], mode, device)[0]


def run_ids(config: Config, seeds: Iterable[int], mode: Mode, device: Device = "cpu") -> list[str]:
    """The `run_id` of each seed of a configuration."""
    identity = _identity(config, mode, device)
    return [_digest({**identity, "seed": seed}) for seed in seeds]


def _identity(config: Config, mode: Mode, device: Device) -> dict[str, Any]:
    return {
        "config": _with_contents(config),
        "numerics": {"device": device, "mode": mode},
        "record_version": RECORD_VERSION,
        "sources": {name: digest for name in part_names(config) if (digest := parts.source_hash(name))},
    }


def _with_contents(config: Config) -> Config:
    """The configuration with hashes of files in the place of their names."""
    contents = files(config)
    return {**config, "problem": {**config["problem"], **contents}} if contents else config


def files(config: Config) -> dict[str, str]:
    """For every option of a configuration's problem that names files, a hash of what is in them now."""
    return _problem(canonical_json(config["problem"])).contents() if "problem" in config else {}


@functools.cache
def _problem(problem: str) -> Problem:
    return Settings(problem=json.loads(problem)).build_problem()


def part_names(config: Config) -> list[str]:
    """The names of a configuration's parts; the user's own have a colon."""
    specs = [config[key] for key in KINDS if key in config]
    flat = [spec for item in specs for spec in (item if isinstance(item, list) else [item])]
    return [parts.split(spec)[0] for spec in flat]


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
