"""From a study file to cells: crossed, united, merged, and told apart by their factors."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from fairgrid.experiments.errors import BadKeyError, InputError
from fairgrid.experiments.planning.plans import evaluation_plans
from fairgrid.experiments.study.declaration import Overrides
from fairgrid.experiments.study.loading import defaults, load, load_with, shipped
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.study.validation import matching
from tests.experiments import studies

HEAD = """
title = "t"
seeds = 3
[run]
problem = { name = "disk", train = 100, validation = 20 }
model = { name = "mlp", hidden = [4, 4] }
"""


def study_of(folder: Path, text: str, *sets: tuple[str, Any], seeds: int | None = None) -> Study:
    return load_with(studies.write(folder, HEAD + text), Overrides(seeds, dict(sets), "--set ", "--seeds"))


def values(study: Study, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(cell.factors[key] for key in keys) for cell in study.cells]


def test_axes_of_a_table_are_crossed(tmp_path: Path) -> None:
    study = study_of(
        tmp_path, '[[grid]]\nbatch_size = [1, 5, 25]\noptimizer = ["sgd", "adam"]\nshuffle = [true, false]'
    )
    expected = itertools.product([1, 5, 25], ["sgd", "adam"], [True, False])
    assert sorted(values(study, "batch_size", "optimizer", "shuffle")) == sorted(expected)
    for cell in study.cells:
        settings = cell.config
        assert (settings.batch_size, settings.optimizer.spec, settings.shuffle) == tuple(
            cell.factors[key] for key in ("batch_size", "optimizer", "shuffle")
        )
        assert cell.seeds == (0, 1, 2)


def test_tables_are_united_and_equal_cells_merged(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        """
[[grid]]
batch_size = [1, 5]
activation = ["relu", "tanh"]
[[grid]]
seeds = [1, 7]
batch_size = [5, 10]
activation = "tanh"
""",
    )
    seeds = {(cell.factors["batch_size"], cell.factors["activation"]): cell.seeds for cell in study.cells}
    own, both = (1, 7), (0, 1, 2, 7)
    assert seeds == {(1, "relu"): (0, 1, 2), (1, "tanh"): (0, 1, 2), (5, "relu"): (0, 1, 2)} | {
        (5, "tanh"): both,
        (10, "tanh"): own,
    }


def test_study_without_a_grid_is_one_cell(tmp_path: Path) -> None:
    study = study_of(tmp_path, "batch_size = 5")
    assert [cell.factors for cell in study.cells] == [{}]
    assert study.cells[0].config.batch_size == 5


def test_fixed_value_overrides_run_and_is_no_factor(tmp_path: Path) -> None:
    study = study_of(tmp_path, 'batch_size = 5\n[[grid]]\nbatch_size = 20\nactivation = ["relu", "tanh"]')
    assert [cell.config.batch_size for cell in study.cells] == [20, 20]
    assert [cell.factors for cell in study.cells] == [{"activation": "relu"}, {"activation": "tanh"}]


def test_dotted_keys_reach_inside_and_leave_the_rest(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[[grid]]\nproblem.radius = [0.2, 0.3]\nmodel.hidden = [[4], [5, 6]]")
    found = sorted(values(study, "problem.radius", "model.hidden"))
    assert found == [(0.2, [4]), (0.2, [5, 6]), (0.3, [4]), (0.3, [5, 6])]
    for cell in study.cells:
        problem = cell.config.build_problem()
        assert (problem.train, problem.validation) == (100, 20)


def test_nested_table_is_the_same_as_dotted_keys(tmp_path: Path) -> None:
    dotted = study_of(tmp_path, "[[grid]]\nproblem.radius = [0.2, 0.3]\nproblem.encoding = 'signed'")
    nested = study_of(tmp_path, "[[grid]]\n[grid.problem]\nradius = [0.2, 0.3]\nencoding = 'signed'")
    assert [cell.config for cell in nested.cells] == [cell.config for cell in dotted.cells]
    assert [cell.factors for cell in nested.cells] == [cell.factors for cell in dotted.cells]


def test_table_with_a_name_is_one_part_and_no_axis(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[[grid]]\nmodel = { name = 'mlp', hidden = [2, 3] }\nbatch_size = [1, 2]")
    assert [cell.factors for cell in study.cells] == [{"batch_size": 1}, {"batch_size": 2}]
    assert all(cell.config.model.option("hidden") == [2, 3] for cell in study.cells)


def test_whole_parts_and_their_options_cross_in_either_order(tmp_path: Path) -> None:
    whole, option = 'optimizer = ["sgd", "adam"]', "optimizer.learning_rate = [0.1, 0.2]"
    # TOML lets one table state both only if the dotted key is quoted
    study = study_of(tmp_path, f"[run.optimizer]\nname = 'sgd'\n[[grid]]\n{option}\nbatch_size = [1, 2]")
    assert sorted(values(study, "optimizer.learning_rate", "batch_size")) == [(0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)]
    quoted = study_of(tmp_path, f'[[grid]]\n"optimizer.learning_rate" = [0.1, 0.2]\n{whole}')
    assert sorted(values(quoted, "optimizer", "optimizer.learning_rate")) == [
        ("adam", 0.1),
        ("adam", 0.2),
        ("sgd", 0.1),
        ("sgd", 0.2),
    ]


def test_option_that_a_part_lacks_is_none(tmp_path: Path) -> None:
    text = '[[grid]]\noptimizer = "adam"\n[[grid]]\noptimizer = "sgd"\n"optimizer.momentum" = [0.5, 0.9]'
    study = study_of(tmp_path, text)
    assert values(study, "optimizer", "optimizer.momentum") == [("adam", None), ("sgd", 0.5), ("sgd", 0.9)]


def test_factors_keep_the_options_of_parts(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        '[[grid]]\noptimizer = [{ name = "adam", beta1 = 0.5 }, { name = "adam", beta1 = 0.9 }, "sgd"]\nepochs = 2',
    )
    assert values(study, "optimizer") == [({"name": "adam", "beta1": 0.5},), ("adam",), ("sgd",)]


def test_a_study_may_say_that_it_is_run_only_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairgrid.experiments.study.loading.SHIPPED", tmp_path)
    studies.write(tmp_path, 'title = "t"', "usual.toml")
    studies.write(tmp_path, 'title = "t"\ndefault = true', "usual_too.toml")
    studies.write(tmp_path, 'title = "t"\ndefault = false', "large.toml")
    assert shipped() == ["large", "usual", "usual_too"]
    assert defaults() == ["usual", "usual_too"]
    assert load("large").name == "large"


def test_factors_tell_cells_apart_in_every_shipped_study() -> None:
    for name in shipped():
        study = load(name)
        found = [str(sorted(cell.factors.items(), key=str)) for cell in study.cells]
        assert len(set(found)) == len(study.cells), name


def test_early_stopping_may_vary(tmp_path: Path) -> None:
    inside = study_of(tmp_path, "[[grid]]\nstopping.patience = [3, 9]")
    assert values(inside, "stopping.patience") == [(3,), (9,)]
    whole = study_of(
        tmp_path, "[[grid]]\nstopping = [{ patience = 3 }, { patience = 9, restore_best = true }]\n[[grid]]"
    )
    assert [factor for (factor,) in values(whole, "stopping")] == [
        {"patience": 3, "restore_best": False},
        {"patience": 9, "restore_best": True},
        None,
    ]


def test_both_words_for_epochs_override_each_other(tmp_path: Path) -> None:
    study = study_of(tmp_path, "epochs = 7\n[[grid]]\ngradient_evaluations_per_sample = [2, 3]")
    assert [cell.config.epochs for cell in study.cells] == [2, 3]
    assert values(study, "gradient_evaluations_per_sample") == [(2,), (3,)]


def test_set_overrides_what_all_runs_share(tmp_path: Path) -> None:
    text = "gradient_evaluations_per_sample = 7\n[[grid]]\nbatch_size = [1, 2]"
    study = study_of(tmp_path, text, ("epochs", 2), ("problem.train", 50), ("model.hidden", [3]))
    assert values(study, "batch_size") == [(1,), (2,)]
    for cell in study.cells:
        settings = cell.config
        assert (settings.epochs, settings.build_problem().train) == (2, 50)
        assert settings.build_problem().validation == 20
        assert settings.model.option("hidden") == [3]


def test_count_of_seeds_replaces_every_grids_own(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[[grid]]\nbatch_size = [1, 2]\n[[grid]]\nseeds = [5, 9]\nbatch_size = 3", seeds=2)
    assert {cell.seeds for cell in study.cells} == {(0, 1)}


TUNED = "[tuning]\nlearning_rate = { sgd = [0.01, 0.1], adam = [0.001] }\nseeds = 4\nunequal = true\n"


def test_cells_without_a_learning_rate_of_their_own_are_tuned(tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\noptimizer = ["sgd", "adam", { name = "sgd", learning_rate = 0.5 }]\n' + TUNED)
    assert [cell.rates for cell in study.cells] == [(0.01, 0.1), (0.001,), ()]
    assert len(study.tuning_seeds) == 4
    tuned = study.cells[0]
    for rate in tuned.rates:
        at_rate = tuned.at_rate(rate)
        assert at_rate.optimizer.option("learning_rate") == rate
        assert {**at_rate.canonical, "optimizer": "sgd"} == {**tuned.config.canonical, "optimizer": "sgd"}


def test_baseline_is_every_tuned_cell_at_the_default_rate(tmp_path: Path) -> None:
    grid = '[[grid]]\noptimizer = ["sgd", "adam", { name = "sgd", learning_rate = 0.5 }]\n'
    study = study_of(tmp_path, grid + TUNED + "baseline = true\n")
    assert [(cell.config.optimizer.spec, cell.factors["tuned"], cell.rates) for cell in study.cells] == [
        ("sgd", True, (0.01, 0.1)),
        ("sgd", False, ()),
        ("adam", True, (0.001,)),
        ("adam", False, ()),
        ({"learning_rate": 0.5, "name": "sgd"}, False, ()),
    ]
    plans = evaluation_plans(study, {}, "portable")
    assert {plan.run.config.optimizer.option("learning_rate") for plan in plans} == {0.001, 0.5}
    assert len(matching(study, {"optimizer": "adam", "tuned": False})) == 1


def test_learning_rate_as_an_axis_is_not_tuned(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        "[[grid]]\noptimizer.learning_rate = [0.1, 0.2]\n[[grid]]\noptimizer = 'adam'\n"
        + TUNED.replace("sgd = [0.01, 0.1], ", ""),
    )
    assert [cell.rates for cell in study.cells] == [(), (), (0.001,)]


@pytest.mark.parametrize(
    "where",
    [
        {"optimizer": "adam", "batch_size": 1},
        {"optimizer": {"name": "adam", "beta1": 0.9}, "batch_size": 1},
        {"optimizer": {"beta2": 0.999, "name": "adam"}, "batch_size": 1.0},
    ],
)
def test_where_may_write_defaults_out(where: dict[str, Any], tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\noptimizer = ["adam", { name = "adam", beta1 = 0.5 }]\nbatch_size = [1, 2]')
    (cell,) = matching(study, where)
    assert cell.factors == {"optimizer": "adam", "batch_size": 1}


def test_where_narrows_down(tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\noptimizer = ["adam", "sgd"]\nmodel.hidden = [[4], [5]]')
    assert len(matching(study, {})) == 4
    assert len(matching(study, {"optimizer": "sgd"})) == 2
    assert len(matching(study, {"optimizer": "sgd", "model.hidden": [5]})) == 1
    assert matching(study, {"batch_size": 10}) == []
    with pytest.raises(BadKeyError, match=r"^optimizer: expected the name of a known optimizer, found 'sdg'"):
        matching(study, {"optimizer": "sdg"})


REPORTED = """
[[reported]]
where = {{ batch_size = {size} }}
metric = "test_error"
statistic = "mean"
value = 0.1
runs = 3
row = "r"
column = "c"
quote = "{quote}"
reading = "{reading}"
primary = {primary}
"""


@pytest.mark.parametrize(
    ("primaries", "problem"),
    [
        (["true", "false"], None),
        (["false", "true"], None),
        (["true", "true"], "reported[0].primary: expected one primary reading of 'Table 1', found 2"),
        (["false", "false"], "reported[0].primary: expected one primary reading of 'Table 1', found 0"),
    ],
)
def test_every_quoted_number_has_one_primary_reading(primaries: list[str], problem: str | None, tmp_path: Path) -> None:
    text = "[[grid]]\nbatch_size = [1, 2]\n" + "".join(
        REPORTED.format(size=size, quote="Table 1", reading=f"reading {size}", primary=primary)
        for size, primary in enumerate(primaries, 1)
    )
    if problem is None:
        assert [reported.primary for reported in study_of(tmp_path, text).reported] == [p == "true" for p in primaries]
        return
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, text)
    assert str(refused.value) == f"{tmp_path / 'study.toml'}: {problem}"


@pytest.mark.parametrize("name", shipped())
def test_shipped_study_loads(name: str) -> None:
    study = load(name)
    assert study.name == name
    assert study.title
    assert study.cells
    for reported in study.reported:
        assert len(matching(study, reported.where)) == 1
    fewer = load(name, seeds=2)
    assert [cell.config for cell in fewer.cells] == [cell.config for cell in study.cells]
    assert {cell.seeds for cell in fewer.cells} == {(0, 1)}
    assert load(name, overrides={"checkpoints": 1}).cells


def test_flagship_has_the_cells_that_it_is_about() -> None:
    study = load("optimizers")
    assert {
        (cell.factors["activation"], cell.factors["batch_size"], cell.factors["optimizer"]) for cell in study.cells
    } == set(itertools.product(["relu", "leaky_relu", "tanh", "sigmoid"], [1, 10, 100], ["sgd", "momentum", "adam"]))
    assert all(len(cell.rates) == 3 and cell.config.epochs == 100 for cell in study.cells)


def test_quoted_and_nested_dotted_keys_mean_the_same(tmp_path: Path) -> None:
    nested, quoted = (
        [cell.factors for cell in study_of(tmp_path, f"[[grid]]\n{key} = [[0.0, 0.0], [0.5, 0.5]]").cells]
        for key in ("problem.center", '"problem.center"')
    )
    assert nested == quoted == [{"problem.center": [0.0, 0.0]}, {"problem.center": [0.5, 0.5]}]


def test_axis_of_one_value_is_no_factor(tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\nactivation = ["relu"]\nepochs = [1, 2]')
    assert [cell.factors for cell in study.cells] == [{"epochs": 1}, {"epochs": 2}]


@pytest.mark.parametrize("name", shipped())
def test_study_of_a_report_names_its_source(name: str) -> None:
    assert bool(load(name).source) == name.startswith("report_")
