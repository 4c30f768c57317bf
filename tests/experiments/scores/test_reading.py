"""Scores as other tools write them: autorank, rliable, benchopt, Weights & Biases, MLflow."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairgrid.experiments.scores import Scores, paired, read_scores, shortfalls

LONG = pd.DataFrame(
    {
        "optimizer": ["adam", "adam", "sgd", "sgd"],
        "seed": [0, 1, 0, 1],
        "dataset": ["iris", "iris", "iris", "iris"],
        "accuracy": [0.9, 0.8, 0.7, 0.65],
    }
)
COLUMNS = {"metric": "accuracy", "by": "optimizer", "seed": "seed", "context": "dataset"}


def rows(scores: Scores) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in scores.frame.itertuples(index=False)]


EXPECTED = [
    ("adam", 0, "iris", 0.9),
    ("adam", 1, "iris", 0.8),
    ("sgd", 0, "iris", 0.7),
    ("sgd", 1, "iris", 0.65),
]


def test_a_long_frame() -> None:
    scores = read_scores(LONG, **COLUMNS)
    assert rows(scores) == EXPECTED
    assert list(scores.frame.columns) == ["cell", "seed", "context", "score"]
    assert scores.frame["seed"].dtype == "int64"
    assert (scores.source, scores.metric, scores.cells) == ("DataFrame", "accuracy", ["adam", "sgd"])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_csv_file_by_its_separator(separator: str, compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("scores.csv.gz" if compressed else "scores.csv")
    LONG.to_csv(path, sep=separator, index=False)
    scores = read_scores(path, **COLUMNS)
    assert rows(scores) == EXPECTED
    word = {",": "commas", ";": "semicolons", "\t": "tabs"}[separator]
    assert scores.source == f"{path} (separated by {word})"
    LONG.to_csv(path, sep=separator)  # with its index, which no role names
    assert rows(read_scores(str(path), **COLUMNS)) == EXPECTED


def test_other_separators_in_values_and_names(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("SGD[lr=1,m=0.9];Adam[lr=1,b=1]\n0.5;0.6\n0.4;0.7\n")
    assert read_scores(path, metric="accuracy", by=None).cells == ["SGD[lr=1,m=0.9]", "Adam[lr=1,b=1]"]
    path.write_text('optimizer,accuracy\n"adam; slow",1\n"sgd, fast",2\n')
    assert read_scores(path, metric="accuracy", by="optimizer").cells == ["adam; slow", "sgd, fast"]


@pytest.mark.parametrize("name", ["scores.jsonl", "scores.ndjson", "scores.jsonl.gz"])
def test_json_lines(name: str, tmp_path: Path) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in LONG.to_dict("records")).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    assert rows(read_scores(path, **COLUMNS)) == EXPECTED


def test_a_json_line_without_a_score_is_a_failed_run(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text('{"o": "a", "v": NaN}\n\n{"o": "b", "v": -Infinity}\n{"o": "c"}\n{"o": "d", "v": null}\n')
    scores = read_scores(path, metric="v", by="o")
    assert scores.failed["cell"].tolist() == ["a", "c", "d"]
    assert scores.diverged["cell"].tolist() == ["b"]


@pytest.mark.parametrize("kind", ["int64", "float64", "str", "object", "Int64", "category"])
def test_a_whole_number_has_one_name_however_it_is_stored(kind: str) -> None:
    frame = LONG.assign(seed=LONG["seed"].astype(kind))
    assert rows(read_scores(frame, **COLUMNS)) == EXPECTED


def test_none_may_name_a_cell() -> None:
    frame = pd.DataFrame({"activation": ["none", "relu"], "loss": [10**400, -(10**400)]}, dtype=object)
    scores = read_scores(frame, metric="loss", by="activation")
    assert scores.cells == ["none", "relu"]
    assert scores.diverged["score"].tolist() == [math.inf, -math.inf]


def test_seeds_that_are_no_numbers_stay_texts() -> None:
    frame = LONG.assign(seed=["01", "1", "01", "1"])
    assert read_scores(frame, **COLUMNS).frame["seed"].tolist() == ["01", "1", "01", "1"]


def test_a_cell_of_several_columns() -> None:
    frame = LONG.assign(lr=[0.1, 0.1, 1.0, 0.5], nesterov=[True, False, True, False])
    scores = read_scores(frame, metric="accuracy", by=["optimizer", "lr", "nesterov"])
    assert scores.cells[1:3] == ["optimizer=adam, lr=0.1, nesterov=False", "optimizer=sgd, lr=1, nesterov=True"]
    assert scores.frame["seed"].isna().all()
    assert scores.frame["context"].isna().all()


def test_gaps_and_infinities_are_shown_and_never_left_out(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(
        "optimizer,seed,loss\nadam,0,\nadam,1,NaN\nadam,2,n/a\nadam,3,inf\nadam,4,-Infinity\nadam,5,1e999\n"
    )
    scores = read_scores(path, metric="loss", by="optimizer", seed="seed")
    assert len(scores.frame) == 6
    assert scores.failed["seed"].tolist() == [0, 1, 2]
    assert scores.diverged["seed"].tolist() == [3, 4, 5]
    assert shortfalls(scores) == [
        "adam, seed 0: failed run, without a score",
        "adam, seed 1: failed run, without a score",
        "adam, seed 2: failed run, without a score",
        "adam, seed 3: diverged run, score inf",
        "adam, seed 4: diverged run, score -inf",
        "adam, seed 5: diverged run, score inf",
    ]


def autorank() -> pd.DataFrame:
    """As in autorank's README: one column per population, one row per data set."""
    stream = np.random.default_rng(42)
    return pd.DataFrame({f"pop_{place}": stream.normal(0.2 * place, 0.3, 20) for place in range(6)})


