"""Which runs a study consists of, under given numerics. Pure: nothing is trained or written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairgrid.experiments.config.identity import cell_id, run_ids
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.planning.work_units import Run
from fairgrid.experiments.runtime.determinism import Device, Mode
from fairgrid.experiments.runtime.words import Word
from fairgrid.experiments.study.study import Study


class Phase(Word):
    """What a run is for."""

    TUNING = "tuning"
    EVALUATION = "evaluation"


@dataclass(frozen=True)
class Plan:
    """A run as a study plans it; `factors` are its cell's."""

    run: Run
    phase: Phase
    factors: dict[str, Any]


def tuning_plans(study: Study, mode: Mode, device: Device = "cpu") -> list[Plan]:
    """The runs that learning rates are chosen from: every candidate of every tuned cell, on the tuning seeds."""
    return [
        plan
        for cell in study.cells
        for rate in cell.rates
        for plan in _plans(cell.at_rate(rate), study.tuning_seeds, Phase.TUNING, cell.factors, mode, device)
    ]


def candidates(study: Study, mode: Mode, device: Device = "cpu") -> dict[str, tuple[str, float]]:
    """For each tuning cell the tuned cell that its learning rate is a candidate for, and the rate."""
    return {
        cell_id(cell.at_rate(rate), mode, device): (cell_id(cell.config, mode, device), rate)
        for cell in study.cells
        for rate in cell.rates
    }


def evaluated_cells(study: Study, mode: Mode, device: Device = "cpu") -> tuple[set[str], set[str]]:
    """The cells that a study evaluates whatever is chosen, and those of which learning rates choose."""
    fixed = {cell_id(cell.config, mode, device) for cell in study.cells if not cell.rates}
    return fixed, set(candidates(study, mode, device))


def evaluation_plans(study: Study, rates: Mapping[str, float], mode: Mode, device: Device = "cpu") -> list[Plan]:
    """The runs that are reported.

    Args:
        study: the study.
        rates: the learning rate chosen for each tuned cell; a tuned cell without one has no runs yet.
        mode: the mode of numerics.
        device: where runs train.
    """
    plans = []
    for cell in study.cells:
        rate = rates.get(cell_id(cell.config, mode, device)) if cell.rates else None
        if cell.rates and rate is None:
            continue
        config = cell.config if rate is None else cell.at_rate(rate)
        plans += _plans(config, cell.seeds, Phase.EVALUATION, cell.factors, mode, device, study.keep_seeds)
    return plans


def _plans(
    config: RunConfig,
    seeds: Sequence[int],
    phase: Phase,
    factors: dict[str, Any],
    mode: Mode,
    device: Device,
    keep_seeds: Sequence[int] = (),
) -> list[Plan]:
    cell = cell_id(config, mode, device)
    return [
        Plan(Run(run_id, cell, config, seed, seed in keep_seeds), phase, factors)
        for run_id, seed in zip(run_ids(config, seeds, mode, device), seeds, strict=True)
    ]
