"""docs/trust.md: every command is in it, and those that are said to execute nothing do not."""

import re
import sys
from pathlib import Path

import pytest

from fairgrid.experiments.cli import VERBS, main
from fairgrid.experiments.store.database import FILE
from tests.experiments import studies

PAGE = (Path(__file__).parents[1] / "docs" / "trust.md").read_text(encoding="utf-8")
PLANTED = "from pathlib import Path\n\nPath({mark!r}).touch()\n"


def test_the_page_says_of_every_command_what_it_executes() -> None:
    table = PAGE.partition("| --- | --- |\n")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted(VERBS)


@pytest.mark.parametrize("commands", [["merge", "other", "--results", "merged"], ["list"], ["new", "another"]])
def test_what_is_said_to_execute_nothing_imports_no_class_of_a_store_or_study(
    commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    study = studies.write(tmp_path, studies.TINY.replace("seeds = 5", "seeds = 1"))
    studies.run(tmp_path / "other", study)
    mark = tmp_path / "imported"
    (tmp_path / "planted_here.py").write_text(PLANTED.format(mark=str(mark)))
    studies.write(tmp_path, studies.TINY.replace('"adam"', '"planted_here:Any"'), "planted.toml")
    planted = "replace(config, '\"adam\"', '\"planted_here:Any\"')"
    studies.forge(tmp_path / "other", f"UPDATE cells SET config = {planted}")
    assert main(commands) == 0
    assert not mark.exists()


@pytest.mark.takes_seconds
@pytest.mark.parametrize("verb", ["summarize", "report"])
def test_tables_and_the_page_of_a_study_without_classes_import_nothing(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = studies.write(tmp_path, studies.TINY.replace("seeds = 5", "seeds = 1"))
    assert main(["run", study, "--results", "results", "--backend", "sequential", "--quiet"]) == 0
    (tmp_path / "results" / FILE).unlink()
    (tmp_path / "planted_there.py").write_text(PLANTED.format(mark=str(tmp_path / "imported")))
    for name in ("runs", "summary", "curves"):
        path = tmp_path / "results" / f"{name}.csv"
        path.write_text(path.read_text().replace('""relu""', '""planted_there:Any""'))
    main([verb, study, "--results", "results"])
    assert not (tmp_path / "imported").exists()


OWN = """
from pathlib import Path

from fairgrid.experiments.config.metrics import Measure
from fairgrid.experiments.problems import Disk
from fairgrid.framework import SGD

Path({mark!r}).touch()


class Boosted(SGD):
    revision = 3

    def __init__(self, parameters, learning_rate: float = 0.1, boost: float = 1.0, window: tuple[int, int] = (1, 2)):
        super().__init__(parameters, learning_rate * boost)


class Ring(Disk):
    pass


class Largest(Measure):
    gives = ("largest",)
    direction = "max"

    def __call__(self, model, problem, data):
        return {{"largest": model.parameters()[0].value.abs().amax(dim=(-2, -1))}}
"""
OF_OWN_CLASSES = """
title = "Classes of one's own"
seeds = 3
[run]
model = { name = "mlp", hidden = [4] }
measures = ["planted_own:Largest"]
epochs = 2
checkpoints = 2
targets = [0.4]
[comparison]
metric = "largest"
region = 0.1
[[grid]]
problem = [{ name = "planted_own:Ring", train = 40, test = 30, validation = 20 }]
optimizer = [{ name = "planted_own:Boosted", boost = 2, window = [1, 2] }, "planted_own:Boosted"]
[tuning]
learning_rate = { "planted_own:Boosted" = [0.01, 0.1] }
seeds = 2
"""


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """A study of planted classes and its mark, which is there again once one of them is imported."""
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "imported"
    (tmp_path / "planted_own.py").write_text(OWN.format(mark=str(mark)))
    study = studies.write(tmp_path, OF_OWN_CLASSES)
    assert main(["run", study, "--results", "results", "--backend", "sequential", "--quiet"]) == 0
    assert mark.exists()
    mark.unlink()
    for name in [name for name in sys.modules if "planted_own" in name]:
        del sys.modules[name]
    return study, mark


@pytest.mark.takes_seconds
@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("missing", [True, False])
def test_tables_and_the_page_of_a_study_with_classes_import_none(
    store: bool, missing: bool, trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, mark = trained
    results = tmp_path / "results"
    before = {path.name: path.read_bytes() for path in results.glob("*.csv")}
    (results / ".made.json").unlink()
    if not store:
        (results / FILE).unlink()
    if missing:
        (tmp_path / "planted_own.py").unlink()
    capsys.readouterr()
    for command in (["summarize", study], ["report", study], ["verify", study, "--sample", "1", "--jobs", "1"]):
        main([*command, "--results", "results"])
        assert not mark.exists()
    shown = capsys.readouterr()
    assert "Boosted(boost=2)" in shown.out
    assert "by largest (more is better)" in shown.out
    assert ("are not what the study, its classes and its data are now" in shown.err) == missing
    assert {path.name: path.read_bytes() for path in results.glob("*.csv")} == before


@pytest.mark.takes_seconds
def test_a_class_that_no_run_describes_is_refused_in_one_line(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, mark = trained
    Path(study).write_text(OF_OWN_CLASSES.replace('"planted_own:Boosted"]', '"planted_own:Other"]'))
    capsys.readouterr()
    assert main(["summarize", study, "--results", "results"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "'planted_own:Other'" in message
    assert "`fairgrid run`" in message
    assert not mark.exists()
