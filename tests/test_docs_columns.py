"""docs/columns.md has every table as it is declared, and every shipped CSV has the columns of its declaration."""

import csv
from pathlib import Path

import pytest

from fairgrid.experiments.benchmark.page import BENCHMARK
from fairgrid.experiments.reporting.markdown import filled
from fairgrid.experiments.reporting.tables.columns import column_sections, documented
from fairgrid.experiments.store.schema import FACTOR, TABLES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
SHIPPED = sorted(path.stem for path in (ROOT / "results").glob("*.csv"))


def test_the_page_is_what_is_declared() -> None:
    assert filled(PAGE, lambda _study, _section: column_sections()) == PAGE


def test_every_shipped_table_is_declared() -> None:
    assert {BENCHMARK.name, *SHIPPED} <= TABLES.keys()
    assert {table.name for table in documented()} == TABLES.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_table_has_the_columns_that_are_declared(name: str) -> None:
    with (ROOT / "results" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert [column for column in header if not column.startswith(FACTOR)] == TABLES[name].header
    assert TABLES[name].factors or not any(column.startswith(FACTOR) for column in header)
