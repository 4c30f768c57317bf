"""Reported against reproduced: a row for every number and reading, verdicts, claims, the tables people read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairgrid.experiments.analysis.reproduction import REPRODUCTION, IncompleteError, cell_values, reproduction_table
from fairgrid.experiments.errors import InputError, SeedError
from fairgrid.experiments.reporting.tables.studies import overview_table, readings, verdict_table
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import write

STUDY = """
title = "t"
seeds = 40
[run]
targets = [0.1, 0.2]
measures = ["border"]
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


def study_of(tmp_path: Path, text: str) -> Study:
    return load(write(tmp_path, text if STUDY in text else STUDY + text))


def evidence_of(
    relu: np.ndarray,
    tanh: np.ndarray,
    status: dict[int, str] | None = None,
    metrics: dict[str, np.ndarray] | None = None,
) -> ResultTables:
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
    return ResultTables(runs=pd.DataFrame(rows), metrics=pd.DataFrame(measured, columns=["run_id", "metric", "value"]))


def with_metric(evidence: ResultTables, metric: str, values: np.ndarray) -> ResultTables:
    """A column of runs.csv more; runs that are not ok have none of it."""
    column = np.where(evidence.runs["status"] == "ok", np.resize(values, len(evidence.runs)), np.nan)
    return evidence.replace(runs=evidence.runs.assign(**{metric: column}))


def row_of(tmp_path: Path, extra: str, evidence: ResultTables) -> dict[str, Any]:
    return reproduction_table(study_of(tmp_path, extra), evidence).iloc[0].to_dict()


STREAM = np.random.default_rng(0)
NEAR_TENTH = STREAM.normal(0.1, 0.01, 200).round(3)


def test_table_has_the_columns_of_the_contract_and_a_row_per_number_reading_and_claim(tmp_path: Path) -> None:
    second = NUMBER.replace('"relu"', '"tanh"') + 'reading = "r2"\nprimary = false\n'
    study = study_of(tmp_path, 'source = "report.txt"\n' + STUDY + NUMBER + second + claim(quote="words"))
    table = reproduction_table(study, evidence_of(NEAR_TENTH, NEAR_TENTH + 0.01))
    columns = (
        "study report quote reading primary metric statistic reported runs n mean std tail_probability tail_low"
        " tail_high interval_low interval_high verdict note"
    )
    assert list(table.columns) == columns.split() == REPRODUCTION.header
    assert set(table["study"]) == {"study"}
    assert set(table["report"]) == {"report.txt"}
    assert table["quote"].to_list() == ["q", "q", "words"]
    assert table["reading"].to_list() == ["as stated", "r2", "as stated"]
    assert table["primary"].to_list() == [True, False, True]
    assert table["reported"].to_list() == ["0.1", "0.1", "less"]
    assert table.to_csv(index=False).splitlines()[1].split(",")[8:10] == ["1", "200"]


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


def test_values_come_by_seed_whatever_the_order_of_rows(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:9], NEAR_TENTH[9:18])
    mixed = evidence.replace(runs=evidence.runs.sample(frac=1, random_state=1))
    values = cell_values(study_of(tmp_path, ""), {"activation": "relu"}, "test_error", mixed)
    assert values.index.to_list() == list(range(9))
    assert values.to_list() == NEAR_TENTH[:9].tolist()
    both = [reproduction_table(study_of(tmp_path, NUMBER + claim()), each) for each in (evidence, mixed)]
    assert both[0].to_csv() == both[1].to_csv()


def test_tuning_runs_are_no_results(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:9], NEAR_TENTH[:9])
    tuning = evidence.runs.assign(phase="tuning", test_error=0.9)
    values = cell_values(
        study_of(tmp_path, ""),
        {"activation": "relu"},
        "test_error",
        evidence.replace(runs=pd.concat([evidence.runs, tuning])),
    )
    assert values.to_list() == NEAR_TENTH[:9].tolist()


