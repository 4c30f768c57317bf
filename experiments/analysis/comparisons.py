"""comparisons.csv: every two cells of a study that differ in one factor, on the same problem, seed by seed."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from fairgrid.experiments.analysis.outcomes import compared_metric
from fairgrid.experiments.analysis.pairing import Outcomes, Pair, aligned, diverged, empty, outcomes, pairs
from fairgrid.experiments.analysis.statistics.families import Judged, Sides, Test, judged
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
    metric, known = compared_metric(study), outcomes(study, runs)
    lost = diverged(runs)
    chosen = compared(study)
    rows = [
        {
            "study": study.name,
            "factor": pair.factor,
            "a": pair.levels[0],
            "b": pair.levels[1],
            "context": context_text(pair.context),
            "metric": metric.name,
            "n_diverged_a": count(lost, [pair.a]),
            "n_diverged_b": count(lost, [pair.b]),
        }
        | each.columns("mean_difference", rule.region, metric.sign)
        | _probability(each)
        for pair, each in zip(chosen, verdicts(study, known, lost, chosen), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(INTEGERS, "Int64"))


def compared(study: Study) -> list[Pair]:
    """The pairs of a study's cells; none where they are too many."""
    chosen = pairs(study, study.comparison.factors)
    return chosen if len(chosen) <= MOST else []


def verdicts(
    study: Study,
    known: Outcomes,
    lost: Mapping[str, "pd.Series[bool]"],
    chosen: Sequence[Pair],
    test: Test = paired_rows,
    part: Callable[[int], slice] = slice,
) -> list[Judged]:
    """What is found of each pair, corrected over the pairs of its factor.

    Args:
        study: any.
        known: outcomes of its cells.
        lost: which of their runs diverged.
        chosen: what `compared` gives.
        test: of rows of values; by default the sign-flip test of their means.
        part: which of so many seeds are compared, in order; by default all.
    """
    sides = [_sides(pair, known, lost) for pair in chosen]
    parts = [None if both is None else both.of(part(len(both.a))) for both in sides]
    rule = study.comparison
    return judged(parts, [pair.factor for pair in chosen], rule.level, rule.region, test)


def _sides(pair: Pair, known: Outcomes, lost: Mapping[str, "pd.Series[bool]"]) -> Sides | None:
    both = aligned([known[pair.a], known[pair.b], lost.get(pair.a), lost.get(pair.b)])
    return None if both is None else Sides(both[0], both[1], empty(both[:2], both[2:]))


def count(lost: Mapping[str, "pd.Series[bool]"], cells: Iterable[str]) -> int:
    """How many runs of some cells diverged."""
    return sum(int(lost[cell].sum()) for cell in cells if cell in lost)


def context_text(context: dict[str, str]) -> str:
    """The factors that two cells share: batch_size=10, optimizer=sgd."""
    return ", ".join(f"{name}={level}" for name, level in context.items())


def _probability(each: Judged) -> dict[str, float]:
    if each.measured is None:
        return {}
    low, high = each.measured.probability_interval
    return {"probability_a_better": each.measured.probability, "pab_low": low, "pab_high": high}
