"""A backend by its name, and what is refused before anything trains."""

import math
import os
from collections.abc import Sequence

from fairgrid.experiments.config.coercion import plain
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.execution.backends.cluster import Cluster
from fairgrid.experiments.execution.backends.pool import Pool
from fairgrid.experiments.execution.backends.processes import Processes
from fairgrid.experiments.execution.backends.sequential import Sequential
from fairgrid.experiments.runtime.determinism import DEVICES, MODES, Device, Mode, require
from fairgrid.experiments.study.study import Study

NAMES = ("loky", "dask", "sequential")


def choose(
    backend: str,
    jobs: int | None,
    scheduler: str | None,
    timeout: float | None,
    numerics: Mode,
    device: Device,
    studies: Sequence[Study],
    flag: str = "",
) -> Pool:
    """Workers that are not started yet.

    Args:
        backend: worker processes of this machine (loky), a Dask cluster's (dask), or none: this process (sequential).
        jobs: worker processes of this machine; None for as many as there are cores, or one on a GPU.
        scheduler: address of a Dask cluster's, tcp://host:port.
        timeout: seconds that a run may take alone; None for no limit.
        numerics: of a cluster's workers; those of this machine have what they inherit.
        device: where workers train.
        studies: that they are to train.
        flag: what stands before an argument's name in messages: "--" on the command line.

    Raises:
        InputError: one is not what is expected, or they do not go together.
    """
    for name, value, known in (
        ("backend", backend, NAMES),
        ("numerics", numerics, MODES),
        ("device", device, DEVICES),
    ):
        if value not in known:
            raise InputError(f"{flag}{name}: expected one of {', '.join(known)}, found {value!r}")
    jobs = None if jobs is None else plain(jobs, f"{flag}jobs")
    timeout = None if timeout is None else plain(timeout, f"{flag}timeout")
    if jobs is not None and (type(jobs) is not int or jobs < 1):
        raise InputError(f"{flag}jobs: expected an integer ≥ 1, found {jobs!r}")
    if timeout is not None and not (type(timeout) in (int, float) and 0 < timeout < math.inf):
        raise InputError(f"{flag}timeout: expected a number of seconds > 0, found {timeout!r}")
    if device == "cuda":
        require(device, flag)
        _trainable_on_gpu(studies, flag)
    if (backend == "dask") != (scheduler is not None):
        raise InputError(f"expected {flag}backend dask and {flag}scheduler ADDRESS together, found one of them")
    if scheduler is not None and device != "cpu":
        raise InputError(
            f"{flag}device cuda: expected a backend of this machine (loky, sequential), found {flag}backend dask"
        )
    if scheduler is not None:
        return Cluster(scheduler, numerics, timeout)
    if backend == "loky":
        return Processes(jobs or (len(os.sched_getaffinity(0)) if device == "cpu" else 1), timeout, device)
    if timeout is not None:
        raise InputError(
            f"{flag}timeout: expected a backend whose workers can be ended, found {flag}backend sequential"
        )
    return Sequential(device)


def _trainable_on_gpu(studies: Sequence[Study], flag: str) -> None:
    for study in studies:
        compiled = [cell for cell in study.cells if cell.config.engine == "compiled"]
        if compiled:
            change = "--set engine=framework" if flag else 'overrides={"engine": "framework"}'
            hint = "" if "engine" in compiled[0].factors else f"; {change} changes it"
            raise InputError(
                f'{study.path}: engine: expected "framework" or "pytorch" for {flag}device cuda, found "compiled",'
                f" which is for processors{hint}"
            )