def test_other_studies_runs_are_not_this_ones(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH, NEAR_TENTH)
    other = evidence.runs.assign(study="other", test_error=0.9, status="error")
    both = evidence.replace(runs=pd.concat([evidence.runs, other]))
    study = study_of(tmp_path, NUMBER + claim())
    assert reproduction_table(study, both).to_csv() == reproduction_table(study, evidence).to_csv()


def test_measures_come_from_their_own_table(tmp_path: Path) -> None:
    evidence = evidence_of(
        NEAR_TENTH[:3], NEAR_TENTH[:3], {2: "diverged"}, {"epochs_to_0.1": np.array([7.0, np.nan, 9.0])}
    )
    study = study_of(tmp_path, "")
    found = cell_values(study, {"activation": "relu"}, "epochs_to_0.1", evidence)
    assert found.to_list() == [7, np.inf, np.inf]  # there, not reached, diverged
    with pytest.raises(IncompleteError, match=r"^no run measured stop_epohc$"):
        cell_values(study, {"activation": "relu"}, "stop_epohc", evidence)


def test_a_run_that_has_no_such_thing_is_left_out_and_n_says_so(tmp_path: Path) -> None:
    """A network without a misclassified point has no distance of such points, neither a small nor a large one."""
    far = NEAR_TENTH[:40] + 1
    without = np.where(np.arange(40) % 4 == 0, np.nan, far)
    evidence = evidence_of(
        NEAR_TENTH[:40], NEAR_TENTH[:40], {}, {"border_distance_wrong": without, "border_distance": far + 1}
    )
    row = row_of(tmp_path, claim(metric="border_distance_wrong", against_metric="border_distance"), evidence)
    assert (row["verdict"], row["n"]) == ("supported", 30)
    nothing = evidence_of(NEAR_TENTH[:4], NEAR_TENTH[:4], {}, {"border_distance_wrong": np.full(4, np.nan)})
    row = row_of(tmp_path, claim(metric="border_distance_wrong", against_metric="test_error"), nothing)
    assert (row["verdict"], row["note"]) == ("incomplete", "no run has a border_distance_wrong")


def test_an_interval_across_the_regions_edge_contradicts_no_equivalence(tmp_path: Path) -> None:
    """Differences around 0.006 of which the interval begins within ±0.005."""
    noise = np.tile([0.004, -0.004], 20)
    evidence = evidence_of(NEAR_TENTH[:40] + 0.006 + noise, NEAR_TENTH[:40])
    row = row_of(tmp_path, claim(claim="equivalent"), evidence)
    assert row["interval_low"] < 0.005 < row["interval_high"]
    assert row["verdict"] == "undecided"


def test_measured_error_of_a_diverged_run_is_one(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:2], NEAR_TENTH[:2], {1: "diverged"}, {"majority_error": np.array([0.4, 0.4])})
    found = cell_values(study_of(tmp_path, ""), {"activation": "relu"}, "majority_error", evidence)
    assert found.to_list() == [0.4, 1.0]


@pytest.mark.parametrize("statistic", ['"single"', '"mean"'])
def test_loss_of_a_diverged_run_has_no_size_and_the_row_says_so(tmp_path: Path, statistic: str) -> None:
    evidence = with_metric(evidence_of(NEAR_TENTH, NEAR_TENTH, {3: "diverged"}), "test_loss", NEAR_TENTH)
    number = NUMBER.replace('"test_error"', '"test_loss"').replace('"single"', statistic)
    row = row_of(tmp_path, number, evidence)
    assert (row["verdict"], row["n"], row["note"]) == ("incomplete", 0, "1 of 200 runs have no finite test_loss")
    for test in ("difference", "spread"):
        row = row_of(tmp_path, claim(test=test, metric="test_loss"), evidence)
        assert (row["verdict"], row["note"]) == ("incomplete", "1 of 200 runs have no finite test_loss")


def test_diverged_runs_count_in_a_number_as_errors_of_one(tmp_path: Path) -> None:
    lost = dict.fromkeys(range(100), "diverged")
    row = row_of(tmp_path, NUMBER, evidence_of(NEAR_TENTH, NEAR_TENTH, lost))
    assert row["n"] == 200
    assert row["mean"] == pytest.approx((100 + NEAR_TENTH[100:].sum()) / 200)
    assert row["interval_high"] == 1


