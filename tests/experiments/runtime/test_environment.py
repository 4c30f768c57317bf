"""Where records were made is known, and a table of runs from several places says so."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pandas as pd
import pytest
import torch

from fairgrid.experiments.cli import main
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.runtime import environment
from fairgrid.experiments.runtime.determinism import fingerprint
from fairgrid.experiments.runtime.environment import commit, named, release
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.environment_mix import mixture
from fairgrid.experiments.study.loading import load
from tests.experiments import studies


def test_record_knows_its_commit_versions_processor_and_threads(tmp_path: Path) -> None:
    studies.run(tmp_path, studies.write(tmp_path, studies.TINY))
    rows = studies.table(tmp_path, "environments")
    assert sorted(rows["run_id"]) == sorted(studies.table(tmp_path, "runs")["run_id"])
    row = rows.iloc[0]
    assert named(row["versions"]) == {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "llvmlite": version("llvmlite"),
        "arithmetic": fingerprint(),
    } | ({} if commit()[0] else {"fairgrid": release()})
    assert (row["commit"], row["dirty"]) == (commit()[0], str(int(commit()[1])))
    assert row["cpu"]
    assert row["threads"] == "1"


@pytest.mark.takes_seconds
def test_record_knows_its_worker_s_environment_and_not_the_driver_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load(studies.write(tmp_path, studies.TINY.replace("seeds = 5", "seeds = 1")))
    monkeypatch.setattr(environment, "_cpu", lambda: "the driver's")
    torch.set_num_threads(2)
    with Pool("loky") as pool:
        Driver(tmp_path / "results", pool, say=lambda _: None).run([study])
    torch.set_num_threads(1)
    with Store(tmp_path / "results") as store:
        found = store.provenance([study.name])
    assert len(found) == 4
    assert "the driver's" not in set(found["cpu"])
    assert set(found["threads"]) == {1}


@pytest.mark.takes_seconds
def test_tables_of_runs_from_different_environments_say_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.write(tmp_path, studies.TINY)
    studies.run(tmp_path, study)
    capsys.readouterr()
    assert main(["summarize", study, "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute(
            "INSERT INTO environments SELECT 'elsewhere', \"commit\", dirty,"
            " replace(versions, 'torch ', 'torch 9'), 'Another CPU', threads FROM environments"
        )
        connection.execute(
            "UPDATE provenance SET environment = 'elsewhere' WHERE run_id IN (SELECT run_id FROM runs WHERE seed < 2)"
        )
    assert main(["summarize", study, "--results", str(tmp_path)]) == 0
    here = studies.table(tmp_path, "environments")["cpu"].unique().tolist()
    cpus = ", ".join(f"{cpu} ({8 if cpu == 'Another CPU' else 12} runs)" for cpu in sorted(here))
    assert capsys.readouterr().err == (
        "fairgrid: study: its runs are from different environments: "
        f"torch {torch.__version__} (12 runs), 9{torch.__version__} (8 runs); cpu {cpus}\n"
    )
    (tmp_path / FILE).unlink()
    (tmp_path / "environments.csv").unlink()  # a fresh clone does not know
    assert main(["summarize", study, "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


def test_other_commits_are_no_difference_and_what_is_not_recorded_is_said() -> None:
    rows = pd.DataFrame(
        [["a", "c1", "0", "torch 2", "x", "1"], ["b", "c2", "1", "torch 2 arithmetic 5f", "x", "1"]],
        columns="run_id commit dirty versions cpu threads".split(),
    )
    assert mixture(rows) == "arithmetic 5f (1 run), not recorded (1 run)"
    assert mixture(rows[:1]) == ""
    assert mixture(rows[:0]) == ""
    assert mixture(rows.assign(versions="torch 2")) == ""


def test_sources_outside_a_repository_have_no_commit(tmp_path: Path) -> None:
    copy = tmp_path / "environment.py"
    copy.write_bytes(Path(environment.__file__).read_bytes())
    spec = spec_from_file_location("environment_elsewhere", copy)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.commit() == ("", False)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("changed", ["framework/linear.py", "experiments/errors.py", "fairgrid/__init__.py", ""])
def test_a_change_of_any_source_since_the_commit_is_told(changed: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    for name in ("fairgrid", "framework", "experiments"):
        shutil.copytree(root / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    if changed:
        with (tmp_path / changed).open("a") as file:
            file.write("# changed\n")
    code = "from fairgrid.experiments.runtime.environment import commit; print(commit()[1])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{bool(changed)}\n"
