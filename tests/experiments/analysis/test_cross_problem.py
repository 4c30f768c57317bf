"""Tables of ranks across problems, by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fairgrid.experiments.analysis.cross_problem import across_table, layouts, scores_table
from fairgrid.experiments.analysis.statistics.signflip import holm
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

SIX = ["circles", "disk", "iris", "line", "moons", "wine"]
# mean test errors of sgd, momentum and adam by problem
ERRORS: dict[str, tuple[float, float, float]] = {
    "circles": (0.50, 0.20, 0.10),
    "disk": (0.40, 0.31, 0.12),
    "iris": (0.30, 0.31, 0.08),
    "line": (0.20, 0.13, 0.0),
    "moons": (0.25, 0.11, 0.05),
    "wine": (0.35, 0.21, 0.11),
    "breast_cancer": (0.15, 0.12, 0.02),
}


def study_of(folder: Path, problems: list[str], more: str = "") -> Study:
    text = f'title = "Problems"\nseeds = 2\n[[grid]]\nproblem = [{", ".join(problems)}]\n'
    return load(studies.write(folder, text + 'optimizer = ["sgd", "momentum", "adam"]\n' + more))


def quoted(names: list[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def runs_of(study: Study, errors: dict[str, tuple[float, ...]] = ERRORS) -> pd.DataFrame:
    """Two runs of every cell around its error."""
    rows: list[dict[str, Any]] = []
    for cell in study.cells:
        problem = cell.factors["problem"]
        name = problem if isinstance(problem, str) else problem["name"]
        error = errors[name][["sgd", "momentum", "adam"].index(cell.factors["optimizer"])]
        for seed in (0, 1):
            row = {"factors": factors_text(cell.factors), "phase": "evaluation", "seed": seed, "status": "ok"}
            rows.append(row | {"test_error": error * (0.9, 1.1)[seed]})
    return pd.DataFrame(rows)


def test_six_problems_by_hand(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX))
    table = across_table(study, runs_of(study))
    errors = np.array([ERRORS[name] for name in SIX])
    assert table[["a", "b"]].to_numpy().tolist() == [["sgd", "momentum"], ["sgd", "adam"], ["momentum", "adam"]]
    assert (table["n_problems"] == 6).all()
    assert table[["wins", "losses", "ties"]].to_numpy().tolist() == [[1, 5, 0], [0, 6, 0], [0, 6, 0]]
    assert table["mean_rank_a"].tolist() == pytest.approx([17 / 6, 17 / 6, 13 / 6])
    assert table["mean_rank_b"].tolist() == pytest.approx([13 / 6, 1, 1])
    friedman = stats.friedmanchisquare(*errors.T)
    assert table["friedman_p"].tolist() == pytest.approx([friedman.pvalue] * 3)
    exact = [stats.wilcoxon(errors[:, i], errors[:, j], method="exact").pvalue for i, j in ((0, 1), (0, 2), (1, 2))]
    assert table["p_value"].tolist() == pytest.approx(exact)
    assert table["p_holm"].tolist() == pytest.approx(holm(np.array(exact)))
    # 2 of 2⁶ patterns, times three pairs, is above 5 %: six problems can never decide between three optimizers
    assert table["verdict"].tolist() == ["too few problems: needs ≥ 7 that differ, found 6"] * 3


def test_seven_problems_can_decide(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted([*SIX, "breast_cancer"]))
    table = across_table(study, runs_of(study))
    assert table["p_value"].tolist() == pytest.approx([4 / 128, 2 / 128, 2 / 128])
    assert table["p_holm"].tolist() == pytest.approx([6 / 128] * 3)
    assert table["verdict"].tolist() == ["worse"] * 3
    swapped = {name: errors[::-1] for name, errors in ERRORS.items()}
    mirrored = across_table(study, runs_of(study, swapped))
    assert mirrored.loc[1, "verdict"] == "better"
    assert mirrored.loc[1, "p_value"] == table.loc[1, "p_value"]
    assert mirrored.loc[1, "median_difference"] == -table.loc[1, "median_difference"]


def test_the_better_of_two_is_what_their_test_says_whatever_a_third_does(tmp_path: Path) -> None:
    """On three of eight problems sgd is the last by little, on five it is far better than momentum."""
    names = [*SIX, "breast_cancer", "digits"]
    study = study_of(tmp_path, quoted(names), "[comparison]\nlevel = 0.5\n")
    errors = dict.fromkeys(names[:3], (0.202, 0.2, 0.201)) | dict.fromkeys(names[3:], (0.1, 0.4, 0.5))
    row = across_table(study, runs_of(study, errors)).iloc[0]
    assert (row["wins"], row["losses"]) == (5, 3)
    assert row["mean_rank_a"] > row["mean_rank_b"]
    assert row["verdict"] == "better"


def test_five_problems_are_refused_with_the_reason(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX[:5]))
    table = across_table(study, runs_of(study))
    assert table["verdict"].tolist() == ["refused: needs at least 6 problems, found 5"] * 3
    assert table[["friedman_p", "p_value", "p_holm"]].isna().all(axis=None)
    assert table["losses"].tolist() == [4, 5, 5]  # what was seen is told


def test_variants_of_a_problem_are_one(tmp_path: Path) -> None:
    variants = [*quoted(SIX[1:]), '{ name = "disk", radius = 0.2 }', '{ name = "disk", center = [0.0, 0.0] }']
    study = study_of(tmp_path, variants)
    runs = runs_of(study)
    disk = runs["factors"].str.contains("center")
    runs.loc[disk, "test_error"] += 0.3
    scores = scores_table(study, runs).set_index(["problem", "level"])
    assert scores.index.get_level_values("problem").nunique() == 5
    assert scores.loc[("disk", "sgd"), "test_error"] == pytest.approx((0.4 + 0.4 + 0.7) / 3)
    assert scores.loc[("disk", "sgd"), "n_planned"] == 6
    assert set(across_table(study, runs)["verdict"]) == {"refused: needs at least 6 problems, found 5"}


def test_ranks_and_ratios_by_hand(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX))
    scores = scores_table(study, runs_of(study)).set_index(["problem", "level"])
    assert scores.loc["iris", "rank"].tolist() == [2, 3, 1]
    assert scores.loc["iris", "ratio"].tolist() == pytest.approx([0.30 / 0.08, 0.31 / 0.08, 1])
    # Adam makes no error on the line, of 200 test points: half a percent is the least that counts
    assert scores.loc["line", "ratio"].tolist() == pytest.approx([0.2 / 0.005, 0.13 / 0.005, 1])


def test_a_diverged_run_is_an_error_of_one(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX))
    runs = runs_of(study)
    runs.loc[0, ["status", "test_error"]] = "diverged", float("nan")
    scores = scores_table(study, runs)
    assert scores.loc[0, "test_error"] == pytest.approx((1 + 0.55) / 2)
    assert scores.loc[0, ["n_ok", "n_diverged"]].tolist() == [1, 1]


@pytest.mark.parametrize("status", ["planned", "error", "timeout"])
def test_runs_without_an_outcome_leave_no_verdict(tmp_path: Path, status: str) -> None:
    study = study_of(tmp_path, quoted(SIX))
    runs = runs_of(study)
    runs.loc[0, ["status", "test_error"]] = status, float("nan")
    table = across_table(study, runs)
    assert set(table["verdict"]) == {"incomplete"}
    assert table[["wins", "mean_rank_a", "friedman_p", "p_value", "p_holm"]].isna().all(axis=None)


def test_a_context_that_is_incomplete_makes_no_other_difference_easier_to_find(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted([*SIX, "breast_cancer"]), "batch_size = [1, 10]\n")
    whole = runs_of(study)
    lost = whole.index[whole["factors"].str.contains('"batch_size":10')][0]
    holed = whole.copy()
    holed.loc[lost, ["status", "test_error"]] = "error", float("nan")
    before, after = (across_table(study, runs).query("factor == 'optimizer'") for runs in (whole, holed))
    assert set(after["verdict"].iloc[3:]) == {"incomplete"}
    assert (after["p_holm"].iloc[:3] >= before["p_holm"].iloc[:3]).all()


def test_other_factors_are_contexts_and_their_pairs_one_family(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted([*SIX, "breast_cancer"]), "batch_size = [1, 10]\n")
    table = across_table(study, runs_of(study))
    optimizers, batches = table[table["factor"] == "optimizer"], table[table["factor"] == "batch_size"]
    assert optimizers["context"].unique().tolist() == ["batch_size=1", "batch_size=10"]
    np.testing.assert_allclose(optimizers["p_holm"].astype(float), holm(optimizers["p_value"].to_numpy(float)))
    assert len(batches) == 3  # an optimizer each
    assert (batches["ties"] == 7).all()
    assert batches["friedman_p"].isna().all()  # two levels
    assert batches["verdict"].str.startswith("too few problems: needs ≥ 7 that differ, found 0").all()


def test_problems_that_lack_a_level_are_left_out(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX), '[[grid]]\nproblem = "digits"\noptimizer = "sgd"\n')
    (layout,) = layouts(study)
    assert list(layout.cells) == SIX
    assert layout.levels == ["sgd", "momentum", "adam"]


def test_order_of_rows_changes_no_byte_and_a_constant_no_verdict(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted([*SIX, "breast_cancer"]))
    runs = runs_of(study)
    mixed = runs.sample(frac=1, random_state=3)
    table = across_table(study, runs)
    assert across_table(study, mixed).to_csv() == table.to_csv()
    assert scores_table(study, mixed).to_csv() == scores_table(study, runs).to_csv()
    raised = across_table(study, runs.assign(test_error=runs["test_error"] + 0.25))
    same = ["wins", "losses", "ties", "mean_rank_a", "p_value", "p_holm", "verdict"]
    assert raised[same].to_csv() == table[same].to_csv()


@pytest.mark.parametrize("problems", [['"disk"'], ['"disk"', '{ name = "disk", radius = 0.2 }']])
def test_one_problem_is_not_compared_across(tmp_path: Path, problems: list[str]) -> None:
    study = study_of(tmp_path, problems)
    assert layouts(study) == []
    assert len(across_table(study, pd.DataFrame({"phase": [], "factors": []}))) == 0


def test_levels_whose_runs_all_diverged_are_neither_equivalent_nor_different(tmp_path: Path) -> None:
    study = study_of(tmp_path, quoted(SIX))
    runs = runs_of(study)
    lost = ~runs["factors"].str.contains("adam")
    runs = runs.assign(status=np.where(lost, "diverged", "ok"), test_error=runs["test_error"].where(~lost))
    table = across_table(study, runs)
    both = table[(table["a"] == "sgd") & (table["b"] == "momentum")].iloc[0]
    assert both["verdict"].startswith("too few problems: needs ≥ ")
    assert both["verdict"].endswith(" that differ, found 0")
