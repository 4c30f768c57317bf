"""Runs trained again, and how what they give compares with what is recorded."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.progress import shown
from fairgrid.experiments.execution.scheduler import outcomes
from fairgrid.experiments.planning.work_units import Run, cut
from fairgrid.experiments.store.record_diff import Difference, differences


@dataclass(frozen=True)
class Retrained:
    """A run that was trained again.

    Attributes:
        run: which.
        recorded: what is recorded.
        found: what training gives here.
        differing: where they are not the same bit for bit.
    """

    run: Run
    recorded: Record
    found: Record
    differing: list[Difference]


def drawn(run_ids: Iterable[str], size: int | None, seed: int) -> list[str]:
    """A random sample, the same for the same runs, size and seed; all of them if there are no more, or no size."""
    ordered = sorted(run_ids)
    return ordered if size is None else sorted(random.Random(seed).sample(ordered, min(size, len(ordered))))


def retrain(runs: Collection[Run], pool: Pool) -> dict[str, Record]:
    """What training gives for each run, by run_id.

    Args:
        runs: the runs; they are trained as a grid would, in other company than they were.
        pool: where.
    """
    records: dict[str, Record] = {}
    chunks = cut(list(runs), memory=pool.memory)
    with shown("training again", chunks) as meter:
        for outcome in outcomes(pool, chunks, stopping=lambda: False):
            records |= {run.run_id: record for run, record in zip(outcome.chunk.runs, outcome.records, strict=True)}
            meter.add(outcome)
    return records


def compared(run: Run, recorded: Record, trained: Record) -> Retrained:
    """Bit for bit."""
    return Retrained(run, recorded, trained, differences(recorded, trained))
