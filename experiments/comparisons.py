"""comparisons.csv: every two cells of a study that differ in one factor, on the same problem, seed by seed.

The rules: an error of a diverged run is 1, a loss of one is infinite and makes the comparison incomplete, as runs that
failed do; p-values are corrected (Holm) over all comparisons of one factor within the study; the interval is the test
inverted. Cells of a study have the same seeds, or those that their [[grid]] declares: then the common ones are
compared. A seed that is missing otherwise is an error, never a smaller n.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.errors import InputError
from experiments.identity import canonical_json
from experiments.report_tables import factor_labels
from experiments.schema import Comparison
from experiments.statistics.paired import EXPLORATORY, Paired, needed_seeds, paired, verdict
from experiments.statistics.signflip import holm
from experiments.study import Cell, Study
from experiments.tables import factors_text

COLUMNS = (
    "study factor a b context metric n mean_difference ci_low ci_high p_value p_holm probability_a_better pab_low"
    " pab_high n_diverged_a n_diverged_b verdict needs_seeds exploratory"
).split()
INCOMPLETE = "incomplete"


def comparisons_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of one study.

    Args:
        study: whose cells are compared.
        runs: runs.csv's rows of the study.

    Raises:
        InputError: cells lack seeds that others have, or have one twice.
    """
    rule = study.comparison
    evaluation = runs[runs["phase"] == "evaluation"]
    groups = {str(text): group for text, group in evaluation.groupby("factors", sort=False)}
    labels = factor_labels(study)
    pairs = [pair for pair in _pairs(study) if all(factors_text(cell.factors) in groups for cell in pair[1:])]
    rows, found = [], []
    for factor, a, b in pairs:
        texts = [factors_text(cell.factors) for cell in (a, b)]
        sides = [groups[text] for text in texts]
        context = {name: value for name, value in labels[texts[0]].items() if name != factor}
        rows.append(
            {
                "study": study.name,
                "factor": factor,
                "a": labels[texts[0]][factor],
                "b": labels[texts[1]][factor],
                "context": ", ".join(f"{name}={value}" for name, value in context.items()),
                "metric": rule.metric,
                "n_diverged_a": int((sides[0]["status"] == "diverged").sum()),
                "n_diverged_b": int((sides[1]["status"] == "diverged").sum()),
            }
        )
        found.append(_compared(study, (a, b), (sides[0], sides[1]), rule))
    for factor in dict.fromkeys(factor for factor, _, _ in pairs):
        places = [place for place, row in enumerate(rows) if row["factor"] == factor]
        # one that is incomplete stays in the family: a run that fails makes no other difference easier to find
        p_values = [1.0 if (pair := found[place]) is None else pair.test.p_value for place in places]
        for place, p_holm in zip(places, holm(np.array(p_values)), strict=True):
            rows[place] |= _row(found[place], float(p_holm), len(places), rule)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"n": "Int64", "needs_seeds": "Int64", "n_diverged_a": "Int64", "n_diverged_b": "Int64"})


def _pairs(study: Study) -> list[tuple[str, Cell, Cell]]:
    """Pairs of cells that differ in one factor, with the factor, as the study orders them."""
    rule = study.comparison
    names = list(dict.fromkeys(name for cell in study.cells for name in cell.factors))
    found = []
    for factor in rule.factors or names:
        for a, b in itertools.combinations(study.cells, 2):
            differ = [name for name in names if a.factors.get(name) != b.factors.get(name)]
            same = canonical_json(a.config.get("problem")) == canonical_json(b.config.get("problem"))
            if differ == [factor] and factor in a.factors and factor in b.factors and same:
                found.append((factor, a, b))
    return found


def _compared(
    study: Study, cells: tuple[Cell, Cell], sides: tuple[pd.DataFrame, pd.DataFrame], rule: Comparison
) -> Paired | None:
    """The comparison; None where runs failed or are missing, or have no finite value."""
    a, b = (_values(side, rule.metric) for side in sides)
    if a is None or b is None:
        return None
    if set(a.index) != set(b.index):
        for cell, values in zip(cells, (a, b), strict=True):
            lost = sorted(set(cell.seeds) ^ set(values.index))
            if lost:
                raise InputError(
                    f"runs.csv: {study.name}: expected the seeds that the study declares, "
                    f"found a difference in seed {lost[0]} ({factors_text(cell.factors)})"
                )
    common = sorted(set(a.index) & set(b.index))
    return paired(np.asarray(a[common], np.float64), np.asarray(b[common], np.float64)) if common else None


def _values(runs: pd.DataFrame, metric: str) -> "pd.Series[float] | None":
    if runs["seed"].duplicated().any():
        seed = runs.loc[runs["seed"].duplicated(), "seed"].iloc[0]
        raise InputError(f"runs.csv: expected each seed once in a cell, found seed {seed} twice")
    if not runs["status"].isin(["ok", "diverged"]).all():
        return None
    worst = 1.0 if metric.endswith("_error") else math.inf
    values = runs[metric].astype(float).where(runs["status"] == "ok", worst)
    values = values.set_axis(runs["seed"].astype(int))
    return values if bool(np.isfinite(values).all()) else None


def _row(found: Paired | None, p_holm: float, family: int, rule: Comparison) -> dict[str, Any]:
    if found is None:
        return {"verdict": INCOMPLETE}
    low, high = found.test.interval(1 - rule.level)
    better_low, better_high = found.probability_interval(1 - rule.level)
    return {
        "n": found.test.n,
        "mean_difference": found.test.mean,
        "ci_low": low,
        "ci_high": high,
        "p_value": found.test.p_value,
        "p_holm": p_holm,
        "probability_a_better": found.probability,
        "pab_low": better_low,
        "pab_high": better_high,
        "verdict": verdict(found, p_holm, family, rule.region, rule.level),
        "needs_seeds": needed_seeds(found, family, rule.level),
        "exploratory": found.test.n < EXPLORATORY,
    }


def answer(study: Study, comparisons: pd.DataFrame) -> list[str]:
    """A sentence for every factor and context: who is better than whom, what is equivalent, what is not decided.

    Args:
        study: whose comparisons they are.
        comparisons: comparisons.csv's rows of the study.
    """
    sentences = []
    for (factor, context), rows in comparisons.groupby(["factor", "context"], sort=False):
        told = [_told(row) for row in rows.to_dict("records")]
        open_ = [f"{row['a']} and {row['b']}" for row in rows.to_dict("records") if _open(str(row["verdict"]))]
        said = [text for text in told if text]
        if open_:
            said.append(f"not decided: {_listed(open_)}")
        where = f" ({context})" if context else ""
        sentences.append(f"{str(factor).replace('_', ' ')}{where}: {'; '.join(said)}.")
    return sentences


def _open(word: str) -> bool:
    return word in ("undecided", INCOMPLETE) or word.startswith("too few")


def _told(row: dict[Any, Any]) -> str:
    if row["verdict"] == "equivalent":
        return f"{row['a']} and {row['b']} are equivalent"
    if row["verdict"] not in ("better", "worse"):
        return ""
    first, second = (row["a"], row["b"]) if row["verdict"] == "better" else (row["b"], row["a"])
    sizes = sorted(abs(100 * row[end]) for end in ("ci_low", "ci_high"))
    percent = f"{abs(100 * row['mean_difference']):.2f}" if str(row["metric"]).endswith("_error") else ""
    amount = f" by {percent} points ({sizes[0]:.2f} to {sizes[1]:.2f})" if percent else ""
    return f"{first} is better than {second}{amount}"


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items)
