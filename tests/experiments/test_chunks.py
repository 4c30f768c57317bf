"""How runs are cut into chunks: every run once, what may stack together, sizes from the shapes."""

from typing import Any

import pytest

from experiments.chunks import Run, cut, stack_key
from experiments.settings import canonical


def runs(count: int, **config: Any) -> list[Run]:
    made = canonical(config)
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
    assert stack_key(canonical(other)) == stack_key(canonical({"optimizer": "sgd"}))


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
    assert stack_key(canonical(other)) != stack_key(canonical({}))


def test_larger_batches_make_smaller_stacks() -> None:
    sizes = [max(len(chunk.runs) for chunk in cut(runs(500, batch_size=size))) for size in (1, 10, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2] >= 2
