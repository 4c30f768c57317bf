"""A metric of which more is better is judged the right way round, wherever it is judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.analysis.comparisons import comparisons_table
from fairgrid.experiments.analysis.effects import effects_table
from fairgrid.experiments.analysis.robustness import stability_table
from fairgrid.experiments.config.catalogue import metrics_of_measure
from fairgrid.experiments.config.registry import MEASURE as MEASURE_KIND
from fairgrid.experiments.config.registry import imported
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.sentences import comparison_sentences, effect_sentences
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study

MEASURE = """
from fairgrid.experiments.config.metrics import Measure


class Named(Measure):
    gives = ({name!r},)
    direction = {direction!r}

    def __call__(self, model, problem, data):
        return {{{name!r}: data["test"].label.double().mean(-1)}}
"""
TEXT = """
title = "Which way"
seeds = 8
[run]
problem = {{ name = "disk", train = 40, test = 30, validation = 0 }}
model = {{ name = "mlp", hidden = [3] }}
measures = ["{module}:Named"]
epochs = 1
checkpoints = 1
[[grid]]
optimizer = ["sgd", "adam"]
activation = ["relu", "tanh"]
[comparison]
metric = "{metric}"
region = 0.5
{more}
"""
MEASURES = tuple(MEASURE_KIND.names)
TURNED = {
    "wide_low": "wide_high",
    "wide_high": "wide_low",
    "mean_difference": "mean_difference",
    "ci_low": "ci_high",
    "ci_high": "ci_low",
    "estimate": "estimate",
}
TURNED |= {"context_low": "context_high", "context_high": "context_low"}


def study_of(folder: Path, metric: str, more: str = "", direction: Any = "") -> Study:
    module = f"measure_of_{metric}"
    (folder / f"{module}.py").write_text(MEASURE.format(name=metric, direction=direction))
    path = folder / f"{metric}.toml"
    path.write_text(TEXT.format(module=module, metric=metric, more=more))
    return load(path)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Study, Study, Study]:
    """Studies of a cost and of a gain, then the same with a declared value of diverged runs."""
    stated = [("cost", "min", ""), ("gain", "max", ""), ("cost", "min", "worst = 9"), ("gain", "max", "worst = -9")]
    made = [
        study_of(tmp_path_factory.mktemp("direction"), metric, f'direction = "{direction}"\n{worst}')
        for metric, direction, worst in stated
    ]
    return made[0], made[1], made[2], made[3]


def runs_of(study: Study, values: np.ndarray, diverged: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "run_id": f"{number}-{seed}",
            "phase": "evaluation",
            "factors": factors_text(cell.factors),
            "seed": seed,
            "status": "diverged" if diverged[number, seed] else "ok",
            study.comparison.metric: np.nan if diverged[number, seed] else values[number, seed],
        }
        for number, cell in enumerate(study.cells)
        for seed in range(values.shape[1])
    ]
    return pd.DataFrame(rows)


def mirrored(table: pd.DataFrame) -> pd.DataFrame:
    turned = {name: 0.0 - table[TURNED[name]] for name in TURNED if name in table}
    return table.assign(metric="cost", **turned)


outcomes = st.lists(
    st.tuples(st.integers(-8, 8), st.booleans(), st.integers(0, 4)), min_size=4 * 8, max_size=4 * 8
).map(lambda drawn: np.array(drawn).reshape(4, 8, 3))


@given(drawn=outcomes, shift=st.sampled_from([0, 3, -6]), declared=st.booleans())
def test_turning_the_sign_of_a_metric_and_its_direction_changes_no_verdict(
    both: tuple[Study, Study, Study, Study], drawn: np.ndarray, shift: int, declared: bool
) -> None:
    cost, gain = both[2:] if declared else both[:2]
    values = np.clip(drawn[..., 0] + shift * np.arange(4)[:, None] / 3, -9, 9)
    diverged = (drawn[..., 1] > 0) & (drawn[..., 2] == 0)
    less, more = runs_of(cost, values, diverged), runs_of(gain, -values, diverged)
    tables = comparisons_table(cost, less), mirrored(comparisons_table(gain, more))
    pd.testing.assert_frame_equal(tables[0], tables[1].assign(study="cost"), rtol=1e-12, atol=1e-12)
    effects = effects_table(cost, less), effects_table(gain, more)
    pd.testing.assert_frame_equal(effects[0], mirrored(effects[1]).assign(study="cost"), rtol=1e-12, atol=1e-12)
    none = pd.DataFrame({"run_id": [], "test_error": []})
    words = [
        stability_table(study, runs, comparisons_table(study, runs), none).drop(columns=["study", "metric"])
        for study, runs in ((cost, less), (gain, more))
    ]
    pd.testing.assert_frame_equal(*words)
    decided = tables[0]["verdict"].isin(["better", "worse"]).all()
    if decided:  # "a is better than b by 3 (2 to 4; …)" is said of both
        assert comparison_sentences(cost, tables[0]) == comparison_sentences(gain, comparisons_table(gain, more))
    if decided and effects[0]["verdict"].isin(["better", "worse"]).all():
        assert effect_sentences(effects[0]) == effect_sentences(effects[1])


def test_the_greater_score_is_better_and_a_diverged_run_has_the_worst(
    both: tuple[Study, Study, Study, Study], tmp_path: Path
) -> None:
    gain = both[1]
    values = np.array([[1.0] * 8, [2.0] * 8, [5.0] * 8, [5.5] * 8]) + np.arange(8) / 100
    nothing = np.zeros((4, 8), bool)
    verdicts = comparisons_table(gain, runs_of(gain, values, nothing)).set_index(["a", "b", "context"])["verdict"]
    assert verdicts["sgd", "adam", "activation=relu"] == "worse"
    assert verdicts["relu", "tanh", "optimizer=sgd"] == "worse"
    lost = nothing.copy()
    lost[3] = True
    accuracy = study_of(tmp_path, "accuracy", 'direction = "max"')
    table = comparisons_table(accuracy, runs_of(accuracy, values, lost)).set_index(["a", "b", "context"])
    row = table.loc["relu", "tanh", "optimizer=adam"]
    assert row["verdict"] == "better"
    assert row["mean_difference"] == pytest.approx(5 + 0.035)  # a fraction is 0 at worst


@pytest.mark.parametrize(
    "metric", ["accuracy", "f1_macro", "top5Accuracy", "mean_return", "reward", "r2", "roc_auc", "score", "recall_loss"]
)
def test_names_of_scores_without_a_direction_are_refused_with_the_question(metric: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, metric)
    assert "comparison.direction" in str(refused.value)
    assert f"less or more of {metric} is better" in str(refused.value)
    assert direction_of(study_of(tmp_path, metric, 'direction = "max"')) == "max"


@pytest.mark.parametrize(
    ("metric", "direction", "expected"),
    [
        ("worst_class_error", "", "min"),
        ("hinge_loss", "", "min"),
        ("depth", "max", "max"),
        ("depth", {"depth": "max", "other": "min"}, "max"),
        ("hinge_loss", "max", "max"),
    ],
)
def test_a_direction_is_that_of_the_measure_or_of_an_error_or_loss(
    metric: str, direction: Any, expected: str, tmp_path: Path
) -> None:
    assert direction_of(study_of(tmp_path, metric, "", direction)) == expected


@pytest.mark.parametrize(
    ("metric", "more", "direction", "key"),
    [
        ("depth", "", "", "comparison.direction"),
        ("depth", 'direction = "min"', "max", "comparison.direction"),
        ("depth", "", "maximize", "measures"),
        ("test_error", 'direction = "max"', "", "comparison.direction"),
        ("steps", 'direction = "max"', "", "comparison.direction"),
        ("test_error", "worst = 0.5", "", "comparison.worst"),
    ],
)
def test_what_is_not_known_or_contradicts_is_refused(
    metric: str, more: str, direction: Any, key: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f" {key}: expected "):
        study_of(tmp_path, metric, more, direction)


def test_a_run_that_is_worse_than_what_a_diverged_one_counts_as_is_said(
    both: tuple[Study, Study, Study, Study], tmp_path: Path
) -> None:
    lost = np.zeros((4, 8), bool)
    lost[0, 0] = True
    for study, value in ((both[2], 10.0), (both[3], -10.0), (study_of(tmp_path, "own_error"), 1.5)):
        with pytest.raises(InputError, match=rf"expected no {study.comparison.metric} worse than .*, found {value:g};"):
            comparisons_table(study, runs_of(study, np.full((4, 8), value), lost))
        comparisons_table(study, runs_of(study, np.full((4, 8), value), np.zeros((4, 8), bool)))


@pytest.mark.parametrize("metric", [name for measure in MEASURES for name in metrics_of_measure(measure)])
def test_every_measure_of_the_library_says_which_way_its_numbers_are_better(metric: str) -> None:
    (measure,) = [name for name in MEASURES if metric in metrics_of_measure(name)]
    comparison = {"metric": metric, "region": 0.1}
    study = Study.from_dict({"title": "", "run": {"measures": [measure]}, "comparison": comparison}, "measured")
    assert direction_of(study) == imported(MEASURE_KIND.names[measure].path).direction == "min"
