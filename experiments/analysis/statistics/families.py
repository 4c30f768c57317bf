"""Comparisons that are corrected together: tested, adjusted by Holm's method within each family, and judged."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgrid.experiments.analysis.statistics.decisions import needed_seeds, verdict
from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.paired import (
    EXPLORATORY,
    Paired,
    paired_rows,
)
from fairgrid.experiments.analysis.statistics.signflip import holm
from fairgrid.experiments.analysis.statistics.verdicts import Verdict

Test = Callable[[Floats, Floats, Sequence[int], float], Iterable[Paired]]


@dataclass(frozen=True)
class Sides:
    """What is compared, seed by seed.

    Attributes:
        a: values of one side, (seeds,).
        b: values of the other side on the same seeds.
        empty: seeds on which neither side has an outcome of its own: both runs diverged, or neither reached a target.
    """

    a: Floats
    b: Floats
    empty: NDArray[np.bool_]

    def of(self, seeds: slice) -> "Sides":
        """The same on some of the seeds."""
        return Sides(self.a[seeds], self.b[seeds], self.empty[seeds])


@dataclass(frozen=True)
class Judged:
    """A comparison with what was found.

    Attributes:
        found: None where a side is incomplete.
        p_holm: corrected over the family.
        verdict: on a.
    """

    found: Paired | None
    p_holm: float
    verdict: str

    @property
    def measured(self) -> Paired | None:
        """What was found; None too where there is nothing to compare, as values that stand for no outcome are equal."""
        return None if self.verdict == Verdict.NOTHING else self.found

    def columns(self, mean: str, region: float, sign: int = 1) -> dict[str, Any]:
        """What tables say of it; of an incomplete one the verdict alone, of one with nothing to compare its seeds too.

        Args:
            mean: the column of the mean difference.
            region: differences within ± region do not matter.
            sign: −1 where the sign of what was compared had been turned, so that less was better.
        """
        if self.found is None:
            return {"verdict": self.verdict}
        tested = self.found
        if self.measured is None:
            return {"n": tested.n, "verdict": self.verdict, "exploratory": tested.n < EXPLORATORY}
        needs = needed_seeds(tested, region) if open_verdict(self.verdict) else None
        ends = tested.interval[::sign], tested.wide[::sign]
        ci, wide = ([_turned(end, sign) for end in pair] for pair in ends)
        within, within_low = tested.within(region)
        more = {} if needs is None else {f"needs_{name}": max(n, tested.n + 1) for name, n in vars(needs).items()}
        return {
            "n": tested.n,
            mean: _turned(tested.mean, sign),
            "ci_low": ci[0],
            "ci_high": ci[1],
            "p_value": tested.p_value,
            "p_holm": self.p_holm,
            "verdict": self.verdict,
            "exploratory": tested.n < EXPLORATORY,
            "method": tested.method,
            "alpha": tested.level,
            "region": region,
            "family": tested.family,
            "wide_low": wide[0],
            "wide_high": wide[1],
            "unseen": tested.unseen,
            "within": within,
            "within_low": within_low,
            "variance_ratio": tested.variance_ratio,
            "marks": ", ".join(tested.marks),
            **more,
        }


def _turned(value: float, sign: int) -> float:
    """A value with the sign that it has in tables, without a negative zero."""
    return value if sign > 0 else 0.0 - value


def judged(
    sides: Sequence[Sides | None],
    families: Sequence[Hashable],
    level: float,
    region: float,
    test: Test = paired_rows,
) -> list[Judged]:
    """Comparisons, each tested and corrected over its family.

    One that is incomplete stays in its family: a run that fails makes no other difference easier to find.

    Args:
        sides: the sides of each comparison; None where it is incomplete.
        families: the family of each.
        level: the level of each family.
        region: differences within ± region do not matter.
        test: a test of rows of values; by default the sign-flip test of their means.
    """
    sizes = Counter(families)
    by_length: dict[int, list[tuple[int, Sides]]] = {}
    for place, both in enumerate(sides):
        if both is not None:
            by_length.setdefault(len(both.a), []).append((place, both))
    tested_pairs: list[Paired | None] = [None] * len(sides)
    for group in by_length.values():
        a, b = np.stack([both.a for _, both in group]), np.stack([both.b for _, both in group])
        tested = test(a, b, [sizes[families[place]] for place, _ in group], level)
        for (place, _), each in zip(group, tested, strict=True):
            tested_pairs[place] = each
    p_holm = adjusted([math.nan if each is None else each.p_value for each in tested_pairs], families)
    return [
        Judged(each, p, _verdict(both, each, p, region))
        for both, each, p in zip(sides, tested_pairs, p_holm, strict=True)
    ]


def _verdict(sides: Sides | None, tested: Paired | None, p_holm: float, region: float) -> str:
    if sides is None or tested is None:
        return Verdict.INCOMPLETE
    return Verdict.NOTHING if sides.empty.all() else verdict(tested, p_holm, region)


def adjusted(p_values: Sequence[float], families: Sequence[Hashable]) -> list[float]:
    """p-values adjusted within each family; one that is not a number counts there as 1."""
    places: dict[Hashable, list[int]] = {}
    for place, family in enumerate(families):
        places.setdefault(family, []).append(place)
    p = np.nan_to_num(np.asarray(p_values, np.float64), nan=1.0)
    for mine in places.values():
        p[mine] = holm(p[mine])
    return [float(each) for each in p]


def open_verdict(word: str) -> bool:
    """Whether a verdict decides nothing."""
    return word in (Verdict.UNDECIDED, Verdict.INCOMPLETE, Verdict.NOTHING) or word.startswith("too few")
