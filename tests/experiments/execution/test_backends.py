"""Any backend of joblib's trains the same bytes, and finds the run that ends workers even if it does not say which."""

import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
from joblib.parallel import BACKENDS, LokyBackend

from fairgrid.experiments.errors import InputError, WorkersError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.backends.choice import choose
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.execution.worker_entry import Answer, Lost, Terms
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

ENDS = """
import os
from pathlib import Path

from fairgrid.experiments.problems import Disk

class Ends(Disk):
    def sample(self, seed):
        if seed == 3 and not Path({path!r}).exists():
            os._exit(7)
        return super().sample(seed)
"""


def killed_while_sending(seconds: float) -> bytes:
    """Sends 200 MB, which takes about a second, and is killed while it computes or sends."""
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return bytes(200 * 2**20)


def exits_beside_a_process_of_its_own(seconds: float) -> None:
    """Leaves a process behind that has a copy of all that is open here."""
    if os.fork() == 0:
        time.sleep(seconds)
    os._exit(3)


class Call:
    """A task that has a worker call a function; nothing that trains goes wrong just so."""

    number = 0
    deadline = None
    terms = Terms(("", False), None, "cpu", None)

    def __init__(self, function: Callable[[float], Any], seconds: float) -> None:
        self.called = function, seconds

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial, self.called


class Broken(LokyBackend):
    """Its workers never start."""

    def configure(self, n_jobs: int = 1, parallel=None, **options) -> int:
        return super().configure(n_jobs, parallel, initializer=exec, initargs=("raise OSError",), **options)


@pytest.fixture
def registered() -> Iterator[None]:
    joblib.register_parallel_backend("stock", LokyBackend)
    joblib.register_parallel_backend("broken", Broken)
    yield
    for name in ("stock", "broken"):
        del BACKENDS[name]


def runs_csv(results: Path, study: str, pool: Pool) -> bytes:
    with pool:
        studies.run(results, study, pool=pool)
    return (results / "runs.csv").read_bytes()


@pytest.mark.takes_seconds
@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("backend", ["threading", "stock"])
def test_another_backend_changes_no_byte(backend: str, tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.VARIED)
    expected = runs_csv(tmp_path / "here", study, Pool())
    assert runs_csv(tmp_path / "there", study, Pool(backend, 2)) == expected


@pytest.mark.takes_seconds
@pytest.mark.usefixtures("registered")
def test_run_that_ends_its_worker_is_found_where_joblib_does_not_say_which_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended = tmp_path / "mended"
    (tmp_path / "ends.py").write_text(ENDS.format(path=str(mended)))
    monkeypatch.syspath_prepend(tmp_path)
    study = studies.write(tmp_path, studies.TINY.replace('"disk"', '"ends:Ends"').replace(', "tanh"', ""))
    runs_csv(tmp_path / "failing", study, Pool("stock", 2))
    mended.touch()
    runs_csv(tmp_path / "whole", study, Pool())
    failing, whole = (studies.table(tmp_path / name, "runs") for name in ("failing", "whole"))
    lost = failing["seed"] == "3"
    assert set(failing.loc[lost, "status"]) == {"error"}
    assert failing.loc[lost, "message"].str.startswith("TerminatedWorkerError: ").all()
    assert failing[~lost].equals(whole[~lost])


@pytest.mark.takes_seconds
def test_worker_that_ends_at_whatever_moment_is_noticed() -> None:
    calls = [Call(killed_while_sending, seconds) for seconds in (0.02, 0.1, 0.2, 0.3, 0.5)]
    calls.append(Call(exits_beside_a_process_of_its_own, 60))
    with joblib.parallel_config("fairgrid-loky", n_jobs=2):
        call = joblib.Parallel(return_as="generator", batch_size=1, pre_dispatch="n_jobs")
        answers: list[Answer] = list(call(joblib.delayed(each)() for each in calls))
    assert len(answers) == len(calls)
    assert all(isinstance(answer.said, Lost) for answer in answers)
    assert answers[0].said[0] == "worker ended by SIGKILL, perhaps for lack of memory"
    assert answers[-1].said[0] == "worker exited with code 3"
    assert answers[-1].said[1] < 60


@pytest.mark.takes_seconds
@pytest.mark.usefixtures("registered")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_backend_whose_workers_never_start_blames_no_run(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, studies.TINY))
    pool = Pool("broken", 2)
    with pool, pytest.raises(WorkersError, match=r"^backend broken: expected workers that answer, found "):
        Driver(tmp_path / "results", pool, say=lambda _: None).run([study])


@pytest.mark.parametrize(
    ("backend", "options", "message"),
    [
        ("lokey", {}, "--backend: expected one of joblib's, found 'lokey'; nearest: 'loky'"),
        ("fairgrid-loky", {}, "--backend: expected one of joblib's, found 'fairgrid-loky'; known: dask, loky, "),
        ("multiprocessing", {}, "--backend: expected one that gives results as they come, found 'multiprocessing'"),
        (
            "threading",
            {"timeout": 1.0},
            "--timeout: expected a backend whose workers can be ended (loky, dask), found --backend threading",
        ),
        ("dask", {}, "expected --backend dask and --scheduler ADDRESS together, found one of them"),
        ("loky", {"scheduler": "tcp://127.0.0.1:1"}, "expected --backend dask and --scheduler ADDRESS together"),
    ],
)
def test_what_a_backend_cannot_do_is_refused(backend: str, options: dict, message: str) -> None:
    given = {"jobs": None, "scheduler": None, "timeout": None, **options}
    with pytest.raises(InputError) as refusal:
        choose(backend, **given, numerics="portable", device="cpu", studies=[], flag="--")
    assert str(refusal.value).startswith(message)
