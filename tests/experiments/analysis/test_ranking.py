"""Rankings: letters agree with the verdicts, the best comes first, ratios cover, what is incomplete has no rank."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid import InputError, Results
from fairgrid.experiments.analysis.comparisons import comparisons_table
from fairgrid.experiments.analysis.effects import effects_table
from fairgrid.experiments.analysis.ranking import ranking_table
from fairgrid.experiments.analysis.statistics.grouping import letters
from fairgrid.experiments.analysis.statistics.ratios import ratio_interval
from fairgrid.experiments.reporting.rendering import tables
from fairgrid.experiments.store.tables import ResultTables, read
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import write

RESULTS = Path(__file__).parents[3] / "results"
STUDY = """
title = "t"
seeds = 12
[[grid]]
optimizer = ["sgd", "momentum", "adam"]
batch_size = [10, 100]
"""
RELATIONS = st.integers(1, 7).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.sets(st.sampled_from(list(itertools.combinations(range(count), 2)))) if count > 1 else st.just(set()),
    )
)


@given(RELATIONS)
def test_two_share_a_letter_if_and_only_if_they_are_not_shown_to_differ(
    relation: tuple[int, set[tuple[int, int]]],
) -> None:
    count, differing = relation
    shown = letters(count, differing)
    assert all(shown)
    for one, other in itertools.combinations(range(count), 2):
        assert bool(set(shown[one]) & set(shown[other])) == ((one, other) not in differing)
    groups = [{item for item in range(count) if letter in shown[item]} for letter in sorted(set("".join(shown)))]
    for one, other in itertools.permutations(groups, 2):
        assert not one <= other
    assert shown[0].startswith("a")


def test_letters_by_hand() -> None:
    assert letters(3, []) == ["a", "a", "a"]
    assert letters(3, [(0, 1), (0, 2), (1, 2)]) == ["a", "b", "c"]
    assert letters(3, [(0, 2)]) == ["a", "ab", "b"]
    assert letters(0, []) == []


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_fiellers_interval_covers_the_ratio(correlation: float) -> None:
    stream = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        shared = stream.normal(0, 1, 15)
        a, b = (
            mean + correlation * shared + np.sqrt(1 - correlation**2) * stream.normal(0, 1, 15) for mean in (6.0, 4.0)
        )
        low, high = ratio_interval(a, b)
        covered += low <= 1.5 <= high
    assert covered / 2000 == pytest.approx(0.95, abs=0.02)


def test_the_ratio_to_a_mean_that_may_be_zero_is_unbounded() -> None:
    stream = np.random.default_rng(2)
    assert ratio_interval(stream.normal(1, 1, 10), stream.normal(0.1, 1, 10)) == (-np.inf, np.inf)
    assert ratio_interval(np.ones(1), np.ones(1)) == (-np.inf, np.inf)


def study_of(folder: Path, extra: str = "") -> Study:
    return load(write(folder, STUDY + extra))


def tables_of(study: Study, errors: np.ndarray, status: np.ndarray | None = None) -> ResultTables:
    """Tables of runs with these errors, (cells, seeds)."""
    runs = pd.DataFrame(
        [
            {
                "study": "study",
                "run_id": f"{number}-{seed}",
                "phase": "evaluation",
                "factors": factors_text(cell.factors),
                "seed": seed,
                "status": "ok" if status is None else status[number, seed],
                "test_error": errors[number, seed],
            }
            for number, cell in enumerate(study.cells)
            for seed in range(errors.shape[1])
        ]
    )
    return ResultTables(runs=runs, comparisons=comparisons_table(study, runs), effects=effects_table(study, runs))


def drawn(seed: int, spread: float = 0.02) -> np.ndarray:
    stream = np.random.default_rng(seed)
    means = stream.choice([0.1, 0.12, 0.2], (6, 1))
    return (means + stream.normal(0, spread, (6, 12))).round(3)


@pytest.mark.parametrize("seed", range(12))
def test_letters_of_a_study_agree_with_its_verdicts(seed: int, tmp_path: Path) -> None:
    study = study_of(tmp_path)
    made = tables_of(study, drawn(seed))
    ranking = ranking_table(study, made)
    for kind, rows in (
        ("cell", made.comparisons),
        ("level", made.effects[made.effects["kind"] == "main"]),
    ):
        mine = ranking[ranking["kind"] == kind].set_index(["context", "level"])["groups"]
        for row in rows[rows["factor"] == "optimizer"].to_dict("records"):
            context = row["context"] if kind == "cell" else ""
            shared = set(mine[context, row["a"]]) & set(mine[context, row["b"]])
            assert bool(shared) == (row["verdict"] not in ("better", "worse"))


def test_the_best_comes_first_with_its_figures(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    errors = drawn(3)
    ranking = ranking_table(study, tables_of(study, errors))
    cells = ranking[(ranking["kind"] == "cell") & (ranking["context"] == "batch_size=10")]
    numbers = [place for place, cell in enumerate(study.cells) if cell.factors["batch_size"] == 10]
    assert cells["mean"].tolist() == pytest.approx(sorted(errors[numbers].mean(1)))
    assert cells["rank"].tolist() == [1, 2, 3]
    assert cells["ratio"].tolist() == pytest.approx((cells["mean"] / cells["mean"].iloc[0]).tolist())
    assert (cells["ratio_low"] <= cells["ratio"]).all()
    levels = ranking[ranking["kind"] == "level"].set_index("level")
    for level in ("sgd", "momentum", "adam"):
        mine = [place for place, cell in enumerate(study.cells) if cell.factors["optimizer"] == level]
        assert levels.loc[level, "mean"] == pytest.approx(errors[mine].mean())
        assert levels.loc[level, "std"] == pytest.approx(errors[mine].mean(0).std(ddof=1))
        assert levels.loc[level, "n_planned"] == 24


def test_a_diverged_run_counts_as_the_worst_and_a_failed_one_leaves_no_rank(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    status = np.full((6, 12), "ok", object)
    status[0, 3], status[1, 4] = "diverged", "error"
    errors = np.where(status == "ok", drawn(5), np.nan)
    ranking = ranking_table(study, tables_of(study, errors, status))
    rows = ranking[ranking["kind"] == "cell"].set_index(["level", "context"])
    diverged = rows.loc[(study.cells[0].factors["optimizer"], f"batch_size={study.cells[0].factors['batch_size']}")]
    assert diverged["mean"] == pytest.approx(np.nan_to_num(errors[0], nan=1.0).mean())
    assert (diverged["n_ok"], diverged["n_diverged"]) == (11, 1)
    failed = rows.loc[(study.cells[1].factors["optimizer"], f"batch_size={study.cells[1].factors['batch_size']}")]
    assert pd.isna(failed["rank"])
    assert failed["groups"] == ""
    assert failed["n_failed"] == 1
    shown = tables(study, tables_of(study, errors, status).replace(ranking=ranking), "text", "ranking")
    assert "incomplete" in shown


def test_the_shipped_ranking_is_what_the_shipped_runs_give_and_fits_a_terminal() -> None:
    shipped = read(RESULTS)
    study = load("tuned")
    mine = shipped.of("tuned")
    pd.testing.assert_frame_equal(ranking_table(study, mine), mine.ranking.reset_index(drop=True))
    lines = tables(study, shipped, "text", "ranking").splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    results = Results([study], shipped, RESULTS)
    assert set(results.ranking("level")["kind"]) == {"level"}
    assert len(results.ranking()) == len(results.ranking("level")) + len(results.ranking("cell"))
    with pytest.raises(InputError, match="kind: expected 'level' or 'cell', found 'cells'; nearest: 'cell'"):
        results.ranking("cells")
