"""Tables for people: comparisons, effects on the whole, and how robust the verdicts are."""

from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.effects import AT, INTERACTION, MAIN
from fairgrid.experiments.analysis.robustness import FEW, LOST, OTHERWISE, OUTCOMES, VARIANTS, WON
from fairgrid.experiments.analysis.statistics.families import open_verdict
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.reporting.sentences import differs_slightly, exploratory, probability

_WINS = (Verdict.BETTER, Verdict.WORSE)
_LONGEST = 5  # verdicts that a variant opens or decides, of which each is told


def comparison_table(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Every comparison: the difference with its interval, in points of error, who is better how often, the verdict.

    Args:
        comparisons: a study's rows of comparisons.csv.
    """
    return pd.DataFrame(
        [
            {
                "compared": _pair(row),
                "where": row["context"],
                **_difference(row),
                "P(first better) [95 %]": _probability(row),
                **_seeds(row, comparisons),
                "verdict": _winner(row) + _few(row),
            }
            for row in comparisons.to_dict("records")
        ]
    )


def seeds(rows: pd.DataFrame) -> str:
    """The number of seeds if all comparisons have the same, so that tables need not repeat it; else ""."""
    counts = rows["n"].unique()
    return f" ({counts[0]:.0f} seeds)" if len(counts) == 1 and not pd.isna(counts[0]) else ""


def counted_verdicts(comparisons: pd.DataFrame) -> pd.DataFrame:
    """How many comparisons of each factor have which verdict.

    Args:
        comparisons: a study's rows of comparisons.csv.
    """
    return _counted(comparisons["factor"], comparisons["verdict"])


def counted_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """How many effects of each factor, on the whole, at levels of another, between these, have which verdict.

    Args:
        effects: a study's rows of effects.csv.
    """
    words = {MAIN: "{} on the whole", AT: "{} at each {}", INTERACTION: "{} × {}"}
    asked = [
        words[kind].format(factor, by) for kind, factor, by in effects[["kind", "factor", "by"]].itertuples(index=False)
    ]
    return _counted(pd.Series(asked, effects.index, name="effect"), effects["verdict"])


def counted_stability(stability: pd.DataFrame) -> pd.DataFrame:
    """What becomes of how many verdicts, a column for each variant of the analysis that the runs allow.

    Args:
        stability: a study's rows of stability.csv.
    """
    became = {title: stability[f"{name}_outcome"] for name, title in VARIANTS.items()}
    counts = {
        title: [str((outcomes == word).sum()) for word in OUTCOMES]
        for title, outcomes in became.items()
        if (outcomes != "").all()
    }
    return pd.DataFrame({"the verdict": OUTCOMES} | counts)


def unstable(stability: pd.DataFrame) -> list[str]:
    """The verdicts that a variant of the analysis decides otherwise, and where they are few those it opens or decides.

    First, the variants whose seeds are too few for any.

    Args:
        stability: a study's rows of stability.csv.
    """
    lines = []
    decided = stability[~stability["verdict"].map(open_verdict)]
    few = [title for name, title in VARIANTS.items() if len(decided) and (decided[f"{name}_outcome"] == FEW).all()]
    if few:
        lines.append(f"{' and '.join(few)}: too few seeds to decide any of what is decided.")
    for name, title in VARIANTS.items():
        for word in (OTHERWISE, LOST, WON):
            rows = stability[stability[f"{name}_outcome"] == word].to_dict("records")
            if rows and (word == OTHERWISE or len(rows) <= _LONGEST):
                lines.append(f"{title}, {word}: {'; '.join(_flipped(row, row[name]) for row in rows)}.")
    return lines


def _flipped(row: dict[Any, Any], other: str) -> str:
    where = f" ({row['context']})" if row["context"] else ""
    return f"{row['a']} and {row['b']}{where} {row['verdict']}, then {other}"


def _counted(rows: "pd.Series[str]", verdicts: "pd.Series[str]") -> pd.DataFrame:
    """The counts of verdicts; rows in their order, better and worse together."""
    either: dict[str, str] = dict.fromkeys(_WINS, "better or worse")
    words = verdicts.replace(either).str.partition(":")[0]
    counted = pd.crosstab(rows, words).loc[list(dict.fromkeys(rows))]
    return counted.rename_axis(index=None, columns=None).astype(str).reset_index(names=str(rows.name))


def _pair(row: dict[Any, Any]) -> str:
    """Two levels, with their factor unless it is obvious."""
    obvious = row["factor"] in KINDS or row["factor"] == "engine"
    return f"{'' if obvious else row['factor'] + ': '}{row['a']} − {row['b']}"


def _seeds(row: dict[Any, Any], rows: pd.DataFrame) -> dict[str, str]:
    return {} if seeds(rows) else {"n": "-" if pd.isna(row["n"]) else f"{row['n']:.0f}"}


def _difference(row: dict[Any, Any]) -> dict[str, str]:
    error = str(row["metric"]).endswith("_error")
    low, mean, high = (_plain((100 if error else 1) * row[key]) for key in ("ci_low", "mean_difference", "ci_high"))
    return {
        "points [95 %]" if error else "difference [95 %]": "-" if mean == "-" else f"{mean} [{low}, {high}]",
        "p (Holm)": "-" if pd.isna(row["p_holm"]) else probability(row["p_holm"]),
    }


def _winner(row: dict[Any, Any]) -> str:
    """The verdict, with who is better."""
    word = str(row["verdict"])
    if differs_slightly(row):
        return f"{word}, yet different"
    return f"{row['a' if word == Verdict.BETTER else 'b']} is better" if word in _WINS else word


def _few(row: dict[Any, Any]) -> str:
    return " (exploratory)" if exploratory(row) else ""


def _probability(row: dict[Any, Any]) -> str:
    shown, low, high = (_plain(row[name]) for name in ("probability_a_better", "pab_low", "pab_high"))
    return shown if shown == "-" else f"{shown} [{low}, {high}]"


def _plain(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3g}"
