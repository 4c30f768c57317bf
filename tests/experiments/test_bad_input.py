"""What a user gets wrong is one line that names file, key, what was expected and what was found; nothing is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cli import VERBS, main
from tests.experiments.studies import TINY, TUNED, write

ROOT = Path(__file__).parents[2]


def edited(old: str, new: str) -> str:
    assert old in TINY
    return TINY.replace(old, new)


REPORTED = """
[[reported]]
row = "r"
column = "c"
metric = "test_error"
runs = 1
quote = "q"
"""

CASES = {
    "unknown key of a study": (
        'sedes = 3\ntitle = "t"',
        "sedes: expected a key of a study, found 'sedes'; nearest: 'seeds'",
    ),
    "no title": ("seeds = 3", "title: expected a value, found none"),
    "unknown key of a run": (
        edited("epochs = 3", "epoch = 3"),
        "run.epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
    ),
    "misspelt optimizer": (
        edited('"adam"', '"adma"'),
        "grid[0].optimizer[1]: expected the name of a known optimizer, found 'adma'; nearest: 'adam'",
    ),
    "misspelt option": (
        edited("learning_rate = 0.1", "learning_rat = 0.1"),
        "grid[0].optimizer[0].learning_rat: expected an option of optimizer 'sgd', found 'learning_rat'; "
        "nearest: 'learning_rate'",
    ),
    "negative learning rate": (
        edited("learning_rate = 0.1", "learning_rate = -0.1"),
        "grid[0].optimizer[0]: SGD needs a finite learning_rate ≥ 0, found -0.1",
    ),
    "learning rate as text": (
        edited("learning_rate = 0.1", 'learning_rate = "0.1"'),
        "grid[0].optimizer[0].learning_rate: expected a number, found '0.1'",
    ),
    "batch size 0": (edited("batch_size = 10", "batch_size = 0"), "run.batch_size: expected a value ≥ 1, found 0"),
    "batch size beyond the data": (
        edited("batch_size = 10", "batch_size = 41"),
        "run.batch_size: expected at most problem.train (40), found 41",
    ),
    "fractional batch size": (
        edited("batch_size = 10", "batch_size = 2.5"),
        "run.batch_size: expected an integer, found 2.5",
    ),
    "empty grid": (
        edited('["relu", "tanh"]', "[]"),
        "grid[0].activation: expected at least one value, found an empty list",
    ),
    "wrong type in a dotted key": (
        edited("model.hidden = [4]", "model.hidden = 4"),
        "run.model.hidden: expected a list, found 4",
    ),
    "dotted key of a grid": (
        TINY + "problem.radius = [0.3, -1.0]",
        "grid[0].problem.radius[1]: disk needs radius > 0, found -1",
    ),
    "activations that do not fit": (
        edited('["relu", "tanh"]', '[["relu", "tanh"]]'),
        "run.model: mlp needs one activation or one per hidden layer (1), found 2",
    ),
    "dotted path that does not import": (
        edited('"relu"', '"nowhere.at_all:Swish"'),
        "grid[0].activation[0]: expected an importable module before the colon, found 'nowhere.at_all:Swish' "
        "(ModuleNotFoundError: No module named 'nowhere')",
    ),
    "dotted path to no class": (
        edited('"relu"', '"framework:ReLu"'),
        "grid[0].activation[0]: expected a class of framework, found 'ReLu'; nearest: 'ReLU'",
    ),
    "dotted path to another kind": (
        edited('"relu"', '"framework:SGD"'),
        "grid[0].activation[0]: expected a subclass of Module at 'framework:SGD', "
        "found <class 'framework.optimizers.sgd.SGD'>",
    ),
    "epochs twice": (
        edited("epochs = 3", "epochs = 3\ngradient_evaluations_per_sample = 3"),
        "run.gradient_evaluations_per_sample: expected it or epochs, which mean the same, found both",
    ),
    "no seeds": (
        edited("seeds = 5", "seeds = 0"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found 0",
    ),
    "a seed twice": (edited("seeds = 5", "seeds = [1, 1]"), "seeds: expected different seeds, found [1, 1]"),
    "a tuning seed": (
        edited("seeds = 5", "seeds = [100000000]"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found [100000000]",
    ),
    "seeds of a grid": (
        TINY + "seeds = true",
        "grid[0].seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found True",
    ),
    "not a number": (
        edited("learning_rate = 0.1", "learning_rate = nan"),
        "grid[0].optimizer[0].learning_rate: expected a finite number, found nan",
    ),
    "tuning without validation": (
        edited("validation = 20", "validation = 0").replace("learning_rate = 0.1", "momentum = 0.5")
        + "[tuning]\nlearning_rate = { sgd = [0.1, 0.2] }",
        "run.problem.validation: expected ≥ 1, as [tuning] selects on validation error, found 0",
    ),
    "tuning of an optimizer that is not there": (
        TINY + "[tuning]\nlearning_rate = { adam = [0.1], sdg = [0.1] }",
        "tuning.learning_rate.sdg: expected an optimizer of the grid, found 'sdg'; nearest: 'sgd'",
    ),
    "no rates to choose from": (
        TINY + "[tuning]\nlearning_rate = { adam = [] }",
        "tuning.learning_rate.adam: expected different rates > 0, found []",
    ),
    "untuned optimizer in a tuned study": (
        edited("learning_rate = 0.1", "momentum = 0.5") + "[tuning]\nlearning_rate = { adam = [0.1] }",
        "tuning.learning_rate: expected rates for the grid's optimizer 'sgd', found none",
    ),
    "unequal budgets": (
        TUNED.replace("[0.1, 1e30]", "[0.1]"),
        "tuning.learning_rate: expected as many rates for every optimizer, or unequal = true, found momentum 1, sgd 2",
    ),
    "reported number of no cell": (
        TINY + REPORTED + 'where = { optimizer = "nesterov" }\nstatistic = "single"\nvalue = 0.1',
        "reported[0].where: expected factors (activation, optimizer) of one cell, found 0 cells",
    ),
    "reported number of several cells": (
        TINY + REPORTED + 'where = { activation = "relu" }\nstatistic = "single"\nvalue = 0.1',
        "reported[0].where: expected factors (activation, optimizer) of one cell, found 2 cells",
    ),
    "a value too few": (
        TINY + REPORTED + 'where = {}\nstatistic = ["mean", "std"]\nvalue = 0.1',
        "reported[0]: expected a value per statistic (2), found 1",
    ),
    "unknown metric": (
        TINY + REPORTED.replace("test_error", "accuracy") + 'where = {}\nstatistic = "single"\nvalue = 0.1',
        "reported[0].metric: expected 'train_loss', 'train_error', 'validation_error', 'test_loss' or 'test_error', "
        "found 'accuracy'",
    ),
    "malformed TOML": ("title = ", "expected TOML, found: Invalid value (at end of document)"),
}


@pytest.mark.parametrize("case", CASES)
def test_malformed_study_is_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, expected = CASES[case]
    study = write(tmp_path, text)
    results = tmp_path / "results"
    assert main(["run", study, "--results", str(results), "--jobs", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"fairgrid: {study}: {expected}\n"
    assert printed.out == ""
    assert not results.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["run", "optimisers"],
            "expected a shipped study or a path ending in .toml, found 'optimisers'; nearest: 'optimizers'",
        ),
        (["run", "nowhere.toml"], "nowhere.toml: expected a study file, found none"),
        (["run", "optimizers", "--set", "epochs"], "--set: expected KEY=VALUE, found 'epochs'"),
        (
            ["run", "optimizers", "--set", "epochs=0"],
            "{studies}/optimizers.toml: --set epochs: expected a value ≥ 1, found 0",
        ),
        (
            ["run", "optimizers", "--set", "epoch=1"],
            "{studies}/optimizers.toml: --set epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
        ),
        (
            ["run", "optimizers", "--set", "batch_size=5"],
            "{studies}/optimizers.toml: --set batch_size: expected a key that no [[grid]] sets, found one of grid[0]",
        ),
        (["summarize"], "results/runs.csv: expected results of a grid, found no such file; `make grid` makes it"),
    ],
)
def test_wrong_argument_is_one_line(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    expected = expected.replace("{studies}", str(ROOT / "experiments" / "studies"))
    assert capsys.readouterr().err == f"fairgrid: {expected}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--seeds", "0"], "argument --seeds: expected an integer ≥ 1, found '0'"),
        (["run", "--jobs", "two"], "argument --jobs: expected an integer ≥ 1, found 'two'"),
        (
            ["run", "--numerics", "exact"],
            "argument --numerics: invalid choice: 'exact' (choose from 'portable', 'native')",
        ),
        (["rum"], f"argument VERB: invalid choice: 'rum' (choose from {', '.join(map(repr, VERBS))})"),
        (["run", "--seed", "3", "--job", "1", "--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_wrong_flag_is_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"fairgrid: {expected}; --help lists the options\n"


def test_binary_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"title = \xff")
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: expected UTF-8 text, found byte 0xff\n"


def test_folder_in_place_of_a_study_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "folder.toml"
    path.mkdir()
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: expected a readable file, found Is a directory\n"


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "none.toml"), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_help_is_at_once_and_a_wrong_study_within_four_seconds(tmp_path: Path) -> None:
    def seconds(*arguments: str) -> float:
        """Of processor time, so that what else the machine does has no say."""
        before = os.times()
        subprocess.run([sys.executable, "scripts/run_grid.py", *arguments], cwd=ROOT, capture_output=True, check=False)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    study = write(tmp_path, CASES["misspelt optimizer"][0])
    assert min(seconds("--help") for _ in range(3)) < 1
    assert min(seconds(study) for _ in range(3)) < 4