def test_mean_and_std_stand_in_one_row(tmp_path: Path) -> None:
    number = (
        NUMBER.replace('"single"', '["mean", "std"]').replace("0.10", "[0.1, 0.01]").replace("runs = 1", "runs = 8")
    )
    row = row_of(tmp_path, number, evidence_of(NEAR_TENTH, NEAR_TENTH))
    assert (row["statistic"], row["reported"], row["runs"]) == ("mean+std", "0.1+0.01", 8)
    assert row["std"] == pytest.approx(pd.Series(NEAR_TENTH).std())
    assert row["verdict"] == "consistent"
    assert row["tail_low"] <= row["tail_probability"] <= row["tail_high"]


@pytest.mark.parametrize("status", ["error", "timeout", "planned"])
def test_missing_or_failed_run_makes_the_row_incomplete_and_never_a_smaller_n(tmp_path: Path, status: str) -> None:
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40], {7: status})
    for extra in (NUMBER, claim()):
        row = row_of(tmp_path, extra, evidence)
        assert (row["verdict"], row["n"], row["note"]) == ("incomplete", 0, "1 of 40 runs failed or have not run")


def test_cell_that_never_ran_is_incomplete(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:9], NEAR_TENTH[:0])
    row = row_of(tmp_path, claim(), evidence)
    assert (row["verdict"], row["n"], row["note"]) == ("incomplete", 0, "0 of 0 runs failed or have not run")


def test_seed_twice_is_an_error(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:3], NEAR_TENTH[:3])
    doubled = evidence.replace(runs=pd.concat([evidence.runs, evidence.runs.iloc[:1]]))
    with pytest.raises(ValueError, match=r"^a cell has each seed once, found seed 0 twice$"):
        cell_values(study_of(tmp_path, ""), {"activation": "relu"}, "test_error", doubled)


@pytest.mark.parametrize(
    ("shift", "said", "verdict"),
    [
        (0.02, "less", "supported"),
        (-0.02, "less", "contradicted"),
        (0.0, "less", "undecided"),
        (0.001, "equivalent", "supported"),
        (0.004, "equivalent", "supported"),
        (0.02, "equivalent", "contradicted"),
        (-0.02, "equivalent", "contradicted"),
    ],
)
def test_difference_is_paired_by_seed(tmp_path: Path, shift: float, said: str, verdict: str) -> None:
    noise = np.random.default_rng(3).normal(0, 0.002, 40)
    row = row_of(
        tmp_path, claim(claim=said), evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40] + shift + noise - noise.mean())
    )
    assert row["verdict"] == verdict
    assert row["mean"] == pytest.approx(-shift)


def test_difference_that_is_not_there_is_equivalent_only_if_the_region_holds_the_interval(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 0.03, 40)
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40] + noise - noise.mean())
    assert row_of(tmp_path, claim(claim="equivalent"), evidence)["verdict"] == "undecided"
    assert row_of(tmp_path, claim(claim="equivalent", region=0.05), evidence)["verdict"] == "supported"
    # a difference of exactly the region's size in every run does not leave it, whatever the rounding
    level = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40] - 0.005)
    assert row_of(tmp_path, claim(claim="equivalent"), level)["verdict"] == "supported"


def test_runs_that_are_equal_are_equivalent_and_neither_is_less(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40])
    row = row_of(tmp_path, claim(claim="equivalent"), evidence)
    assert (row["verdict"], row["interval_low"], row["interval_high"]) == ("supported", 0, 0)
    row = row_of(tmp_path, claim(), evidence)
    assert (row["verdict"], row["tail_probability"]) == ("undecided", 1)
    assert row["note"].endswith("too few seeds: 0 pairs differ")


