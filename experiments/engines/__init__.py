"""Engines: what trains a list of runs of one kind and returns their records. They know no files."""

from collections.abc import Sequence

from experiments.engines import pytorch, stacked
from experiments.engines.record import CURVES, Record, Status
from experiments.settings import Config, Settings


def train(configs: Sequence[Config], seeds: Sequence[int], keep: Sequence[bool] = ()) -> list[Record]:
    """Trains runs of one chunk (see experiments/chunks.py) with the engine that they name.

    Args:
        configs: one per run.
        seeds: one per run.
        keep: for each run, whether its record, if ok, holds what figures are drawn from; by default none.
    """
    keep = keep or [False] * len(seeds)
    if Settings(**configs[0]).engine != "pytorch":
        return stacked.train(configs, seeds, keep)
    return [pytorch.train(*run) for run in zip(configs, seeds, keep, strict=True)]


__all__ = ["CURVES", "Record", "Status", "train"]
