"""The documentation of tables: a section per CSV, with its columns."""

import itertools

from tabulate import tabulate

from fairgrid.experiments.analysis.table import DerivedTable, derived_tables
from fairgrid.experiments.store.schema import FACTOR, TABLES, Column, Table

_FACTORS = (
    "a column per factor that varies in a study, such as `factor.optimizer`: the cell's level as people read it, or the"
    " level that two cells share; empty where there is none"
)


def documented() -> list[Table]:
    """All tables: those that come from the store, derived ones, then those that are not shipped or of no study."""
    others = [table for table in TABLES.values() if not isinstance(table, DerivedTable)]
    stored = [table for table in others if table.of_studies and table.committed]
    apart = sorted((table for table in others if table not in stored), key=lambda table: table.name)
    return [*stored, *derived_tables(), *apart]


def column_sections() -> str:
    """A Markdown section per table: what it has a row per, and its columns with their types."""
    return "\n\n".join(f"## {table.name}.csv\n\n{table.rows}\n\n{_columns(table)}" for table in documented())


def _columns(table: Table) -> str:
    rows = [
        (", ".join(f"`{column.name}`" for column in columns), described, meaning)
        for (meaning, described), columns in itertools.groupby(table.columns, _shared)
    ]
    if table.factors:
        rows.append((f"`{FACTOR}…`", "text or number", _FACTORS))
    return tabulate(rows, ("column", "type", "meaning"), "github", disable_numparse=True)


def _shared(column: Column) -> tuple[str, str]:
    return column.meaning, _type(column)


def _type(column: Column) -> str:
    """What a column's values are, with their unit."""
    return f"{column.kind}, {column.unit}" if column.unit else str(column.kind)
