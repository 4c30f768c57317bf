"""docs/extending.md: every example is checked and run as it is written, and is short."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from fairgrid.experiments.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = {section.splitlines()[0]: section for section in PAGE.split("\n## ")[1:] if "```toml" in section}


def block(section: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert len(found) <= 1
    return found[0] if found else ""


def test_all_kinds_are_there() -> None:
    kinds = "An optimizer, An activation, An initializer, A loss, A model, A problem"
    files = ["A problem that reads a file", "Data in a CSV file", "A number to predict"]
    assert list(SECTIONS) == [*kinds.split(", "), *files, "A metric"]


@pytest.mark.parametrize("name", SECTIONS)
def test_code_is_at_most_fifteen_lines(name: str) -> None:
    lines = [line for line in block(SECTIONS[name], "python").splitlines() if line.strip()]
    assert len(lines) <= 15


@pytest.fixture
def tests_of_the_page(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of the page's test file, with the page's classes as its module `mine`."""
    mine = ModuleType("mine")
    for section in ("An optimizer", "An activation", "An initializer", "A loss", "A model"):
        exec(block(SECTIONS[section], "python"), vars(mine))
    monkeypatch.setitem(sys.modules, "mine", mine)
    names: dict[str, Any] = {}
    exec(block(PAGE.split("\n## In your own tests\n")[1].split("\n## ")[0], "python"), names)
    return names


def test_tests_of_the_page_pass(tests_of_the_page: dict[str, Any]) -> None:
    tests = [test for name, test in tests_of_the_page.items() if name.startswith("test_")]
    assert len(tests) == 5
    for test in tests:
        test()


def test_a_test_of_the_page_fails_for_a_class_that_breaks_the_contract(tests_of_the_page: dict[str, Any]) -> None:
    class Shaken(tests_of_the_page["Lion"]):
        def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
            super().update(value, grad + torch.randn_like(grad), **named)

    tests_of_the_page["Lion"] = Shaken
    with pytest.raises(AssertionError, match="an optimizer draws nothing"):
        tests_of_the_page["test_lion"]()


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", SECTIONS)
def test_an_example_is_sound_and_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shift.txt").write_text("2.5", encoding="utf-8")
    exec(block(SECTIONS["Data in a CSV file"], "python"), {})
    Path("mine.py").write_text(block(SECTIONS[name], "python"), encoding="utf-8")
    Path("mine.toml").write_text(block(SECTIONS[name], "toml"), encoding="utf-8")
    assert main(["check", "mine.toml"]) == 0
    checked = capsys.readouterr().out
    classes = re.findall(r"mine:(\w+)", block(SECTIONS[name], "toml"))
    assert all(re.search(rf"^mine:{one}.*, nothing wrong with it$", checked, re.MULTILINE) for one in classes)
    assert main(["run", "mine.toml", "--seeds", "2", "--backend", "sequential", "--results", "mine"]) == 0
    printed = capsys.readouterr().out
    assert "2/2" in printed
    assert "Pairs of cells that differ in one factor" in printed
