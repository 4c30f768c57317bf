"""comparisons.csv: every two cells of a study that differ in one factor, on the same problem, seed by seed."""

from collections.abc import Sequence

import pandas as pd

from fairgrid.experiments.analysis.pairing import Outcomes, Pair, aligned, outcomes, pairs
from fairgrid.experiments.analysis.statistics.families import Judged, Test, judged
from fairgrid.experiments.analysis.statistics.paired import paired_rows
from fairgrid.experiments.study.study import Study

COLUMNS = (
    "study factor a b context metric n mean_difference ci_low ci_high p_value p_holm probability_a_better pab_low"
    " pab_high n_diverged_a n_diverged_b verdict needs_seeds exploratory"
).split()
INTEGERS = ("n", "n_diverged_a", "n_diverged_b", "needs_seeds")
MOST = 500  # pairs of a study; of more, [comparison] factors has to choose


def comparisons_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study.

    Args:
        study: whose cells are compared.
        runs: runs.csv's rows of the study.

    Raises:
        InputError: a cell lacks a seed, or has one twice.
    """
    rule = study.comparison
    known = outcomes(study, runs, rule.metric)
    lost = diverged(runs)
    chosen = compared(study)
    rows = [
        {
            "study": study.name,
            "factor": pair.factor,
            "a": pair.levels[0],
            "b": pair.levels[1],
            "context": context_text(pair.context),
            "metric": rule.metric,
            "n_diverged_a": lost.get(pair.a, 0),
            "n_diverged_b": lost.get(pair.b, 0),
        }
        | each.columns("mean_difference", rule.region)
        | _probability(each)
        for pair, each in zip(chosen, verdicts(study, known, chosen), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(INTEGERS, "Int64"))


def compared(study: Study) -> list[Pair]:
    """The pairs of a study's cells; none where they are too many."""
    chosen = pairs(study, study.comparison.factors)
    return chosen if len(chosen) <= MOST else []


def verdicts(study: Study, known: Outcomes, chosen: Sequence[Pair], test: Test = paired_rows) -> list[Judged]:
    """What is found of each pair, corrected over the pairs of its factor.

    Args:
        study: any.
        known: outcomes of its cells.
        chosen: what `compared` gives.
        test: of rows of values; by default the sign-flip test of their means.
    """
    sides = [aligned([known[pair.a], known[pair.b]]) for pair in chosen]
    rule = study.comparison
    return judged(sides, [pair.factor for pair in chosen], rule.level, rule.region, test)


def diverged(runs: pd.DataFrame) -> dict[str, int]:
    """How many evaluation runs of each cell diverged, by its factors."""
    lost = runs[(runs["phase"] == "evaluation") & (runs["status"] == "diverged")]
    return {str(factors): int(count) for factors, count in lost["factors"].value_counts().items()}


def context_text(context: dict[str, str]) -> str:
    """The factors that two cells share: batch_size=10, optimizer=sgd."""
    return ", ".join(f"{name}={level}" for name, level in context.items())


def _probability(each: Judged) -> dict[str, float]:
    if each.found is None:
        return {}
    low, high = each.found.probability_interval
    return {"probability_a_better": each.found.probability, "pab_low": low, "pab_high": high}
