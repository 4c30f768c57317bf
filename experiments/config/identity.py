"""What a run is called: a hash of what its record depends on, and of nothing else."""

import hashlib
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from fairgrid.experiments.config.run import Config, RunConfig, canonical_json
from fairgrid.experiments.runtime.determinism import Device, Mode
from fairgrid.experiments.runtime.process_state import contained

if TYPE_CHECKING:
    from fairgrid.experiments.problems import Problem

# Raised when the same configuration and seed no longer give the same record (tests/experiments/test_golden.py).
RECORD_VERSION = 1

_problems: "dict[str, Problem]" = {}  # built once for all seeds and numerics


def cell_id(config: RunConfig, mode: Mode, device: Device = "cpu") -> str:
    """Twelve hexadecimal digits for a configuration under given numerics."""
    return _digest(_identity(config, mode, device))[:12]


def run_id(config: RunConfig, seed: int, mode: Mode, device: Device = "cpu") -> str:
    """SHA-256 over canonical JSON of configuration, seed, numerics, RECORD_VERSION and the source of own classes.

    Keys at their default are not in a canonical configuration, so adding a key with a default changes no run_id. The
    source is that of each class's file and of all files that it imports, fairgrid's own and installed ones excepted. A
    class that behaves otherwise for the same options has a `revision`, which enters where it is not 1.
    """
    return run_ids(config, [seed], mode, device)[0]


def run_ids(config: RunConfig, seeds: Iterable[int], mode: Mode, device: Device = "cpu") -> list[str]:
    """The `run_id` of each seed of a configuration."""
    identity = _identity(config, mode, device)
    return [_digest({**identity, "seed": seed}) for seed in seeds]


def _identity(config: RunConfig, mode: Mode, device: Device) -> dict[str, Any]:
    modules = config.own_modules
    sources = {name: module.digest for name, module in modules.items() if module.digest}
    helpers = {name: digest for module in modules.values() for name, digest in module.helper_digests.items()}
    helpers |= {name: digest for name, _, digest in config.sources}
    revisions = {f"{each.kind.noun} {each.name}": each.revision for each in config.components if each.revision != 1}
    return {
        "config": _with_contents(config),
        "numerics": {"device": device, "mode": mode},
        "record_version": RECORD_VERSION,
        "sources": sources,
        **({"helpers": helpers} if helpers else {}),
        **({"revisions": revisions} if revisions else {}),
    }


def _with_contents(config: RunConfig) -> Config:
    """The configuration with hashes of files in the place of their names."""
    contents = files(config)
    stated = config.canonical
    problem = {"name": config.problem.name, **config.problem.options, **contents}
    return {**stated, "problem": problem} if contents else stated


def files(config: RunConfig) -> dict[str, str]:
    """For every option of a configuration's problem that names files, a hash of what is in them now."""
    return _contents(config) if "problem" in config.canonical else {}


def _contents(config: RunConfig) -> dict[str, str]:
    if config.problem.recorded is not None:
        return dict(config.problem.recorded.of(config.problem.options).contents)
    module = config.problem.module
    key = repr((config.problem.spec, module and module.content))
    if key not in _problems:
        _problems[key] = config.build_problem()
    with contained() if module else nullcontext():
        return _problems[key].contents()


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
