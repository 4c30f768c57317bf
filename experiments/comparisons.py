"""comparisons.csv: every two cells of a study that differ in one factor, on the same problem, seed by seed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.pairing import Outcomes, Pair, aligned, outcomes, pairs
from experiments.schema import Comparison
from experiments.statistics.paired import EXPLORATORY, Paired, needed_seeds, paired_rows, verdict
from experiments.statistics.signflip import Floats, holm
from experiments.study import Study

COLUMNS = (
    "study factor a b context metric n mean_difference ci_low ci_high p_value p_holm probability_a_better pab_low"
    " pab_high n_diverged_a n_diverged_b verdict needs_seeds exploratory"
).split()
INTEGERS = ("n", "n_diverged_a", "n_diverged_b", "needs_seeds")
INCOMPLETE = "incomplete"
UNDECIDED = "undecided"
MOST = 500  # pairs of a study; of more, [comparison] factors has to choose

Test = Callable[[Floats, Floats, Sequence[int], float], Iterable[Paired]]


@dataclass(frozen=True)
class Compared:
    """A pair with what was found.

    Attributes:
        pair: which two cells.
        found: None where one of them is incomplete.
        p_holm: corrected over the factor's pairs.
        verdict: on a.
    """

    pair: Pair
    found: Paired | None
    p_holm: float
    verdict: str


def comparisons_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study.

    Args:
        study: whose cells are compared.
        runs: runs.csv's rows of the study.

    Raises:
        InputError: a cell lacks a seed, or has one twice.
    """
    rule = study.comparison
    found = compared(study, outcomes(study, runs, rule.metric))
    lost = diverged(runs)
    rows = [
        {
            "study": study.name,
            "factor": each.pair.factor,
            "a": each.pair.levels[0],
            "b": each.pair.levels[1],
            "context": context_text(each.pair.context),
            "metric": rule.metric,
            "n_diverged_a": lost.get(each.pair.a, 0),
            "n_diverged_b": lost.get(each.pair.b, 0),
        }
        | _row(each, rule)
        for each in found
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(INTEGERS, "Int64"))


def compared(study: Study, known: Outcomes, test: Test = paired_rows) -> list[Compared]:
    """All pairs of a study with outcomes, tested and corrected over each factor; none where they are too many.

    One that is incomplete stays in its family: a run that fails makes no other difference easier to find.

    Args:
        study: any.
        known: outcomes of its cells.
        test: of rows of values; by default the sign-flip test of their means.
    """
    rule = study.comparison
    chosen = [pair for pair in pairs(study, rule.factors) if pair.a in known and pair.b in known]
    if len(chosen) > MOST:
        return []
    families = {factor: sum(pair.factor == factor for pair in chosen) for factor in {pair.factor for pair in chosen}}
    by_length: dict[int, list[tuple[int, list[Floats]]]] = {}
    for place, pair in enumerate(chosen):
        sides = aligned([known[pair.a], known[pair.b]])
        if sides is not None:
            by_length.setdefault(len(sides[0]), []).append((place, sides))
    found: dict[int, Paired] = {}
    for group in by_length.values():
        a, b = (np.stack([sides[side] for _, sides in group]) for side in (0, 1))
        sizes = [families[chosen[place].factor] for place, _ in group]
        found |= zip((place for place, _ in group), test(a, b, sizes, rule.level), strict=True)
    p_holm = np.ones(len(chosen))
    for factor in families:
        places = [place for place, pair in enumerate(chosen) if pair.factor == factor]
        p_holm[places] = holm(np.array([found[place].p_value if place in found else 1.0 for place in places]))
    return [
        Compared(
            pair,
            found.get(place),
            float(p_holm[place]),
            verdict(found[place], float(p_holm[place]), rule.region) if place in found else INCOMPLETE,
        )
        for place, pair in enumerate(chosen)
    ]


def diverged(runs: pd.DataFrame) -> dict[str, int]:
    """How many evaluation runs of each cell diverged, by its factors."""
    lost = runs[(runs["phase"] == "evaluation") & (runs["status"] == "diverged")]
    return {str(factors): int(count) for factors, count in lost["factors"].value_counts().items()}


def needed(found: Paired, word: str, region: float) -> int | None:
    """Seeds that would decide what a verdict leaves open; None where it does not, or where there is no saying."""
    seeds = needed_seeds(found, region) if open_verdict(word) else None
    return None if seeds is None else max(seeds, found.n + 1)


def context_text(context: dict[str, str]) -> str:
    """The factors that two cells share: batch_size=10, optimizer=sgd."""
    return ", ".join(f"{name}={level}" for name, level in context.items())


def open_verdict(word: str) -> bool:
    """Whether a verdict decides nothing."""
    return word in (UNDECIDED, INCOMPLETE) or word.startswith("too few")


def _row(each: Compared, rule: Comparison) -> dict[str, Any]:
    found = each.found
    if found is None:
        return {"verdict": each.verdict}
    low, high = found.probability_interval
    return {
        "n": found.n,
        "mean_difference": found.mean,
        "ci_low": found.interval[0],
        "ci_high": found.interval[1],
        "p_value": found.p_value,
        "p_holm": each.p_holm,
        "probability_a_better": found.probability,
        "pab_low": low,
        "pab_high": high,
        "verdict": each.verdict,
        "needs_seeds": needed(found, each.verdict, rule.region),
        "exploratory": found.n < EXPLORATORY,
    }
