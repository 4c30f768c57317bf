"""Training of a unit of work, by the engine of its runs."""

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
        configs: one configuration per run.
        seeds: one seed per run.
        keep: one flag per run, whether its record, if ok, contains the data of figures; by default none does.
        device: the device of the training. Random draws are made on the CPU, so that they are the same everywhere.

    Raises:
        ValueError: the engine does not train on the device.
    """
    keep = keep or [False] * len(seeds)
    engine = configs[0].engine
    if engine == "compiled" and device != "cpu":
        raise ValueError(f"the engine compiled trains on the cpu alone, found {device}")
    if engine != "pytorch":
        return stacked.train(configs, seeds, keep, device)
    return [pytorch.train(*run, device) for run in zip(configs, seeds, keep, strict=True)]
