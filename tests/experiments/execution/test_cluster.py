"""A Dask cluster gives the bytes that this machine gives, whatever becomes of its workers."""

import shutil
import signal
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from tests.experiments import studies
from tests.experiments.clusters import Cluster
from tests.experiments.grids import INTERRUPTED, ROOT, STOPPING, Grid, rows, said, tables

pytestmark = pytest.mark.takes_seconds

# a worker whose environment asks for the driver's kernels, after its matrix library has settled on others
OTHER_ARITHMETIC = """
import os
os.environ["MKL_CBWR"] = "COMPATIBLE"
import torch
torch.ones(30, 30) @ torch.ones(30, 30)
os.environ["MKL_CBWR"] = "AVX2"
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
"""

HANGING = """
import signal
import time

from fairgrid.experiments.problems import Disk

class Hanging(Disk):
    def sample(self, seed):
        if seed == 2:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if seed >= 2:
            time.sleep(1000)
        return super().sample(seed)
"""


def test_worker_that_is_killed_loses_nothing_and_one_that_computes_otherwise_is_refused(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.LONG, "long.toml")
    (tmp_path / "other.py").write_text(OTHER_ARITHMETIC)
    with (
        Cluster(tmp_path, [None, None, tmp_path / "other.py"]) as cluster,
        Grid(study, tmp_path / "cluster", "--backend", "dask", "--scheduler", cluster.address) as grid,
    ):
        grid.reaches(lambda known, recorded: recorded > 10)
        cluster.kill_worker(0)
        before = rows(tmp_path / "cluster")[1]
        _, err = grid.ends(0)
    assert before < 144
    (line,) = said(err)
    assert line.startswith("worker tcp://127.0.0.1:")
    assert " is not used: its arithmetic is " in line
    studies.run(tmp_path / "here", study)
    assert tables(tmp_path / "cluster") == tables(tmp_path / "here")


def test_hang_on_a_cluster_is_a_row_even_if_it_turns_its_deadline_off(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    text = studies.TINY.replace('"disk"', '"hanging:Hanging"').replace("seeds = 5", "seeds = 4")
    study = studies.write(
        tmp_path, text.replace(', { name = "adam", learning_rate = 0.01 }', "").replace('"relu", ', "")
    )
    options = ["--backend", "dask", "--timeout", "1", "--scheduler"]
    with (
        Cluster(tmp_path, [None, None]) as cluster,
        Grid(study, tmp_path / "results", *options, cluster.address, cwd=tmp_path) as grid,
    ):
        _, err = grid.ends(4)
    assert "2 runs ended in error or timeout" in err
    runs = studies.table(tmp_path / "results", "runs")
    assert runs["status"].tolist() == ["ok", "ok", "timeout", "timeout"]
    assert runs["message"].tolist() == ["", "", "no end after 1 s", "no end after 1 s"]


def test_grid_that_waits_for_workers_can_be_interrupted(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.TINY)
    with (
        Cluster(tmp_path, []) as cluster,
        Grid(study, tmp_path / "results", "--backend", "dask", "--scheduler", cluster.address) as grid,
    ):
        grid.reaches(lambda known, recorded: known > 0)
        assert grid.process.stderr is not None
        assert grid.process.stderr.readline() == f"waiting for workers at {cluster.address}\n"
        grid.signal(signal.SIGINT)
        _, err = grid.ends(130)
    assert said(err) == [STOPPING, INTERRUPTED]


def test_scheduler_that_goes_takes_no_record_along_and_workers_may_come_late(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.LONG, "long.toml")
    with (
        Cluster(tmp_path, []) as cluster,
        Grid(study, tmp_path / "results", "--backend", "dask", "--scheduler", cluster.address) as grid,
    ):
        grid.reaches(lambda known, recorded: known > 0)
        cluster.add_worker()
        grid.reaches(lambda known, recorded: recorded > 10)
        cluster.kill_scheduler()
        _, err = grid.ends(2)
    assert said(err) == [
        f"waiting for workers at {cluster.address}",
        f"fairgrid: {cluster.address}: expected the scheduler to stay, found it gone",
    ]
    kept = rows(tmp_path / "results")[1]
    assert 10 < kept < 144
    assert studies.run(tmp_path / "results", study).trained == 144 - kept
    studies.run(tmp_path / "here", study)
    assert tables(tmp_path / "results") == tables(tmp_path / "here")


def test_worker_with_another_fairgrid_is_refused_and_one_with_another_class_trains_the_driver_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("from fairgrid.framework import SGD\nclass Mine(SGD):\n    pass\n")
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "fairgrid", copy / "fairgrid", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "fairgrid" / "framework" / "metrics.py").write_text(
        (ROOT / "framework" / "metrics.py").read_text() + "# changed\n"
    )
    (tmp_path / "changed.py").write_text(f"import sys\nsys.path.insert(0, {str(copy)!r})\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.py").write_text((tmp_path / "mine.py").read_text() + "# changed\n")
    (tmp_path / "class.py").write_text(f"import sys\nsys.path.insert(0, {str(other)!r})\nimport mine\n")
    study = studies.write(
        tmp_path, studies.TINY.replace('"adam"', '"mine:Mine"').replace('name = "sgd"', 'name = "mine:Mine"')
    )
    with (
        Cluster(tmp_path, [tmp_path / "changed.py", tmp_path / "class.py"]) as cluster,
        Grid(study, tmp_path / "results", "--backend", "dask", "--scheduler", cluster.address, cwd=tmp_path) as grid,
    ):
        _, err = grid.ends(0)
    (refusal,) = said(err)
    assert refusal.startswith("worker tcp://127.0.0.1:")
    assert refusal.endswith(" is not used: its fairgrid is not the driver's")
    monkeypatch.syspath_prepend(tmp_path)
    studies.run(tmp_path / "here", study)
    assert tables(tmp_path / "results") == tables(tmp_path / "here")


def test_no_scheduler_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = studies.write(tmp_path, studies.TINY)
    options = ["--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    assert main(["run", study, "--results", str(tmp_path / "results"), *options]) == 2
    assert capsys.readouterr().err.startswith(
        "fairgrid: --scheduler: expected a Dask scheduler at tcp://127.0.0.1:9, found none: "
    )
    assert not (tmp_path / "results").exists()