def test_autoranks_wide_frame_is_paired_by_its_rows() -> None:
    frame = autorank()
    pivot = paired(read_scores(frame, metric="accuracy", by=None))
    assert list(pivot.columns) == list(frame.columns)
    assert pivot.index.tolist() == list(range(20))
    assert pivot.to_numpy().tolist() == frame.to_numpy().tolist()


def test_a_wide_frame_indexed_by_data_sets() -> None:
    frame = autorank().head(3).set_axis(["wine", "iris", "digits"])
    scores = read_scores(frame, metric="accuracy", by=None)
    assert scores.context == "row"
    assert paired(scores).index.tolist() == ["digits", "iris", "wine"]
    assert paired(scores).loc["iris", "pop_1"] == frame.loc["iris", "pop_1"]


@pytest.mark.parametrize("index", [True, False])
def test_a_wide_file_as_pandas_writes_it(index: bool, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    autorank().to_csv(path, index=index)
    scores = read_scores(path, metric="accuracy", by=None)
    assert scores.cells == list(autorank().columns)
    assert paired(scores).to_numpy().tolist() == autorank().to_numpy().tolist()


def test_a_wide_table_with_a_column_of_seeds() -> None:
    frame = pd.DataFrame({"seed": [7, 3], "RF": [0.9, 0.8], "SVM": [0.7, np.nan]})
    scores = read_scores(frame, metric="accuracy", by=None, seed="seed")
    pivot = paired(scores)
    assert pivot.index.tolist() == [3, 7]
    assert pivot["RF"].tolist() == [0.8, 0.9]
    assert scores.failed["cell"].tolist() == ["SVM"]


RLIABLE = {"DQN": np.arange(6.0).reshape(3, 2), "C51": 10 + np.arange(10.0).reshape(5, 2)}  # runs × tasks


def test_rliables_arrays() -> None:
    scores = read_scores(RLIABLE, metric="score", by=None)
    assert len(scores.frame) == 16
    assert scores.frame["seed"].isna().all()
    task = scores.frame[(scores.frame["cell"] == "C51") & (scores.frame["context"] == 1)]
    assert task["score"].tolist() == RLIABLE["C51"][:, 1].tolist()


def test_runs_of_arrays_are_paired_where_their_axis_is_named() -> None:
    pivot = paired(read_scores(RLIABLE, metric="score", by=None, seed="run", context="game"))
    assert pivot.index.names == ["seed", "context"]
    assert pivot.loc[(2, 1)].tolist() == [5.0, 15.0]
    assert pivot.loc[(4, 0), "C51"] == 18.0
    assert math.isnan(pivot.loc[(4, 0), "DQN"])


def benchopt() -> pd.DataFrame:
    """The columns that benchopt writes to Parquet, of its final iterates."""
    return pd.DataFrame(
        {
            "objective_name": "Lasso Regression[reg=0.1]",
            "solver_name": ["cd", "cd", "ista[step=1,acc=True]", "ista[step=1,acc=True]"],
            "data_name": "simulated[n=100,p=20]",
            "stop_val": [10, 10, 100, 100],
            "idx_rep": [0, 1, 0, 1],
            "time": [0.1, 0.2, 0.3, 0.4],
            "objective_value": [1.0, 1.5, 1.25, 1.75],
            "version-numpy": "2.0.0",
        }
    )


BENCHOPT = {"metric": "objective_value", "by": "solver_name", "seed": "idx_rep", "context": "data_name"}


def test_benchopts_columns() -> None:
    pivot = paired(read_scores(benchopt(), **BENCHOPT))
    assert list(pivot.columns) == ["cd", "ista[step=1,acc=True]"]
    assert pivot.index.tolist() == [(0, "simulated[n=100,p=20]"), (1, "simulated[n=100,p=20]")]
    assert pivot["cd"].tolist() == [1.0, 1.5]


def test_benchopts_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "benchopt_run.parquet"
    benchopt().to_parquet(path)
    assert read_scores(path, **BENCHOPT).frame.equals(read_scores(benchopt(), **BENCHOPT).frame)


def test_a_long_export_of_weights_and_biases(tmp_path: Path) -> None:
    path = tmp_path / "wandb.csv"
    path.write_text(
        '"Name","optimizer","seed","_step","_runtime","_timestamp","val/accuracy"\n'
        '"amber-sky-1","adam","0","0","1.5","1700000000.1","0.5"\n'
        '"amber-sky-1","adam","0","1","2.5","1700000001.1","0.75"\n'
        '"calm-sea-2","sgd","0","0","1.5","1700000002.1","0.25"\n'
        '"calm-sea-2","sgd","0","1","2.5","1700000003.1",""\n'
    )
    scores = read_scores(path, metric="val/accuracy", by="optimizer", seed="seed", context="_step")
    pivot = paired(scores)
    assert pivot.index.tolist() == [(0, 0), (0, 1)]
    assert pivot["adam"].tolist() == [0.5, 0.75]
    assert shortfalls(scores) == ["sgd, seed 0, context 1: failed run, without a score"]


def test_an_export_of_mlflow() -> None:
    frame = pd.DataFrame(
        {
            "run_id": ["a1", "b2", "c3"],
            "status": ["FINISHED", "FINISHED", "FAILED"],
            "metrics.accuracy": [0.9, 0.8, np.nan],
            "params.optimizer": ["adam", "sgd", "adam"],
            "params.seed": ["0", "0", "1"],
            "tags.mlflow.runName": ["one", "two", "three"],
        }
    )
    scores = read_scores(frame, metric="metrics.accuracy", by="params.optimizer", seed="params.seed")
    assert paired(scores).loc[0].tolist() == [0.9, 0.8]
    assert shortfalls(scores) == ["sgd, seed 1: missing run", "adam, seed 1: failed run, without a score"]
    by_run = read_scores(frame, metric="metrics.accuracy", by="tags.mlflow.runName")
    assert by_run.cells == ["one", "two", "three"]


def test_a_frame_that_is_read_stays_as_it_is() -> None:
    before = LONG.copy(deep=True)
    frame = read_scores(LONG, **COLUMNS).frame
    frame.loc[0, "score"] = 2.0
    pd.testing.assert_frame_equal(LONG, before)