def test_both_diverged_is_no_difference_and_one_is_a_large_one(tmp_path: Path) -> None:
    lost = dict.fromkeys(range(20), "diverged")
    other = NEAR_TENTH[:40].copy()
    other[:20] = 1
    assert row_of(tmp_path, claim(), evidence_of(NEAR_TENTH[:40], other, lost))["mean"] == 0
    row = row_of(tmp_path, claim(), evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40], lost))
    assert row["verdict"] == "contradicted"
    assert row["mean"] == pytest.approx((1 - NEAR_TENTH[:20]).sum() / 40)


@pytest.mark.parametrize("kind", ["less", "equivalent"])
def test_two_cells_in_which_all_runs_diverged_support_no_claim(tmp_path: Path, kind: str) -> None:
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40])
    for last, expected in ((40, "undecided"), (39, "supported" if kind == "equivalent" else "undecided")):
        lost = evidence.runs["seed"] < last  # of both cells
        runs = evidence.runs.assign(
            status=np.where(lost, "diverged", "ok"), test_error=evidence.runs["test_error"].where(~lost)
        )
        row = row_of(tmp_path, claim(claim=kind), evidence.replace(runs=runs))
        assert row["verdict"] == expected
        assert ("every run of both cells diverged" in row["note"]) == (last == 40)


def test_pairs_are_the_seeds_that_both_sides_have_by_declaration(tmp_path: Path) -> None:
    own = STUDY.replace('["relu", "tanh"]', '"relu"') + '[[grid]]\nseeds = [30, 35, 60]\nactivation = "tanh"\n'
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:61] + 0.02)
    kept = (evidence.runs["run_id"].str.startswith("relu")) | evidence.runs["seed"].isin([30, 35, 60])
    study = load(write(tmp_path, own + claim()))
    row = reproduction_table(study, evidence.replace(runs=evidence.runs[kept])).iloc[0]
    assert row["n"] == 2
    assert row["mean"] == pytest.approx(-0.02)
    nothing = evidence.runs["run_id"].str.startswith("relu") | (evidence.runs["seed"] == 60)
    apart = load(write(tmp_path, own.replace("[30, 35, 60]", "[60]") + claim()))
    row = reproduction_table(apart, evidence.replace(runs=evidence.runs[nothing])).iloc[0]
    assert (row["verdict"], row["note"]) == ("incomplete", "the two cells have no seed in common")


def test_seeds_that_are_missing_are_no_smaller_n(tmp_path: Path) -> None:
    study, evidence = study_of(tmp_path, claim()), evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40])
    tanh = evidence.runs["run_id"].str.startswith("tanh")
    last = evidence.replace(runs=evidence.runs[~(tanh & (evidence.runs["seed"] > 37))])
    row = reproduction_table(study, last).iloc[0]
    assert (row["verdict"], row["note"]) == ("incomplete", "only the first 38 seeds have runs")
    with pytest.raises(
        SeedError, match=r"^runs\.csv: study: expected the seeds that the study declares, found no run of"
    ):
        reproduction_table(study, evidence.replace(runs=evidence.runs[~(tanh & (evidence.runs["seed"] == 5))]))


def test_few_seeds_decide_nothing(tmp_path: Path) -> None:
    row = row_of(tmp_path, claim(), evidence_of(NEAR_TENTH[:5], NEAR_TENTH[:5] + 0.3))
    assert row["verdict"] == "undecided"
    assert row["note"] == "Holm over 1 paired claims; too few seeds: 5 pairs differ"


def test_claims_of_a_study_are_one_family(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:6], NEAR_TENTH[:6] + 0.3)
    assert row_of(tmp_path, claim(), evidence)["verdict"] == "supported"
    two = claim() + claim(quote="another", claim="equivalent")
    assert row_of(tmp_path, two, evidence)["verdict"] == "undecided"


def test_incomplete_claim_stays_in_the_family(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:6], NEAR_TENTH[:6] + 0.3, metrics={"border_distance": np.full(6, np.nan)})
    unmeasured = claim(quote="another", metric="border_distance", against_metric="border_distance")
    table = reproduction_table(study_of(tmp_path, claim() + unmeasured), evidence)
    assert table["verdict"].to_list() == ["undecided", "incomplete"]
    assert table["tail_probability"][0] == 2 * 2 / 2**6
    assert table["note"][0].startswith("Holm over 2 paired claims")


