"""The benchmark: everybody learns the same thing, one who does not is found, and what is measured adds up."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from fairgrid.experiments.benchmark import race as racing
from fairgrid.experiments.benchmark.contestants import (
    CONTESTANTS,
    OPTIMIZERS,
    Compiled,
    Contestant,
    Stacked,
    TorchEager,
)
from fairgrid.experiments.benchmark.figure import benchmark
from fairgrid.experiments.benchmark.limits import operations, traffic
from fairgrid.experiments.benchmark.page import BENCHMARK
from fairgrid.experiments.benchmark.race import UnequalError, microseconds, race, task
from fairgrid.experiments.benchmark.tables import measured, ratios


class Lazy(TorchEager):
    """Learns nothing."""

    name = "lazy"

    def epoch(self) -> None:
        pass


def installed() -> list[type[Contestant]]:
    found = []
    for kind in CONTESTANTS:
        try:
            kind(task("adam", 100, 2))
        except ImportError:
            continue
        found.append(kind)
    return found


@pytest.mark.takes_seconds
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", installed(), ids=lambda kind: kind.name)
def test_every_contestant_learns_the_disk(kind: type[Contestant], optimizer: str) -> None:
    job = task(optimizer, 100, 2 if kind.stacks else 1)
    contestant = kind(job)
    label = job.target.argmax(-1).numpy()
    for _ in range(60):
        contestant.epoch()
    found = contestant.decide(job.x)
    assert found.shape == label.shape
    assert (found != label).mean() < 0.12


def test_both_engines_learn_the_same_networks() -> None:
    job = task("sgd-momentum", 10, 3)
    ours, theirs = Compiled(job), Stacked(job)
    for _ in range(2):
        ours.epoch()
        theirs.epoch()
    for one, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert torch.allclose(one.value, other.value, rtol=1e-3, atol=1e-4)


def quick(monkeypatch: pytest.MonkeyPatch, *kinds: type[Contestant]) -> None:
    monkeypatch.setattr(racing, "CONTESTANTS", kinds)
    monkeypatch.setattr(racing, "BATCHES", (100,))
    monkeypatch.setattr(racing, "_EPOCHS", {100: 40})
    monkeypatch.setattr(racing, "_SLICE", 0.0)


def test_one_who_learns_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, Compiled, Lazy)
    with pytest.raises(UnequalError, match=r"^batch 100, sgd-momentum: lazy has a test error"):
        race(1, lambda line: None)


@pytest.mark.takes_seconds
def test_tables_and_figure_of_a_race(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, Compiled, Stacked)
    said: list[str] = []
    times = race(3, said.append)
    assert len(times) == 2 * 2 * 3
    assert (times["microseconds"] > 0).all()
    assert len(said) == 4
    table = ratios(times)
    assert table.count("fairgrid, compiled") == 2
    empty = pd.DataFrame(columns=["engine", "batch", "optimizer", "part", "microseconds"])
    bounds = pd.DataFrame([[100, "adam", 7.0, 1.0, 2.0, 3.0, 0.5]])
    bounds.columns = pd.Index(["batch", "optimizer", "microseconds", "operations", "bytes", "at_peak", "at_bandwidth"])
    jobs = pd.DataFrame([["compiled", 100, 2, 64, 1.5, 20.0]])
    jobs.columns = pd.Index(["engine", "batch", "cores", "runs", "seconds", "microseconds"])
    found = measured(times, empty, bounds, jobs)
    assert list(found.columns) == BENCHMARK.header
    assert found["measure"].value_counts().to_dict() == {"step": 4, "limit": 2, "all cores": 1}
    figure = benchmark(times)
    assert [axis.get_title() for axis in figure.axes] == ["SGD with momentum", "Adam"]


def test_a_contestant_without_its_library_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(TorchEager):
        name = "missing"

        def __init__(self, job: racing.Task) -> None:
            raise ImportError("no such library")

    quick(monkeypatch, Compiled, Missing)
    said: list[str] = []
    assert set(race(1, said.append)["contestant"]) == {"fairgrid, compiled"}
    assert said[0] == "missing is left out: no such library"


def test_work_of_a_step_by_hand() -> None:
    # 2·25 + 25·25 + 25·25 + 25·2 = 1350 products of a sample forward, each twice backward but the first layer's once
    assert operations(1) == 2 * (3 * 1350 - 50)
    assert operations(100) == 100 * operations(1)
    # 1350 weights and 77 biases; read and written: value and velocity; written and read: gradient
    assert traffic("sgd-momentum") == 4 * 1427 * 6
    assert traffic("adam") == 4 * 1427 * 8


def test_microseconds_are_of_a_step_of_one_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clocked(TorchEager):
        def epoch(self) -> None:
            clock[0] += 2.0

        def decide(self, x: Tensor) -> np.ndarray:
            return np.zeros(x.shape[:2])

    clock = [0.0]
    monkeypatch.setattr(racing.time, "perf_counter", lambda: clock[0])
    assert microseconds(Clocked(task("adam", 100, 4))) == pytest.approx(2.0 / (10 * 4) * 1e6)
