"""What runs measure at their end, what is kept of them, and the canvas they are drawn on, against plain numpy."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fairgrid.experiments.analysis.derived import write_derived
from fairgrid.experiments.config.metrics import Baseline, Border, DeadUnits
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.planning.plans import evaluation_plans
from fairgrid.experiments.problems import Disk, Line, Plane, Samples
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.study.loading import load
from fairgrid.framework import Module
from tests.experiments.configs import configured
from tests.experiments.own import Numbered
from tests.experiments.studies import TUNED, run, table, write

SMALL = {"train": 60, "test": 50, "validation": 20}
PLANES: list[Plane] = [Disk(), Disk(center=(0.0, 0.0)), Disk(center=(0.3, 0.9), radius=0.2), Line(), Line(slope=-0.5)]


class RightHalf(Module):
    """Decides class 1 where the first feature is above 1/2."""

    def forward(self, x: Tensor) -> Tensor:
        away = x[..., 0] - 0.5
        return torch.stack([-away, away], -1)


def config(**keys: Any) -> dict[str, Any]:
    given = {"problem": {"name": "disk", **SMALL}, "model": {"name": "mlp", "hidden": [6, 5]}, "epochs": 4}
    return configured(given | {"optimizer": {"name": "sgd", "learning_rate": 0.1}} | keys)


def trained(count: int = 3, **keys: Any) -> list[Record]:
    return train([config(**keys)] * count, list(range(count)), [True] * count)


def numpy_distance(plane: Plane, points: np.ndarray) -> np.ndarray:
    if isinstance(plane, Disk):
        return np.abs(np.hypot(points[:, 0] - plane.center[0], points[:, 1] - plane.center[1]) - plane.radius)
    assert isinstance(plane, Line)
    angle = np.arctan(plane.slope)
    along = points @ [np.cos(angle), np.sin(angle)]
    return np.sqrt(np.maximum((points**2).sum(1) - along**2, 0))


@pytest.mark.parametrize(
    "plane", PLANES, ids=[f"{type(plane).__name__}{number}" for number, plane in enumerate(PLANES)]
)
def test_distance_to_the_border(plane: Plane) -> None:
    points = plane.sample(3).test.points
    assert points is not None
    expected = numpy_distance(plane, points.numpy())
    np.testing.assert_allclose(plane.distance(points).numpy(), expected, atol=1e-7)
    np.testing.assert_allclose(plane.distance(torch.stack([points, points]))[1].numpy(), expected, atol=1e-7)
    border = plane.border()
    assert border is not None
    np.testing.assert_allclose(plane.distance(border).numpy(), 0, atol=1e-12)


@pytest.mark.parametrize("problem", [{"name": "disk", **SMALL}, {"name": "line", **SMALL}])
@pytest.mark.parametrize("engine", ["framework", "pytorch"])
def test_border_measures_all_points_and_the_misclassified(problem: dict[str, Any], engine: str) -> None:
    records = trained(problem=problem, engine=engine, measures="border", dtype="float64")
    plane = configured({"problem": problem}).build_problem()
    assert isinstance(plane, Plane)
    for record in records:
        kept = {name: value.numpy() for name, value in record.kept.items()}
        distance = numpy_distance(plane, kept["test.points"])
        wrong = kept["test.decided"] != kept["test.label"]
        assert wrong.any()
        assert record.metrics == pytest.approx(
            {
                "border_distance": distance.mean(),
                "border_distance_wrong": distance[wrong].mean(),
                "border_distance_wrong_max": distance[wrong].max(),
            }
        )


def test_border_lies_in_the_plane_of_the_points_however_they_are_normalised() -> None:
    for how in ("none", "train", "each_own", "scalar"):
        (record,) = trained(1, problem={"name": "disk", **SMALL, "normalize": how}, measures="border")
        distance = numpy_distance(Disk(), record.kept["test.points"].numpy())
        assert record.metrics["border_distance"] == pytest.approx(distance.mean(), rel=1e-6)


def test_border_of_a_run_without_errors_is_no_number_and_of_others_beside_it_is() -> None:
    points = torch.tensor([[[0.1, 0.5], [0.95, 0.5]], [[0.6, 0.5], [0.7, 0.5]]], dtype=torch.float64)
    disk = Disk()
    label = (disk.distance(points) < 0).long() + torch.tensor([[0, 0], [1, 1]])
    data = {"test": Samples(points, torch.zeros(2, 2, 2), label, points)}
    found = Border()(RightHalf(), disk, data)
    assert found["border_distance_wrong"][0] == pytest.approx(disk.distance(points)[0, 1].item())
    assert found["border_distance_wrong_max"][0] == found["border_distance_wrong"][0]
    assert found["border_distance_wrong"][1].isnan()
    assert found["border_distance_wrong_max"][1].isnan()
    assert found["border_distance"].tolist() == pytest.approx(disk.distance(points).mean(-1).tolist())


def test_border_needs_a_plane() -> None:
    problem = Numbered()
    expected = r"^the measure border needs a problem in the plane, found Numbered$"
    with pytest.raises(ValueError, match=expected):
        Border()(RightHalf(), problem, {"test": problem.sample(0).test})


@pytest.mark.parametrize("engine", ["framework", "pytorch"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", ["tanh", "relu"]])
def test_dead_units_are_never_positive_on_the_training_set(engine: str, activation: Any) -> None:
    # large biases of either sign, so that some units are dead
    records = trained(
        6, engine=engine, activation=activation, initializer="standard_normal", measures="dead_units", dtype="float64"
    )
    shares = []
    for record in records:
        parameters = [record.kept[f"parameters.{number}"].numpy() for number in range(6)]
        x = record.kept["train.points"].numpy()
        dead = []
        for layer, (weight, bias) in enumerate(zip(parameters[:4:2], parameters[1:4:2], strict=True)):
            z = x @ weight + bias
            if activation != ["tanh", "relu"] or layer == 1:
                dead.append((z <= 0).all(0))
            slope = 0.01 if activation == "leaky_relu" else 0
            x = np.tanh(z) if activation == ["tanh", "relu"] and layer == 0 else np.where(z > 0, z, slope * z)
        shares.append(np.concatenate(dead).mean())
        assert record.metrics == {"dead_units": pytest.approx(shares[-1])}
    assert max(shares) > min(shares) >= 0


def test_dead_units_need_rectifiers() -> None:
    problem = Disk(**SMALL)
    with pytest.raises(ValueError, match=r"^the measure dead_units needs ReLU or LeakyReLU layers, found none$"):
        DeadUnits()(RightHalf(), problem, {"train": problem.sample(0).train})


def test_baseline_is_the_rarer_class() -> None:
    label = torch.tensor([[0, 0, 0, 1], [1, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 1]])
    data = {"test": Samples(torch.zeros(4, 4, 2), torch.zeros(4, 4, 2), label)}
    found = Baseline()(RightHalf(), Disk(), data)
    assert found["majority_error"].tolist() == [0.25, 0.25, 0, 0.5]


@pytest.mark.parametrize("measures", ["border", "dead_units", "baseline", ["border", "dead_units"]])
def test_measures_of_a_run_do_not_depend_on_what_is_stacked_beside_it(measures: Any) -> None:
    setting = config(measures=measures, activation="relu")
    together = train([setting] * 5, list(range(5)))
    for seed, record in enumerate(together):
        (alone,) = train([setting], [seed])
        assert np.array(list(alone.metrics.values())).tobytes() == np.array(list(record.metrics.values())).tobytes()
        assert alone.metrics.keys() == record.metrics.keys()
    (unmeasured,) = train([config(activation="relu")], [0])
    assert unmeasured.final == together[0].final


def test_target_is_reached_at_the_first_checkpoint_that_is_no_worse() -> None:
    keys: dict[str, Any] = {"optimizer": {"name": "adam", "learning_rate": 0.02}, "epochs": 30, "checkpoints": 6}
    (plain,) = trained(1, **keys)
    errors, epochs = plain.curves["test_error"], plain.curves["epoch"]
    assert min(errors) < errors[0]
    targets = sorted({1.0, min(errors), errors[2], min(errors) - 0.02})
    (record,) = trained(1, targets=targets, **keys)
    assert record.curves == plain.curves
    for target in targets:
        reached = [
            epoch for epoch, error in zip(epochs, errors, strict=True) if round(50 * error) <= round(50 * target)
        ]
        found = record.metrics[f"epochs_to_{target:g}"]
        assert found == reached[0] if reached else np.isnan(found)
    assert record.metrics["epochs_to_1"] == 0
    assert np.isnan(record.metrics[f"epochs_to_{targets[0]:g}"])


def test_stop_epoch_is_where_training_ended() -> None:
    records = trained(6, epochs=40, checkpoints=2, stopping={"patience": 1}, batch_size=2)
    ends = [record.metrics["stop_epoch"] for record in records]
    assert ends == [record.curves["epoch"][-1] for record in records]
    assert ends == [record.steps / 30 for record in records]
    assert min(ends) < 40
    assert all("stop_epoch" not in record.metrics for record in trained(2))


KEEPING = TUNED.replace("[run]", "[run]\nkeep_seeds = [1, 3]")


def test_keep_seeds_keeps_what_it_says_and_changes_no_run(tmp_path: Path) -> None:
    study, keeping = write(tmp_path, TUNED), write(tmp_path, KEEPING, "keeping.toml")
    ids = [{plan.run.run_id for plan in evaluation_plans(load(path), {}, "portable")} for path in (study, keeping)]
    assert ids[0] == ids[1]
    run(tmp_path / "without", study)
    run(tmp_path / "with", keeping)
    runs = table(tmp_path / "with", "runs").drop(columns="study")
    assert runs.equals(table(tmp_path / "without", "runs").drop(columns="study"))
    with Store(tmp_path / "without") as store:
        assert store.kept("study") == {}
    with Store(tmp_path / "with") as store:
        kept = store.kept("keeping")
    evaluated = runs[(runs["phase"] == "evaluation") & runs["seed"].isin(["1", "3"])]
    assert set(kept) == {(row.factors, int(row.seed)) for row in evaluated.itertuples()}
    assert len(kept) == 6
    for (_, seed), arrays in kept.items():
        data = Disk(train=40, test=30, validation=20).sample(seed)
        for part in ("train", "test"):
            samples = getattr(data, part)
            np.testing.assert_array_equal(arrays[f"{part}.points"], samples.points.numpy())
            np.testing.assert_array_equal(arrays[f"{part}.label"], samples.label.numpy())
            assert arrays[f"{part}.decided"].shape == samples.label.shape
        assert [arrays[f"parameters.{number}"].shape for number in range(4)] == [(2, 4), (1, 4), (4, 2), (1, 2)]
        assert {"canvas.points", "canvas.decided", "border.points"} <= arrays.keys()


def test_what_is_kept_is_what_was_evaluated(tmp_path: Path) -> None:
    path = write(tmp_path, KEEPING, "keeping.toml")
    run(tmp_path, path)
    runs = table(tmp_path, "runs").set_index(["phase", "factors", "seed"])
    with Store(tmp_path) as store:
        kept = store.kept("keeping")
    for (factors, seed), arrays in kept.items():
        for part in ("train", "test"):
            error = np.mean(arrays[f"{part}.decided"] != arrays[f"{part}.label"])
            assert float(runs.loc[("evaluation", factors, str(seed)), f"{part}_error"]) == pytest.approx(error)


def test_seed_that_is_to_be_kept_later_is_trained_again_alone(tmp_path: Path) -> None:
    run(tmp_path, write(tmp_path, TUNED))
    before = table(tmp_path, "runs")
    progress = run(tmp_path, write(tmp_path, KEEPING))
    assert progress.trained == 6
    assert table(tmp_path, "runs").equals(before)
    with Store(tmp_path) as store:
        assert {seed for _, seed in store.kept("study")} == {1, 3}
    assert run(tmp_path, write(tmp_path, KEEPING)).trained == 0


@pytest.mark.parametrize("kind", [Disk, Line])
def test_canvas_covers_the_plane_and_is_seen_as_training_points_are(kind: type[Disk] | type[Line]) -> None:
    plain = kind(train=40, test=10, validation=0)
    points = plain.canvas(5).points
    assert points is not None
    side = np.linspace(plain.low, plain.high, round(len(points) ** 0.5))
    np.testing.assert_allclose(points.numpy(), list(itertools.product(side, repeat=2)), atol=1e-12)
    seen = plain.sample(5).train.points
    assert seen is not None
    train = seen.numpy()
    expected = {
        "none": points.numpy(),
        "train": (points.numpy() - train.mean(0)) / train.std(0, ddof=1),
        "each_own": (points.numpy() - train.mean(0)) / train.std(0, ddof=1),
        "scalar": (points.numpy() - train.mean()) / train.std(ddof=1),
    }
    for how, x in expected.items():
        canvas = kind(train=40, test=10, validation=0, normalize=how).canvas(5)
        np.testing.assert_allclose(canvas.x.numpy(), x, rtol=1e-12, atol=1e-12)
        assert canvas.points is not None
        assert canvas.points.equal(points)


def test_problem_of_no_plane_has_no_canvas() -> None:
    assert Numbered().canvas(0) is None


OWN = """
title = "By a metric of one's own"
seeds = 12
[run]
problem = { name = "disk", train = 60, test = 50, validation = 20 }
model = { name = "mlp", hidden = [6] }
optimizer = { name = "adam", learning_rate = 0.02 }
epochs = 8
checkpoints = 8
measures = "tests.experiments.flawed:Doubt"
targets = [0.3]
[[grid]]
activation = ["relu", "tanh"]
engine = ["framework", "compiled", "pytorch"]
[comparison]
direction = "min"
metric = "doubt"
region = 0.1
factors = ["activation"]
"""


@pytest.mark.takes_seconds
def test_own_metric_is_measured_by_every_engine_and_cells_are_compared_by_it(tmp_path: Path) -> None:
    study = write(tmp_path, OWN)
    run(tmp_path, study)
    write_derived(tmp_path, [load(study)])
    metrics = table(tmp_path, "metrics")
    doubt = metrics[metrics["metric"] == "doubt"].set_index("run_id")["value"].astype(float)
    runs = table(tmp_path, "runs")
    values = runs.assign(doubt=runs["run_id"].map(doubt)).pivot_table("doubt", ["activation", "seed"], "engine")
    assert values.shape == (24, 3)
    assert values.notna().all(axis=None)
    np.testing.assert_allclose(values["compiled"], values["framework"], atol=0.05)
    np.testing.assert_allclose(values["pytorch"], values["framework"], atol=0.05)
    rows = table(tmp_path, "comparisons").set_index("context")
    assert len(rows) == 3
    assert set(rows["metric"]) == {"doubt"}
    for engine in values:
        difference = values.loc["relu", engine] - values.loc["tanh", engine]
        assert float(rows.loc[f"engine={engine}", "mean_difference"]) == pytest.approx(difference.mean(), abs=1e-12)
        assert rows.loc[f"engine={engine}", "n"] == "12"


def test_cells_are_compared_by_when_they_reach_a_target(tmp_path: Path) -> None:
    text = OWN.replace('"doubt"\nregion = 0.1', '"epochs_to_0.3"\nregion = 1.0').replace(', "compiled", "pytorch"', "")
    study = write(tmp_path, text)
    run(tmp_path, study)
    write_derived(tmp_path, [load(study)])
    (row,) = table(tmp_path, "comparisons").to_dict("records")
    metrics = table(tmp_path, "metrics")
    reached = (
        metrics[metrics["metric"] == "epochs_to_0.3"].set_index("run_id")["value"].replace("", "inf").astype(float)
    )
    runs = table(tmp_path, "runs")
    epochs = runs.assign(epochs=runs["run_id"].map(reached)).pivot_table("epochs", "seed", "activation", dropna=False)
    assert np.isinf(epochs).any(axis=None)
    wins = (epochs["relu"] < epochs["tanh"]).sum() + (epochs["relu"] == epochs["tanh"]).sum() / 2
    assert float(row["probability_a_better"]) == pytest.approx(wins / 12)
    assert row["mean_difference"] == ""
