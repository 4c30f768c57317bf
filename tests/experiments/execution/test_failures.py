"""A run that fails is a row that says why; it takes no other run with it, and can be run again."""

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from fairgrid.experiments.cli import main
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

ROOT = Path(__file__).parents[3]

# which seed fails is no option, so that the names of the runs do not depend on it
FRAGILE = """
from pathlib import Path

from fairgrid.experiments.problems import Disk

class Fragile(Disk):
    def sample(self, seed):
        if seed == 3 and not Path({path!r}).exists():
            raise OSError("no file yet\\nin two lines")
        return super().sample(seed)
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """A study whose runs with seed 3 fail until a file is there."""
    file = tmp_path / "file"
    module = f"fragile_{abs(hash(tmp_path))}"
    (tmp_path / f"{module}.py").write_text(FRAGILE.format(path=str(file)))
    monkeypatch.syspath_prepend(tmp_path)
    return studies.write(tmp_path, studies.TINY.replace('"disk"', f'"{module}:Fragile"')), file


@pytest.mark.takes_seconds
def test_run_that_fails_in_a_stack_takes_no_other_with_it(fragile: tuple[str, Path], tmp_path: Path) -> None:
    study, file = fragile
    progress = studies.run(tmp_path / "failed", study)
    assert progress.counts == {"ok": 16, "error": 4}
    assert progress.failed == 4
    file.touch()
    assert studies.run(tmp_path / "whole", study).counts == {"ok": 20}
    failed, whole = (studies.table(tmp_path / name, "runs") for name in ("failed", "whole"))
    assert failed["run_id"].tolist() == whole["run_id"].tolist()
    lost = failed["seed"] == "3"
    assert failed[~lost].equals(whole[~lost])
    assert set(failed.loc[lost, "status"]) == {"error"}
    assert set(failed.loc[lost, "message"]) == {"OSError: no file yet"}


TALKATIVE = """
from fairgrid.framework import SGD

class MuteError(Exception):
    def __str__(self):
        raise RuntimeError

ERRORS = [FileNotFoundError("caf\\udce9.csv"), ValueError("\\x1b[2J" * 10**6), MuteError()]

class Talkative(SGD):
    def __init__(self, parameters, learning_rate=0.1, error=0):
        super().__init__(parameters, learning_rate=learning_rate)
        self.error = error

    def update(self, value, grad, **options):
        raise ERRORS[self.error]
"""


@pytest.mark.takes_seconds
def test_messages_of_any_text_are_recorded_in_one_short_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    monkeypatch.syspath_prepend(tmp_path)
    own = ", ".join(f'{{ name = "talkative:Talkative", error = {number} }}' for number in range(3))
    text = studies.TINY.replace('{ name = "adam", learning_rate = 0.01 }', own)
    study = studies.write(tmp_path, text.replace('["relu", "tanh"]', '"relu"'))
    assert studies.run(tmp_path / "results", study).counts == {"ok": 5, "error": 15}
    runs = studies.table(tmp_path / "results", "runs")
    messages = sorted(set(runs.loc[runs["status"] == "error", "message"]))
    assert messages[:2] == [
        r"FileNotFoundError: caf\udce9.csv",
        "MuteError: its text is not to be had (RuntimeError)",
    ]
    assert messages[2].startswith(r"ValueError: \x1b[2J\x1b[2J")
    assert messages[2].endswith(" … (cut, of 4,000,012 characters)")
    assert len(messages[2].encode()) <= 4000


NAMING = """
import torch
from fairgrid.experiments.config.metrics import Measure

class Naming(Measure):
    def __init__(self, text):
        self.text = text

    def __call__(self, model, problem, data):
        return {self.text.replace("?", "\\udce9"): torch.zeros(data["test"].label.shape[:-1])}
