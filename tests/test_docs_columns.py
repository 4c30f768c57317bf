"""docs/columns.md and docs/comparisons.md name every column of every CSV, and no other."""

import csv
import re
from pathlib import Path

import pytest

from fairgrid.experiments.store.tables import ENVIRONMENT

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
SECTIONS = {
    name: section
    for section in PAGE.split("\n## ")[1:]
    for name in section.splitlines()[0].replace(".csv", "").split(", ")
}
COMPARED = ("comparisons", "effects")  # whose columns docs/comparisons.md has


def named(section: str) -> list[str]:
    """The columns in the first cells of a section's table."""
    cells = re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def header(name: str) -> list[str]:
    with (ROOT / "results" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def test_every_shipped_table_has_a_section() -> None:
    shipped = {path.stem for path in (ROOT / "results").glob("*.csv")}
    assert shipped <= {*SECTIONS, *COMPARED, "stability"}


@pytest.mark.parametrize("name", sorted(SECTIONS.keys() - {"environments", "timings"}))
def test_a_section_has_the_columns_of_its_table(name: str) -> None:
    assert sorted(named(SECTIONS[name])) == sorted(header(name))


def test_what_is_not_shipped_has_its_columns_too() -> None:
    assert set(named(SECTIONS["environments"])) == {*ENVIRONMENT, "stack", "seconds"}


@pytest.mark.parametrize("name", COMPARED)
def test_comparisons_and_effects_have_theirs(name: str) -> None:
    page = (ROOT / "docs" / "comparisons.md").read_text(encoding="utf-8")
    tables = {"comparisons": "## Columns", "effects": "## Effects"}
    section = page.split(tables[name])[1].split("\n## ")[0]
    assert sorted(named(section)) == sorted(header(name))
