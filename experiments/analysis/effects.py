"""effects.csv: what a factor does on the whole, at each level of another, and whether that differs between levels.

On every seed, outcomes are averaged over all contexts in which both levels were run, on one problem. "main" is the
difference of two levels; "at" the same at one level of another factor; "interaction" how that difference changes from
one level of another factor to the next, on each seed the difference of differences: "better" says that a gains on b.
Tests, intervals and verdicts are those of comparisons, on these averages. Baselines beside tuned cells are compared
with them, and not averaged over: the other factors' effects are those of what was tuned.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.comparisons import (
    CERTAINTY,
    COMPARED_BY,
    EXPLORATORY,
    HOLM,
    NEEDS,
    UNCORRECTED,
    compared,
    compared_runs,
    context_text,
    count,
)
from fairgrid.experiments.analysis.outcomes import compared_metric
from fairgrid.experiments.analysis.pairing import Outcomes, Pair, aligned, diverged, empty, outcomes
from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.families import Sides, judged
from fairgrid.experiments.analysis.statistics.paired import difference
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.store.columns import STUDY
from fairgrid.experiments.store.schema import booleans, integers, numbers, text
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import label
from fairgrid.experiments.study.study import Study

MAIN, AT, INTERACTION = "main", "at", "interaction"
_ROUNDING = 1e-12  # of the largest value: averages that are equal but for it are equal


@dataclass(frozen=True)
class Effect:
    """Two sums of cells whose averages are compared.

    Attributes:
        kind: MAIN, AT or INTERACTION.
        pairs: over which is averaged.
        against: for an interaction, those at the level that it changes from.
        by: the other factor; "" for a main effect.
        level: of it; of an interaction, from which. other: to which.
    """

    kind: str
    pairs: tuple[Pair, ...]
    against: tuple[Pair, ...] = ()
    by: str = ""
    level: str = ""
    other: str = ""

    @property
    def family(self) -> tuple[str, str, str]:
        """Effects that are corrected for together have the same."""
        return self.kind, self.pairs[0].factor, self.by

    @property
    def cells(self) -> tuple[str, ...]:
        """Of which outcomes are averaged: a and b of every pair, then of those at the other level."""
        return tuple(cell for pair in (*self.pairs, *self.against) for cell in (pair.a, pair.b))


def effects_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study; none where its pairs are too many.

    Args:
        study: the study whose factors are compared.
        runs: the study's rows of runs.csv, with a column of the metric that is compared.

    Raises:
        InputError: a cell lacks a seed, or has one twice.
    """
    rule = study.comparison
    metric, known = compared_metric(study), outcomes(study, runs)
    chosen = [pair for pair in compared(study) if pair.context.get(TUNED) != label(False)]
    effects = [*_main(chosen), *_by(chosen, study.interactions)]
    lost = diverged(runs)
    both = [_outcomes(effect, known, lost) for effect in effects]
    averages = [None if sides is None else _averaged(sides) for sides in both]
    judgements = judged(averages, [effect.family for effect in effects], rule.level, rule.region)
    rows = [
        {"study": study.name, "metric": metric.name, "n_diverged": count(lost, effect.cells)}
        | _described(effect)
        | each.columns("estimate", rule.region, metric.sign)
        | ({} if sides is None or each.measured is None else _range(sides.a, sides.b, metric.sign))
        for effect, sides, each in zip(effects, both, judgements, strict=True)
    ]
    return EFFECTS.frame(rows)


EFFECTS = derived(
    DerivedTable(
        "effects",
        "A row per pair of levels on average, at each level of another factor, and per pair of such differences;"
        " [comparisons.md](comparisons.md#effects) has the rules.",
        (
            *text("study", STUDY),
            *text("kind", "`main`, `at` or `interaction`"),
            *text("factor a b", "the factor and the two levels that are compared"),
            *text("by level other", "the other factor; its level; of interactions, the level that it changes to"),
            *text("context", "the problem, if the study has several"),
            *integers("contexts", "contexts that are averaged over", gaps=True),
            *text("metric", COMPARED_BY),
            *integers("n", "seeds that all cells have", gaps=True),
            *numbers("estimate", "the mean of a − b, or of its change"),
            *numbers("ci_low ci_high", UNCORRECTED),
            *numbers("context_low context_high", "the smallest and the largest mean difference in one context"),
            *numbers("p_value", "p-value of no difference"),
            *numbers("p_holm", HOLM),
            *integers("n_diverged", "runs among those averaged that diverged; outcomes, and never dropped", gaps=True),
            *text("verdict", "the verdict on a"),
            *integers("needs_seeds", NEEDS, gaps=True),
            *booleans("exploratory", EXPLORATORY, gaps=True),
            *CERTAINTY,
        ),
        make=lambda study, tables: effects_table(study, compared_runs(study, tables)),
        position=20,
    )
)


