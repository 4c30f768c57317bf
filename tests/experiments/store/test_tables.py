"""Tables against plain pandas and scipy; every mean beside its count; the same bytes from the same records."""

import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from fairgrid import Results
from fairgrid.experiments.analysis.derived import write
from fairgrid.experiments.analysis.statistics.summaries import (
    mean_interval,
    median_interval,
    std_interval,
    trimmed_interval,
)
from fairgrid.experiments.analysis.summary import curves_table, runs_table, summary_table, with_factors
from fairgrid.experiments.reporting.escaping import latex_text
from fairgrid.experiments.reporting.rendering import FORMATS, render, show
from fairgrid.experiments.reporting.tables.studies import report_table, study_table
from fairgrid.experiments.store.content_manifest import read_manifest
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.store.schema import Kind, Table, committed_tables, with_typed_factors
from fairgrid.experiments.store.table_writer import csv_of, replace
from fairgrid.experiments.store.tables import ResultTables, read, read_table
from fairgrid.experiments.study.labels import label
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies
from tests.experiments.any_study import LIKE_NUMBERS

# design.md's; summary.csv has the chosen learning rate besides
STATISTICS = (
    "mean std median iqm min max ci_low ci_high std_low std_high median_low median_high iqm_low iqm_high"
).split()
HEADERS = {
    "runs": "study phase cell run_id seed status diverged_at_step message engine problem optimizer learning_rate"
    " momentum batch_size activation initializer hidden loss epochs factors steps gradient_evaluations train_loss"
    " train_error validation_error test_loss test_error",
    "metrics": "run_id metric value",
    "summary": "study phase cell factors learning_rate n_planned n_ok n_diverged n_failed "
    + " ".join(f"{metric}_{name}" for metric in ("train_error", "test_error") for name in STATISTICS),
    "curves": "study cell factors epoch metric n mean std median q10 q90",
    "cells": "study phase cell factors engine problem optimizer learning_rate momentum batch_size activation"
    " initializer hidden loss epochs n_planned n_ok n_diverged n_failed",
    "environments": "run_id commit dirty versions cpu threads",
    "timings": "run_id stack seconds",
}
SORTED_BY = {
    "runs": ["study", "phase", "cell", "seed"],
    "metrics": ["run_id", "metric"],
    "summary": ["study", "phase", "cell"],
    "curves": ["study", "cell"],
    "cells": ["study", "phase", "cell"],
    "environments": ["run_id"],
    "timings": ["run_id"],
}
WHOLE = {"seed", "diverged_at_step", "batch_size", "epochs", "steps", "gradient_evaluations", "epoch", "n", "stack"}
FRACTIONS = {"learning_rate", "momentum", "value", "seconds", "mean", "std", "median", "q10", "q90"}

