"""What a worker process does with a chunk: train it, and say what went wrong with whom."""

import gc
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from fairgrid.experiments.config.identity import files, run_id
from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import first_line, one_line
from fairgrid.experiments.planning.work_units import Chunk, Run, stretch
from fairgrid.experiments.runtime import determinism as numerics
from fairgrid.experiments.runtime.determinism import KINDS, Device, Mode
from fairgrid.experiments.runtime.environment import Environment, describe
from fairgrid.experiments.runtime.process_state import process_state_restored
from fairgrid.experiments.store.record_diff import differences

_EPOCHS = 2  # that a class of the user's own is trained twice for, to see whether it does the same
_tried: set[str] = set()  # the classes that were, in this process


@dataclass(frozen=True)
class Outcome:
    """The records of a chunk, in the order of its runs, and how they came about.

    Attributes:
        chunk: what was trained.
        records: one per run.
        seconds: how long it took.
        environment: where it was.
        unrepeatable: classes of the user's own that did not do the same twice.
    """

    chunk: Chunk
    records: list[Record]
    seconds: float
    environment: Environment
    unrepeatable: tuple[str, ...] = ()


def execute(
    chunk: Chunk,
    commit: tuple[str, bool],
    timeout: float | None = None,
    device: Device = "cpu",
) -> Outcome:
    """Trains a chunk in this process.

    Args:
        chunk: what to train.
        commit: the driver's commit and whether its tree was dirty.
        timeout: seconds that a run may take alone; several have as much longer as they are expected to take. This
            process ends if they take more.
        device: where to train.

    Raises:
        torch.AcceleratorError: the GPU refuses this process from now on.
    """
    numerics.settle(device)
    start = time.perf_counter()
    with process_state_restored():
        records = _train(chunk.runs, timeout, device)
        seconds = time.perf_counter() - start
        unrepeatable = _unrepeatable(chunk.runs, records, timeout, device)
    return Outcome(chunk, records, seconds, describe(*commit, device), unrepeatable)


def differs(chunk: Chunk, mode: Mode) -> str:
    """Why what this machine would train is not what the driver planned; empty if it is.

    Args:
        chunk: what to train.
        mode: the mode of the driver's arithmetic.
    """
    for run in {run.cell: run for run in chunk.runs}.values():
        try:
            name = run_id(run.config, run.seed, mode)
        except Exception as error:
            return first_line(error)
        if name != run.run_id:
            return "data files or installed modules there are not the driver's"
    return ""


def _train(runs: Sequence[Run], timeout: float | None, device: Device) -> list[Record]:
    """Records of runs; halves a stack that fails until the failure is one run's own."""
    try:
        with _deadline(runs, timeout):
            _check_files(runs)
            keep = [run.keep for run in runs]
            records = train([run.config for run in runs], [run.seed for run in runs], keep, device)
            _check_names(records)
            _check_files(runs)  # what changed while they were read is of nobody knows which content
            return records
    except torch.AcceleratorError:
        raise
    except (Exception, SystemExit) as error:
        message = first_line(error)
    if len(runs) == 1:
        return [Record(status=Status.ERROR, message=message)]
    gc.collect()  # a GPU's memory that was not enough for the stack is free again for its halves
    middle = len(runs) // 2
    return _train(runs[:middle], timeout, device) + _train(runs[middle:], timeout, device)


def _unrepeatable(
    runs: Sequence[Run], records: Sequence[Record], timeout: float | None, device: Device
) -> tuple[str, ...]:
    """The user's own classes of a chunk, if a short training with them is not the same twice; each is tried once."""
    config = runs[0].config
    names = sorted(config.own_modules)
    key = repr([(name, config.own_modules[name].content) for name in names])
    if not names or key in _tried or all(record.status == Status.ERROR for record in records):
        return ()
    _tried.add(key)
    short = config.shortened(min(_EPOCHS, config.epochs), 1)
    try:
        with _deadline(runs, timeout):
            first, again = (train([short], [runs[0].seed], device=device)[0] for _ in range(2))
    except (Exception, SystemExit):  # which is an error of its run, if it happens there
        return ()
    return tuple(names) if differences(first, again) else ()


def _check_names(records: Sequence[Record]) -> None:
    """Refuses numbers whose names no table or store could hold as they are."""
    for name in {name: None for record in records for name in record.metrics}:
        if one_line(name) != name:
            raise ValueError(f"expected names of measured numbers that can be printed, found {name!r}")


def _check_files(runs: Sequence[Run]) -> None:
    """Refuses to record under a run's name what another file than the one it is named after gives."""
    for run in {run.cell: run for run in runs}.values():
        read = files(run.config)
        if read and run.run_id not in {run_id(run.config, run.seed, *kind) for kind in KINDS}:
            names = ", ".join(str(run.config.problem.option(key)) for key in read)
            raise ValueError(f"{names} was changed after the run was planned; a new grid takes it up")


@contextmanager
def _deadline(runs: Sequence[Run], timeout: float | None) -> Iterator[None]:
    """The system ends this process at the deadline, whatever it is doing then: no handler runs."""
    if timeout is None:
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, timeout * stretch(runs))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
