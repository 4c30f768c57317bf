"""The engines agree: the library and torch.nn with autograd, from the same weights, data and order."""

import pytest
import torch

from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.study.declaration import Cell
from fairgrid.experiments.study.loading import load
from tests.experiments.configs import configured

OPTIMIZERS = load("optimizers")
STEPS = {1: 20, 10: 50, 100: 50}


def name(cell: Cell) -> str:
    return "-".join(str(value) for value in cell.factors.values())


def short(cell: Cell, engine: str) -> RunConfig:
    settings = cell.config
    config = cell.at_rate(sorted(cell.rates)[1])
    train_size = STEPS[settings.batch_size] * settings.batch_size
    problem = {"name": "disk", "train": train_size, "test": 10, "validation": 0}
    return configured({**config.canonical, "problem": problem, "epochs": 1, "dtype": "float64", "engine": engine})


@pytest.mark.parametrize("cell", OPTIMIZERS.cells, ids=name)
def test_parameters_agree_on_every_cell_of_optimizers(cell: Cell) -> None:
    ours = train([short(cell, "framework")] * 2, [0, 1], [True, True])
    theirs = train([short(cell, "pytorch")] * 2, [0, 1], [True, True])
    for our_record, their_record in zip(ours, theirs, strict=True):
        assert our_record.status == their_record.status == "ok"
        assert our_record.steps == their_record.steps == STEPS[cell.config.batch_size]
        assert sum(name.startswith("parameters.") for name in our_record.kept) == 8
        assert our_record.kept.keys() == their_record.kept.keys()
        for kept, their in their_record.kept.items():
            assert (our_record.kept[kept] - their).double().norm() <= 1e-9 * their.double().norm()
        for key, value in their_record.final.items():
            assert our_record.final[key] == pytest.approx(value, rel=1e-9)


def test_engines_agree_on_when_a_run_diverges() -> None:
    def config(engine: str) -> RunConfig:
        return configured(
            {"optimizer": {"name": "sgd", "learning_rate": 1e4}, "engine": engine, "dtype": "float64", "epochs": 2}
        )

    ours, theirs = train([config("framework")], [3])[0], train([config("pytorch")], [3])[0]
    assert ours.status == theirs.status == "diverged"
    assert ours.diverged_at_step == theirs.diverged_at_step
    assert ours.steps == theirs.steps
    assert ours.curves["epoch"] == theirs.curves["epoch"] == [0]


def test_pytorch_engine_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    train([configured({"engine": "pytorch", "epochs": 1, "batch_size": 100})], [0])
    assert torch.rand(1) == expected