"""


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("name", "found"), [("caf?", r"'caf\udce9'"), ("a\\nb", r"'a\nb'")])
def test_a_measured_number_whose_name_cannot_be_printed_is_an_error(
    name: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "naming.py").write_text(NAMING)
    monkeypatch.syspath_prepend(tmp_path)
    own = f'[run]\nmeasures = [{{ name = "naming:Naming", text = "{name}" }}]'
    study = studies.write(tmp_path, studies.TINY.replace("[run]", own).replace("seeds = 5", "seeds = 2"))
    assert studies.run(tmp_path / "results", study).counts == {"error": 8}
    messages = set(studies.table(tmp_path / "results", "runs")["message"])
    assert messages == {f"ValueError: expected names of measured numbers that can be printed, found {found}"}


HUNGRY = """
import torch
from fairgrid.framework import SGD

class Hungry(SGD):
    def update(self, value, grad, **options):
        torch.empty(2**50 if self.replicas > 2 else 1)  # four petabytes
        super().update(value, grad, **options)
"""


def test_stack_that_lacks_memory_is_halved_until_it_has_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hungry.py").write_text(HUNGRY)
    monkeypatch.syspath_prepend(tmp_path)
    fed = '{ name = "hungry:Hungry", learning_rate = 0.1 }'
    study = studies.write(tmp_path, studies.TINY.replace('{ name = "adam", learning_rate = 0.01 }', fed))
    assert studies.run(tmp_path / "results", study).counts == {"ok": 20}
    runs = studies.table(tmp_path / "results", "runs")
    ours, theirs = (
        runs[runs["optimizer"] == name].sort_values(["activation", "seed"])["test_loss"].tolist()
        for name in ("hungry:Hungry", "sgd")
    )
    assert ours == theirs


@pytest.mark.takes_seconds
def test_failed_runs_run_again_only_if_asked_to(
    fragile: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, file = fragile
    results = tmp_path / "results"
    studies.run(results, study)
    file.touch()
    forecast = ["run", study, "--results", str(results), "--dry-run"]
    for options, expected in (([], "20 done, 0 to train"), (["--retry-failed"], "16 done, 4 to train")):
        assert main([*forecast, *options]) == 0
        assert f"study: 20 runs, {expected}" in capsys.readouterr().out
    again = studies.run(results, study)
    assert (again.trained, again.failed) == (0, 4)
    retried = studies.run(results, study, retry_failed=True)
    assert (retried.counts, retried.failed) == ({"ok": 4}, 0)
    studies.run(tmp_path / "whole", study)
    for name in ("runs", "summary", "curves"):
        assert (results / f"{name}.csv").read_bytes() == (tmp_path / "whole" / f"{name}.csv").read_bytes()


@pytest.mark.takes_seconds
def test_failed_runs_that_are_not_asked_for_stay_as_they_are(fragile: tuple[str, Path], tmp_path: Path) -> None:
    study, file = fragile
    results = tmp_path / "results"
    studies.run(results, study)
    before = studies.table(results, "runs")
    file.touch()
    fewer = Path(study).read_text().replace("seeds = 5", "seeds = 3")
    studies.write(tmp_path, fewer)
    again = studies.run(results, study, retry_failed=True)
    assert (again.trained, again.failed) == (0, 4)
    assert studies.table(results, "runs").equals(before)


def test_failed_evaluation_of_a_tuned_study_runs_again_and_its_tuning_does_not(
    fragile: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file = fragile
    module = next(tmp_path.glob("fragile_*.py")).stem
    study = studies.write(tmp_path, studies.TUNED.replace('"disk"', f'"{module}:Fragile"'), "tuned.toml")
    results = tmp_path / "results"
    forecast = ["run", study, "--results", str(results), "--dry-run", "--retry-failed"]
    assert main(forecast) == 0
    printed = capsys.readouterr().out
    assert "16 runs, 0 done, 16 to train" in printed
    assert printed.endswith("tuned: 8 evaluation runs once learning rates are chosen\n")
    assert studies.run(results, study).counts == {"ok": 18, "diverged": 3, "error": 3}
    file.touch()
    assert main(forecast) == 0
    assert capsys.readouterr().out.startswith("tuned: 24 runs, 21 done, 3 to train")
    assert studies.run(results, study, retry_failed=True).counts == {"ok": 3}


BROKEN = """
from fairgrid.framework import Optimizer

class Steepest(Optimizer):
    def __init__(self, parameters, learning_rate=0.1):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.{method}(learning_rate, grad, value=-1)
