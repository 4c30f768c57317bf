"""From Python: run studies, read results. The command line does the same and prints it."""

import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import InputError, shown
from fairgrid.experiments.execution.backends.choice import choose
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.execution.progress import Meter, bar, unsaid
from fairgrid.experiments.reporting.publishing import load_or_build_tables, mixtures, outdated, recorded_studies
from fairgrid.experiments.results import Results
from fairgrid.experiments.runtime.determinism import Device, Mode, inherited, request
from fairgrid.experiments.study.loading import distinct, load, shipped
from fairgrid.experiments.study.study import Study

Which = Study | str | Path  # a study, the name of a shipped one, or a path that ends in .toml


def run(
    study: Which | Sequence[Which],
    results: str | Path = "results",
    *,
    jobs: int | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    timeout: float | None = None,
    numerics: Mode = "portable",
    device: Device = "cpu",
    retry_failed: bool = False,
    fresh: bool = False,
    progress: bool = False,
) -> Results:
    """Trains what studies plan and a results directory has no record of; writes its CSVs, and draws nothing.

    Records are those that `fairgrid run` makes, bit for bit, whatever torch does in this process: worker processes
    load their own. Nothing is printed. A run that fails is a row with its message, and a UserWarning counts them; one
    also says that another process uses the directory, or that runs are from different environments. An interrupt
    leaves what was trained, and the same call goes on from there.

    Args:
        study: one, or several of different names: each a Study, a shipped one's name or a path that ends in .toml.
        results: the directory of the store and the CSVs; made if there is none.
        jobs: worker processes; by default as many as there are cores, or as another backend of joblib's has.
        backend: "loky" for worker processes of this machine, "dask" for a cluster, "sequential" for this process, in
            which torch then has one thread and flushes denormals, or another one that is registered with joblib.
        scheduler: the address of the scheduler of backend "dask", tcp://host:port.
        timeout: the limit of a single run in seconds; by default there is none.
        numerics: "portable" or "native": which kernels, part of a run's identity.
        device: "cpu" or "cuda", part of a run's identity too.
        retry_failed: whether to run again what ended in an error or a timeout.
        fresh: whether to move the old store and its tables to `old` in the directory first.
        progress: whether to show a progress bar.

    Raises:
        InputError: a study or an argument is not what is expected; backend "sequential" with a torch that was loaded
            with other kernels than numerics asks for.
        StoreError: the directory or its store cannot be used.
        WorkersError: there is nothing to train on.
        KeyboardInterrupt: interrupted.
    """
    directory, studies = _directory(results), _studies(study)
    for line in (line for loaded in studies for line in loaded.shadowing):
        _warn(line)
    pool = choose(backend, jobs, scheduler, timeout, numerics, device, studies)
    if backend == "sequential":
        _same_numerics(numerics)
    driver = Driver(
        directory,
        pool,
        numerics,
        retry_failed,
        fresh,
        say=unsaid,
        watch=bar if progress else Meter,
        warn=_warn,
    )
    with inherited(numerics, device), pool:
        done = driver.run(studies)
    trained = _results(studies, directory)
    if done.failed:
        failed = trained.runs[trained.runs["status"].isin([Status.ERROR, Status.TIMEOUT])]
        _warn(
            f"{done.failed} of {len(trained.runs)} runs ended in error or timeout, the first with "
            f"{failed['message'].iloc[0]}; retry_failed=True runs them again"
        )
    return trained


def read(results: str | Path = "results", study: Which | Sequence[Which] | None = None) -> Results:
    """Reads the results of a directory without training: from its store, whose CSVs are written first if needed.

    Args:
        results: a directory that `run` or the command line made, or one that has only CSVs.
        study: one or several of its studies, as in `run`; by default all, which must then be shipped ones.

    Raises:
        InputError: there are no results, or none of a study; or its own studies are not given.
        StoreError: the store cannot be used.
    """
    directory = _directory(results)
    recorded = recorded_studies(directory)
    if study is None:
        own = sorted(recorded - set(shipped()))
        if own:
            raise InputError(
                f"{directory}: expected the studies that are not shipped to be given, found results of {own[0]!r};"
                " read(results, study) takes them"
            )
        study = sorted(recorded)
    studies = _studies(study)
    for loaded in studies:
        if loaded.name not in recorded:
            raise InputError(f"{directory}: expected results of {loaded.name!r}, found {', '.join(sorted(recorded))}")
    return _results(studies, directory)


def _directory(given: str | Path) -> Path:
    if not isinstance(given, str | Path):
        raise InputError(f"results: expected the path of a directory, found {shown(given)}")
    return Path(given)


def _studies(given: Which | Sequence[Which]) -> list[Study]:
    which = [given] if isinstance(given, Study | str | Path) else list(given) if isinstance(given, Iterable) else []
    if not which:
        described = "none" if isinstance(given, Iterable) else shown(given)
        raise InputError(f"expected at least one study, found {described}")
    for named in which:
        if not isinstance(named, Study | str | Path):
            raise InputError(f"expected a Study, a name or a path, found {shown(named)}")
    studies = [named if isinstance(named, Study) else load(named) for named in which]
    distinct(studies)
    return studies


def _same_numerics(mode: Mode) -> None:
    """Raises InputError if this process computes otherwise."""
    try:
        request(mode)
    except InputError as error:
        other = 'backend "loky" trains in processes of its own'
        raise InputError(f'backend "sequential": {error}, which they were not; {other}') from error


def _results(studies: Sequence[Study], directory: Path) -> Results:
    results = Results(studies, load_or_build_tables(directory, studies, _warn), directory)
    for line in (*outdated(studies, results.evidence), *mixtures(studies, results.evidence, directory)):
        _warn(line)
    return results


def _warn(text: str) -> None:
    """A warning that names the line which called this package."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in ("fairgrid", "contextlib"):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)
