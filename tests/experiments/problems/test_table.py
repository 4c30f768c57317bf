"""The user's own data: a CSV file as a problem, its classes or numbers, its identity, and what is refused by name."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets

from fairgrid.experiments.config.identity import run_id
from fairgrid.experiments.errors import BadKeyError, InputError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.worker_entry import Answer, Task
from fairgrid.experiments.problems import Table
from fairgrid.experiments.study.loading import load
from tests.experiments import studies
from tests.experiments.configs import configured

WORDS = "x,y,kind\n" + "".join(f"{i},{i * i},{'abc'[i % 3]}\n" for i in range(30))
NUMBERS = "x,y,price\n" + "".join(f"{i},{(7 * i) % 10},{2 * i + (i % 3) / 2}\n" for i in range(30))


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str | bytes, name: str = "mine.csv") -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def refused(text: str | bytes, **options: Any) -> str:
    """The line that a study with this file is refused with."""
    with pytest.raises(BadKeyError) as error:
        configured({"problem": {"name": "table", "path": write(text), "target": "kind", **options}})
    assert error.value.key == "problem"
    return error.value.problem


def test_a_bundled_table_written_to_a_file_is_the_same_problem() -> None:
    bunch = datasets.load_wine()
    with open("wine.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["grower", *bunch.feature_names])
        writer.writerows(
            [bunch.target_names[kind], *map(repr, row)]
            for kind, row in zip(bunch.target, bunch.data.tolist(), strict=True)
        )
    sizes = {"train": 90, "test": 48, "validation": 40}
    ours, theirs = (
        Table("wine.csv", "grower", **sizes),
        configured({"problem": {"name": "wine", **sizes}}).build_problem(),
    )
    assert (ours.inputs, ours.outputs) == (theirs.inputs, theirs.outputs) == (13, 3)
    for seed in range(3):
        mine, bundled = ours.sample(seed), theirs.sample(seed)
        for part in ("train", "validation", "test"):
            one, other = getattr(mine, part), getattr(bundled, part)
            assert torch.equal(one.x, other.x)
            assert torch.equal(one.target, other.target)
            assert torch.equal(one.label, other.label)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (18, 6, 6)),
        ({"train": 10}, (10, 10, 10)),
        ({"validation": 0}, (23, 7, 0)),
        ({"train": 11, "test": 4}, (11, 4, 15)),
        ({"train": 20, "validation": 0}, (20, 10, 0)),
        ({"train": 5, "test": 6, "validation": 7}, (5, 6, 7)),
    ],
)
def test_sizes_that_are_not_given_share_the_rows_that_are_left(
    given: dict[str, int], expected: tuple[int, int, int]
) -> None:
    problem = Table(write(WORDS), "kind", **given)
    assert (problem.train, problem.test, problem.validation) == expected
    data = problem.sample(0)
    assert (len(data.train.label), len(data.test.label), len(data.validation.label)) == expected


def test_columns_that_are_dropped_are_no_features() -> None:
    config = configured(
        {"problem": {"name": "table", "path": write(WORDS), "target": "x", "task": "regression", "drop": ["kind"]}}
    )
    problem = config.build_problem()
    assert problem.inputs == 1
    unscaled = Table("mine.csv", "x", task="regression", drop=("kind",), normalize="none").sample(0).train
    assert set(unscaled.x[:, 0].tolist()) <= {float(i * i) for i in range(30)}


def test_classes_are_ordered_as_numbers_or_else_as_text() -> None:
    numbers = "x,kind\n" + "".join(f"{i},{(10, 9, 100)[i % 3]}\n" for i in range(12))
    mixed = numbers.replace(",9\n", ",nine\n")
    for text, order in ((numbers, [9, 10, 100]), (mixed, [10, 100, "nine"])):
        problem = Table(write(text), "kind", normalize="none")
        assert problem.outputs == 3
        test = problem.sample(0).test
        found = {row: (10, "nine" if "nine" in order else 9, 100)[int(row) % 3] for row in test.x[:, 0].tolist()}
        assert [order[label] for label in test.label.tolist()] == list(found.values())


def test_numbers_are_predicted_in_units_of_the_training_rows() -> None:
    problem = Table(write(NUMBERS), "price", task="regression", normalize="none")
    assert (problem.inputs, problem.outputs) == (2, 1)
    data = problem.sample(3)
    assert data.train.target.mean().item() == pytest.approx(0, abs=1e-12)
    assert data.train.target.std().item() == pytest.approx(1)
    assert data.train.label.dtype == torch.float64
    prices = {float(i): 2 * i + (i % 3) / 2 for i in range(30)}
    train = np.array([prices[x] for x in data.train.x[:, 0].tolist()])
    for part in (data.train, data.validation, data.test):
        expected = (np.array([prices[x] for x in part.x[:, 0].tolist()]) - train.mean()) / train.std(ddof=1)
        np.testing.assert_allclose(part.target[:, 0], expected, rtol=1e-12)
        assert torch.equal(part.target[:, 0], part.label)


def test_error_of_numbers_is_the_unexplained_share_of_variance() -> None:
    problem = Table(write(NUMBERS), "price", task="regression")
    label = problem.sample(0).test.label
    assert problem.error(label[:, None], label).item() == 0
    assert problem.error(torch.zeros(len(label), 1), label).item() == 1  # the mean of the training rows
    assert problem.error(label[:, None] / 2, label).item() == pytest.approx(0.25)
    assert problem.error(-9 * label[:, None], label).item() == 1
    assert problem.error(torch.full((len(label), 1), torch.nan), label).isnan()
    stack = torch.stack([label / 2, label])[..., None]
    assert problem.error(stack, torch.stack([label, label])).tolist() == pytest.approx([0.25, 0])
    assert problem.error(torch.zeros(2, 1), torch.zeros(2)).item() == 0
    assert problem.error(torch.ones(2, 1), torch.zeros(2)).item() == 1


def test_error_of_numbers_does_not_depend_on_the_stack() -> None:
    problem = Table(write(NUMBERS), "price", task="regression")
    stream = torch.Generator().manual_seed(0)
    for samples in (1, 7, 33, 1000):
        prediction = torch.randn(64, samples, 1, generator=stream)
        label = torch.randn(64, samples, generator=stream)
        whole = problem.error(prediction, label)
        for replicas in ([0, 1], [63, 5], list(range(63, -1, -1))):
            assert torch.equal(problem.error(prediction[replicas], label[replicas]), whole[replicas])


def name(path: str = "mine.csv") -> str:
    return run_id(configured({"problem": {"name": "table", "path": path, "target": "kind"}}), 0, "portable")


def test_a_run_is_named_after_what_the_file_holds_and_not_after_where_it_lies() -> None:
    write(WORDS)
    Path("elsewhere").mkdir()
    write(WORDS, "elsewhere/copy.csv")
    first = name()
    assert name("elsewhere/copy.csv") == first
    write(WORDS.replace("29,841", "29,842"))
    os.utime("mine.csv", ns=(1, 1))  # of the same length, and of whatever time
    assert name() != first
    write(WORDS)
    assert name() == first


STUDY = """
title = "Own data"
seeds = 4
[run]
problem = {{ name = "table", path = "mine.csv", target = "{target}", task = "{task}" }}
model = {{ name = "mlp", hidden = [8] }}
optimizer = {{ name = "adam", learning_rate = 0.05 }}
epochs = 20
checkpoints = 1
[[grid]]
engine = ["framework", "compiled", "pytorch"]
"""


@pytest.mark.parametrize(
    ("text", "target", "task"), [(WORDS, "kind", "classification"), (NUMBERS, "price", "regression")]
)
def test_every_engine_trains_on_it(text: str, target: str, task: str, own_directory: Path) -> None:
    write(text)
    study = studies.write(own_directory, STUDY.format(target=target, task=task))
    studies.run(own_directory / "results", study)
    runs = studies.table(own_directory / "results", "runs").sort_values(["engine", "seed"])
    assert (runs["status"] == "ok").all()
    errors = {engine: group["test_error"].astype(float).to_numpy() for engine, group in runs.groupby("engine")}
    np.testing.assert_allclose(errors["framework"], errors["compiled"], atol=0.05 if task == "regression" else 0.34)
    np.testing.assert_allclose(errors["framework"], errors["pytorch"], atol=0.05 if task == "regression" else 0.34)
    if task == "regression":
        assert (errors["framework"] < 0.3).all()
        assert ((errors["framework"] > 0) & (errors["framework"] != errors["framework"][0]))[1:].all()


def test_a_changed_file_is_trained_anew(own_directory: Path) -> None:
    text = STUDY.format(target="kind", task="classification").replace(
        '["framework", "compiled", "pytorch"]', '"compiled"'
    )
    study, results = studies.write(own_directory, text), own_directory / "results"
    write(WORDS)
    assert studies.run(results, study).trained == 4
    assert studies.run(results, study).trained == 0
    write(WORDS.replace("29,841", "29,-841"))
    assert studies.run(results, study).trained == 4
    assert len(studies.table(results, "runs")) == 4


def test_a_file_that_changes_while_a_grid_runs_gives_no_records(
    own_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Pool.answers

    def tampering(pool: Pool, tasks: Iterable[Task]) -> Iterator[Answer]:
        write(WORDS.replace("29,841", "29,0"))
        return answers(pool, tasks)

    monkeypatch.setattr(Pool, "answers", tampering)
    write(WORDS)
    text = STUDY.format(target="kind", task="classification").replace(
        '["framework", "compiled", "pytorch"]', '"compiled"'
    )
    studies.run(own_directory / "results", studies.write(own_directory, text))
    runs = studies.table(own_directory / "results", "runs")
    assert set(runs["status"]) == {"error"}
    assert set(runs["message"]) == {
        "ValueError: mine.csv was changed after the run was planned; a new grid takes it up"
    }


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (WORDS, {"target": "kid"}, "mine.csv: expected the column 'kid', found none; nearest: 'kind'"),
        (WORDS, {"drop": ["z"]}, "mine.csv: expected the column 'z', found none; known: kind, x, y"),
        (WORDS, {"drop": ["kind"]}, "mine.csv: expected a target that is not dropped, found 'kind' in drop"),
        (WORDS, {"drop": ["x", "y"]}, "mine.csv: expected columns beside the target 'kind', found none"),
        (
            WORDS,
            {"target": "x"},
            "mine.csv: line 2: kind: expected a number, found 'a'; drop = [\"kind\"] leaves the column out",
        ),
        (
            WORDS.replace("7,49", "7,"),
            {},
            "mine.csv: line 9: y: expected a number, found nothing",
        ),
        (
            WORDS.replace("7,49", "7,nan"),
            {},
            "mine.csv: line 9: y: expected a number, found 'nan'; drop = [\"y\"] leaves the column out",
        ),
        (
            WORDS.replace("7,49,b", "7,49, "),
            {},
            "mine.csv: line 9: kind: expected a class, found nothing; leave the row out",
        ),
        (
            WORDS.replace("7,49", "1e400,49"),
            {},
            "mine.csv: line 9: x: expected a number, found '1e400'; drop = [\"x\"] leaves the column out",
        ),
        (
            WORDS.replace("7,49", "7,4_9"),
            {},
            "mine.csv: line 9: y: expected a number, found '4_9'; drop = [\"y\"] leaves the column out",
        ),
        (WORDS.replace("7,49", "\n\n7,49,0"), {}, "mine.csv: line 11: expected 3 fields, found 4"),
        (WORDS, {"separator": ";"}, "mine.csv: expected the column 'kind', found none; nearest: 'x,y,kind'"),
        (WORDS, {"separator": "ab"}, "a table needs a separator of one character, found 'ab'"),
        (WORDS.replace("x,y", "x,x"), {}, "mine.csv: expected columns with different names, found 'x' twice"),
        (WORDS.replace("x,y", "x,"), {}, "mine.csv: expected a name for every column, found none for column 2"),
        (WORDS.replace("7,49", '"7,49'), {}, "mine.csv: line 31: expected CSV, found: unexpected end of data"),
        ("", {}, "mine.csv: expected a line of names and rows below it, found 0 lines"),
        ("x,kind\n", {}, "mine.csv: expected a line of names and rows below it, found 1 lines"),
        (b"x,kind\n\xff,a\n", {}, "mine.csv: expected UTF-8 text, found byte 0xff"),
        (
            NUMBERS,
            {"target": "price"},
            'mine.csv: price: expected classes, found the number 2.5; task = "regression" predicts numbers',
        ),
        (
            "x,kind\n" + "".join(f"{i},{i}\n" for i in range(30)),
            {},
            "mine.csv: kind: expected 2 classes or more, and 2 rows of each on average, found 30 in 30 rows",
        ),
        (
            "x,kind\n" + "1,a\n" * 30,
            {},
            "mine.csv: kind: expected 2 classes or more, and 2 rows of each on average, found 1 in 30 rows",
        ),
        (
            "x,kind\n" + "1,3\n" * 30,
            {"task": "regression"},
            "mine.csv: kind: expected numbers that differ, found 3 alone",
        ),
        (
            "x,kind\n" + "1e300,a\n2,b\n" * 15,
            {},
            "mine.csv: x: expected numbers whose standard deviation can be computed, found 2 to 1e+300;"
            ' drop = ["x"] leaves the column out',
        ),
        (WORDS, {"separator": ";;"}, "a table needs a separator of one character, found ';;'"),
        (WORDS, {"task": "regression"}, "mine.csv: line 2: kind: expected a number, found 'a'"),
        (
            WORDS,
            {"task": "regression", "encoding": "soft"},
            "a table needs classes for the encoding 'soft', found the task 'regression'",
        ),
        (WORDS, {"encoding": "signed"}, "the encoding 'signed' needs 2 classes, found 3"),
        (WORDS, {"train": 28, "test": 5}, "a table of 30 rows needs train + test + validation ≤ that, found 33"),
        (WORDS, {"train": -1}, "a table needs train ≥ 2, found -1"),
    ],
)
def test_what_a_file_cannot_give_is_refused_by_name(text: str | bytes, options: dict[str, Any], message: str) -> None:
    assert refused(text, **options) == message


def test_a_file_that_is_not_there_is_refused() -> None:
    for path, hint in (("none.csv", "; a relative path starts from the working directory"), ("/none.csv", "")):
        with pytest.raises(
            ValueError, match=rf"^{path}: expected a readable file, found No such file or directory{hint}$"
        ):
            Table(path, "kind")


def test_excel_and_european_files_are_read() -> None:
    text = b"\xef\xbb\xbf" + WORDS.replace(",", "; ").replace("\n", "\r\n").encode()
    problem = Table(write(text), "kind", separator=";")
    same = Table(write(WORDS, "plain.csv"), "kind")
    assert torch.equal(problem.features, same.features)
    assert torch.equal(problem.answers, same.answers)


def test_quoted_fields_may_hold_separators_and_lines() -> None:
    text = 'x,"the, kind"\n' + '1,"a\nb"\n2,"a, b"\n' * 5 + "3,\n"
    with pytest.raises(
        ValueError, match=r"^mine.csv: line 17: the, kind: expected a class, found nothing; leave the row out$"
    ):
        Table(write(text), "the, kind")
    assert Table(write(text.removesuffix("3,\n")), "the, kind").classes == 2


SPELLINGS = ["nan", "-NaN", "NA", "n/a", "#N/A", "#NA", "<NA>", "NaT", "null", "None", "?", "-", "1.#IND", "-1.#QNAN"]
CASES = sorted({case(spelling) for spelling in SPELLINGS for case in (str, str.lower, str.upper, str.title)})


@pytest.mark.parametrize("gap", CASES)
@pytest.mark.parametrize("values", ["ab", "01"])
def test_a_gap_in_the_target_is_no_class(gap: str, values: str) -> None:
    rows = [f"{number},{values[number % 2]}" for number in range(30)]
    rows[7] = f"7, {gap} "
    assert refused("x,kind\n" + "\n".join(rows)) == (
        f"mine.csv: line 9: kind: expected a class, found the gap {gap!r}; leave the row out, or rename the class if it"
        " is one"
    )


@pytest.mark.parametrize("gap", CASES)
def test_a_gap_in_the_target_is_no_number(gap: str) -> None:
    rows = [f"{number},{number / 2}" for number in range(30)]
    rows[7] = f"7,{gap}"
    assert refused("x,kind\n" + "\n".join(rows), task="regression") == (
        f"mine.csv: line 9: kind: expected a number, found the gap {gap!r}; leave the row out"
    )


@pytest.mark.parametrize("word", ["nanny", "Nat.", "nonesuch", "--", "n", "A", "nil", "no", "0"])
def test_a_class_that_resembles_a_gap_is_a_class(word: str) -> None:
    rows = [f"{number},{('a', word)[number % 2]}" for number in range(30)]
    assert Table(write("x,kind\n" + "\n".join(rows)), "kind").classes == 2


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_regular_file_is_not_waited_for(make: Callable[[str], None]) -> None:
    make("mine.csv")
    with pytest.raises(ValueError, match=r"^mine\.csv: expected a file, found what is no regular file$"):
        Table("mine.csv", "kind")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "measures",
            "baseline",
            "run.measures: expected measures that the model and the problem have,"
            " found: the measure baseline needs classes, found numbers that are predicted",
        ),
        (
            "loss",
            "cross_entropy",
            "run.loss: expected a loss that the prediction and the target fit,"
            " found: CrossEntropyLoss with a gradient of zero",
        ),
        (
            "loss",
            "binary_cross_entropy",
            "run.loss: expected a loss that the prediction and the target fit,"
            " found: targets from -1.59755 to 1.33229, which are no probabilities",
        ),
    ],
)
def test_what_numbers_have_no_use_for_is_refused(key: str, value: str, message: str, own_directory: Path) -> None:
    write(NUMBERS)
    text = STUDY.format(target="price", task="regression").replace("epochs", f'{key} = "{value}"\nepochs')
    study = studies.write(own_directory, text)
    with pytest.raises(InputError) as error:
        load(study)
    assert str(error.value) == f"{study}: {message}"
