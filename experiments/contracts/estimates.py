"""How long a study will take, from short trainings of every shape of run in it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fairgrid.experiments.config.identity import cell_id
from fairgrid.experiments.config.run import canonical_json
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.planning.plans import evaluation_plans, tuning_plans
from fairgrid.experiments.planning.work_units import Chunk, Run, cut, stretch
from fairgrid.experiments.runtime.determinism import Mode
from fairgrid.experiments.study.study import Study

_SHAPE = ("problem", "model", "batch_size", "engine", "dtype")  # what a step's cost depends on, but for small things
_LONGEST = 1.0  # seconds that an epoch of what is measured may be expected to take


@dataclass(frozen=True)
class Estimate:
    """What a study is, and the seconds it takes.

    Attributes:
        runs: that it plans, tuning among them.
        configurations: different ones; one whose learning rate is to be tuned counts each candidate.
        shapes: of runs, each measured.
        alone: seconds on one core. together: on several.
    """

    runs: int
    configurations: int
    shapes: int
    alone: float
    together: float


def estimate(study: Study, jobs: int, mode: Mode = "portable") -> Estimate:
    """Measures a study.

    Args:
        study: the study; a tuned cell is taken at the first of its rates.
        jobs: worker processes.
        mode: the mode of numerics.

    Raises:
        Exception: whatever a training raises.
    """
    rates = {cell_id(cell.config, mode): cell.rates[0] for cell in study.cells if cell.rates}
    plans = [*tuning_plans(study, mode), *evaluation_plans(study, rates, mode)]
    runs = [plan.run for plan in plans]
    chunks = cut(list({run.run_id: run for run in runs}.values()))
    shapes: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        config = chunk.runs[0].config
        shapes.setdefault(canonical_json([config.value(key) for key in _SHAPE]), []).append(chunk)
    seconds = []
    for group in shapes.values():
        largest = max(group, key=lambda chunk: chunk.cost)
        rate = _measured(largest.runs) / largest.cost
        seconds += [rate * chunk.cost for chunk in group]
    together = max(sum(seconds) / jobs, max(seconds))
    return Estimate(len(runs), len({run.cell for run in runs}), len(shapes), sum(seconds), together)


def _measured(runs: Sequence[Run]) -> float:
    """Seconds that a chunk takes, from three trainings of an epoch or two of as many of its runs as are affordable."""
    config = runs[0].config
    few = list(runs)
    while len(few) > 2 and _epoch(few) > _LONGEST:
        few = few[: len(few) // 2]

    def timed(epochs: int, checkpoints: int) -> float:
        configs = [run.config.shortened(epochs, checkpoints) for run in few]
        start = time.process_time()  # what else the machine does has no say
        train(configs, [run.seed for run in few])
        return time.process_time() - start

    timed(1, 1)  # what is made once is made now
    one, two, looked = timed(1, 1), timed(2, 1), timed(2, 2)
    epoch, look = max(0.0, two - one), max(0.0, looked - two)
    total = one + (config.epochs - 1) * epoch + (min(config.checkpoints, config.epochs) - 1) * look
    return total * stretch(runs) / stretch(few)


def _epoch(runs: Sequence[Run]) -> float:
    """Seconds that an epoch of a stack is expected to take."""
    return cut(runs, largest=len(runs))[0].cost / runs[0].config.epochs
