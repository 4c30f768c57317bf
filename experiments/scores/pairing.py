"""Scores paired by what they share, and what there is to say of those that are missing or not finite."""

from typing import Any

import pandas as pd

from fairgrid.experiments.errors import SeedError
from fairgrid.experiments.scores.scores import Scores

_NAMED = 5  # faults that a message names of those of one kind


def paired(scores: Scores) -> pd.DataFrame:
    """Pairs scores that share a seed, a context, or both.

    Args:
        scores: scores of which at least one of the two is declared.

    Returns:
        One row per seed and context that any cell has, in order, indexed by those of them that are declared; one column
        per cell, in the order of the source. NaN stands for a run that is missing (see `missing`) or failed.

    Raises:
        SeedError: nothing is declared, or a cell has more than one score of a seed and context.
    """
    keys = scores.keys
    if not keys:
        raise SeedError(
            f"{scores.source}: pairing: expected seed or context to name a column that scores of different cells share,"
            " found neither"
        )
    counts = scores.frame.groupby([*keys, "cell"], sort=False).size()
    repeated = counts[counts > 1].reset_index(name="times")
    if len(repeated):
        columns = " and ".join(name for name in (scores.seed, scores.context) if name is not None)
        faults = [f"{_place(row, keys)} {_times(row['times'])} for {row['cell']}" for row in _records(repeated)]
        other = "; a column that tells them apart can be declared as " + " or ".join(
            key for key in ("seed", "context") if key not in keys
        )
        raise SeedError(
            f"{scores.source}: {columns}: expected one score of each for every cell, found {_listed(faults)}"
            f"{other if len(keys) == 1 else ''}"
        )
    pivot = scores.frame.set_index([*keys, "cell"])["score"].unstack("cell")
    return pivot[scores.cells].sort_index()


def missing(scores: Scores) -> pd.DataFrame:
    """Runs that a cell lacks and another has, one per row: cell, and those of seed and context that are declared."""
    keys = scores.keys
    runs = scores.frame[[*keys, "cell"]].drop_duplicates()
    shared = runs[keys].drop_duplicates().sort_values(keys) if keys else runs[[]]
    cells = pd.DataFrame({"cell": scores.cells}, dtype="str")
    every = cells.merge(shared, how="cross").merge(runs, how="left", on=["cell", *keys], indicator=True)
    return every.loc[every["_merge"] == "left_only", ["cell", *keys]].reset_index(drop=True)


def shortfalls(scores: Scores) -> list[str]:
    """Says of every run that is missing, failed or diverged which it is, one sentence each.

    A run is missing only of scores that can be paired, where another cell has it.
    """
    keys = scores.keys
    sentences = [f"{_run(row, keys)}: missing run" for row in (_records(missing(scores)) if keys else [])]
    sentences += [f"{_run(row, keys)}: failed run, without a score" for row in _records(scores.failed)]
    sentences += [f"{_run(row, keys)}: diverged run, score {row['score']}" for row in _records(scores.diverged)]
    return sentences


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _place(row: dict[str, Any], keys: list[str]) -> str:
    """A seed and context as messages name them: seed 3, context iris."""
    return ", ".join(f"{key} {row[key]}" for key in keys)


def _run(row: dict[str, Any], keys: list[str]) -> str:
    return ", ".join(part for part in (row["cell"], _place(row, keys)) if part)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _listed(faults: list[str]) -> str:
    rest = len(faults) - _NAMED
    return ", ".join(faults[:_NAMED]) + (f" and {rest} others" if rest > 0 else "")
