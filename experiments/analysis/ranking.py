"""ranking.csv: which level of a study's main factor is best, in which groups, and how many times worse the others are.

A ranking is of the levels of the main factor: the first that the study compares, or else the optimizer, or else the
first that varies. In one context, rows are cells; and where there are several contexts on one problem, further rows are
levels, on every seed averaged over the contexts in which all of them were run. Letters are made from the verdicts of
comparisons.csv and, for levels, of the main effects in effects.csv: two that share a letter are not shown to differ. An
incomplete cell has no rank and no letter.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fairgrid.experiments.analysis.comparisons import COMPARED_BY, compared, compared_runs, context_text
from fairgrid.experiments.analysis.effects import MAIN
from fairgrid.experiments.analysis.outcomes import compared_metric
from fairgrid.experiments.analysis.pairing import Outcomes, Pair, aligned, outcomes
from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.grouping import letters
from fairgrid.experiments.analysis.statistics.ratios import ratio_interval
from fairgrid.experiments.analysis.statistics.summaries import mean_interval
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import COUNTED, COUNTS, FAILED, STUDY
from fairgrid.experiments.store.schema import integers, numbers, text
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import label
from fairgrid.experiments.study.study import Study

LEVEL, CELL = "level", "cell"
_DECIDED = (Verdict.BETTER, Verdict.WORSE)


def main_factor(study: Study) -> str | None:
    """The factor whose levels are ranked; None where nothing is compared."""
    factors = list(dict.fromkeys(pair.factor for pair in compared(study)))
    return "optimizer" if "optimizer" in factors and not study.comparison.factors else next(iter(factors), None)


def ranking_table(study: Study, tables: ResultTables) -> pd.DataFrame:
    """The rows of one study."""
    factor = main_factor(study)
    if factor is None:
        return RANKING.frame()
    runs = compared_runs(study, tables)
    values, counts = outcomes(study, runs), _counts(runs)
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in compared(study):
        if pair.factor == factor and (pair.a in counts or pair.b in counts):
            groups.setdefault((context_text(pair.context), pair.problem), []).append(pair)
    comparisons = tables.comparisons[tables.comparisons["factor"] == factor]
    rows: list[dict[str, Any]] = []
    for (context, _), pairs in groups.items():
        decided = comparisons[(comparisons["context"] == context) & comparisons["verdict"].isin(_DECIDED)]
        cells = _cells(pairs)
        rows += _ranked(
            study,
            {level: values[cell] for level, cell in cells.items()},
            {level: [cell] for level, cell in cells.items()},
            decided,
            counts,
            {"kind": CELL, "factor": factor, "context": context},
        )
    main = tables.effects[(tables.effects["kind"] == MAIN) & (tables.effects["factor"] == factor)]
    return RANKING.frame([*_levels(study, values, counts, groups, main, factor), *rows])


def _levels(
    study: Study,
    values: Outcomes,
    counts: Mapping[str, Mapping[str, int]],
    groups: Mapping[tuple[str, str], Sequence[Pair]],
    main: pd.DataFrame,
    factor: str,
) -> Iterator[dict[str, Any]]:
    """Rows of levels, over the contexts on one problem in which all of them were run."""
    by_problem: dict[str, list[dict[str, str]]] = {}
    contexts: dict[str, str] = {}
    for (_, problem), pairs in groups.items():
        if pairs[0].context.get(TUNED) != label(False):  # baselines are no context to average over
            by_problem.setdefault(problem, []).append(_cells(pairs))
            kept = {name: shown for name, shown in pairs[0].context.items() if name.partition(".")[0] == "problem"}
            contexts[problem] = context_text(kept)
    for problem, several in by_problem.items():
        levels = list(dict.fromkeys(level for cells in several for level in cells))
        whole = [cells for cells in several if list(cells) == levels]
        context = contexts[problem]
        decided = main[(main["context"].fillna("") == context) & main["verdict"].isin(_DECIDED)]
        if len(whole) > 1 and len(whole) == len(several):
            cells_of = {level: [cells[level] for cells in whole] for level in levels}
            averages = {level: _average([values[cell] for cell in cells]) for level, cells in cells_of.items()}
            described = {"kind": LEVEL, "factor": factor, "context": context}
            yield from _ranked(study, averages, cells_of, decided, counts, described)


def _cells(pairs: Sequence[Pair]) -> dict[str, str]:
    """The cell of each level."""
    return {level: cell for pair in pairs for level, cell in zip(pair.levels, (pair.a, pair.b), strict=True)}


def _average(series: "Sequence[pd.Series[float] | None]") -> "pd.Series[float] | None":
    both = aligned(series)
    if both is None or series[0] is None:
        return None
    seeds = sorted(set.intersection(*(set(each.index) for each in series if each is not None)))
    return pd.Series(np.mean(both, axis=0), index=seeds, dtype=float)


def _ranked(
    study: Study,
    values: "Mapping[str, pd.Series[float] | None]",
    cells: Mapping[str, Sequence[str]],
    decided: pd.DataFrame,
    counts: Mapping[str, Mapping[str, int]],
    described: Mapping[str, str],
) -> list[dict[str, Any]]:
    """A row per level, the best first, those that are incomplete last."""
    metric = compared_metric(study)
    complete = {level: mine for level, mine in values.items() if mine is not None}
    ordered = sorted(complete, key=lambda level: float(complete[level].mean()))
    pairs = [
        (ordered.index(a), ordered.index(b))
        for a, b in decided[["a", "b"]].itertuples(index=False)
        if a in ordered and b in ordered
    ]
    groups = dict(zip(ordered, letters(len(ordered), pairs), strict=True))
    rows = []
    for place, level in enumerate([*ordered, *(level for level in values if level not in ordered)]):
        row: dict[str, Any] = {"study": study.name, "metric": metric.name, "level": level, **described}
        row |= {name: sum(counts[cell][name] for cell in cells[level] if cell in counts) for name in COUNTS.split()}
        if level in complete:
            figures = _figures(complete[level], complete[ordered[0]], metric.sign)
            row |= {"rank": place + 1, "n": len(complete[level]), "groups": groups[level]} | figures
        rows.append(row)
    return rows


def _figures(mine: "pd.Series[float]", best: "pd.Series[float]", sign: int) -> dict[str, float]:
    """Mean, standard deviation, interval, and the ratio to the best; of infinite values the mean alone."""
    own = np.asarray(mine, np.float64)
    if not np.isfinite(own).all():
        return {"mean": sign * float(own.mean())}
    low, high = (sign * end for end in mean_interval(own)[::sign])
    std = float(own.std(ddof=1)) if len(own) > 1 else math.nan
    row = {"mean": sign * float(own.mean()), "std": std, "ci_low": low, "ci_high": high}
    common = mine.index.intersection(best.index)
    a, b = np.asarray(mine[common], np.float64), np.asarray(best[common], np.float64)
    if sign < 0 or not np.isfinite(b).all() or not b.mean() > 0:  # of errors and losses
        return row
    return row | dict(zip(("ratio", "ratio_low", "ratio_high"), (a.mean() / b.mean(), *_bounds(a, b)), strict=True))


def _bounds(a: Floats, b: Floats) -> tuple[float, float]:
    return (1.0, 1.0) if (a == b).all() else ratio_interval(a, b)


def _counts(runs: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many runs each cell has, by its factors."""
    counts = {}
    for cell, group in runs[runs["phase"] == Phase.EVALUATION].groupby("factors", sort=False):
        status = group["status"].value_counts()
        failed = sum(int(status.get(word, 0)) for word in FAILED)
        numbered = (len(group), int(status.get(Status.OK, 0)), int(status.get(Status.DIVERGED, 0)), failed)
        counts[str(cell)] = dict(zip(COUNTS.split(), numbered, strict=True))
    return counts


RANKING = derived(
    DerivedTable(
        "ranking",
        "A row per level of a study's main factor, on average over contexts and in each of them, the best first.",
        (
            *text("study", STUDY),
            *text("kind", "`level`: averaged over contexts; `cell`: in one context"),
            *text("factor", "the factor whose levels are ranked"),
            *text("context", "the other factors of a cell; of a level the problem, if there are several"),
            *text("level", "the level"),
            *text("metric", COMPARED_BY),
            *integers("rank", "1 is best; empty where runs are missing", gaps=True),
            *integers("n", "seeds", gaps=True),
            *integers(COUNTS, COUNTED),
            *numbers("mean std", "over seeds, a diverged run counted as the worst"),
            *numbers("ci_low ci_high", "Student's 95 % interval of the mean"),
            *text("groups", "letters: two that share one are not shown to differ"),
            *numbers("ratio", "the mean over the best one's, of errors and losses"),
            *numbers("ratio_low ratio_high", "its 95 % interval (Fieller's); infinite where the best mean may be 0"),
        ),
        make=ranking_table,
        position=25,
    )
)
