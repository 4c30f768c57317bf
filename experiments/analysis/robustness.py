"""stability.csv: whether verdicts on pairs of cells would be others, had the analysis been another.

Variants: the epoch with the least validation error in place of the last; the lower or the upper half of the seeds; the
median difference, by the sign test, in place of the mean. The family, its level and the region stay as they are.
"""

import pandas as pd

from fairgrid.experiments.analysis.comparisons import COMPARED_BY, CONTEXT, compared, compared_runs, verdicts
from fairgrid.experiments.analysis.pairing import diverged, outcomes
from fairgrid.experiments.analysis.statistics.families import open_verdict
from fairgrid.experiments.analysis.statistics.paired import median_rows
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import STUDY
from fairgrid.experiments.store.schema import text
from fairgrid.experiments.study.study import Study

# how the analysis is varied: by the name of a column, what people read
VARIANTS = {
    "best_validation": "best epoch",
    "lower_half": "lower half",
    "upper_half": "upper half",
    "median_difference": "median",
}
_COMPARED = "study factor a b context metric verdict".split()
OUTCOMES = ("holds", "decided otherwise", "no longer decided", Verdict.TOO_FEW, "newly decided", "still open")
HOLDS, OTHERWISE, LOST, FEW, WON, OPEN = OUTCOMES


def stability_table(
    study: Study, runs: pd.DataFrame, comparisons: pd.DataFrame, best_epochs: pd.DataFrame
) -> pd.DataFrame:
    """The rows of one study; nothing of variants that its runs do not allow.

    Args:
        study: the study.
        runs: the study's rows of runs.csv, with a column of the metric that is compared.
        comparisons: the study's rows of comparisons.csv.
        best_epochs: the rows of best_epochs.csv.

    Raises:
        InputError: a cell lacks a seed, or has one twice.
    """
    rule = study.comparison
    known = outcomes(study, runs)
    lost = diverged(runs)
    chosen = compared(study)
    variants = {
        "lower_half": verdicts(study, known, lost, chosen, part=_lower_half),
        "upper_half": verdicts(study, known, lost, chosen, part=_upper_half),
        "median_difference": verdicts(study, known, lost, chosen, median_rows),
    }
    best = runs["run_id"].map(best_epochs.set_index("run_id")["test_error"])
    ok = (runs["phase"] == Phase.EVALUATION) & (runs["status"] == Status.OK)
    if rule.metric == "test_error" and best[ok].notna().all():
        best_known = outcomes(study, runs.assign(test_error=best))
        variants["best_validation"] = verdicts(study, best_known, lost, chosen)
    table = comparisons[_COMPARED].reset_index(drop=True)
    for name in VARIANTS:
        words = [each.verdict for each in variants[name]] if name in variants else None
        table[name] = words or ""
        table[f"{name}_outcome"] = list(map(outcome, table["verdict"], words)) if words else ""
    return table[STABILITY.header]


STABILITY = derived(
    DerivedTable(
        "stability",
        "A row per comparison: its verdict had the analysis been another;"
        " [comparisons.md](comparisons.md#stability) describes the variants.",
        (
            *text("study", STUDY),
            *text("factor a b", "the pair"),
            *text("context", CONTEXT),
            *text("metric", COMPARED_BY),
            *text("verdict", "the verdict of comparisons.csv"),
            *(
                column
                for name, title in VARIANTS.items()
                for column in text(f"{name} {name}_outcome", f"verdict by the {title}; what becomes of the usual one")
            ),
        ),
        make=lambda study, tables: stability_table(
            study, compared_runs(study, tables), tables.comparisons, tables.best_epochs
        ),
        position=30,
    )
)


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