def test_shares_and_spreads_are_not_of_the_family(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:6], NEAR_TENTH[:6] + 0.3)
    share = claim(quote="s", test="share", claim="at least", share=0.5, between=[0.0, 0.5])
    table = reproduction_table(study_of(tmp_path, share + claim() + claim(quote="d", test="spread")), evidence)
    assert table["verdict"].to_list() == ["supported", "supported", "undecided"]
    assert table["tail_probability"].to_list() == pytest.approx([np.nan, 2 / 2**6, np.nan], nan_ok=True)


def test_one_seed_decides_nothing_and_warns_of_nothing(tmp_path: Path) -> None:
    evidence = evidence_of(NEAR_TENTH[:1], NEAR_TENTH[1:2])
    share = claim(quote="s", test="share", claim="at most", share=0.5, between=[0.0, 0.5])
    text = NUMBER + share + claim(quote="a") + claim(quote="b", test="spread") + claim(quote="c", test="order")
    table = reproduction_table(study_of(tmp_path, text), evidence)
    assert table["verdict"].to_list()[1:] == ["undecided", "undecided", "incomplete", "undecided"]
    assert table["note"][3] == "a standard deviation needs two runs, found 1"
    verdict_table(table)


@pytest.mark.parametrize(
    ("said", "share", "verdict"),
    [
        ("at least", 0.5, "supported"),
        ("at least", 0.8, "undecided"),
        ("at least", 0.99, "contradicted"),
        ("at most", 0.5, "contradicted"),
        ("at most", 0.8, "undecided"),
        ("at most", 0.99, "supported"),
    ],
)
def test_share_of_runs(tmp_path: Path, said: str, share: float, verdict: str) -> None:
    values = np.where(np.arange(100) < 80, 0.03, 0.2)
    row = row_of(
        tmp_path, claim(test="share", claim=said, share=share, between=[0.0, 0.05]), evidence_of(values, values)
    )
    assert row["verdict"] == verdict
    assert row["mean"] == 0.8
    assert row["reported"] == f"{said} {100 * share:g} % of runs in [0, 0.05]"
    assert row["note"] == "80 of 100 runs"
    assert row["interval_low"] < 0.8 < row["interval_high"]


def test_ends_of_a_range_belong_to_it(tmp_path: Path) -> None:
    values = np.repeat([0.02, 0.04, 0.041, 0.019], 25)
    keys: dict[str, Any] = {"test": "share", "claim": "at least", "share": 0.3}
    row = row_of(tmp_path, claim(between=[0.02, 0.04], **keys), evidence_of(values, values))
    assert (row["mean"], row["verdict"]) == (0.5, "supported")
    row = row_of(tmp_path, claim(between=[0.04, 0.04], **keys), evidence_of(values, values))
    assert (row["mean"], row["reported"]) == (0.25, "at least 30 % of runs at 0.04")


def test_diverged_runs_are_in_no_share_but_that_of_errors_of_one(tmp_path: Path) -> None:
    lost = dict.fromkeys(range(10), "diverged")
    evidence = evidence_of(NEAR_TENTH[:40], NEAR_TENTH[:40], lost)
    keys: dict[str, Any] = {"test": "share", "claim": "at most", "share": 0.5}
    assert row_of(tmp_path, claim(between=[0.0, 0.5], **keys), evidence)["mean"] == 0.75
    assert row_of(tmp_path, claim(between=[0.9, 1.0], **keys), evidence)["mean"] == 0.25


