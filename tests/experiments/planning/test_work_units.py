"""How runs are cut into chunks: every run once, what may stack together, sizes from the shapes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.engines.stacking import stack_key
from fairgrid.experiments.planning.work_units import Run, cut
from tests.experiments.configs import configured


def runs(count: int, **config: Any) -> list[Run]:
    made = configured(config)
    return [Run(f"{made} {seed}", str(made), made, seed) for seed in range(count)]


@pytest.mark.parametrize("largest", [1, 2, 7, 64, None])
def test_every_run_is_in_one_chunk(largest: int | None) -> None:
    planned = runs(23) + runs(5, activation="tanh") + runs(3, engine="pytorch")
    chunks = cut(planned, largest)
    assert sorted(run.run_id for chunk in chunks for run in chunk.runs) == sorted(run.run_id for run in planned)
    assert all(len({stack_key(run.config) for run in chunk.runs}) == 1 for chunk in chunks)
    if largest:
        assert max(len(chunk.runs) for chunk in chunks) <= largest


def test_longest_chunks_come_first() -> None:
    costs = [chunk.cost for chunk in cut(runs(4, batch_size=1) + runs(4, batch_size=100) + runs(4, epochs=1))]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1] > 0


@pytest.mark.parametrize(
    "other",
    [
        {"optimizer": "momentum"},
        {"optimizer": {"name": "sgd", "learning_rate": 0.3, "weight_decay": 0.1}},
        {"initializer": "standard_normal"},
    ],
)
def test_rates_momenta_and_initializers_stack(other: dict[str, Any]) -> None:
    assert stack_key(configured(other)) == stack_key(configured({"optimizer": "sgd"}))


@pytest.mark.parametrize(
    "other",
    [
        {"optimizer": "adam"},
        {"optimizer": "nesterov"},
        {"activation": "tanh"},
        {"batch_size": 5},
        {"epochs": 3},
        {"dtype": "float64"},
        {"problem": {"name": "disk", "radius": 0.2}},
        {"model": {"name": "mlp", "hidden": [3]}},
    ],
)
def test_what_differs_in_anything_else_does_not_stack(other: dict[str, Any]) -> None:
    assert stack_key(configured(other)) != stack_key(configured({}))


def test_larger_batches_make_smaller_stacks() -> None:
    sizes = [max(len(chunk.runs) for chunk in cut(runs(500, batch_size=size))) for size in (1, 10, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2] >= 2


@pytest.mark.parametrize("engine", ["framework", "compiled"])
def test_large_data_makes_smaller_stacks(engine: str) -> None:
    problem = {"name": "disk", "train": 500_000, "test": 1, "validation": 0}
    assert max(len(chunk.runs) for chunk in cut(runs(100, engine=engine))) > 40
    assert max(len(chunk.runs) for chunk in cut(runs(100, engine=engine, problem=problem))) <= 10


@given(counts=st.lists(st.integers(0, 40), min_size=3, max_size=3), largest=st.integers(1, 12), mix=st.randoms())
def test_chunks_do_not_depend_on_the_order_of_runs_and_are_of_about_one_size(
    counts: list[int], largest: int, mix: Any
) -> None:
    configs = ({}, {"optimizer": "momentum"}, {"activation": "tanh"})  # the first two stack
    planned = [run for count, config in zip(counts, configs, strict=True) for run in runs(count, **config)]
    chunks = cut(planned, largest)
    named = sorted([run.run_id for run in chunk.runs] for chunk in chunks)
    mix.shuffle(planned)
    assert sorted([run.run_id for run in chunk.runs] for chunk in cut(planned, largest)) == named
    for stack in ({stack_key(configured({}))}, {stack_key(configured({"activation": "tanh"}))}):
        sizes = [len(chunk.runs) for chunk in chunks if {stack_key(run.config) for run in chunk.runs} == stack]
        assert max(sizes, default=0) - min(sizes, default=0) <= 1


def test_the_pytorch_engine_shares_no_chunk_between_cells() -> None:
    chunks = cut(runs(6, engine="pytorch") + runs(6, engine="pytorch", optimizer="momentum"))
    assert all(len({run.cell for run in chunk.runs}) == 1 for chunk in chunks)
