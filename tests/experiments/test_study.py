"""From a study file to cells: crossed, united, factors, tuning, what --set overrides."""

from pathlib import Path
from typing import Any

import pytest

from experiments.errors import InputError
from experiments.seeds import TUNING_BLOCK
from experiments.settings import Settings
from experiments.study import load, matching, shipped
from tests.experiments.studies import TUNED, write


def study_of(tmp_path: Path, body: str, **options: Any):
    return load(write(tmp_path, f'title = "t"\n{body}'), **options)


def factors(tmp_path: Path, body: str) -> list[dict[str, Any]]:
    return [cell.factors for cell in study_of(tmp_path, body).cells]


def test_axes_of_a_grid_are_crossed(tmp_path: Path) -> None:
    found = factors(tmp_path, '[[grid]]\nactivation = ["relu", "tanh"]\nbatch_size = [1, 2, 5]')
    assert len(found) == 6
    assert {"activation": "tanh", "batch_size": 5} in found


def test_grids_are_united_and_a_configuration_in_both_is_one_cell_with_the_seeds_of_both(tmp_path: Path) -> None:
    study = study_of(
        tmp_path, "[[grid]]\nseeds = [0, 1]\nbatch_size = [1, 2]\n[[grid]]\nseeds = [1, 7]\nbatch_size = [2, 5]"
    )
    assert {cell.factors["batch_size"]: cell.seeds for cell in study.cells} == {1: (0, 1), 2: (0, 1, 7), 5: (1, 7)}


def test_what_does_not_vary_is_no_factor(tmp_path: Path) -> None:
    assert factors(tmp_path, '[[grid]]\nbatch_size = 5\nactivation = ["relu"]\nepochs = [1, 2]') == [
        {"epochs": 1},
        {"epochs": 2},
    ]


def test_dotted_key_reaches_inside_after_the_whole_part_is_set(tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\n"optimizer.learning_rate" = [0.1, 0.2]\noptimizer = ["sgd", "adam"]')
    optimizers = [Settings(**cell.config).optimizer for cell in study.cells]
    assert {(spec["name"], spec["learning_rate"]) for spec in optimizers} == {
        (name, rate) for name in ("sgd", "adam") for rate in (0.1, 0.2)
    }
    assert study.cells[0].factors == {"optimizer": "sgd", "optimizer.learning_rate": 0.1}


def test_quoted_and_nested_dotted_keys_mean_the_same(tmp_path: Path) -> None:
    nested = factors(tmp_path, "[[grid]]\nproblem.center = [[0.0, 0.0], [0.5, 0.5]]")
    quoted = factors(tmp_path, '[[grid]]\n"problem.center" = [[0.0, 0.0], [0.5, 0.5]]')
    assert nested == quoted == [{"problem.center": [0.0, 0.0]}, {"problem.center": [0.5, 0.5]}]


def test_option_that_a_part_does_not_have_is_none_among_factors(tmp_path: Path) -> None:
    found = factors(
        tmp_path, '[[grid]]\noptimizer = "adam"\n[[grid]]\noptimizer = "sgd"\n"optimizer.momentum" = [0.5, 0.9]'
    )
    assert [each["optimizer.momentum"] for each in found] == [None, 0.5, 0.9]


def test_grid_takes_the_place_of_what_all_runs_share(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[run]\ngradient_evaluations_per_sample = 7\n[[grid]]\nepochs = [1, 2]")
    assert [Settings(**cell.config).epochs for cell in study.cells] == [1, 2]


def test_assignments_override_what_all_runs_share(tmp_path: Path) -> None:
    body = "[run]\ngradient_evaluations_per_sample = 7\nproblem = { name = 'disk', train = 50 }"
    cell = study_of(tmp_path, body, assignments=[("epochs", 3), ("problem.test", 20)]).cells[0]
    assert Settings(**cell.config).epochs == 3
    assert Settings(**cell.config).problem == {"name": "disk", "train": 50, "test": 20}


def test_seeds_option_overrides_every_grid(tmp_path: Path) -> None:
    study = study_of(tmp_path, "seeds = 9\n[[grid]]\nseeds = [4]\nbatch_size = [1, 2]", seeds=2)
    assert {cell.seeds for cell in study.cells} == {(0, 1)}


def test_cell_with_a_learning_rate_of_its_own_is_not_tuned(tmp_path: Path) -> None:
    study = load(write(tmp_path, TUNED))
    assert {str(cell.factors["optimizer"]): cell.rates for cell in study.cells} == {
        "sgd": (0.01, 0.1),
        "momentum": (0.1, 1e30),
        "{'name': 'adam', 'learning_rate': 0.5}": (),
    }


def test_no_tuning_seed_is_an_evaluation_seed(tmp_path: Path) -> None:
    study = load(write(tmp_path, TUNED))
    assert len(study.tuning_seeds) == 3
    assert min(study.tuning_seeds) >= TUNING_BLOCK > max(seed for cell in study.cells for seed in cell.seeds)


def test_cells_are_found_by_factors_with_defaults_written_out(tmp_path: Path) -> None:
    study = study_of(tmp_path, '[[grid]]\noptimizer = ["momentum", { name = "momentum", momentum = 0.5 }]')
    found = matching(study, {"optimizer": {"name": "momentum", "momentum": 0.9}})
    assert [cell.factors for cell in found] == [{"optimizer": "momentum"}]


@pytest.mark.parametrize("name", shipped())
def test_shipped_study_loads_and_names_a_report_if_it_is_one(name: str) -> None:
    study = load(name)
    assert study.cells
    assert bool(study.source) == name.startswith("report_")


def test_two_primary_readings_of_one_number_are_refused(tmp_path: Path) -> None:
    reported = (
        '[[reported]]\nrow = "r"\ncolumn = "c"\nwhere = {}\nmetric = "test_error"\nstatistic = "single"\n'
        'value = 0.1\nruns = 1\nquote = "q"\n'
    )
    with pytest.raises(InputError, match=r"reported\[0\].primary: expected one primary reading of 'q', found 2$"):
        study_of(tmp_path, reported + reported.replace("[[reported]]", '[[reported]]\nreading = "b"'))
