"""What a derived table is: a declaration with a function from a study and its tables to rows.

A derived table is one declaration in one file of this folder. `derived` adds it to the CSVs, to `Results`, to
docs/columns.md and, where it has a title, to what the terminal prints and the page shows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from fairgrid.experiments.store.schema import TABLES, Table, declared
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study


@dataclass(frozen=True, kw_only=True)
class DerivedTable(Table):
    """A table that is made from a study and its other tables.

    Attributes:
        make: a function of a study and its tables, including derived ones of lower positions, to the study's rows.
        position: its place among derived tables: in the order in which they are made, and documented.
        title: its title for people; "" where they do not see it, or see it in a form of its own.
    """

    make: Callable[[Study, ResultTables], pd.DataFrame]
    position: int = 100
    title: str = ""


def derived(table: DerivedTable) -> DerivedTable:
    """Declares a derived table."""
    declared(table)
    return table


def derived_tables() -> list[DerivedTable]:
    """All derived tables, in the order in which they are made."""
    tables = [table for table in TABLES.values() if isinstance(table, DerivedTable)]
    return sorted(tables, key=lambda table: (table.position, table.name))