def _main(chosen: Sequence[Pair]) -> Iterator[Effect]:
    """Of two levels that were run in several contexts."""
    for group in _grouped(chosen, ""):
        if len(group) > 1:
            yield Effect(MAIN, group)


def _by(chosen: Sequence[Pair], interactions: Sequence[tuple[str, str]]) -> Iterator[Effect]:
    for factor, by in interactions:
        mine = [pair for pair in chosen if pair.factor == factor and by in pair.context]
        at = [Effect(AT, group, by=by, level=group[0].context[by]) for group in _grouped(mine, by)]
        yield from (effect for effect in at if len(effect.pairs) > 1)  # of one context, comparisons are the same
        for one, other in itertools.combinations(at, 2):
            if _comparable(one.pairs[0]) != _comparable(other.pairs[0]):
                continue
            rest = {_rest(pair, by): pair for pair in other.pairs}
            common = [pair for pair in one.pairs if _rest(pair, by) in rest]
            if common:
                then = tuple(rest[_rest(pair, by)] for pair in common)
                yield Effect(INTERACTION, then, tuple(common), by, one.level, other.level)


def _grouped(chosen: Sequence[Pair], by: str) -> list[tuple[Pair, ...]]:
    """Pairs of the same levels on the same problem and, if asked for, at the same level of another factor."""
    groups: dict[Any, list[Pair]] = {}
    for pair in chosen:
        groups.setdefault((_comparable(pair), pair.context.get(by)), []).append(pair)
    return [tuple(group) for group in groups.values()]


def _comparable(pair: Pair) -> tuple[Any, ...]:
    return pair.factor, pair.levels, pair.problem


def _rest(pair: Pair, by: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, level) for name, level in pair.context.items() if name != by)


def _outcomes(effect: Effect, known: Outcomes, lost: Mapping[str, "pd.Series[bool]"]) -> Sides | None:
    """What is averaged, (contexts, seeds) on either side, of interactions differences; None if a cell is incomplete.

    A change from one level to another is empty where either of them is.
    """
    cells = effect.cells
    sides = aligned([*(known[cell] for cell in cells), *(lost.get(cell) for cell in cells)])
    if sides is None:
        return None
    values, ended = sides[: len(cells)], sides[len(cells) :]
    a, b = np.stack(values[::2]), np.stack(values[1::2])
    if not effect.against:
        return Sides(a, b, empty(values, ended))
    to, middle = 2 * len(effect.pairs), len(effect.pairs)
    changes = difference(a, b)
    nothing = empty(values[:to], ended[:to]) | empty(values[to:], ended[to:])
    return Sides(changes[:middle], changes[middle:], nothing)


def _averaged(sides: Sides) -> Sides | None:
    """Averages over contexts, (seeds,) on either side; None where one is of infinite values of both signs."""
    largest = max(np.abs(values[np.isfinite(values)]).max(initial=0) for values in (sides.a, sides.b))
    with np.errstate(invalid="ignore"):
        a, b = sides.a.mean(0), sides.b.mean(0)
    if np.isnan(a).any() or np.isnan(b).any():
        return None
    return Sides(a, np.where(np.abs(difference(a, b)) <= _ROUNDING * largest, a, b), sides.empty)


def _described(effect: Effect) -> dict[str, Any]:
    pair = effect.pairs[0]
    problem = {name: level for name, level in pair.context.items() if name.partition(".")[0] == "problem"}
    return {
        "kind": effect.kind,
        "factor": pair.factor,
        "a": pair.levels[0],
        "b": pair.levels[1],
        "by": effect.by,
        "level": effect.level,
        "other": effect.other,
        "context": context_text({name: level for name, level in problem.items() if name != effect.by}),
        "contexts": len(effect.pairs),
    }


def _range(a: Floats, b: Floats, sign: int) -> dict[str, float]:
    """The least and the greatest mean difference in one context."""
    with np.errstate(invalid="ignore"):  # infinite ones of both signs
        means = sign * difference(a, b).mean(1)
    low, high = (float(end) if np.isfinite(end) else math.nan for end in (means.min(), means.max()))
    return {"context_low": low, "context_high": high}
