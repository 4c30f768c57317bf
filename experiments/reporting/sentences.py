"""What a study's comparisons say, in sentences."""

import math
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.comparisons import MOST
from fairgrid.experiments.analysis.effects import INTERACTION
from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.analysis.statistics.families import open_verdict
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.study.schema import Comparison
from fairgrid.experiments.study.study import Study

_NAMED = 3  # pairs that are marked, of which each is named
_REACH = 100_000  # seeds; beyond, no number is said


def comparison_sentences(study: Study, comparisons: pd.DataFrame) -> list[str]:
    """A sentence for every factor and context: who is better than whom by how much, and what is not decided.

    Args:
        study: the study that is compared.
        comparisons: the study's rows of comparisons.csv.
    """
    if not len(comparisons):
        count = len(pairs(study, study.comparison.factors))
        return [too_many_pairs(count)] if count > MOST else []
    sentences, seeds = [], comparisons["n"].nunique() > 1
    for (factor, context), rows in comparisons.groupby(["factor", "context"], sort=False):
        where = f" ({context})" if context else ""
        sentences.append(f"{_plain(factor)}{where}: {_told(rows, seeds)}.")
    return sentences


def effect_sentences(effects: pd.DataFrame) -> list[str]:
    """A sentence for every factor on the whole, at each level of another, and on what changes between two of these.

    Args:
        effects: a study's rows of effects.csv.
    """
    sentences, seeds = [], effects["n"].nunique() > 1
    keys = ["kind", "factor", "by", "level", "other", "context"]
    rows = effects.rename(columns={"estimate": "mean_difference"})
    for (kind, factor, by, level, other, context), group in rows.groupby(keys, sort=False):
        place = " on the whole"
        if kind == INTERACTION:
            place = f" × {_plain(by)}, from {level} to {other}"
        elif by:
            place = f" at {_plain(by)} {level}"
        where = f" ({context})" if context else ""
        sentences.append(f"{_plain(factor)}{place}{where}: {_told(group, seeds)}.")
    return sentences


def legend(rows: pd.DataFrame, rule: Comparison) -> str:
    """Explains the numbers in brackets after differences, and the rule of the verdicts.

    Args:
        rows: a study's rows of comparisons.csv or effects.csv.
        rule: the rule by which its cells are compared.
    """
    contexts = "; what single contexts show" if "contexts" in rows else ""
    region = f"±{100 * rule.region:g} points" if rule.metric.endswith("_error") else f"±{rule.region:g}"
    return (
        f"One is better where p ≤ {rule.level:g}, two are equivalent where the interval at the corrected level lies"
        f" within {region}. In brackets: the 95 % interval of the difference, not corrected, of the first less the"
        f" second where neither is better; p, corrected by Holm's method; how many seeds might decide{contexts}."
    )


def too_many_pairs(count: int) -> str:
    """The reason why nothing is compared."""
    return f"{count:,} pairs differ in one factor, of which at most {MOST} are compared: name factors in [comparison]."


