"""Runs trained again, and how what they give compares with what is recorded."""

import functools
import random
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from joblib import Parallel, delayed
from tqdm import tqdm

from experiments.agreement import Difference, differences
from experiments.chunks import Run, cut
from experiments.engines import Record
from experiments.environment import commit
from experiments.worker import execute


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


def retrain(runs: Collection[Run], jobs: int) -> dict[str, Record]:
    """What training gives for each run, by run_id.

    Args:
        runs: any; they are trained as a grid would, in other company than they were.
        jobs: worker processes.
    """
    task = functools.partial(execute, import_paths=tuple(sys.path), commit=commit())
    outcomes = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")(
        delayed(task)(chunk) for chunk in cut(list(runs))
    )
    found: dict[str, Record] = {}
    with tqdm(total=len(runs), desc="training again", unit="run", dynamic_ncols=True) as bar:
        for outcome in outcomes:
            found |= {run.run_id: record for run, record in zip(outcome.chunk.runs, outcome.records, strict=True)}
            bar.update(len(outcome.records))
    return found


def compared(run: Run, recorded: Record, found: Record) -> Retrained:
    """Bit for bit."""
    return Retrained(run, recorded, found, differences(recorded, found))
