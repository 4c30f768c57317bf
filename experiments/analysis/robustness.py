"""stability.csv: whether verdicts on pairs of cells would be others, had the analysis been another.

Variants: the epoch with the least validation error in place of the last; the lower or the upper half of the seeds; the
median difference, by the sign test, in place of the mean. The family, its level and the region stay as they are.
"""

import pandas as pd

from fairgrid.experiments.analysis.comparisons import compared, verdicts
from fairgrid.experiments.analysis.pairing import diverged, outcomes
from fairgrid.experiments.analysis.statistics.families import open_verdict
from fairgrid.experiments.analysis.statistics.paired import median_rows
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import VARIANTS
from fairgrid.experiments.study.study import Study

COMPARED = "study factor a b context metric verdict".split()
COLUMNS = [*COMPARED, *(f"{name}{end}" for name in VARIANTS for end in ("", "_outcome"))]
OUTCOMES = ("holds", "decided otherwise", "no longer decided", Verdict.TOO_FEW, "newly decided", "still open")
HOLDS, OTHERWISE, LOST, FEW, WON, OPEN = OUTCOMES


def stability_table(
    study: Study, runs: pd.DataFrame, comparisons: pd.DataFrame, best_epochs: pd.DataFrame
) -> pd.DataFrame:
    """The rows of one study; nothing of variants that its runs do not allow.

    Args:
        study: any.
        runs: runs.csv's rows of the study.
        comparisons: what `comparisons_table` makes of them.
        best_epochs: best_epochs.csv's.

    Raises:
        InputError: a cell lacks a seed, or has one twice.
    """
    rule = study.comparison
    known = outcomes(study, runs)
    lost = diverged(runs)
    chosen = compared(study)
    found = {
        "lower_half": verdicts(study, known, lost, chosen, part=_lower_half),
        "upper_half": verdicts(study, known, lost, chosen, part=_upper_half),
        "median_difference": verdicts(study, known, lost, chosen, median_rows),
    }
    best = runs["run_id"].map(best_epochs.set_index("run_id")["test_error"])
    ok = (runs["phase"] == Phase.EVALUATION) & (runs["status"] == Status.OK)
    if rule.metric == "test_error" and best[ok].notna().all():
        best_known = outcomes(study, runs.assign(test_error=best))
        found["best_validation"] = verdicts(study, best_known, lost, chosen)
    table = comparisons[COMPARED].reset_index(drop=True)
    for name in VARIANTS:
        words = [each.verdict for each in found[name]] if name in found else None
        table[name] = words or ""
        table[f"{name}_outcome"] = list(map(outcome, table["verdict"], words)) if words else ""
    return table


def outcome(usual: str, other: str) -> str:
    """What becomes of a verdict, one of OUTCOMES."""
    if open_verdict(usual):
        return OPEN if open_verdict(other) else WON
    if open_verdict(other):
        return FEW if other.startswith(FEW) else LOST
    return HOLDS if usual == other else OTHERWISE


def _lower_half(seeds: int) -> slice:
    return slice(max(1, seeds // 2))


def _upper_half(seeds: int) -> slice:
    return slice(seeds // 2, None)