def test_what_was_not_reached_is_the_worst(tmp_path: Path) -> None:
    reached = np.where(np.arange(40) < 4, np.nan, 5.0)
    evidence = evidence_of(
        NEAR_TENTH[:40], NEAR_TENTH[:40], metrics={"epochs_to_0.1": reached, "border_distance": np.full(40, 9.0)}
    )
    row = row_of(tmp_path, claim(test="order", metric="epochs_to_0.1", against_metric="border_distance"), evidence)
    assert row["verdict"] == "supported"
    assert row["mean"] == pytest.approx((4 - 36) / 40)
    sized = row_of(tmp_path, claim(metric="epochs_to_0.1", against_metric="border_distance"), evidence)
    assert (sized["verdict"], sized["note"]) == ("incomplete", "4 of 40 runs have no finite epochs_to_0.1")
    mirrored = row_of(tmp_path, claim(test="order", metric="border_distance", against_metric="epochs_to_0.1"), evidence)
    assert (mirrored["verdict"], mirrored["mean"]) == ("contradicted", pytest.approx(0.8))
    both = row_of(tmp_path, claim(test="order", metric="epochs_to_0.1", against_metric="epochs_to_0.1"), evidence)
    assert (both["verdict"], both["mean"]) == ("undecided", 0)


def test_spread_compares_standard_deviations(tmp_path: Path) -> None:
    wide = 0.1 + 5 * (NEAR_TENTH - 0.1)
    assert row_of(tmp_path, claim(test="spread"), evidence_of(NEAR_TENTH, wide))["verdict"] == "supported"
    assert row_of(tmp_path, claim(test="spread"), evidence_of(wide, NEAR_TENTH))["verdict"] == "contradicted"
    near = row_of(tmp_path, claim(test="spread"), evidence_of(NEAR_TENTH, 0.2 - NEAR_TENTH[::-1]))
    assert near["verdict"] == "undecided"
    assert near["mean"] == pytest.approx(0, abs=1e-12)
    assert near["interval_low"] < 0 < near["interval_high"]


