"""Trains the runs of one unit of work with the engine that they name."""

from collections.abc import Sequence

from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines import pytorch, stacked
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.runtime.determinism import Device


def train(
    configs: Sequence[RunConfig], seeds: Sequence[int], keep: Sequence[bool] = (), device: Device = "cpu"
) -> list[Record]:
    """Trains runs of one unit of work (see planning/work_units.py).

    Args:
        configs: one per run.
        seeds: one per run.
        keep: for each run, whether its record, if ok, holds what figures are drawn from; by default none.
        device: where they train. What is drawn is drawn on the processor, so that it is the same everywhere.

    Raises:
        ValueError: the engine does not train there.
    """
    keep = keep or [False] * len(seeds)
    engine = configs[0].engine
    if engine == "compiled" and device != "cpu":
        raise ValueError(f"the engine compiled trains on the cpu alone, found {device}")
    if engine != "pytorch":
        return stacked.train(configs, seeds, keep, device)
    return [pytorch.train(*run, device) for run in zip(configs, seeds, keep, strict=True)]