"""


@pytest.mark.takes_seconds
def test_own_optimizer_that_is_mended_is_another_one(tmp_path: Path) -> None:
    """Its source is part of the runs' identity: the failed runs are planned no more, new ones take their place."""
    module = tmp_path / "steepest.py"
    study = studies.write(
        tmp_path, studies.TINY.replace('{ name = "adam", learning_rate = 0.01 }', '"steepest:Steepest"')
    )

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "scripts" / "run_grid.py"), study, "--results", "r", "--jobs", "2"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    module.write_text(BROKEN.format(method="add_cmul"))
    first = run()
    assert first.returncode == 4
    assert "10 runs ended in error or timeout; --retry-failed runs them again" in first.stderr
    assert "Traceback" not in first.stderr
    before = studies.table(tmp_path / "r", "runs")
    failed = before["optimizer"] == "steepest:Steepest"
    reason = "AttributeError: 'Tensor' object has no attribute 'add_cmul'"
    assert before.loc[failed, "message"].str.startswith(reason).all()
    module.write_text(BROKEN.format(method="addcmul_"))
    second = run()
    assert (second.returncode, "evaluation: 20 runs, 10 done, 10 to train" in second.stdout) == (0, True)
    after = studies.table(tmp_path / "r", "runs")
    assert set(after["status"]) == {"ok"}
    assert after[after["optimizer"] == "sgd"].reset_index(drop=True).equals(before[~failed].reset_index(drop=True))
    assert set(after["run_id"]).isdisjoint(before.loc[failed, "run_id"])
    # an own rule that is plain gradient descent gives what sgd gives
    ours, theirs = (
        after[after["optimizer"] == name].sort_values(["activation", "seed"])["test_loss"].tolist()
        for name in ("steepest:Steepest", "sgd")
    )
    assert ours == theirs


@pytest.mark.takes_seconds
def test_strict_summary_misses_what_was_planned_and_never_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, results = studies.write(tmp_path, studies.TINY), tmp_path / "results"
    summarize = ["summarize", study, "--results", str(results)]
    assert main(["run", study, "--results", str(results), "--backend", "sequential", "--seeds", "2"]) == 0
    assert main([*summarize, "--strict"]) == 0

    def interrupt(line: str) -> None:
        if line.startswith("evaluation"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Driver(results, Pool(), say=interrupt).run([load(study)])
    capsys.readouterr()
    assert main(summarize) == 0
    assert capsys.readouterr().out.count("2/5") == 4
    assert main([*summarize, "--strict"]) == 3
    assert capsys.readouterr().err == "fairgrid: planned runs are missing or failed\n"


def test_fresh_waits_for_a_grid_that_is_running(tmp_path: Path) -> None:
    study, results = studies.write(tmp_path, studies.TINY), tmp_path / "results"
    studies.run(results, study)
    before = (results / FILE).read_bytes()

    def stop(line: str) -> None:
        assert line == f"waiting for another grid that is running in {results}"
        raise KeyboardInterrupt

    with FileLock(results / ".lock"), pytest.raises(KeyboardInterrupt):
        Driver(results, Pool(), fresh=True, warn=stop).run([load(study)])
    assert (results / FILE).read_bytes() == before
    assert not (results / "old").exists()


def test_fresh_keeps_the_old_records_and_makes_equal_ones(tmp_path: Path) -> None:
    study, results = studies.write(tmp_path, studies.TINY), tmp_path / "results"
    studies.run(results, study)
    before = (results / "runs.csv").read_bytes()
    assert studies.run(results, study, fresh=True).trained == 20
    (aside,) = (results / "old").iterdir()
    assert (results / "runs.csv").read_bytes() == (aside / "runs.csv").read_bytes() == before
    with Store(aside) as store:
        assert set(store.runs(["study"])["status"]) == {"ok"}


def test_dry_run_beside_a_store_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, results = studies.write(tmp_path, studies.TINY), tmp_path / "results"
    command = ["run", study, "--results", str(results), "--backend", "sequential"]
    assert main([*command, "--seeds", "2"]) == 0
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in results.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("study: 20 runs, 8 done, 12 to train in ")
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in results.rglob("*") if p.is_file()} == before
