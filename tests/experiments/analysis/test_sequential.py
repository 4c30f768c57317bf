"""Seeds until decided: errors are bounded at any stopping, decisions are frozen, and later seeds are never read."""

import dataclasses
import itertools

import numpy as np
import pytest

from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.sequential import Decision, Design, PairSeeds, decisions
from fairgrid.experiments.analysis.statistics.signflip import holm, sign_flip
from fairgrid.experiments.analysis.statistics.verdicts import Verdict

DESIGN = Design(first=20, most=320, level=0.05, region=5.0)


def pair(differences: Floats, failed: bool = False) -> PairSeeds:
    return PairSeeds(differences, np.zeros(len(differences), bool), failed)


def pairs_of(cells: Floats) -> list[PairSeeds]:
    """All pairs of cells, (cells, seeds)."""
    return [pair(one - other) for one, other in itertools.combinations(cells.round(1), 2)]


def drawn(means: list[float], seeds: int, seed: int) -> Floats:
    return np.array(means)[:, None] + np.random.default_rng(seed).normal(0, 10 / 2**0.5, (len(means), seeds))


def test_looks_double_and_their_shares_sum_to_one() -> None:
    looks = list(DESIGN.looks())
    assert [seeds for seeds, _ in looks] == [20, 40, 80, 160, 320]
    assert [share for _, share in looks[:3]] == pytest.approx([0.3, 0.21, 0.147])
    many = dataclasses.replace(DESIGN, most=20 * 2**60)
    assert sum(share for _, share in many.looks()) == pytest.approx(1)
    assert list(many.looks())[: len(looks)] == looks


@pytest.mark.takes_seconds
@pytest.mark.parametrize("seed", range(2))
def test_of_all_patterns_of_signs_no_more_are_rejected_than_the_level(seed: int) -> None:
    sizes = np.random.default_rng(seed).integers(0, 30, 12).astype(float)
    design = Design(first=6, most=12, level=0.3, region=1e-6)
    rejected = 0
    for signs in itertools.product([1, -1], repeat=12):
        (decision,) = decisions([pair(sizes * signs)], design)
        rejected += decision.verdict in (Verdict.BETTER, Verdict.WORSE)
    assert 0 < rejected / 2**12 <= 0.3 * (0.3 + 0.21)


@pytest.mark.parametrize("seed", range(5))
def test_a_decision_is_frozen_and_what_comes_after_is_never_read(seed: int) -> None:
    cells = drawn([0, 0, 1, 8, 20], 320, seed)
    whole = decisions(pairs_of(cells), DESIGN)
    for place, decision in enumerate(whole):
        changed = pairs_of(cells)
        later = changed[place].differences.copy()
        later[decision.seeds :] = 1e9
        changed[place] = pair(later)
        assert decisions(changed, DESIGN) == whole
    for seeds in (20, 40, 80, 160):
        early = decisions([pair(each.differences[:seeds]) for each in pairs_of(cells)], DESIGN)
        for before, after in zip(early, whole, strict=True):
            if before.verdict != Verdict.UNDECIDED:
                assert before == after
            assert after.path[: len(before.path)] == before.path


def test_only_open_pairs_want_seeds_and_a_look_waits_for_all_of_them() -> None:
    cells = drawn([0, 3, 60], 20, 1)
    first = decisions(pairs_of(cells), DESIGN)
    assert [decision.wanted for decision in first] == [40, 0, 0]
    assert [decision.verdict for decision in first] == [Verdict.UNDECIDED, Verdict.BETTER, Verdict.BETTER]
    open_both = drawn([0, 3, 6], 40, 2)
    pairs = pairs_of(open_both)
    pairs[1] = pair(pairs[1].differences[:25])
    waiting = decisions(pairs, DESIGN)
    assert waiting[1].wanted == 40
    assert all(len(decision.path) <= 1 for decision in waiting)


def test_a_pair_with_a_failed_run_is_incomplete_stays_in_the_family_and_opens_again() -> None:
    cells = drawn([0, 3, 60], 40, 3)
    pairs = pairs_of(cells)
    broken = [pair(pairs[0].differences[:30], failed=True), *pairs[1:]]
    incomplete = decisions(broken, DESIGN)
    assert incomplete[0].verdict == Verdict.INCOMPLETE
    assert incomplete[0].wanted == 0
    assert incomplete[0].path == decisions(pairs, DESIGN)[0].path[:1]
    assert decisions(pairs, DESIGN)[0].verdict != Verdict.INCOMPLETE
    alone = decisions([pair(np.zeros(0), failed=True)], DESIGN)
    assert alone == [Decision(Verdict.INCOMPLETE, ())]


def test_cells_in_which_every_run_diverged_are_nothing_to_compare() -> None:
    (decision,) = decisions([PairSeeds(np.zeros(20), np.ones(20, bool))], DESIGN)
    assert decision.verdict == Verdict.NOTHING
    assert decision.wanted == 0


def test_what_most_leaves_open_is_undecided_with_its_path() -> None:
    stream = np.random.default_rng(4)
    (decision,) = decisions([pair(stream.normal(5, 60, 80).round(1))], dataclasses.replace(DESIGN, most=80))
    assert decision.verdict == Verdict.UNDECIDED
    assert decision.wanted == 0
    assert [look.seeds for look in decision.path] == [20, 40, 80]
    for before, after in itertools.pairwise(decision.path):
        assert after.p_value <= before.p_value
        assert before.low <= after.low
        assert after.high <= before.high


def test_one_look_is_the_fixed_test_at_its_share() -> None:
    cells = drawn([0, 4, 9, 30], 20, 5)
    pairs = pairs_of(cells)
    only = dataclasses.replace(DESIGN, most=20)
    decided = decisions(pairs, only)
    adjusted = holm(np.array([sign_flip(each.differences).p_value for each in pairs]) / 0.3)
    for decision, p in zip(decided, adjusted, strict=True):
        assert (decision.verdict in (Verdict.BETTER, Verdict.WORSE)) == (p <= 0.05)


@pytest.mark.takes_minutes
def test_seeds_are_spent_where_they_are_needed() -> None:
    """Nine cells with means 0, 10 and 30, three of each."""
    runs, decided, wrong, repeats = [], 0, 0, 100
    means = [0.0] * 3 + [10.0] * 3 + [30.0] * 3
    for seed in range(repeats):
        made = decisions(pairs_of(drawn(means, 320, seed)), DESIGN)
        cells = dict.fromkeys(range(9), 0)
        for (one, other), decision in zip(itertools.combinations(range(9), 2), made, strict=True):
            for cell in (one, other):
                cells[cell] = max(cells[cell], decision.seeds)
            wrong += means[one] == means[other] and decision.verdict in (Verdict.BETTER, Verdict.WORSE)
            wrong += means[one] != means[other] and decision.verdict == Verdict.EQUIVALENT
        runs.append(sum(cells.values()))
        decided += all(decision.verdict != Verdict.UNDECIDED for decision in made)
    assert np.mean(runs) == pytest.approx(1330, rel=0.1)
    assert decided / repeats >= 0.97
    assert wrong / repeats <= 0.1
