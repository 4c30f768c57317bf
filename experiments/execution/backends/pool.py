"""Where chunks train: a backend of joblib's, and what its workers are told."""

import functools
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from joblib import Parallel, delayed, parallel_config

from fairgrid.experiments.errors import FairgridError, WorkersError, first_line
from fairgrid.experiments.execution.worker_entry import Answer, Task, Terms
from fairgrid.experiments.planning.work_units import Chunk, stretch
from fairgrid.experiments.runtime.determinism import Device, Mode, memory
from fairgrid.experiments.runtime.environment import commit, describe, named, sources

OURS = {"loky": "fairgrid-loky", "dask": "fairgrid-dask"}  # what `--backend` names, and what it is registered as


@dataclass(frozen=True)
class Pool:
    """Workers, each of which trains one chunk at a time. In a `with` statement they stay from call to call.

    Args:
        backend: the name of one of joblib's; "loky" and "dask" are those of this package, which also find out what
            became of a worker that ends.
        jobs: how many chunks train at a time, -1 for as many as the backend says; a Dask cluster has its own number.
        timeout: seconds that a run may take alone; a worker whose run takes longer ends. None: no limit.
        device: where workers train.
        numerics: the numerics of workers that do not inherit this process's.
        scheduler: the address of a Dask cluster's, tcp://host:port.

    Raises:
        ValueError: joblib has no such backend, or it gives no results before all are there.
    """

    backend: str = "sequential"
    jobs: int = 1
    timeout: float | None = None
    device: Device = "cpu"
    numerics: Mode = "portable"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        self._parallel  # noqa: B018  # so that a backend which will not do is found before anything is planned

    @functools.cached_property
    def _parallel(self) -> Any:
        options: Any = {} if self.scheduler is None else {"address": self.scheduler}
        with parallel_config(OURS.get(self.backend, self.backend), n_jobs=self.jobs, **options):
            return Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")

    @property
    def foreign(self) -> bool:
        """Whether workers may end without the backend's saying whose chunk is lost."""
        return self.backend not in (*OURS, "sequential")

    @property
    def memory(self) -> int | None:
        """Bytes of a GPU that each worker may use; None where they train on processors."""
        whole = memory(self.device)
        return None if whole is None else whole // self.jobs

    @functools.cached_property
    def commit(self) -> tuple[str, bool]:
        """The commit of the driver's sources, and whether they were changed since."""
        return commit()

    @functools.cached_property
    def _shared(self) -> tuple[Mode, str, str] | None:
        if self.backend in ("loky", "sequential"):
            return None
        return self.numerics, named(describe(*self.commit).versions)["arithmetic"], sources()

    def terms(self) -> Terms:
        """How workers train from now on."""
        return Terms(self.commit, self.timeout, self.device, self._shared)

    def deadline(self, chunk: Chunk) -> float | None:
        """Seconds after which a worker ends that has not trained a chunk; None for no limit."""
        return None if self.timeout is None else self.timeout * stretch(chunk.runs)

    def answers(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """Gives tasks to workers; yields each answer as it comes.

        Raises:
            WorkersError: there are no workers and there will be none.
        """
        answered = self._parallel(delayed(task)() for task in tasks)
        try:
            for each in answered:  # noqa: UP028  # `yield from` would close it before the warning is silenced
                yield each
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that answers were not waited for is what an interrupt is about
                answered.close()

    def probe(self) -> None:
        """Sees to it that the backend works at all.

        Raises:
            WorkersError: it does not.
        """
        try:
            list(self._parallel([delayed(str)()] * 2))
        except Exception as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        try:
            self._parallel.__enter__()
        except FairgridError:
            raise
        except Exception as error:
            raise self._unusable(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._parallel.__exit__(kind, error, at)

    def _unusable(self, error: Exception) -> WorkersError:
        return WorkersError(f"backend {self.backend}: expected workers that answer, found {first_line(error)}")
