"""Reported against reproduced: tails of statistics, verdicts, claims."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import Evidence
from experiments.reproduction import COLUMNS, cell_values, reproduction_table
from experiments.study import Study, load
from experiments.tables import factors_text
from tests.experiments.studies import write

STUDY = """
title = "t"
seeds = 40
[[grid]]
activation = ["relu", "tanh"]
"""
NUMBER = """
[[reported]]
row = "r"
column = "c"
where = { activation = "relu" }
metric = "test_error"
statistic = "single"
value = 0.10
runs = 1
quote = "q"
"""


def claim(**keys: Any) -> str:
    given = {"quote": "q", "test": "difference", "metric": "test_error", "claim": "less"} | keys
    lines = [f"{key} = {value if isinstance(value, (float, list)) else repr(value)}" for key, value in given.items()]
    against = "" if given["test"] == "share" or "against_metric" in given else '\nagainst = { activation = "tanh" }'
    return "\n[[claim]]\n" + "\n".join(lines) + '\nwhere = { activation = "relu" }' + against + "\n"


def study_of(tmp_path: Path, extra: str) -> Study:
    return load(write(tmp_path, STUDY + extra))


def evidence_of(
    relu: np.ndarray,
    tanh: np.ndarray,
    status: dict[int, str] | None = None,
    metrics: dict[str, np.ndarray] | None = None,
) -> Evidence:
    """Errors by seed of the two cells; `status` and `metrics` are of the first."""
    rows, measured = [], []
    for name, values in (("relu", relu), ("tanh", tanh)):
        for seed, value in enumerate(values):
            said = (status or {}).get(seed, "ok") if name == "relu" else "ok"
            row = {"study": "study", "phase": "evaluation", "run_id": f"{name}{seed}", "seed": seed, "status": said}
            rows.append(
                row | {"factors": factors_text({"activation": name}), "test_error": value if said == "ok" else np.nan}
            )
            for metric, column in (metrics or {}).items():
                measured.append({"run_id": f"{name}{seed}", "metric": metric, "value": column[seed]})
    empty = pd.DataFrame({"study": []})
    return Evidence(
        pd.DataFrame(rows), empty, empty, pd.DataFrame(measured, columns=["run_id", "metric", "value"]), empty
    )


def row_of(tmp_path: Path, extra: str, evidence: Evidence) -> dict[str, Any]:
    return reproduction_table(study_of(tmp_path, extra), evidence).iloc[0].to_dict()


STREAM = np.random.default_rng(0)
NEAR_TENTH = STREAM.normal(0.1, 0.01, 200).round(3)


def test_table_has_the_columns_of_the_contract(tmp_path: Path) -> None:
    table = reproduction_table(study_of(tmp_path, NUMBER + claim()), evidence_of(NEAR_TENTH, NEAR_TENTH + 0.01))
    assert list(table.columns) == COLUMNS
    assert len(table) == 2


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "consistent"), (0.08, "inconsistent")])
def test_single_run_is_held_against_the_distribution_of_runs(tmp_path: Path, shift: float, verdict: str) -> None:
    row = row_of(tmp_path, NUMBER, evidence_of(NEAR_TENTH + shift, NEAR_TENTH))
    assert row["verdict"] == verdict
    assert row["n"] == 200
    assert row["mean"] == pytest.approx((NEAR_TENTH + shift).mean())


def test_diverged_run_is_an_error_of_one(tmp_path: Path) -> None:
    values = cell_values(
        study_of(tmp_path, ""),
        {"activation": "relu"},
        "test_error",
        evidence_of(NEAR_TENTH[:3], NEAR_TENTH[:3], {1: "diverged"}),
    )
    assert values.to_list() == [NEAR_TENTH[0], 1.0, NEAR_TENTH[2]]


@pytest.mark.parametrize("status", ["error", "timeout", "planned"])
def test_missing_or_failed_run_makes_the_row_incomplete_and_never_a_smaller_n(tmp_path: Path, status: str) -> None:
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40], {7: status})
    for extra in (NUMBER, claim()):
        row = row_of(tmp_path, extra, evidence)
        assert (row["verdict"], row["n"], row["note"]) == ("incomplete", 0, "1 of 40 runs failed or have not run")


def test_seed_twice_is_an_error(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:3], NEAR_TENTH[:3])
    doubled = Evidence(
        pd.concat([evidence.runs, evidence.runs.iloc[:1]]), *[evidence.summary] * 2, evidence.metrics, evidence.summary
    )
    with pytest.raises(ValueError, match=r"^a cell has each seed once, found seed 0 twice$"):
        cell_values(study_of(tmp_path, ""), {"activation": "relu"}, "test_error", doubled)


@pytest.mark.parametrize(
    ("shift", "said", "verdict"),
    [
        (0.02, "less", "supported"),
        (-0.02, "less", "contradicted"),
        (0.0, "less", "undecided"),
        (0.001, "equivalent", "supported"),
        (0.02, "equivalent", "contradicted"),
    ],
)
def test_difference_is_paired_by_seed(tmp_path: Path, shift: float, said: str, verdict: str) -> None:
    noise = np.random.default_rng(3).normal(0, 0.002, 40)
    row = row_of(
        tmp_path, claim(claim=said), evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40] + shift + noise - noise.mean())
    )
    assert row["verdict"] == verdict
    assert row["mean"] == pytest.approx(-shift)


def test_few_seeds_decide_nothing(tmp_path: Path) -> None:
    row = row_of(tmp_path, claim(), evidence_of(NEAR_TENTH[:5], NEAR_TENTH[:5] + 0.3))
    assert row["verdict"] == "undecided"
    assert row["note"] == "Holm over 1 paired claims; too few seeds: 5 pairs differ"


def test_claims_of_a_study_are_one_family(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:6], NEAR_TENTH[:6] + 0.3)
    assert row_of(tmp_path, claim(), evidence)["verdict"] == "supported"
    two = claim() + claim(quote="another", claim="equivalent")
    assert row_of(tmp_path, two, evidence)["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("said", "share", "verdict"),
    [("at least", 0.5, "supported"), ("at least", 0.99, "contradicted"), ("at most", 0.99, "supported")],
)
def test_share_of_runs(tmp_path: Path, said: str, share: float, verdict: str) -> None:
    values = np.where(np.arange(100) < 80, 0.03, 0.2)
    row = row_of(
        tmp_path, claim(test="share", claim=said, share=share, between=[0.0, 0.05]), evidence_of(values, values)
    )
    assert row["verdict"] == verdict
    assert row["mean"] == 0.8


def test_what_was_not_reached_is_the_worst(tmp_path: Path) -> None:
    reached = np.where(np.arange(40) < 4, np.nan, 5.0)
    evidence = evidence_of(
        NEAR_TENTH[:40], NEAR_TENTH[:40], metrics={"epochs_to_0.1": reached, "half": np.full(40, 9.0)}
    )
    row = row_of(tmp_path, claim(test="order", metric="epochs_to_0.1", against_metric="half"), evidence)
    assert row["verdict"] == "supported"
    assert row["mean"] == pytest.approx((4 - 36) / 40)
    sized = row_of(tmp_path, claim(metric="epochs_to_0.1", against_metric="half"), evidence)
    assert sized["verdict"] == "incomplete"


def test_spread_compares_standard_deviations(tmp_path: Path) -> None:
    wide = 0.1 + 5 * (NEAR_TENTH - 0.1)
    assert row_of(tmp_path, claim(test="spread"), evidence_of(NEAR_TENTH, wide))["verdict"] == "supported"
    assert row_of(tmp_path, claim(test="spread"), evidence_of(wide, NEAR_TENTH))["verdict"] == "contradicted"
