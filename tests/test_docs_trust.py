"""docs/trust.md: every command is in it, and those that are said to execute nothing do not."""

import re
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
