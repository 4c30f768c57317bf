"""Calibration: what is drawn, what is counted, and what the verb makes of a pool."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fairgrid.experiments.analysis.calibration import CALIBRATION, calibration_table, remarks, shown
from fairgrid.experiments.analysis.statistics.calibration import LEVELS, calibrated, different, same
from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from tests.experiments.studies import write

STUDY = """
title = "t"
seeds = 64
[run]
problem = { name = "disk", train = 40, test = 20, validation = 0 }
model = { name = "mlp", hidden = [3] }
epochs = 2
[[grid]]
optimizer = [{ name = "sgd", learning_rate = 0.1 }, { name = "adam", learning_rate = 0.01 }]
"""


def test_samples_of_one_cell_have_no_run_twice() -> None:
    values = 2.0 ** np.arange(24)  # a difference of two tells which two
    drawn = same(values, 12, 50, seed=1)
    assert drawn.shape == (50, 12)
    signs = np.sign(drawn).sum(1)
    assert (np.abs(drawn) >= 1).all()
    # all 24 values, each once, on one side or the other
    assert {abs(int(total)) % 2 for total in drawn.sum(1)} == {1}
    assert len(set(signs.tolist())) > 1
    assert same(values, 12, 50, seed=1).tobytes() == drawn.tobytes() != same(values, 12, 50, seed=2).tobytes()


def test_a_pool_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^samples of 10 pairs need a pool of 20 runs, found 19$"):
        same(np.zeros(19), 10, 1)


def test_pairs_are_drawn_from_the_pool_alone() -> None:
    pool = np.array([0.1, -0.3, 0.7])
    drawn = different(pool, 30, 200, seed=4)
    assert drawn.shape == (200, 30)
    assert set(drawn.ravel().tolist()) == set(pool.tolist())
    assert drawn.mean() == pytest.approx(pool.mean(), abs=0.03)


def test_symmetric_differences_are_rejected_and_covered_as_often_as_they_should() -> None:
    drawn = np.random.default_rng(2).standard_t(3, (2000, 12))
    for found in calibrated(drawn, 0.0):
        assert found.rejected.interval[0] <= found.level <= found.rejected.interval[1] + 0.002
        assert found.rejected.count + found.covered.count == 2000
        assert found.wrong == found.rejected


def test_skewed_differences_are_covered_less_often() -> None:
    pool = np.random.default_rng(3).lognormal(0, 1.5, 5000)
    found = {each.level: each for each in calibrated(different(pool, 10, 1000), float(pool.mean()))}
    assert found[0.05].covered.interval[1] < 0.9
    assert found[0.05].wrong.count == 0


def test_rates_by_hand() -> None:
    ahead = np.tile(np.arange(1.0, 11.0), (7, 1))
    found = {each.level: each for each in calibrated(ahead, -1.0)}
    assert [found[level].wrong.count for level in LEVELS] == [7] * 5  # p = 2/1024, of the other sign
    assert found[0.05].covered.count == 0
    assert found[0.05].covered.interval == (0, pytest.approx(stats.beta.ppf(0.975, 1, 7)))
    assert calibrated(ahead, 5.5)[0].covered.value == 1


def table_of(folder: Path) -> pd.DataFrame:
    study = load(write(folder, STUDY))
    stream = np.random.default_rng(0)
    runs = pd.DataFrame(
        [
            {
                "phase": "evaluation",
                "factors": factors_text(cell.factors),
                "seed": seed,
                "status": "ok",
                "test_error": stream.gamma(0.3 + place) / 100,
            }
            for place, cell in enumerate(study.cells)
            for seed in range(64)
        ]
    )
    return calibration_table(study, runs, 200)


@pytest.mark.takes_seconds
def test_every_cell_against_itself_and_every_pair(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    assert list(table) == CALIBRATION.header
    assert len(table) == 3 * 2 * len(LEVELS)
    assert table.groupby(["kind", "a", "b"], sort=False).size().index.to_list() == [
        ("A/A", "sgd", "sgd"),
        ("A/A", "adam", "adam"),
        ("A/B", "sgd", "adam"),
    ]
    assert (table.loc[table["kind"] == "A/A", "truth"] == 0).all()
    seen = shown(table)
    assert list(seen["n"]) == ["10", "30"] * 3
    assert len(remarks(table)) == int(((table["level"] == 0.05) & (table["coverage_high"] < 0.95)).sum())


def test_runs_without_an_outcome_and_lone_cells_are_refused(tmp_path: Path) -> None:
    study = load(write(tmp_path, STUDY))
    rows = [
        {"phase": "evaluation", "factors": factors_text(cell.factors), "seed": seed, "status": "ok", "test_error": 0.1}
        for cell in study.cells
        for seed in range(64)
    ]
    runs = pd.DataFrame(rows)
    with pytest.raises(InputError, match=r"study\.toml: expected at least 60 seeds with an outcome, found 20$"):
        calibration_table(study, runs[runs["seed"] < 20], 10)
    runs.loc[3, "status"] = "error"
    with pytest.raises(InputError, match=r"expected at least 60 seeds with an outcome, found runs without an outcome$"):
        calibration_table(study, runs, 10)
    lone = load(write(tmp_path, 'title = "t"', "lone.toml"))
    with pytest.raises(InputError, match=r"lone\.toml: expected two cells that differ in one factor, found none$"):
        calibration_table(lone, runs, 10)


@pytest.mark.takes_seconds
def test_the_verb_trains_once_and_writes_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["calibrate", write(tmp_path, STUDY), "--pool", str(tmp_path / "pool"), "--repeats", "40", "--jobs", "1"]
    assert main([*command, "--results", str(tmp_path / "one")]) == 0
    first = capsys.readouterr().out
    assert "128 runs, 0 done, 128 to train" in first
    assert "Comparisons at 5 %, 40 each" in first
    assert main([*command, "--results", str(tmp_path / "two")]) == 0
    assert "128 runs, 128 done, 0 to train" in capsys.readouterr().out
    for name in ("calibration.csv", "figures/calibration.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["calibration.csv", "figures", "manifest.json"]