REFUSED = {
    "statistic twice": (
        NUMBER,
        '"single"',
        '["mean", "mean"]',
        "reported[0]: expected a statistic (single, mean, std, mean and std), found mean and mean",
    ),
    "other order": (
        NUMBER,
        '"single"',
        '["std", "mean"]',
        "reported[0]: expected a statistic (single, mean, std, mean and std), found std and mean",
    ),
    "unknown statistic": (
        NUMBER,
        '"single"',
        '"median"',
        "reported[0].statistic[0]: expected 'single', 'mean' or 'std', found 'median'",
    ),
    "std of one run": (
        NUMBER,
        '"single"',
        '"std"',
        "reported[0]: expected runs ≥ 2, as there is no std of fewer, found 1",
    ),
    "value as text": (NUMBER, "0.10", '"10 %"', "reported[0].value[0]: expected a number, found '10 %'"),
    "value not a number": (NUMBER, "0.10", "nan", "reported[0].value[0]: expected a finite number, found nan"),
    "no runs": (NUMBER, "runs = 1", "runs = 0", "reported[0].runs: expected a value ≥ 1, found 0"),
    "no quote": (NUMBER, 'quote = "q"', "", "reported[0].quote: expected a value, found none"),
    "resolution 0": (
        NUMBER,
        'quote = "q"',
        'quote = "q"\nresolution = 0.0',
        "reported[0].resolution: expected a value > 0.0, found 0.0",
    ),
    "where of no part": (
        NUMBER,
        '"relu"',
        '"rleu"',
        "reported[0].where.activation: expected the name of a known activation, found 'rleu'; nearest: 'relu'",
    ),
    "primary twice": (
        NUMBER + NUMBER,
        "row",
        "row",
        "reported[0].primary: expected one primary reading of 'q', found 2",
    ),
    "unknown test": (
        claim(),
        "'difference'",
        "'ratio'",
        "claim[0].test: expected 'share', 'difference', 'order' or 'spread', found 'ratio'",
    ),
    "claim of another test": (
        claim(),
        "'less'",
        "'at most'",
        "claim[0]: expected claim 'less' or 'equivalent' for difference, found 'at most'",
    ),
    "order of what is equivalent": (
        claim(test="order"),
        "'less'",
        "'equivalent'",
        "claim[0]: expected claim 'less' for order, found 'equivalent'",
    ),
    "share without a range": (
        claim(test="share", claim="at most"),
        "claim = ",
        "share = 0.5\nclaim = ",
        "claim[0]: expected between, as the test is a share, found none",
    ),
    "share without a share": (
        claim(test="share", claim="at most"),
        "claim = ",
        "between = [0.0, 0.1]\nclaim = ",
        "claim[0]: expected share, as the test is a share, found none",
    ),
    "range turned round": (
        claim(test="share", claim="at most", share=0.5),
        "claim = ",
        "between = [0.2, 0.1]\nclaim = ",
        "claim[0]: expected between from low to high, found [0.2, 0.1]",
    ),
    "share of all": (
        claim(test="share", claim="at most", share=1.0, between=[0.0, 1.0]),
        "share",
        "share",
        "claim[0].share: expected a value < 1.0, found 1.0",
    ),
    "nothing to compare with": (
        claim(),
        'against = { activation = "tanh" }',
        "",
        "claim[0]: expected against or against_metric, found neither",
    ),
    "against no cell": (
        claim(),
        '"tanh"',
        '"sigmoid"',
        'claim[0].against.activation: expected a value that it has in the study ("relu", "tanh"), found \'sigmoid\'',
    ),
    "misspelt metric": (
        claim(),
        "metric = 'test_error'",
        "metric = 'tset_error'",
        "claim[0].metric: expected a metric of the runs, found 'tset_error'; nearest: 'test_error'",
    ),
    "no region": (
        claim(claim="equivalent", region=0.0),
        "region",
        "region",
        "claim[0].region: expected a value > 0.0, found 0.0",
    ),
    "misspelt key": (
        claim(),
        "against",
        "againts",
        "claim[0].againts: expected a known key, found 'againts'; nearest: 'against'",
    ),
    "no primary": (
        claim(),
        "quote",
        "primary = false\nquote",
        "claim[0].primary: expected one primary reading of 'q', found 0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_number_or_claim_is_one_line(case: str, tmp_path: Path) -> None:
    text, old, new, expected = REFUSED[case]
    assert old in text
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, text.replace(old, new, 1))
    assert str(refused.value) == f"{tmp_path / 'study.toml'}: {expected}"


@pytest.fixture
def judged(tmp_path: Path) -> pd.DataFrame:
    """A number under two readings, a claim in words, and one that is incomplete."""
    second = NUMBER.replace('"relu"', '"tanh"') + 'reading = "with tanh"\nprimary = false\n'
    text = NUMBER + second + claim(quote="words") + claim(quote="more words", metric="epochs_to_0.2")
    return reproduction_table(study_of(tmp_path, text), evidence_of(NEAR_TENTH, NEAR_TENTH + 0.08))


def test_verdicts_as_people_read_them(judged: pd.DataFrame) -> None:
    table = verdict_table(judged)
    assert list(table) == ["quote", "reading", "metric", "reported", "ours", "n", "tail probability or p", "verdict"]
    first, second, third, last = table.to_dict("records")
    assert (first["reading"], second["reading"]) == ("as stated (primary)", "with tanh")
    assert (first["metric"], third["metric"]) == ("test error, single", "test error, difference")
    assert first["ours"] == f"{NEAR_TENTH.mean():.3g} ± {NEAR_TENTH.std(ddof=1):.3g}"
    assert first["tail probability or p"].endswith("]")
    assert third["ours"] == "-0.08 [-0.08, -0.08]"
    assert third["tail probability or p"] == "< 0.001"
    assert (last["ours"], last["n"], last["tail probability or p"]) == ("-", "0", "")
    assert table["n"].to_list() == ["200", "200", "200", "0"]
    assert table["verdict"].to_list() == ["consistent", "inconsistent", "supported", "incomplete"]


def test_readings_of_a_number_are_counted(judged: pd.DataFrame) -> None:
    assert readings(judged) == ["q (test error): consistent under 1, inconsistent under 1 of 2 readings"]


def test_overview_has_the_primary_reading_of_each_and_how_many_agree(judged: pd.DataFrame) -> None:
    table = overview_table(judged.assign(study="report_007"))
    assert table["report"].to_list() == ["007"] * 3
    assert table["number or claim"].to_list() == ["q", "words", "more words"]
    assert table["verdict"].to_list() == ["consistent (1 of 2 readings)", "supported", "incomplete"]
