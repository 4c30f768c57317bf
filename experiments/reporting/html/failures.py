"""Runs that did not end well: how many, which, and why."""

from collections.abc import Iterable

import pandas as pd

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.html.tables import HtmlTable, frame, html_table
from fairgrid.experiments.reporting.wording import cell_name
from fairgrid.experiments.study.labels import factor_labels, labels
from fairgrid.experiments.study.study import Study

_COLUMNS = ["status", "phase", "cell", "runs", "of", "seeds", "at step", "message"]
_STATUSES = {
    **{status: str(status) for status in (Status.DIVERGED, Status.TIMEOUT, Status.ERROR)},
    Status.PLANNED: "not run",
}


def failures(study: Study, runs: pd.DataFrame) -> tuple[str, HtmlTable | None]:
    """A sentence that counts failures, and a table of them by cell and message; None where every run is ok.

    Args:
        study: the study of the runs.
        runs: the study's rows of runs.csv.
    """
    counts = runs["status"].value_counts()
    counted = [f"{counts[status]} {name}" for status, name in _STATUSES.items() if status in counts]
    if not counted:
        return f"All {len(runs)} runs are ok: none diverged, timed out or ended in an error.", None
    labels_of = factor_labels(study)
    lost = runs[runs["status"] != Status.OK]
    rows = []
    for _, group in lost.groupby(["status", "phase", "factors", "cell", "message"], sort=True):
        first = group.iloc[0]
        levels = labels_of.get(first["factors"]) or labels(first["factors"])
        names = [cell_name(levels)] if levels else []
        names += [f"learning rate {first['learning_rate']:g}"] if first["phase"] == Phase.TUNING else []
        of_cell = (runs["cell"] == first["cell"]) & (runs["phase"] == first["phase"])
        rows.append(
            {
                "status": _STATUSES[first["status"]],
                "phase": first["phase"],
                "cell": ", ".join(names) or "the only one",
                "runs": str(len(group)),
                "of": str(of_cell.sum()),
                "seeds": ranges(group["seed"].astype(int)),
                "at step": _span(group["diverged_at_step"].dropna().astype(int)),
                "message": first["message"],
            }
        )
    table = frame(rows, _COLUMNS)
    table = table.drop(columns=[name for name in ("at step", "message") if not table[name].any()])
    sentence = f"Of {len(runs)} planned runs, {counts.get('ok', 0)} are ok, {', '.join(counted)}."
    return sentence, html_table(f"{study.name}-failures", "Runs that are not ok", table)


def ranges(numbers: Iterable[int]) -> str:
    """Integers as text, with neighbours joined to ranges: 0–4, 7."""
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
