"""Seeds until decided: looks at growing numbers of seeds, at which a family of comparisons is decided for good.

At look k a pair has the first n_k = first · 2^(k−1) seeds, and a share w_k = 0.3 · 0.7^(k−1) of the level. Shares sum
to 1 over any number of looks, so that a larger `most` may be declared later. The sequential p-value of a pair is the
least p / w_k so far, and its repeated interval the intersection of the intervals at 1 − level · w_k / m, for m pairs. A
pair whose repeated interval lies within ± region is equivalent, and one that Holm's method rejects over the sequential
p-values of all m pairs is better or worse; both are frozen. Differences after a pair's decision are never read, so that
decisions depend on the design and on the seeds before each stop alone.

Under symmetric differences any false difference has a probability of at most the level, and any false equivalence of
at most half of it, however long one looks (Jennison and Turnbull 1989 on repeated intervals; Holm 1979).
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.signflip import holm, sign_flip
from fairgrid.experiments.analysis.statistics.verdicts import Verdict

_SPENT = 0.3  # of what is left of the level at every look


@dataclass(frozen=True)
class Design:
    """What is declared before the first run.

    Attributes:
        first: seeds of the first look.
        most: seeds beyond which nothing is asked for.
        level: of the family.
        region: differences within ± region do not matter.
    """

    first: int
    most: int
    level: float
    region: float

    def looks(self) -> Iterator[tuple[int, float]]:
        """The number of seeds at each look, and the share of the level that it spends."""
        for number in itertools.count():
            seeds = self.first * 2**number
            if seeds > self.most:
                return
            yield seeds, _SPENT * (1 - _SPENT) ** number


@dataclass(frozen=True)
class PairSeeds:
    """What is recorded of a pair.

    Attributes:
        differences: of a minus b on seeds 0, 1, …, (n,); less is better.
        empty: whether neither side has an outcome of its own on a seed, (n,).
        failed: whether the run of one side on the next seed failed, so that the pair is incomplete.
    """

    differences: Floats
    empty: NDArray[np.bool_]
    failed: bool = False


@dataclass(frozen=True)
class Look:
    """A pair at one look: seeds, mean difference, sequential p-value so far, and repeated interval so far."""

    seeds: int
    mean: float
    p_value: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """What is decided of a pair.

    Attributes:
        verdict: on a; undecided where the pair is open, or was when `most` was reached.
        path: the pair at every look until it was decided.
        wanted: seeds that the pair needs next; 0 where it is closed.
    """

    verdict: Verdict
    path: tuple[Look, ...]
    wanted: int = 0

    @property
    def seeds(self) -> int:
        """The number of seeds that the verdict rests on."""
        return self.path[-1].seeds if self.path else 0


def decisions(pairs: Sequence[PairSeeds], design: Design) -> list[Decision]:
    """Replays the looks for which there are seeds.

    A look is taken once every open pair has its seeds; until then pairs without them want them, and the others wait. A
    pair with a failed run closes as incomplete, stays in the family, and opens again once the run has an outcome.

    Args:
        pairs: all pairs of the family.
        design: what was declared.
    """
    verdicts: list[Verdict | None] = [None] * len(pairs)
    paths: list[list[Look]] = [[] for _ in pairs]
    for seeds, share in design.looks():
        open_pairs = [place for place, verdict in enumerate(verdicts) if verdict is None]
        for place in open_pairs:
            if len(pairs[place].differences) < seeds and pairs[place].failed:
                verdicts[place] = Verdict.INCOMPLETE
        open_pairs = [place for place in open_pairs if verdicts[place] is None]
        if any(len(pairs[place].differences) < seeds for place in open_pairs):
            return _decided(verdicts, paths, pairs, seeds)
        for place in open_pairs:
            paths[place].append(_look(pairs[place], seeds, share, len(pairs), design, paths[place]))
            if pairs[place].empty[:seeds].all():
                verdicts[place] = Verdict.NOTHING
            elif -design.region <= paths[place][-1].low <= paths[place][-1].high <= design.region:
                verdicts[place] = Verdict.EQUIVALENT
        adjusted = holm(np.array([path[-1].p_value if path else 1.0 for path in paths]))
        for place in open_pairs:
            if verdicts[place] is None and adjusted[place] <= design.level:
                verdicts[place] = _side(paths[place])
    return _decided(verdicts, paths, pairs, 0)


def _look(pair: PairSeeds, seeds: int, share: float, family: int, design: Design, before: Sequence[Look]) -> Look:
    test = sign_flip(pair.differences[:seeds])
    low, high = test.interval(1 - design.level * share / family)
    if not before:
        return Look(seeds, test.mean, min(1.0, test.p_value / share), low, high)
    last = before[-1]
    p_value = min(last.p_value, test.p_value / share)
    return Look(seeds, test.mean, p_value, max(last.low, low), min(last.high, high))


def _side(path: Sequence[Look]) -> Verdict:
    """Which is better, by the mean at the look at which the p-value was least."""
    least = min(path, key=lambda look: look.p_value)  # the first of equals
    return Verdict.BETTER if least.mean < 0 else Verdict.WORSE


def _decided(
    verdicts: Sequence[Verdict | None], paths: Sequence[Sequence[Look]], pairs: Sequence[PairSeeds], seeds: int
) -> list[Decision]:
    """The decisions so far; open pairs that lack seeds of the next look want them."""
    return [
        Decision(
            Verdict.UNDECIDED if verdict is None else verdict,
            tuple(path),
            seeds if verdict is None and len(pair.differences) < seeds else 0,
        )
        for verdict, path, pair in zip(verdicts, paths, pairs, strict=True)
    ]
