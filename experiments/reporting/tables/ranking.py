"""The ranking of a study's main factor for people."""

from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.ranking import CELL, LEVEL
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.engines.record import Status

_LONGEST = 24  # rows that are shown of cells


def ranking_rows(ranking: pd.DataFrame) -> pd.DataFrame:
    """The rows that people see: of levels, or where there are none of cells, if these are few."""
    levels, cells = (ranking[ranking["kind"] == kind] for kind in (LEVEL, CELL))
    return levels if len(levels) else cells[: _LONGEST if len(cells) <= _LONGEST else 0]


def ranked_levels(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per level: mean ± std with its interval, counts of runs, groups, how many times the best one's error.

    Args:
        rows: a study's rows of ranking.csv.
    """
    table = pd.DataFrame([_row(row) for row in rows.to_dict("records")])
    return table.drop(columns="where") if len(table) and (table["where"] == "").all() else table


def _row(row: dict[Any, Any]) -> dict[str, str]:
    error = str(row["metric"]).endswith("_error")
    scale = 100 if error else 1
    lost = [f"{row[f'n_{word}']} {word}" for word in (Status.DIVERGED, "failed") if row[f"n_{word}"]]
    return {
        str(row["factor"]).replace("_", " "): row["level"],
        "where": row["context"],
        "mean ± std [95 %]" + (" in %" if error else ""): _mean(row, scale),
        "ok": f"{row['n_ok']}/{row['n_planned']}" + (f" ({', '.join(lost)})" if lost else ""),
        "groups": row["groups"] or Verdict.INCOMPLETE,
        "times the best [95 %]": _ratio(row),
    }


def _mean(row: dict[Any, Any], scale: float) -> str:
    if pd.isna(row["mean"]):
        return "-"
    shown = f"{scale * row['mean']:.3g}"
    if pd.isna(row["std"]):
        return shown
    return f"{shown} ± {scale * row['std']:.2g} [{scale * row['ci_low']:.3g}, {scale * row['ci_high']:.3g}]"


def _ratio(row: dict[Any, Any]) -> str:
    if pd.isna(row["ratio"]):
        return "-"
    return "1" if row["rank"] == 1 else f"{row['ratio']:.3g} [{row['ratio_low']:.3g}, {row['ratio_high']:.3g}]"
