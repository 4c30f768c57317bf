"""The record contract: a record depends on configuration, seed and numerics alone."""

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairgrid.experiments.analysis.derived import write
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.execution import driver as runner
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.planning.work_units import cut
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.study.loading import load
from tests.experiments import clusters, studies
from tests.experiments.configs import configured


def runs_csv(results: Path, study: str, pool: Pool, chunk: int | None = None) -> bytes:
    Driver(results, pool, chunk=chunk, say=lambda _: None).run([load(study)])
    with Store(results) as store:
        write(store, results)
    return (results / "runs.csv").read_bytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    folder = tmp_path_factory.mktemp("reference")
    study = studies.write(folder, studies.VARIED)
    return study, runs_csv(folder / "results", study, Pool())


@pytest.mark.takes_seconds
@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
def test_stack_size_changes_no_byte(tmp_path: Path, reference: tuple[str, bytes], chunk: int) -> None:
    study, expected = reference
    assert runs_csv(tmp_path, study, Pool(), chunk) == expected


# every two of: backend, workers, runs in a chunk, order; each pair of values stands in one line at least
COVERING = [
    ("sequential", 1, 1, "longest first"),
    ("sequential", 2, 4, "shortest first"),
    ("sequential", 1, None, "shuffled"),
    ("loky", 1, 4, "shuffled"),
    ("loky", 2, None, "longest first"),
    ("loky", 2, 1, "shortest first"),
    ("dask", 2, 1, "shuffled"),
    ("dask", 1, None, "shortest first"),
    ("dask", 2, 4, "longest first"),
]


def test_every_pair_of_ways_to_run_is_covered() -> None:
    for first, second in itertools.combinations(range(4), 2):
        values = [{line[column] for line in COVERING} for column in (first, second)]
        pairs = {(line[first], line[second]) for line in COVERING}
        assert pairs == set(itertools.product(*values))


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, int], Pool]]:
    """Gives a pool of a backend with so many workers; each is started once."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def pool(backend: str, workers: int) -> Pool:
            if backend == "dask":
                cluster = stack.enter_context(clusters.Cluster(tmp_path_factory.mktemp("dask"), [None] * workers))
                return stack.enter_context(Pool("dask", scheduler=cluster.address))
            return stack.enter_context(Pool(backend, workers))

        yield pool


@pytest.mark.takes_seconds
@pytest.mark.parametrize("line", COVERING, ids=str)
def test_no_way_to_run_changes_a_byte(
    line: tuple[str, int, int | None, str],
    pools: Callable[[str, int], Pool],
    reference: tuple[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, workers, largest, order = line
    chance = random.Random(6)

    def ordered(runs: list, size: int | None, memory: int | None) -> list:
        if order != "shuffled":
            return cut(runs, size, memory)[:: 1 if order == "longest first" else -1]
        chunks = cut(chance.sample(runs, len(runs)), size, memory)
        return chance.sample(chunks, len(chunks))

    study, expected = reference
    monkeypatch.setattr(runner, "cut", ordered)
    assert runs_csv(tmp_path, study, pools(backend, workers), largest) == expected


def test_the_reference_has_what_the_contract_is_about(reference: tuple[str, bytes]) -> None:
    text = reference[1].decode()
    assert ",diverged," in text
    assert ",ok," in text
    assert "encoding=signed" in text


def test_diverged_run_leaves_its_neighbours_alone() -> None:
    def config(rate: float) -> dict:
        return configured(
            {
                "problem": {"name": "disk", "train": 60, "test": 20, "validation": 0},
                "model": {"name": "mlp", "hidden": [6]},
                "optimizer": {"name": "sgd", "learning_rate": rate},
                "epochs": 4,
            }
        )

    alone = train([config(0.1)] * 3, [0, 1, 2])
    beside = train([config(0.1), config(1e30), config(0.1), config(1e30), config(0.1)], [0, 7, 1, 8, 2])
    assert [beside[0], beside[2], beside[4]] == alone
    for record in (beside[1], beside[3]):
        assert record.status == "diverged"
        assert record.diverged_at_step is not None
        assert 1 <= record.diverged_at_step <= record.steps == 6
        assert record.final == {}


def test_last_survivor_of_a_stack_has_the_record_of_a_full_one() -> None:
    good = configured({"optimizer": {"name": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 100})
    bad = configured({"optimizer": {"name": "sgd", "learning_rate": 1e30}, "epochs": 3, "batch_size": 100})
    full = train([good] * 4, [0, 1, 2, 3])
    assert train([bad, good, bad], [5, 2, 6])[1] == full[2]
    assert train([good], [2])[0] == full[2]


def test_parameters_that_overflow_behind_a_bounded_activation_diverge() -> None:
    # one step to infinite weights at the very end: every training loss is still finite
    config = configured(
        {
            "problem": {"name": "disk", "train": 10, "test": 10, "validation": 0},
            "output_activation": "tanh",
            "optimizer": {"name": "sgd", "learning_rate": 1e38},
            "loss": {"name": "mse", "scale": 1e6},
            "epochs": 1,
        }
    )
    record = train([config], [0])[0]
    assert (record.status, record.diverged_at_step, record.message) == ("diverged", 1, "parameters not finite")