# runs that are ok, that diverge and that end in error
MIXED = """
title = "Mixed"
seeds = 5
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
model = { name = "mlp", hidden = [4] }
epochs = 4
checkpoints = 2
[[grid]]
stopping = { patience = 1 }
batch_size = [4, 8]
optimizer = [{ name = "sgd", learning_rate = 0.1 }, { name = "sgd", learning_rate = 1e25 }]
[[grid]]
problem = { name = "tests.experiments.own:Numbered", fails_for = 3 }
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    folder = tmp_path_factory.mktemp("mixed")
    path = studies.write(folder, MIXED, "mixed.toml")
    tuned = studies.write(folder, studies.TUNED, "tuned.toml")
    studies.run(folder / "results", path, tuned)
    return folder / "results", load(path)


def cell(name: str, outcomes: list[float | str]) -> pd.DataFrame:
    """Rows of runs.csv: an error for a run that is ok, else its status."""
    rows = []
    for seed, outcome in enumerate(outcomes):
        ok = not isinstance(outcome, str)
        error = outcome if ok else None
        rows.append(
            {
                "study": "s",
                "phase": "evaluation",
                "cell": name,
                "factors": json.dumps({"name": name}),
                "seed": seed,
                "learning_rate": 0.1,
                "status": "ok" if ok else outcome,
                "train_error": error,
                "test_error": error,
            }
        )
    return pd.DataFrame(rows).astype({"train_error": float, "test_error": float})


WITH_TEXT = [table for table in committed_tables() if any(column.kind is Kind.TEXT for column in table.columns)]


@pytest.mark.parametrize("content", LIKE_NUMBERS)
@pytest.mark.parametrize("table", WITH_TEXT, ids=lambda table: table.name)
def test_a_text_that_looks_like_a_number_is_read_back_as_text(table: Table, content: str, tmp_path: Path) -> None:
    rows = [
        {
            column.name: (column.words[0] if column.words else content) if column.kind is Kind.TEXT else at
            for column in table.columns
        }
        for at in (0, 1)
    ]
    frame = table.frame(rows)
    replace(tmp_path / f"{table.name}.csv", csv_of(frame))
    pd.testing.assert_frame_equal(read_table(tmp_path, table), frame)


@pytest.mark.parametrize("table", committed_tables(), ids=lambda table: table.name)
def test_a_table_without_rows_has_its_columns_and_types(table: Table) -> None:
    frame = ResultTables().__getattr__(table.name)
    assert list(frame) == table.header
    assert [str(dtype) for dtype in frame.dtypes] == [column.dtype for column in table.columns]


def test_a_table_that_is_not_declared_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(AttributeError, match=r"found 'comparison'; nearest: 'comparisons'"):
        _ = ResultTables().comparison


ERRORS = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
STATUSES = st.sampled_from(["diverged", "error", "timeout", "planned"])


@given(st.lists(st.lists(st.one_of(ERRORS, ERRORS, STATUSES), min_size=1, max_size=20), min_size=1, max_size=3))
def test_summary_agrees_with_pandas_and_scipy(cells: list[list[float | str]]) -> None:
    runs = pd.concat([cell(f"c{number}", outcomes) for number, outcomes in enumerate(cells)], ignore_index=True)
    summary = summary_table(runs).set_index("cell")
    assert len(summary) == len(cells)
    for number, outcomes in enumerate(cells):
        row = summary.loc[f"c{number}"]
        ok = pd.Series([outcome for outcome in outcomes if not isinstance(outcome, str)], dtype=float)
        diverged = outcomes.count("diverged")
        assert row["n_planned"] == len(outcomes)
        assert (row["n_ok"], row["n_diverged"]) == (len(ok), diverged)
        assert row["n_failed"] == outcomes.count("error") + outcomes.count("timeout")
        everything = pd.concat([ok, pd.Series([1.0] * diverged, dtype=float)])
        expected = {
            "mean": ok.mean(),
            "std": ok.std(),
            "min": ok.min(),
            "max": ok.max(),
            "median": everything.median(),
        }
        for name, value in expected.items():
            assert row[f"test_error_{name}"] == pytest.approx(value, nan_ok=True), name
            assert row[f"train_error_{name}"] == pytest.approx(value, nan_ok=True), name
        if len(everything) and len(everything) % 4 == 0:
            quarter = len(everything) // 4
            middle = everything.sort_values().iloc[quarter:-quarter]
            assert row["test_error_iqm"] == pytest.approx(middle.mean())


@given(st.lists(ERRORS, min_size=2, max_size=30))
def test_interval_of_the_mean_is_students(errors: list[float]) -> None:
    assume(np.std(errors) > 1e-6)
    row = summary_table(cell("c", list(errors))).iloc[0]
    expected = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    assert (row["test_error_ci_low"], row["test_error_ci_high"]) == pytest.approx(tuple(expected))


@given(st.lists(ERRORS, min_size=1, max_size=30), st.integers(0, 3))
def test_intervals_of_median_and_interquartile_mean_are_scipys(errors: list[float], diverged: int) -> None:
    row = summary_table(cell("c", [*errors, *["diverged"] * diverged])).iloc[0]
    outcomes = np.array([*errors, *[1.0] * diverged])
    median = stats.quantile_test(outcomes, q=0, p=0.5).confidence_interval(0.95)
    found = (row["test_error_median_low"], row["test_error_median_high"])
    assert found == pytest.approx((median.low, median.high), nan_ok=True)
    if len(outcomes) > 1:
        middle = stats.mstats.trimmed_mean_ci(outcomes, (0.25, 0.25))
        assert (row["test_error_iqm_low"], row["test_error_iqm_high"]) == pytest.approx(tuple(middle))


def test_interval_of_the_standard_deviation_holds_it_as_often_as_it_says_and_more_often_than_the_chi_square_one() -> (
    None
):
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(1000, 20))
    held = np.mean([low <= 1 <= high for low, high in map(std_interval, normal)])
    assert held == pytest.approx(0.95, abs=0.03)
    skewed = rng.lognormal(0, 0.5, (1000, 50))
    true = stats.lognorm(0.5).std()
    ours = np.mean([low <= true <= high for low, high in map(std_interval, skewed)])
    ends = np.sqrt(49 / stats.chi2.isf([0.025, 0.975], 49))
    spread = skewed.std(axis=1, ddof=1)
    theirs = np.mean((ends[0] * spread <= true) & (true <= ends[1] * spread))
    assert ours > theirs + 0.1


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=30), st.sampled_from([-2.0, 0.5, 8.0]))
def test_intervals_move_and_stretch_with_the_values(thousandths: list[int], by: float) -> None:
    values = np.array(thousandths) / 1024
    for interval in (mean_interval, median_interval, trimmed_interval):
        found = np.array(interval(values))
        assert interval(values + by) == pytest.approx(found + by, nan_ok=True)
        assert interval(-values) == pytest.approx(-found[::-1], nan_ok=True)
    assert std_interval(values + by) == pytest.approx(std_interval(values), nan_ok=True)
    assert std_interval(2 * values) == pytest.approx(2 * np.array(std_interval(values)), nan_ok=True)


def test_values_that_are_all_equal_but_one_have_no_interval_of_their_spread() -> None:
    row = summary_table(cell("c", [0.25] * 7 + [0.5])).iloc[0]
    assert row["test_error_std"] > 0
    assert row[["test_error_std_low", "test_error_std_high"]].isna().all()
    assert (row["test_error_median_low"], row["test_error_median_high"]) == (0.25, 0.5)


def test_one_run_has_a_mean_and_no_spread() -> None:
    row = summary_table(cell("c", [0.25, "diverged", "error"])).iloc[0]
    assert (row["test_error_mean"], row["test_error_min"], row["test_error_max"]) == (0.25, 0.25, 0.25)
    assert row["test_error_median"] == 0.625  # between the run and the one that diverged
    assert row[["test_error_std", "test_error_ci_low", "test_error_ci_high"]].isna().all()


def test_cell_whose_runs_all_diverged_has_a_median_and_no_mean() -> None:
    row = summary_table(cell("c", ["diverged"] * 4)).iloc[0]
    assert (row["n_ok"], row["n_diverged"], row["test_error_median"], row["test_error_iqm"]) == (0, 4, 1.0, 1.0)
    assert np.isnan(row["test_error_mean"])


@pytest.mark.parametrize("name", HEADERS)
def test_csv_has_the_agreed_columns_sorted_rows_and_exact_numbers(name: str, mixed: tuple[Path, Study]) -> None:
    with (mixed[0] / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    factors = "batch_size optimizer problem stopping.patience".split() if name in ("cells", "curves", "summary") else []
    assert header == HEADERS[name].split() + [f"factor.{factor}" for factor in factors]
    assert rows
    table = [dict(zip(header, row, strict=True)) for row in rows]
    keys = [tuple(int(row[key]) if key in WHOLE else row[key] for key in SORTED_BY[name]) for row in table]
    assert keys == sorted(keys)
    for row, (key, text) in itertools.product(table, [(key, None) for key in header]):
        text = row[key]
        if key in WHOLE and text:
            assert str(int(text)) == text, key
        elif (key in FRACTIONS or "_error" in key or "_loss" in key) and text:
            assert repr(float(text)) == text, key


@pytest.mark.parametrize("name", ["cells", "summary", "curves"])
def test_plain_columns_of_factors_tell_cells_apart_as_their_json_does(name: str, mixed: tuple[Path, Study]) -> None:
    table = studies.table(mixed[0], name)
    for _, rows in table.groupby("study"):
        plain = rows[[column for column in rows if column.startswith("factor.")]].agg("|".join, axis=1)
        assert rows["factors"].groupby(plain).nunique().max() == plain.groupby(rows["factors"]).nunique().max() == 1
        for text, row in zip(rows["factors"], rows.to_dict("records"), strict=True):
            stated = {f"factor.{key}": label(value) for key, value in json.loads(text).items()}
            assert stated == {key: row[key] for key in row if key.startswith("factor.") and row[key] != ""}


def test_runs_in_python_have_the_factors_of_their_studies_alone(mixed: tuple[Path, Study]) -> None:
    results, study = mixed
    runs = Results([study], read(results), results).runs
    columns = [column for column in runs if column.startswith("factor.")]
    assert columns == [f"factor.{name}" for name in ("batch_size", "optimizer", "problem", "stopping.patience")]
    assert set(runs["factor.batch_size"].dropna()) == {4, 8, 10}
    sizes = runs.groupby(columns, dropna=False).size()
    assert sizes.tolist() == [5] * len(study.cells)


def test_a_study_that_is_added_changes_no_hash_of_anothers_rows(tmp_path: Path) -> None:
    path = studies.write(tmp_path, studies.TINY, "tiny.toml")
    studies.run(tmp_path / "one", path)
    alone = read_manifest(tmp_path / "one")
    studies.run(tmp_path / "one", path, studies.write(tmp_path, MIXED, "mixed.toml"))
    both = read_manifest(tmp_path / "one")
    assert alone is not None
    assert both is not None
    assert alone.studies["tiny"].rows == {
        name: sha256 for name, sha256 in both.studies["tiny"].rows.items() if name in alone.studies["tiny"].rows
    }
    assert {"cells.csv", "summary.csv", "curves.csv"} <= alone.studies["tiny"].rows.keys()


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["10", "100", ""], [10, 100, pd.NA]),
        (["0.1", "1e-05"], [0.1, 1e-05]),
        (["007", "8"], ["007", "8"]),
        (["relu", "10"], ["relu", "10"]),
        (["nan", "inf"], ["nan", "inf"]),
    ],
)
def test_levels_are_numbers_where_all_are_spelled_as_numbers_are(levels: list[str], expected: list[object]) -> None:
    frame = with_typed_factors(pd.DataFrame({"factor.x": levels}))
    assert frame["factor.x"].isna().tolist() == [value is pd.NA for value in expected]
    assert frame["factor.x"].dropna().tolist() == [value for value in expected if value is not pd.NA]


def test_csv_has_every_kind_of_run(mixed: tuple[Path, Study]) -> None:
    runs = studies.table(mixed[0], "runs")
    assert set(runs["status"]) == {"ok", "diverged", "error"}
    assert set(runs["phase"]) == {"tuning", "evaluation"}
    failed = runs[runs["status"] == "error"]
    assert set(failed["message"]) == {"RuntimeError: no data for seed 3"}
    diverged = runs[runs["status"] == "diverged"]
    for frame in (failed, diverged):
        assert (frame[["train_loss", "test_error", "validation_error"]] == "").all(axis=None)
    assert (diverged["diverged_at_step"] != "").all()
    assert (runs.loc[runs["status"] == "ok", ["diverged_at_step", "message"]] == "").all(axis=None)
    epochs = runs["gradient_evaluations"].replace("", "0").astype(int)
    assert (epochs >= runs["steps"].replace("", "0").astype(int)).all()


def test_writing_again_and_in_another_order_changes_no_byte(mixed: tuple[Path, Study], tmp_path: Path) -> None:
    results, _ = mixed
    with Store(results) as store:
        write(store, tmp_path)
        write(store, tmp_path)
        names = store.studies()
        stored, curves = store.runs(names), store.curves(names)
    for name in HEADERS:
        assert (tmp_path / f"{name}.csv").read_bytes() == (results / f"{name}.csv").read_bytes(), name
    for seed in range(3):
        runs = runs_table(stored.sample(frac=1, random_state=seed))
        assert runs.to_csv(index=False) == (results / "runs.csv").read_text()
        mixed_up = summary_table(runs), curves_table(curves.sample(frac=1, random_state=seed))
        for name, frame in zip(("summary", "curves"), mixed_up, strict=True):
            assert with_factors(frame, frame["factors"]).to_csv(index=False) == (results / f"{name}.csv").read_text()


def test_csvs_are_read_back_bit_for_bit(mixed: tuple[Path, Study]) -> None:
    results, _ = mixed
    with Store(results) as store:
        runs = runs_table(store.runs(store.studies()))
    evidence = read(results)
    for name in ("train_loss", "test_error", "learning_rate"):
        np.testing.assert_array_equal(evidence.runs[name].to_numpy(float), runs[name].to_numpy(float))
    np.testing.assert_array_equal(evidence.summary["test_error_mean"], summary_table(runs)["test_error_mean"])
    assert evidence.runs["factors"].tolist() == runs["factors"].tolist()
    assert evidence.runs["status"].tolist() == runs["status"].tolist()


def test_curves_agree_with_pandas(mixed: tuple[Path, Study]) -> None:
    results, _ = mixed
    with Store(results) as store:
        stored = store.curves(store.studies())
    long = pd.concat(
        stored[["study", "cell", "factors", "epoch", metric]]
        .dropna()
        .explode(["epoch", metric])
        .rename(columns={metric: "value"})
        .assign(metric=metric)
        for metric in stored
        if str(metric).endswith(("_loss", "_error"))
    ).astype({"epoch": int, "value": float})
    grouped = long.groupby(["study", "cell", "factors", "metric", "epoch"])["value"]
    expected = grouped.agg(["size", "mean", "std", "median"])
    expected["q10"], expected["q90"] = grouped.quantile(0.1), grouped.quantile(0.9)
    found = read(results).curves.set_index(["study", "cell", "factors", "metric", "epoch"]).sort_index()
    assert found.index.equals(expected.index)
    np.testing.assert_array_equal(found["n"], expected["size"])
    for name in ("mean", "std", "median", "q10", "q90"):
        np.testing.assert_allclose(found[name].astype(float), expected[name], rtol=1e-12)
    assert expected["size"].nunique() > 1  # runs that stopped early have left


def test_study_table_counts_beside_every_mean(mixed: tuple[Path, Study]) -> None:
    results, study = mixed
    summary = read(results).of("mixed").summary
    table = study_table(study, summary)
    assert len(table) == 5
    assert sorted(table["ok"]) == sorted(["5/5", "5/5", "0/5 (5 diverged)", "0/5 (5 diverged)", "4/5 (1 failed)"])
    for _, row in table.iterrows():
        has_runs = not row["ok"].startswith("0/")
        assert (row["test error %"] != "-") == has_runs
        assert row["test median %"] == "100.00" or has_runs


REPORTS = """
title = "Reported"
seeds = 5
[run]
problem = { name = "disk", train = 40, test = 30 }
model = { name = "mlp", hidden = [4] }
epochs = 2
checkpoints = 1
[[grid]]
optimizer = [{ name = "sgd", learning_rate = 0.1 }, { name = "sgd", learning_rate = 1e25 }]
[table]
title = "Table 7"
unit = "UNIT"
"""
REPORTED = """
[[reported]]
row = "{row}"
column = "{column}"
where = {{ optimizer = {{ name = "sgd", learning_rate = {rate} }} }}
metric = "{metric}"
statistic = {statistic}
value = {value}
runs = 10
quote = "{row} {column}"
reading = "{reading}"
primary = {primary}
"""


def reported(row: str, column: str, metric: str, value: Any, rate: str = "0.1", **other: str) -> str:
    statistic = '["mean", "std"]' if isinstance(value, list) else '"single"'
    rest = {"reading": "as coded", "primary": "true", "statistic": statistic} | other
    return REPORTED.format(row=row, column=column, metric=metric, value=value, rate=rate, **rest)


def tabled(folder: Path, unit: str, *numbers: str) -> tuple[Study, pd.DataFrame, Path]:
    path = studies.write(folder, REPORTS.replace("UNIT", unit) + "".join(numbers), "reported.toml")
    studies.run(folder / "results", path)
    return load(path), read(folder / "results").of("reported").summary, folder / "results"


@pytest.mark.parametrize(
    ("unit", "shown", "spread", "theirs"),
    [
        ("error", lambda e: f"{e:.3f}", lambda s: f"{s:.3f}", "0.053 ± 0.079"),
        ("error %", lambda e: f"{100 * e:.1f}", lambda s: f"{100 * s:.1f}", "5.3 ± 7.9"),
        ("accuracy", lambda e: f"{1 - e:.3f}", lambda s: f"{s:.3f}", "0.947 ± 0.079"),
        ("accuracy %", lambda e: f"{100 - 100 * e:.1f}", lambda s: f"{100 * s:.1f}", "94.7 ± 7.9"),
    ],
)
def test_report_table_has_the_reports_unit(unit: str, shown: Any, spread: Any, theirs: str, tmp_path: Path) -> None:
    study, summary, results = tabled(tmp_path, unit, reported("Ours", "Test", "test_error", [0.053, 0.079]))
    assert study.table is not None
    table = report_table(study, study.table, summary)
    errors = read(results).runs.query("learning_rate == 0.1")["test_error"]
    assert table.to_dict("records") == [
        {
            "": "Ours",
            "Test: report": theirs,
            "Test: ours": f"{shown(errors.mean())} ± {spread(errors.std())}",
            "ok": "5/5",
        }
    ]


def test_report_table_has_the_reports_rows_and_columns_and_a_row_per_reading(tmp_path: Path) -> None:
    study, summary, _ = tabled(
        tmp_path,
        "error %",
        reported("SGD", "Train", "train_error", 0.013),
        reported("SGD", "Test", "test_error", 0.025),
        reported("SGD", "Test", "test_error", 0.025, "1e25", reading="as stated", primary="false"),
        reported("Adam", "Test", "test_error", 0.5, "1e25"),  # to a tenth, that is 10 %
    )
    assert study.table is not None
    table = report_table(study, study.table, summary)
    assert list(table) == ["", "reading", "Train: report", "Train: ours", "Test: report", "Test: ours", "ok"]
    assert table[["", "reading", "Train: report", "Test: report", "ok"]].to_numpy().tolist() == [
        ["SGD", "as coded (primary)", "1.3", "2.5", "5/5"],
        ["SGD", "as stated", "", "2.5", "0/5 (5 diverged)"],
        ["Adam", "as coded (primary)", "", "50", "0/5 (5 diverged)"],
    ]
    assert table["Test: ours"].tolist()[1:] == ["- ± -", "- ± -"]
    nothing = report_table(study, study.table, summary[summary["phase"] == "none"])
    assert set(nothing["Test: ours"]) == {"not run"}
    assert set(nothing["ok"]) == {"0/0"}


def test_columns_from_different_cells_each_have_their_count(tmp_path: Path) -> None:
    study, summary, _ = tabled(
        tmp_path,
        "error %",
        reported("Row", "Good", "test_error", 0.1),
        reported("Row", "Bad", "test_error", 0.1, "1e25"),
    )
    assert study.table is not None
    assert report_table(study, study.table, summary)["ok"].tolist() == ["Good: 5/5, Bad: 0/5 (5 diverged)"]


def test_printed_study_shows_the_reports_table_and_then_every_cell(tmp_path: Path) -> None:
    study, _, results = tabled(tmp_path, "error %", reported("SGD", "Test", "test_error", 0.025))
    printed = show(study, read(results), "text")
    assert printed.startswith("reported\n========\n")
    assert printed.index("Table 7 (error %; ours: mean ± std over the runs that are ok)") < printed.rindex("Reported\n")
    for line in printed.splitlines():
        if " ± " in line and "mean ± std" not in line:
            assert "/5" in line


TABLE = pd.DataFrame(
    {"name": ["plain", "a, b_c", "50 %"], "test error %": ["1.00 ± 0.50", "-", "007"], "ok": ["5/5", "0/5", "4/5"]}
)


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_shows_every_cell_as_it_is(style: Any) -> None:
    text = render(TABLE, style, "A title", "label")
    assert "A title" in text
    for value in [*TABLE.columns, *TABLE.to_numpy().ravel()]:
        written = latex_text(value) if style == "latex" else value
        assert written in text
    if style == "csv":
        again = pd.read_csv(io.StringIO(text), comment="#", dtype=str, keep_default_na=False)
        assert again.equals(TABLE.astype(again.dtypes))


def test_what_ends_a_cell_in_markdown_is_escaped() -> None:
    text = render(pd.DataFrame({"a|b": ["c|d"]}), "markdown", "A title", "label")
    assert text.splitlines()[2:] == ["| a\\|b   |", "|--------|", "| c\\|d   |"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("relu", "relu"),
        ({"name": "leaky_relu", "alpha": 0.2}, "leaky_relu(alpha=0.2)"),
        (["relu", "tanh"], "relu+tanh"),
        ([25, 25], "25-25"),
        ([0.5, 0.5], "(0.5, 0.5)"),
        ("my_package.module:Mine", "Mine"),
        ({"patience": 3, "restore_best": True}, "patience=3, restore_best=yes"),
        (None, "-"),
        (0.1, "0.1"),
        (1e-4, "0.0001"),
        (100, "100"),
    ],
)
def test_labels_are_what_people_read(value: Any, shown: str) -> None:
    assert label(value) == shown


def test_counts_stand_beside_text_that_is_wrapped() -> None:
    text = render(pd.DataFrame({"runs": ["1,200"], "said": ["word " * 20]}), "text", "A title", "label")
    assert "1,200" in text
    assert text.count("word") == 20
    assert max(map(len, text.splitlines())) < 50
