"""Problems made of tables, against scikit-learn's own arrays."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets

from fairgrid.experiments.config.registry import PROBLEM
from fairgrid.experiments.problems import BreastCancer, Digits, Iris, Samples, Tabular, Wine
from fairgrid.experiments.problems.encoding import encoded, outputs_of
from fairgrid.experiments.problems.tabular import spread
from tests.experiments import studies

TABLES = {"breast_cancer": BreastCancer, "digits": Digits, "iris": Iris, "wine": Wine}
PARTS = ("train", "validation", "test")


def rows_of(name: str, samples: Samples) -> list[int]:
    """Where a part's rows stand in scikit-learn's table; a duplicate is found once for each time it is there."""
    features = datasets.__dict__[f"load_{name}"]().data
    places: dict[bytes, list[int]] = {}
    for number, row in enumerate(features):
        places.setdefault(row.tobytes(), []).append(number)
    return [places[row.tobytes()][0] for row in samples.x.numpy()]


@pytest.mark.parametrize("name", TABLES)
def test_default_sizes_share_out_all_rows(name: str) -> None:
    problem = TABLES[name]()
    table = datasets.__dict__[f"load_{name}"]()
    assert (problem.inputs, problem.outputs) == (table.data.shape[1], len(table.target_names))
    data = TABLES[name](normalize="none").sample(5)
    assert [len(getattr(data, part).label) for part in PARTS] == [problem.train, problem.validation, problem.test]
    found = np.concatenate([getattr(data, part).x.numpy() for part in PARTS])
    assert np.array_equal(np.sort(found, 0), np.sort(table.data, 0))
    for part in PARTS:
        samples = getattr(data, part)
        assert (table.target[rows_of(name, samples)] == samples.label.numpy()).all()


@pytest.mark.parametrize("name", TABLES)
def test_every_part_has_its_share_of_every_class(name: str) -> None:
    problem = TABLES[name]()
    shares = np.bincount(problem.answers) / len(problem.answers)
    near = 1 + shares * max(0, problem.classes - 2)
    for seed in range(5):
        data = problem.sample(seed)
        for part, bound in (("train", near), ("test", 2 * near)):
            counts = np.bincount(getattr(data, part).label, minlength=problem.classes)
            assert (abs(counts - shares * counts.sum()) <= bound + 1e-9).all()


@given(sizes=st.lists(st.integers(1, 40), min_size=2, max_size=6), seed=st.integers(0, 2**20), share=st.floats(0, 1))
def test_spread_is_an_order_whose_beginnings_are_stratified(sizes: list[int], seed: int, share: float) -> None:
    strata = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    order = spread(strata, torch.Generator().manual_seed(seed))
    assert sorted(order.tolist()) == list(range(sum(sizes)))
    first = round(share * sum(sizes))
    counts = np.bincount(strata[order[:first]], minlength=len(sizes))
    shares = np.array(sizes) / sum(sizes)
    assert (abs(counts - first * shares) <= 1 + shares * (len(sizes) - 2) + 1e-9).all()


def test_rows_of_a_stratum_are_as_likely_to_come_first() -> None:
    strata = torch.tensor([0] * 6 + [1] * 3)
    first = [set(spread(strata, torch.Generator().manual_seed(seed))[:3].tolist()) for seed in range(3000)]
    often = np.array([sum(row in rows for rows in first) for row in range(9)])
    assert abs(often / 3000 - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 3000)


def test_seeds_differ_and_repeat() -> None:
    first, again, other = (Iris().sample(seed) for seed in (1, 1, 2))
    assert torch.equal(first.train.x, again.train.x)
    assert not torch.equal(first.train.label, other.train.label)


def test_training_and_test_rows_do_not_depend_on_the_number_of_validation_rows() -> None:
    with_many, without = Wine(validation=40).sample(3), Wine(validation=0).sample(3)
    assert torch.equal(with_many.train.x, without.train.x)
    assert torch.equal(with_many.test.x, without.test.x)
    assert without.validation.x.shape == (0, 13)


@pytest.mark.parametrize("name", TABLES)
def test_features_are_standardised_by_the_training_rows(name: str) -> None:
    raw, data = TABLES[name](normalize="none").sample(0), TABLES[name]().sample(0)
    train = raw.train.x.numpy()
    std = train.std(0, ddof=1)
    std[train.max(0) == train.min(0)] = 1
    for part in PARTS:
        expected = (getattr(raw, part).x.numpy() - train.mean(0)) / std
        np.testing.assert_allclose(getattr(data, part).x.numpy(), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("one_hot", [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
        ("soft", [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]),
    ],
)
def test_three_classes_are_encoded(encoding: Any, expected: list[list[float]]) -> None:
    target = encoded(torch.tensor([0, 2, 1]), 3, encoding)
    assert target.dtype == torch.float64
    assert target.tolist() == expected
    assert outputs_of(encoding, 3) == 3


def test_the_largest_of_several_outputs_is_the_class_chosen() -> None:
    prediction = torch.tensor([[0.1, 0.7, 0.2], [0.9, 0.0, 0.1], [0.3, 0.3, 0.4]])
    assert Iris().error(prediction, torch.tensor([1, 0, 0])).item() == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 1}, "a table needs train ≥ 2, found 1"),
        ({"test": 0}, "a table needs test ≥ 1, found 0"),
        ({"validation": -1}, "a table needs validation ≥ 0, found -1"),
        ({"train": 100}, "a table of 150 rows needs train + test + validation ≤ that, found 175"),
        ({"encoding": "signed"}, "the encoding 'signed' needs 2 classes, found 3"),
    ],
)
def test_what_a_table_cannot_give_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message.replace('+', '[+]')}$"):
        Iris(**options)


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^an encoding needs at least 2 classes, found 1$"):
        Tabular(torch.zeros(9, 2), torch.zeros(9, dtype=torch.int64), 1, train=3, test=3, validation=0)


@pytest.mark.parametrize("name", [*TABLES, "moons", "circles"])
def test_a_study_learns_it(name: str, tmp_path: Any) -> None:
    assert name in PROBLEM.names
    text = f"""
title = "Table"
seeds = 2
[run]
problem = "{name}"
model = {{ name = "mlp", hidden = [16] }}
loss = "cross_entropy"
optimizer = {{ name = "adam", learning_rate = 0.01 }}
epochs = 20
checkpoints = 1
measures = "baseline"
"""
    studies.run(tmp_path / "results", studies.write(tmp_path, text))
    runs, metrics = (studies.table(tmp_path / "results", table) for table in ("runs", "metrics"))
    errors, majority = runs["test_error"].astype(float), metrics["value"].astype(float)
    assert (runs["status"] == "ok").all()
    assert (majority > 0.3).all()
    assert (errors < majority / 2).all()
    if name == "digits":  # no class has more than an eighth
        assert (majority > 0.87).all()
