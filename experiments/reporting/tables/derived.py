"""Tables for people: what tuning tried, times to targets, and ranks across problems."""

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factor_labels
from fairgrid.experiments.study.study import Study

UNTUNED = "test error %: untuned"


def tuning_table(study: Study, evidence: ResultTables) -> tuple[pd.DataFrame, list[str]]:
    """A row per tuned cell: the rate chosen of how many, and test errors by the number of rates tried.

    Errors are in percent with their 95 % intervals. Below, every choice on the edge of what was tried.

    Args:
        study: the study.
        evidence: the tables of the study.
    """
    trials, budgets = evidence.tuning, evidence.budgets
    rows, edges = [], []
    shown = _factors(study)
    for factors, group in trials.groupby("factors", sort=False):
        mine = budgets[budgets["factors"] == factors].set_index("trials")
        chosen = group[group["chosen"]]
        tried = group["learning_rate"]
        row = shown[str(factors)] | {
            "rates tried": f"{len(group)}: {tried.min():g} to {tried.max():g}",
            "chosen": Verdict.INCOMPLETE if not len(chosen) else f"{chosen['learning_rate'].iloc[0]:g}",
        }
        if len(chosen) and chosen["edge"].iloc[0]:
            row["chosen"] += " (edge)"
            name = ", ".join(f"{name} {level}" for name, level in shown[str(factors)].items())
            edges.append(
                f"{name}: {chosen['learning_rate'].iloc[0]:g} is the {chosen['edge'].iloc[0]} rate tried;"
                " a better one may lie beyond"
            )
        for number in _budgets(len(group)):
            name = "untuned" if number == 0 else f"{number} tried" if number < len(group) else "all tried"
            row[f"test error %: {name}"] = _error(mine.loc[[number]].iloc[0]) if number in mine.index else "-"
        rows.append(row)
    frame = pd.DataFrame(rows).fillna("")
    if UNTUNED in frame and (frame[UNTUNED] == "-").all():
        frame = frame.drop(columns=UNTUNED)
    return frame, edges


def times_table(study: Study, evidence: ResultTables) -> pd.DataFrame:
    """A row per cell and target: how many runs reach it, and the median of gradient evaluations until then.

    Args:
        study: the study.
        evidence: the tables of the study.
    """
    shown = factor_labels(study)
    rows = []
    for row in evidence.targets.to_dict("records"):
        complete = not pd.isna(row["probability"])
        interval = f" [{row['probability_low']:.2f}, {row['probability_high']:.2f}]"
        rows.append(
            shown[row["factors"]]
            | {
                "target %": f"{100 * row['target']:g}",
                "reached": f"{row['reached']}/{row['n_planned']}" if complete else Verdict.INCOMPLETE,
                "probability": f"{row['probability']:.2f}{interval}" if complete else "-",
                "median evaluations": _median(row) if complete else "-",
            }
        )
    return pd.DataFrame(rows).fillna("")


def problems_table(study: Study, evidence: ResultTables) -> tuple[pd.DataFrame, list[str]]:
    """A row per pair of levels and context: on how many problems either is better, and the verdict.

    Below, Friedman's test of each context.

    Args:
        study: the study.
        evidence: the tables of the study.
    """
    rows = []
    lines: dict[str, None] = {}
    for row in evidence.across.to_dict("records"):
        context = row["context"]
        if not pd.isna(row["friedman_p"]):
            lines[
                f"{row['factor']}{f' ({context})' if context else ''}: Friedman's χ² {row['friedman_statistic']:.2f},"
                f" p {row['friedman_p']:.3g}, {row['n_problems']} problems"
            ] = None
        complete = not pd.isna(row["wins"])
        tested = not pd.isna(row["p_holm"])
        decided = row["verdict"] in (Verdict.BETTER, Verdict.WORSE)
        rows.append(
            {
                "factor": row["factor"],
                "a": row["a"],
                "b": row["b"],
                "where": context,
                "problems": str(row["n_problems"]),
                "a better / worse / same": f"{row['wins']} / {row['losses']} / {row['ties']}" if complete else "-",
                "mean ranks": f"{row['mean_rank_a']:.2f}, {row['mean_rank_b']:.2f}" if complete else "-",
                "median difference %": f"{100 * row['median_difference']:.2f}" if complete else "-",
                "p (Holm)": f"{row['p_holm']:.3g}" if tested else "-",
                "verdict": f"{'a is ' if decided else ''}{row['verdict']}",
            }
        )
    return pd.DataFrame(rows), list(lines)


def _factors(study: Study) -> dict[str, dict[str, str]]:
    """Each cell's factors as people read them, without the one that tells tuned cells from their baselines."""
    return {
        text: {name: level for name, level in levels.items() if name != TUNED}
        for text, levels in factor_labels(study).items()
    }


def _budgets(most: int) -> list[int]:
    """Of 12: 0, 1, 3, 6, 12."""
    return sorted({0, 1, max(1, most // 4), max(1, most // 2), most})


def _error(row: "pd.Series[float]") -> str:
    mean, low, high = (100 * row[f"test_error{end}"] for end in ("", "_ci_low", "_ci_high"))
    return f"{mean:.2f}" if pd.isna(low) else f"{mean:.2f} [{max(0.0, low):.2f}, {high:.2f}]"


def _median(row: dict[Hashable, Any]) -> str:
    """With its interval; what lies beyond the last evaluation is not known."""
    shown = [
        f"> {row['budget']:,.0f}" if row[name] == math.inf else f"{row[name]:,.0f}"
        for name in ("median", "median_low", "median_high")
    ]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"
