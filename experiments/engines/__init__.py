"""Engines: what trains a list of runs of one kind and returns their records. They know no files."""

from collections.abc import Sequence

from experiments.engines import pytorch, stacked
from experiments.engines.record import CURVES, Record, Status
from experiments.settings import Config, Settings


def train(configs: Sequence[Config], seeds: Sequence[int], keep: bool = False) -> list[Record]:
    """Trains runs of one chunk (see experiments/chunks.py) with the engine that they name."""
    if Settings(**configs[0]).engine == "framework":
        return stacked.train(configs, seeds, keep)
    return [pytorch.train(config, seed, keep) for config, seed in zip(configs, seeds, strict=True)]


__all__ = ["CURVES", "Record", "Status", "train"]
