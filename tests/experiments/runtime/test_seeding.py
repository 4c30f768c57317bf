"""Runs of one seed are paired: the same data, the same start, the same order, whatever trains on them."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.runtime.seeding import TUNING_BLOCK, Purpose, generator
from fairgrid.experiments.study.loading import load, shipped
from tests.experiments.configs import configured

PURPOSES: list[Purpose] = ["data", "validation", "initialization", "order", "noise"]
STREAMS = st.tuples(st.sampled_from(PURPOSES), st.integers(0, 2**29 - 1))
BASE = {
    "problem": {"name": "disk", "train": 24, "test": 20, "validation": 20},
    "model": {"name": "mlp", "hidden": [4]},
    "epochs": 2,
}


@given(STREAMS, STREAMS)
def test_streams_are_distinct_within_the_32_bits_that_a_generator_keeps(
    one: tuple[Purpose, int], other: tuple[Purpose, int]
) -> None:
    first, second = (generator(seed, purpose).initial_seed() for purpose, seed in (one, other))
    assert (first == second) == (one == other)
    assert 0 <= first < 2**32


def test_different_streams_draw_differently() -> None:
    seeds = [0, 1, 2, TUNING_BLOCK, 2**29 - 1]
    draws = [torch.rand(8, generator=generator(seed, purpose)) for seed in seeds for purpose in PURPOSES]
    assert len({tuple(draw.tolist()) for draw in draws}) == len(draws)


@pytest.mark.parametrize("seed", [-1, 2**29])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"^a seed is an integer in \[0, 2\*\*29\), found {seed}$"):
        generator(seed, "data")


def test_tuning_and_evaluation_seeds_are_disjoint_in_every_shipped_study() -> None:
    for name in shipped():
        study = load(name)
        evaluated = {seed for cell in study.cells for seed in cell.seeds}
        assert evaluated.isdisjoint(study.tuning_seeds)
        for seed in study.tuning_seeds:
            generator(seed, "noise")


def start(seed: int, **changes: object) -> Record:
    return train([configured({**BASE, **changes})], [seed], [True])[0]


CHANGES = {
    "optimizer": {"optimizer": "adam"},
    "learning rate": {"optimizer": {"name": "sgd", "learning_rate": 0.5}},
    "batch size": {"batch_size": 1},
    "epochs": {"epochs": 1},
    "shuffle": {"shuffle": False},
    "loss": {"loss": {"name": "mse", "scale": 2.0}},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("engine", ["framework", "pytorch"])
def test_data_and_start_do_not_depend_on_what_trains(change: str, engine: str) -> None:
    base, other = start(5), start(5, engine=engine, **CHANGES[change])
    for name in ("train.points", "test.points", "train.label", "test.label"):
        assert base.kept[name].equal(other.kept[name])
    # the errors before the first step, on every part, follow from data and initial weights
    for metric in ("train_error", "validation_error", "test_error"):
        assert base.curves[metric][0] == other.curves[metric][0]
    assert base.curves["test_loss"][0] * (2 if change == "loss" else 1) == pytest.approx(other.curves["test_loss"][0])
    assert not base.kept["train.points"].equal(start(6).kept["train.points"])


def orders(seeds: list[int], batch_size: int, **changes: object) -> torch.Tensor:
    """The sample numbers in the order in which each run of a stack meets them, (R, epochs × N)."""
    written = {
        "problem": {"name": "tests.experiments.own:Numbered", "train": 30},
        "loss": {"name": "tests.experiments.own:Listening"},
        "model": {"name": "mlp", "hidden": [2]},
        "optimizer": {"name": "sgd", "learning_rate": 1e-6},
        "epochs": 2,
        "batch_size": batch_size,
        **changes,
    }
    config = configured(written)
    listening: Any = config.loss.maker  # the class as the harness loads it
    listening.heard.clear()
    train([config] * len(seeds), seeds)
    # evaluations are of two test points, or of all 30 training points in their order
    heard = [batch for batch in listening.heard if batch.shape[-1] == batch_size]
    steps = 2 * 30 // batch_size
    assert len(heard) == steps
    return torch.cat(heard, -1)


def test_order_depends_on_the_seed_and_not_on_the_batch_size() -> None:
    by_size = {size: orders([3, 4], size) for size in (1, 5, 10, 15)}
    for found in by_size.values():
        assert found.equal(by_size[1])
    first_epoch, second_epoch = by_size[1].split(30, -1)
    for epoch in (first_epoch, second_epoch):
        assert epoch.sort(-1).values.equal(torch.arange(30.0).repeat(2, 1))
    assert not first_epoch[0].equal(first_epoch[1])
    assert not first_epoch.equal(second_epoch)


def test_order_does_not_depend_on_initial_weights_or_optimizer() -> None:
    base = orders([3, 4], 10)
    assert orders([3, 4], 10, initializer="xavier_normal", optimizer="adam").equal(base)
    assert orders([4, 3], 10).equal(base.flip(0))


def test_without_shuffling_every_epoch_has_the_order_of_the_data() -> None:
    assert orders([3, 4], 10, shuffle=False).equal(torch.arange(30.0).repeat(2, 2))
