"""Pairing that is declared or refused, and runs that are missing."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.errors import SeedError
from fairgrid.experiments.scores import missing, paired, read_scores, shortfalls

ROLES = {"metric": "loss", "by": "optimizer"}
RUNS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.sampled_from(["x", "y"])),
    st.floats() | st.none(),
    min_size=1,
)


def frame(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["optimizer", "seed", "dataset", "loss"])


@given(RUNS)
def test_a_pivot_holds_every_score_where_it_belongs(runs: dict[tuple[str, int, str], float | None]) -> None:
    scores = read_scores(frame(*((*run, loss) for run, loss in runs.items())), **ROLES, seed="seed", context="dataset")
    pivot = paired(scores)
    assert pivot.index.tolist() == sorted({run[1:] for run in runs})
    assert list(pivot.columns) == list(dict.fromkeys(cell for cell, _, _ in runs))
    for (seed, context), row in pivot.iterrows():
        for cell, score in row.items():
            expected = runs.get((cell, seed, context))
            assert score == expected or (math.isnan(score) and (expected is None or math.isnan(expected)))
    lacking = {(cell, *place) for cell in pivot.columns for place in pivot.index} - set(runs)
    assert set(missing(scores).itertuples(index=False, name=None)) == lacking
    assert len(missing(scores)) == len(lacking)
    gaps = len(scores.failed) + len(scores.diverged) + len(lacking)
    assert len(shortfalls(scores)) == gaps
    assert int((~np.isfinite(pivot.to_numpy())).sum()) == gaps


def test_seeds_are_ordered_as_numbers() -> None:
    scores = read_scores(frame(("a", 10, "x", 1.0), ("a", 9, "x", 2.0), ("b", 9, "x", 3.0)), **ROLES, seed="seed")
    assert paired(scores).index.tolist() == [9, 10]
    assert missing(scores).to_dict("records") == [{"cell": "b", "seed": 10}]
    assert shortfalls(scores) == ["b, seed 10: missing run"]


def test_a_seed_twice_is_refused() -> None:
    rows = [("adam", 3, "x", 1.0), ("adam", 3, "y", 2.0), ("sgd", 4, "x", 3.0), ("sgd", 3, "x", 3.0)]
    with pytest.raises(SeedError) as error:
        paired(read_scores(frame(*rows), **ROLES, seed="seed"))
    assert str(error.value) == (
        "DataFrame: seed: expected one score of each for every cell, found seed 3 twice for adam; a column that"
        " tells them apart can be declared as context"
    )
    assert paired(read_scores(frame(*rows), **ROLES, seed="seed", context="dataset")).shape == (3, 2)


def test_all_that_is_repeated_is_named() -> None:
    rows = [("adam", seed, "x", 1.0) for seed in range(7) for _ in range(3)]
    with pytest.raises(SeedError) as error:
        paired(read_scores(frame(*rows), **ROLES, seed="seed", context="dataset"))
    named = ", ".join(f"seed {seed}, context x 3 times for adam" for seed in range(5))
    assert str(error.value) == (
        f"DataFrame: seed and dataset: expected one score of each for every cell, found {named} and 2 others"
    )


def test_pairing_that_is_not_declared_is_refused() -> None:
    with pytest.raises(SeedError) as error:
        paired(read_scores(frame(("a", 1, "x", 1.0), ("b", 1, "x", 2.0)), **ROLES))
    assert str(error.value) == (
        "DataFrame: pairing: expected seed or context to name a column that scores of different cells share, found"
        " neither"
    )


def test_runs_of_arrays_whose_seeds_are_not_declared_are_not_paired() -> None:
    with pytest.raises(SeedError) as error:
        paired(read_scores({"DQN": np.ones((3, 1))}, metric="score", by=None))
    assert str(error.value) == (
        "mapping: task: expected one score of each for every cell, found context 0 3 times for DQN; a column that tells"
        " them apart can be declared as seed"
    )


def test_without_pairing_only_scores_that_are_not_finite_are_shown() -> None:
    scores = read_scores(frame(("a", 1, "x", None), ("b", 2, "x", -math.inf), ("b", 2, "x", 1.0)), **ROLES)
    assert shortfalls(scores) == ["a: failed run, without a score", "b: diverged run, score -inf"]
    assert missing(scores).empty
