"""What a study's comparisons say, in sentences."""

import math
from typing import Any

import pandas as pd

from experiments.comparisons import MOST, open_verdict
from experiments.pairing import pairs
from experiments.study import Study


def answer(study: Study, comparisons: pd.DataFrame) -> list[str]:
    """A sentence for every factor and context: who is better than whom by how much, and what is not decided.

    Args:
        study: whose comparisons they are.
        comparisons: comparisons.csv's rows of the study.
    """
    if not len(comparisons):
        count = len(pairs(study, study.comparison.factors))
        return [too_many(count)] if count > MOST else []
    sentences = []
    for (factor, context), rows in comparisons.groupby(["factor", "context"], sort=False):
        said = [_told(row) for row in rows.to_dict("records")]
        unknown = [_unknown(row) for row in rows.to_dict("records")]
        parts = [text for text in said if text]
        if any(unknown):
            parts.append(f"not decided: {', '.join(text for text in unknown if text)}")
        where = f" ({context})" if context else ""
        sentences.append(f"{str(factor).replace('_', ' ')}{where}: {'; '.join(parts)}.")
    return sentences


def too_many(count: int) -> str:
    """Why nothing is compared."""
    return f"{count:,} pairs differ in one factor, of which at most {MOST} are compared: name factors in [comparison]."


def probability(p: float) -> str:
    """A p-value as people read it: 0.031, < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _told(row: dict[Any, Any]) -> str:
    if row["verdict"] == "equivalent":
        return f"{row['a']} and {row['b']} are equivalent"
    if row["verdict"] not in ("better", "worse"):
        return ""
    first, second = (row["a"], row["b"]) if row["verdict"] == "better" else (row["b"], row["a"])
    p = probability(row["p_holm"])
    sure = f"p {p}" if p.startswith("<") else f"p = {p}"
    if math.isnan(row["mean_difference"]):
        return f"{first} is better than {second} ({sure})"
    error = str(row["metric"]).endswith("_error")
    mean, *ends = (abs((100 if error else 1) * row[name]) for name in ("mean_difference", "ci_low", "ci_high"))
    unit = " points" if error else ""
    low, high = sorted(ends)
    if row["ci_low"] <= 0 <= row["ci_high"]:
        low = 0.0
    return f"{first} is better than {second} by {mean:.2f}{unit} ({low:.2f} to {high:.2f}; {sure})"


def _unknown(row: dict[Any, Any]) -> str:
    word = str(row["verdict"])
    if not open_verdict(word):
        return ""
    needed = row["needs_seeds"]
    why = word if word not in ("undecided",) else ""
    if not pd.isna(needed):
        why = f"about {needed:,.0f} seeds would" if needed < 100_000 else "no number of seeds that is in reach would"
    return f"{row['a']} and {row['b']}" + (f" ({why})" if why else "")
