"""Runs that did not end well: how many, which, and why."""

from collections.abc import Iterable

import pandas as pd

from experiments.figures.style import word
from experiments.report.sheets import Sheet, frame, sheet
from experiments.report_tables import factor_labels
from experiments.study import Study

_COLUMNS = ["status", "phase", "cell", "runs", "of", "seeds", "at step", "message"]
_STATUSES = {"diverged": "diverged", "timeout": "timeout", "error": "error", "planned": "not run"}


def failures(study: Study, runs: pd.DataFrame) -> tuple[str, Sheet | None]:
    """A sentence that counts them, and a table of them by cell and message; None where every run is ok.

    Args:
        study: any.
        runs: runs.csv's rows of the study.
    """
    counts = runs["status"].value_counts()
    told = [f"{counts[status]} {name}" for status, name in _STATUSES.items() if status in counts]
    if not told:
        return f"All {len(runs)} runs are ok: none diverged, timed out or ended in an error.", None
    labels = factor_labels(study)
    planned = runs.groupby(["phase", "factors", "learning_rate"], dropna=False).size()
    lost = runs[runs["status"] != "ok"].fillna({"message": ""})
    rows = []
    keys = ["status", "phase", "factors", "learning_rate", "message"]
    for (status, phase, factors, rate, message), group in lost.groupby(keys, sort=True, dropna=False):
        named = [f"{word(name)} {level}" for name, level in labels.get(factors, {}).items()]
        named += [f"learning rate {rate:g}"] if phase == "tuning" else []
        steps = group["diverged_at_step"].dropna() if "diverged_at_step" in group else pd.Series(dtype=float)
        rows.append(
            {
                "status": _STATUSES[status],
                "phase": phase,
                "cell": ", ".join(named) or "the only one",
                "runs": str(len(group)),
                "of": str(planned[phase, factors, rate]),
                "seeds": ranges(group["seed"].astype(int)),
                "at step": _span(steps.astype(int)),
                "message": message,
            }
        )
    table = frame(rows, _COLUMNS)
    table = table.drop(columns=[name for name in ("at step", "message") if not table[name].any()])
    sentence = f"Of {len(runs)} planned runs, {counts.get('ok', 0)} are ok, {', '.join(told)}."
    return sentence, sheet(f"{study.name}-failures", "Runs that are not ok", table)


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers, neighbours as a range: 0-4, 7."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}\N{EN DASH}{last}" for first, last in parts)


def _span(steps: "pd.Series[int]") -> str:
    if not len(steps):
        return ""
    low, high = steps.min(), steps.max()
    return str(low) if low == high else f"{low}\N{EN DASH}{high}"
