"""Schedules and early stopping in a study: per run, in any stack, and as in a plain loop of torch."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework import SGD, MSELoss, train_model
from tests.experiments.configs import configured

BASE: dict[str, Any] = {
    "problem": {"name": "disk", "train": 43, "test": 20, "validation": 20},
    "model": {"name": "mlp", "hidden": [8]},
    "activation": "tanh",
    "epochs": 25,
    "checkpoints": 5,
    "batch_size": 10,
}
RATES = [0.3, 1.0, 1e30, 0.1, 0.5]  # the third run diverges
SEEDS = [0, 1, 2, 3, 4]
PLATEAU = {"name": "plateau", "patience": 1, "factor": 0.5}
CASES: dict[str, dict[str, Any]] = {
    "plateau": {"schedule": PLATEAU},
    "step": {"schedule": {"name": "step", "period": 4, "factor": 0.5}},
    "stopping": {"stopping": {"patience": 2}},
    "best": {"stopping": {"patience": 3, "restore_best": True}},
    "both": {"schedule": PLATEAU, "stopping": {"patience": 4, "restore_best": True}},
    "cosine": {"schedule": {"name": "cosine", "period": 20}, "stopping": {"patience": 3}},
    "noise": {
        "activation": {"name": "fairgrid.framework:Dropout", "rate": 0.3},
        "loss": {"name": "mse", "scale": 0.3},
        "schedule": PLATEAU,
        "stopping": {"patience": 2, "restore_best": True},
    },
}


def configs(case: dict[str, Any], **more: Any) -> list[RunConfig]:
    """A configuration per run; they differ in the learning rate."""
    return [configured({**BASE, **case, **more, "optimizer": {"name": "sgd", "learning_rate": rate}}) for rate in RATES]


def trained(chosen: Sequence[int], case: dict[str, Any], **more: Any) -> list[Record]:
    every = configs(case, **more)
    return train([every[run] for run in chosen], [SEEDS[run] for run in chosen], keep=[True] * len(chosen))


def same(record: Record, expected: Record) -> bool:
    def bits(held: Record) -> dict[str, Any]:
        kept = {name: value.numpy().tobytes() for name, value in held.kept.items()}
        return {**dataclasses.asdict(dataclasses.replace(held, kept={})), "kept": kept}

    return bits(record) == bits(expected)


@pytest.mark.parametrize("name", CASES)
def test_a_run_has_its_record_in_any_stack(name: str) -> None:
    whole = trained(range(5), CASES[name])
    assert whole[2].status == "diverged"
    assert all(record.status == "ok" and record.kept for record in whole if record is not whole[2])
    if "stopping" in CASES[name]:
        assert len({record.steps for record in whole}) >= 3, "the example has runs that stop together"
    for chosen in ([4, 2, 0], [3, 1], *([run] for run in range(5))):
        for run, record in zip(chosen, trained(chosen, CASES[name]), strict=True):
            assert same(record, whole[run]), f"run {run} of {chosen}"


@pytest.mark.parametrize("name", CASES)
def test_the_engines_agree(name: str) -> None:
    ours, theirs = (trained(range(5), CASES[name], dtype="float64", engine=one) for one in ("framework", "pytorch"))
    for our, their in zip(ours, theirs, strict=True):
        for name_ in ("status", "diverged_at_step", "message", "steps", "gradient_evaluations", "metrics"):
            assert getattr(our, name_) == getattr(their, name_), name_
        assert our.curves.keys() == their.curves.keys()
        for curve, values in their.curves.items():
            assert our.curves[curve] == pytest.approx(values, rel=1e-9), curve
        assert our.final == pytest.approx(their.final, rel=1e-9)
        assert our.kept.keys() == their.kept.keys()
        for parameter in (key for key in their.kept if key.startswith("parameters.")):
            assert (our.kept[parameter] - their.kept[parameter]).norm() <= 1e-9 * their.kept[parameter].norm()


def test_a_run_that_stops_early_says_when_and_is_judged_there() -> None:
    for record in trained([0, 1, 3, 4], CASES["stopping"]):
        ended = record.metrics["stop_epoch"]
        assert record.steps == ended * 5
        assert record.gradient_evaluations == ended * 43
        assert record.curves["epoch"] == [*(epoch for epoch in (0, 5, 10, 15, 20, 25) if epoch < ended), ended]
        assert record.final == {key: values[-1] for key, values in record.curves.items() if key != "epoch"}
    assert "stop_epoch" not in trained([0], CASES["plateau"])[0].metrics


def test_the_best_epoch_is_restored() -> None:
    case = {"stopping": {"patience": 3, "restore_best": True}}
    for run in (0, 1, 4):
        record = trained([run], case)[0]
        every = trained([run], case, checkpoints=25)[0].curves["validation_loss"]
        assert record.final["validation_loss"] == min(every[1:])


def test_a_divergence_ends_a_run_whatever_it_waits_for() -> None:
    record = trained([2], {"stopping": {"patience": 20, "restore_best": True}})[0]
    assert record.status == "diverged"
    assert record.metrics == record.final == record.kept == {}
    assert record.steps == 5 * -(-record.diverged_at_step // 5)


def test_train_model_is_the_harness() -> None:
    case = {"stopping": {"patience": 2, "restore_best": True}, "schedule": PLATEAU}
    config = configured({**BASE, **case, "optimizer": {"name": "sgd", "learning_rate": 0.5}})
    settings = config
    problem = settings.build_problem()
    model = settings.build_model(problem)
    model.initialize([generator(seed, "initialization") for seed in SEEDS], settings.build_initializer())
    data = [problem.sample(seed) for seed in SEEDS]

    def stacked(part: str, name: str) -> torch.Tensor:
        return torch.stack([getattr(getattr(each, part), name) for each in data]).float()

    history = train_model(
        model,
        SGD(model.parameters(), 0.5),
        MSELoss(),
        stacked("train", "x"),
        stacked("train", "target"),
        epochs=25,
        batch_size=10,
        shuffle=[generator(seed, "order") for seed in SEEDS],
        validation=(stacked("validation", "x"), stacked("validation", "target")),
        schedule=settings.build_schedule(),
        stopping=settings.build_stopping(),
    )
    records = train([config] * 5, SEEDS, keep=[True] * 5)
    assert len(set(history.epochs)) > 1
    assert history.epochs == [record.metrics["stop_epoch"] for record in records]
    for r, record in enumerate(records):
        for number, parameter in enumerate(model.parameters()):
            assert torch.equal(parameter.value[r], record.kept[f"parameters.{number}"])


@pytest.mark.parametrize(
    ("written", "key", "message"),
    [
        (
            {"stopping": {"patience": 2}, "problem": {"name": "disk", "validation": 0}},
            "stopping",
            "expected problem.validation ≥ 1, as it watches the validation loss, found 0",
        ),
        (
            {"schedule": "plateau", "problem": {"name": "disk", "validation": 0}},
            "schedule",
            "expected problem.validation ≥ 1, as it watches the validation loss, found 0",
        ),
        ({"stopping": {"patience": 0}}, "stopping.patience", "expected a value ≥ 1, found 0"),
        ({"stopping": {}}, "stopping.patience", "expected a value, found none"),
        (
            {"schedule": "plataeu"},
            "schedule",
            "expected the name of a known schedule, found 'plataeu'; nearest: 'plateau'",
        ),
        (
            {"schedule": {"name": "plateau", "factor": 2.0}},
            "schedule",
            "ReduceLROnPlateau needs factor in (0, 1), found 2",
        ),
        (
            {"activation": {"name": "fairgrid.framework:BatchNorm", "features": 25}, "batch_size": 9},
            "batch_size",
            "expected no batch of one sample, which BatchNorm has no variance of, "
            "found problem.train = 1000 in batches of 9",
        ),
        (
            {"activation": {"name": "fairgrid.framework:BatchNorm", "features": 25}, "batch_size": 1},
            "batch_size",
            "expected no batch of one sample, which BatchNorm has no variance of, "
            "found problem.train = 1000 in batches of 1",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_it_trains(written: RunConfig, key: str, message: str) -> None:
    with pytest.raises(BadKeyError) as caught:
        configured(written)
    assert (caught.value.key, caught.value.problem) == (key, message)


def test_the_defaults_are_not_in_a_configuration() -> None:
    assert configured({"schedule": "constant", "stopping": None}).canonical == {}
    written = {"schedule": {"name": "plateau", "patience": 10}, "stopping": {"patience": 3, "restore_best": False}}
    assert configured(written).canonical["schedule"] == "plateau"
