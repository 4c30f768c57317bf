"""A backend by its name, and what is refused before anything trains."""

import math
import os
from collections.abc import Sequence

from joblib.parallel import BACKENDS

from fairgrid.experiments.config.coercion import plain
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.execution.backends.pool import OURS, Pool
from fairgrid.experiments.runtime.determinism import DEVICES, MODES, Device, Mode, require
from fairgrid.experiments.study.study import Study


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
        backend: worker processes of this machine (loky), a Dask cluster's (dask), this process (sequential), or another
            one that is registered with joblib.
        jobs: worker processes; None for as many as there are cores, one on a GPU, or as many as another backend has.
        scheduler: address of a Dask cluster's, tcp://host:port.
        timeout: seconds that a run may take alone; None for no limit.
        numerics: the numerics of a cluster's workers; those of this machine have what they inherit.
        device: where workers train.
        studies: the studies that they are to train.
        flag: what stands before an argument's name in messages: "--" on the command line.

    Raises:
        InputError: one is not what is expected, or they do not go together.
    """
    names = {*BACKENDS, *OURS}.difference(OURS.values())
    if backend not in names:
        raise InputError(f"{flag}backend: expected one of joblib's, found {backend!r}{nearest(str(backend), names)}")
    for name, value, known in (("numerics", numerics, MODES), ("device", device, DEVICES)):
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
    if device != "cpu" and backend not in ("loky", "sequential"):
        raise InputError(
            f"{flag}device cuda: expected a backend of this machine (loky, sequential), found {flag}backend {backend}"
        )
    if timeout is not None and backend not in OURS:
        raise InputError(
            f"{flag}timeout: expected a backend whose workers can be ended ({', '.join(OURS)}), found {flag}backend"
            f" {backend}"
        )
    if backend == "loky":
        jobs = jobs or (len(os.sched_getaffinity(0)) if device == "cpu" else 1)
    elif backend == "sequential":
        jobs = 1
    try:
        return Pool(backend, jobs or -1, timeout, device, numerics, scheduler)
    except ValueError as error:
        raise InputError(f"{flag}backend: expected one that gives results as they come, found {backend!r}") from error


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
