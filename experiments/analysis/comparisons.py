"""comparisons.csv: every two cells of a study that differ in one factor, on the same problem, seed by seed."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from fairgrid.experiments.analysis.outcomes import compared_metric
from fairgrid.experiments.analysis.pairing import Outcomes, Pair, aligned, diverged, empty, outcomes, pairs
from fairgrid.experiments.analysis.statistics.families import Judged, Sides, Test, judged
from fairgrid.experiments.analysis.statistics.paired import paired_rows
from fairgrid.experiments.analysis.summary import with_factors
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.store.columns import STUDY
from fairgrid.experiments.store.schema import booleans, fractions, integers, numbers, text
from fairgrid.experiments.store.tables import ResultTables, with_metric
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.study import Study

# descriptions of columns that stand in several tables of comparisons
CONTEXT = "the other factors, which both sides share"
COMPARED_BY = "the metric by which the two are compared"
UNCORRECTED = "its 95 % interval, not corrected"
HOLM = "p-value corrected for the family by Holm's method"
NEEDS = "seeds after which an undecided pair would probably be decided"
EXPLORATORY = "whether there are too few seeds for more than a hint"
CERTAINTY = (
    *text("method", "how the p-value was computed: `exact`, or an `upper bound` of it"),
    *numbers("alpha region", "the level of the family; differences within ± region do not matter"),
    *integers("family", "comparisons that are corrected for together", gaps=True),
    *numbers("wide_low wide_high", "the interval at the level divided by the family, by which `equivalent` is decided"),
    *fractions("unseen", "share of runs that a kind of run which no seed shows may have"),
    *fractions("within within_low", "share of seeds that differ by at most the region; lower end of its 95 % interval"),
    *text("marks", "`one seed` has more than half of the variance; `skewed` differences, beyond ± 2"),
    *integers("needs_low needs_high", "the middle 80 % of what `needs_seeds` might be", gaps=True),
)
MOST = 500  # pairs of a study; of more, [comparison] factors has to choose


def comparisons_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study.

    Args:
        study: the study whose cells are compared.
        runs: the study's rows of runs.csv, with a column of the metric that is compared.

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
    return with_factors(COMPARISONS.frame(rows), pd.Series([_shared(pair) for pair in chosen], dtype="str"))


def _shared(pair: Pair) -> str:
    """The factors that both sides of a pair share, as JSON."""
    return factors_text({name: level for name, level in json.loads(pair.a).items() if name != pair.factor})


COMPARISONS = derived(
    DerivedTable(
        "comparisons",
        "A row per pair of cells that differ in one factor: their difference, how certain it is, the verdict;"
        " [comparisons.md](comparisons.md) has the rules.",
        (
            *text("study", STUDY),
            *text("factor a b", "the factor in which the two cells differ, and its levels"),
            *text("context", CONTEXT),
            *text("metric", COMPARED_BY),
            *integers("n", "seeds that both have", gaps=True),
            *numbers("mean_difference", "mean of a − b"),
            *numbers("ci_low ci_high", UNCORRECTED),
            *numbers("p_value", "p-value of no difference"),
            *numbers("p_holm", HOLM),
            *numbers("probability_a_better", "probability that a is better on a seed, ties counted half"),
            *numbers("pab_low pab_high", "its 95 % interval"),
            *integers("n_diverged_a n_diverged_b", "runs that diverged; outcomes, and never dropped", gaps=True),
            *text("verdict", "the verdict on a"),
            *integers("needs_seeds", NEEDS, gaps=True),
            *booleans("exploratory", EXPLORATORY, gaps=True),
            *CERTAINTY,
            *numbers("variance_ratio", "variance of a − b over the sum of both variances: below 1 where pairing helps"),
        ),
        factors=True,
        make=lambda study, tables: comparisons_table(study, compared_runs(study, tables)),
        position=10,
    )
)


def compared_runs(study: Study, tables: ResultTables) -> pd.DataFrame:
    """A study's runs with a column of the metric that its cells are compared by."""
    return with_metric(tables.runs, tables.metrics, study.comparison.metric)


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
        study: the study that is compared.
        known: outcomes of its cells.
        lost: which of their runs diverged.
        chosen: what `compared` gives.
        test: a test of rows of values; by default the sign-flip test of their means.
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
