"""Texts that stand in tables for a missing value, in any case; pandas and R write and read most of them."""

GAPS = frozenset(
    ("", "nan", "-nan", "na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "nat", "null", "none", "?", "-")
) | {"1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