def probability(p: float) -> str:
    """A p-value for people: 0.031, < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def exploratory(row: dict[Any, Any]) -> bool:
    """Whether a row of comparisons.csv or effects.csv has too few seeds to be more than exploratory."""
    return row.get("exploratory") is True  # pd.NA where it is incomplete


def _told(rows: pd.DataFrame, seeds: bool) -> str:
    """The verdicts on pairs of one factor and context: better, equivalent, not decided."""
    records = rows.to_dict("records")
    parts = [_decided(row, seeds) for row in records if not open_verdict(row["verdict"])]
    unknown = [f"{row['a']} and {row['b']} ({_why(row, seeds)})" for row in records if open_verdict(row["verdict"])]
    return "; ".join([*parts, *([f"not decided: {', '.join(unknown)}"] if unknown else [])])


def _decided(row: dict[Any, Any], seeds: bool) -> str:
    word, changes = row["verdict"], row.get("kind") == INTERACTION
    if word == Verdict.EQUIVALENT:
        alike = "change alike" if changes else "are equivalent"
        if row["ci_low"] == row["ci_high"] == 0:
            alike += ", the same on every seed"
        if differs_slightly(row):
            alike = f"{'change otherwise' if changes else 'differ'}, by less than {_amount(row, row['region'])}"
        p_value = [_sure(row)] if differs_slightly(row) else []
        within = "; ".join([_interval(row), *p_value, *_contexts(row), *_asides(row, seeds)])
        return f"{row['a']} and {row['b']} {alike} ({within})"
    first, second = (row["a"], row["b"]) if word == Verdict.BETTER else (row["b"], row["a"])
    sure = _sure(row)
    size = row["mean_difference"]
    if math.isnan(size):
        relation = f"{first} {'gains on' if changes else 'is better than'} {second}"
        return f"{relation} ({'; '.join([sure, *_asides(row, seeds)])})"
    amount = _amount(row, abs(size))
    relation = f"gains {amount} on {second}" if changes else f"is better than {second} by {amount}"
    within = "; ".join([_interval(row, size < 0), sure, *_contexts(row, size < 0), *_asides(row, seeds)])
    return f"{first} {relation} ({within})"


def _why(row: dict[Any, Any], seeds: bool) -> str:
    """The reason why a pair is not decided, or the interval of its difference and how many seeds might decide."""
    if row["verdict"] == Verdict.NOTHING and 0 < row.get("n_diverged_a", 0) == row.get("n_diverged_b", 0) == row["n"]:
        return f"{Verdict.NOTHING}: every run of both diverged"
    if row["verdict"] != Verdict.UNDECIDED:
        return "; ".join([str(row["verdict"]), *_asides(row, seeds)])
    return "; ".join(text for text in (_interval(row), _sure(row), _needed(row), *_asides(row, seeds)) if text)


def _needed(row: dict[Any, Any]) -> str:
    """How many seeds might decide, as a range; "" where no number would."""
    low, high = row["needs_low"], row["needs_high"]
    if pd.isna(low) or low > _REACH:
        return ""
    return f"{low:,.0f} to {high:,.0f} seeds" if high <= _REACH else f"{low:,.0f} seeds or more"


def differs_slightly(row: dict[Any, Any]) -> bool:
    """Whether cells that are equivalent, in a row of comparisons.csv or effects.csv, differ by less than the region."""
    return bool(row["verdict"] == Verdict.EQUIVALENT and row["p_holm"] <= row["alpha"])


def doubts(rows: pd.DataFrame) -> list[str]:
    """Sentences on what limits all comparisons of a study: marks, what no seed shows, how much pairing helps.

    Args:
        rows: a study's rows of comparisons.csv or effects.csv.
    """
    lines = []
    marked = rows[rows["marks"].fillna("") != ""].to_dict("records")
    if marked:
        named = ", ".join(f"{row['a']} and {row['b']}{_context(row)}" for row in marked[:_NAMED])
        more = f" and {len(marked) - _NAMED:,} more" if len(marked) > _NAMED else ""
        lines.append(
            f"Doubtful, as one seed has more than half of the variance or differences are skewed: {named}{more}"
            f" ({len(marked):,} of {len(rows):,}). Their intervals may be too narrow."
        )
    unseen = rows["unseen"].dropna().unique()
    if len(unseen):
        shares = " to ".join(f"{100 * share:.2g}" for share in sorted({unseen.min(), unseen.max()}))
        lines.append(f"A kind of run that no seed shows may still be up to {shares} % of runs.")
    if "variance_ratio" in rows and rows["variance_ratio"].notna().any():
        ratio = rows["variance_ratio"]
        lines.append(
            f"Pairing by seed leaves {ratio.median():.2f} of the variance of unpaired differences (median; from"
            f" {ratio.min():.2f} to {ratio.max():.2f})."
        )
    return lines


def _context(row: dict[Any, Any]) -> str:
    return f" ({row['context']})" if row["context"] else ""


def _asides(row: dict[Any, Any], seeds: bool) -> list[str]:
    """Further facts for readers: the number of seeds, whether these are few, how many runs diverged."""
    if pd.isna(row["n"]):
        return []
    asides = [f"of {row['n']:.0f} seeds"] if seeds else []
    asides += ["exploratory"] if exploratory(row) else []
    a, b = row.get("n_diverged_a", 0), row.get("n_diverged_b", 0)
    asides += [f"{a:.0f} and {b:.0f} of {row['n']:.0f} diverged"] if a or b else []
    lost = row.get("n_diverged", 0)
    return [*asides, f"{lost:.0f} run{'s' * (lost > 1)} diverged"] if lost else asides


def _sure(row: dict[Any, Any]) -> str:
    p = probability(row["p_holm"])
    return f"p {p}" if p.startswith("<") else f"p = {p}"


def _interval(row: dict[Any, Any], mirrored: bool = False, name: str = "ci") -> str:
    """The interval of a − b or, mirrored, of b − a; "" where there is none."""
    if pd.isna(row[f"{name}_low"]) or pd.isna(row[f"{name}_high"]):
        return ""
    ends = [(-1 if mirrored else 1) * row[f"{name}_{end}"] for end in ("low", "high")]
    return " to ".join(_number(row, end) for end in sorted(ends))


def _contexts(row: dict[Any, Any], mirrored: bool = False) -> list[str]:
    """The range of an average's values in single contexts."""
    within = _interval(row, mirrored, "context") if row.get("contexts", 1) > 1 else ""
    return [f"contexts {within}"] if within else []


def _amount(row: dict[Any, Any], size: float) -> str:
    return f"{_number(row, size)}{' points' if _error(row) else ''}"


def _number(row: dict[Any, Any], size: float) -> str:
    """An error in points, any other metric to three digits."""
    shown = f"{round(100 * size, 2) + 0.0:.2f}" if _error(row) else f"{size + 0.0:.3g}"
    return shown.replace("-", "−")


def _error(row: dict[Any, Any]) -> bool:
    return str(row["metric"]).endswith("_error")


def _plain(name: object) -> str:
    return str(name).replace("_", " ")
