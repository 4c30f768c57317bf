"""Compact letter displays: who is not shown to differ from whom, in letters."""

from collections.abc import Collection, Sequence
from string import ascii_lowercase


def letters(count: int, differing: Collection[tuple[int, int]]) -> list[str]:
    """Letters of items in an order, such that two share a letter if and only if they are not shown to differ.

    By insertion and absorption (Piepho 2004): one group of all items is split for every pair that differs, and groups
    within others are dropped.

    Args:
        count: the number of items, which are numbered in their order.
        differing: the pairs that are shown to differ.
    """
    groups = [frozenset(range(count))] if count else []
    for one, other in sorted({(min(pair), max(pair)) for pair in differing}):
        split = [part for group in groups for part in _split(group, one, other)]
        groups = [group for group in dict.fromkeys(split) if not any(group < larger for larger in split)]
    groups.sort(key=sorted)
    return ["".join(_letter(place) for place, group in enumerate(groups) if item in group) for item in range(count)]


def _split(group: frozenset[int], one: int, other: int) -> Sequence[frozenset[int]]:
    return [group - {one}, group - {other}] if {one, other} <= group else [group]


def _letter(place: int) -> str:
    """a, b, …, z, then a1, b1, …."""
    return ascii_lowercase[place % 26] + (str(place // 26) if place >= 26 else "")
