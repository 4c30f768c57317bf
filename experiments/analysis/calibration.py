"""calibration.csv: how often comparisons of a study's own cells would err, whose truth the pool of all seeds gives."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fairgrid.experiments.analysis.comparisons import context_text
from fairgrid.experiments.analysis.outcomes import compared_metric
from fairgrid.experiments.analysis.pairing import Pair, aligned, outcomes, pairs
from fairgrid.experiments.analysis.statistics.calibration import Calibration, calibrated, different, same
from fairgrid.experiments.analysis.statistics.exact import Floats
from fairgrid.experiments.analysis.statistics.paired import LEVEL
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.store.columns import STUDY
from fairgrid.experiments.store.schema import Table, declared, fractions, integers, numbers, text
from fairgrid.experiments.study.study import Study

SEEDS = (10, 30)  # of a comparison
LEAST_POOL = 2 * max(SEEDS)
RATES = ("rejected", "coverage", "wrong")
AA, AB = "A/A", "A/B"
CALIBRATION = declared(
    Table(
        "calibration",
        "A row per pair of cells, or cell, number of seeds and level: how often comparisons err.",
        (
            *text("study", STUDY),
            *text("kind", "`A/A`: a cell against itself on other seeds. `A/B`: two cells on the same seeds"),
            *text("factor a b context", "the pair; of `A/A` the same cell twice"),
            *text("metric", "the metric by which the two are compared"),
            *integers("pool", "runs, or pairs, that are drawn from"),
            *numbers("truth", "their mean difference, of `A/A` 0"),
            *numbers("std skewness excess_kurtosis", "moments of their distribution"),
            *integers("n repeats", "seeds of a comparison; comparisons"),
            *numbers("level", "the level at which it rejects"),
            *fractions("rejected rejected_low rejected_high", "share that find a difference"),
            *fractions("coverage coverage_low coverage_high", "share whose interval holds the truth"),
            *fractions("wrong wrong_low wrong_high", "share that find a difference on the wrong side; of `A/A` on any"),
        ),
        of_studies=False,
    )
)


def calibration_table(study: Study, runs: pd.DataFrame, repeats: int) -> pd.DataFrame:
    """A row per pair of cells or cell, number of seeds and level.

    Args:
        study: the study whose pairs are drawn from.
        runs: its rows, as in runs.csv; all with an outcome.
        repeats: comparisons of each.

    Raises:
        InputError: the study has no two cells to compare, too few seeds, or runs without an outcome.
    """
    metric = study.comparison.metric
    rows = [
        {"study": study.name, "metric": metric} | described | _rates(calibration)
        for described, calibration in _cases(study, runs, repeats)
    ]
    return CALIBRATION.frame(rows)


def _cases(study: Study, runs: pd.DataFrame, repeats: int) -> Iterator[tuple[dict[str, Any], Calibration]]:
    known = outcomes(study, runs)
    chosen = pairs(study, study.comparison.factors)
    if not chosen:
        raise InputError(f"{study.path}: expected two cells that differ in one factor, found none")
    seen: set[str] = set()
    for pair in chosen:
        sides = aligned([known.get(pair.a), known.get(pair.b)])
        if sides is None or len(sides[0]) < LEAST_POOL:
            lack = "runs without an outcome" if sides is None else f"{len(sides[0])}"
            raise InputError(f"{study.path}: expected at least {LEAST_POOL} seeds with an outcome, found {lack}")
        sign = compared_metric(study).sign
        sides = [sign * side for side in sides]
        pools = [
            (AA, pair.levels[side], pair.levels[side], sides[side], cell)
            for side, cell in enumerate((pair.a, pair.b))
            if cell not in seen
        ]
        seen |= {pair.a, pair.b}
        for kind, a, b, pool, _ in [*pools, (AB, *pair.levels, sides[0] - sides[1], "")]:
            for n in SEEDS:
                yield from _case(pair, kind, (a, b), pool, n, repeats)


def _case(
    pair: Pair, kind: str, levels: tuple[str, str], pool: Floats, n: int, repeats: int
) -> Iterator[tuple[dict[str, Any], Calibration]]:
    truth = 0.0 if kind == AA else float(pool.mean())
    samples = (same if kind == AA else different)(pool, n, repeats)
    described = {
        "kind": kind,
        "factor": pair.factor,
        "a": levels[0],
        "b": levels[1],
        "context": context_text(pair.context),
        "pool": len(pool),
        "truth": truth,
        "std": float(pool.std(ddof=1)),
        "skewness": float(stats.skew(pool)),
        "excess_kurtosis": float(stats.kurtosis(pool)),
        "n": n,
        "repeats": repeats,
    }
    for calibration in calibrated(samples, truth):
        yield described, calibration


def _rates(calibration: Calibration) -> dict[str, float]:
    row: dict[str, float] = {"level": calibration.level}
    for name, rate in zip(RATES, (calibration.rejected, calibration.covered, calibration.wrong), strict=True):
        row |= {name: rate.value, f"{name}_low": rate.interval[0], f"{name}_high": rate.interval[1]}
    return row


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The rows at 5 %, rates in percent with their intervals."""
    rows = []
    for row in table[np.isclose(table["level"], LEVEL)].to_dict("records"):
        cells = row["a"] if row["kind"] == AA else f"{row['a']} − {row['b']}"
        rows.append(
            {
                "": row["kind"],
                "cells": cells,
                "skewness, excess kurtosis": f"{row['skewness']:.1f}, {row['excess_kurtosis']:.1f}",
                "n": str(row["n"]),
                "difference found %": _percent(row, "rejected"),
                "coverage %": _percent(row, "coverage"),
                "wrong side %": _percent(row, "wrong") if row["kind"] == AB else "-",
            }
        )
    return pd.DataFrame(rows)


def remarks(table: pd.DataFrame) -> list[str]:
    """Why, where the coverage of 95 % intervals falls short by more than chance."""
    lines = []
    for row in table[np.isclose(table["level"], LEVEL)].to_dict("records"):
        cells = row["a"] if row["kind"] == AA else f"{row['a']} − {row['b']}"
        if row["coverage_high"] < 1 - LEVEL:
            lines.append(
                f"{row['kind']}, {cells}, n = {row['n']}: the interval holds the truth in"
                f" {_percent(row, 'coverage')} % of cases, not 95 %. Differences have a skewness of"
                f" {row['skewness']:.1f}, and the test takes them to be symmetric about their mean: a few seeds rarely"
                " show the long tail, on whose side the truth lies."
            )
    return lines


def _percent(row: dict[Any, Any], name: str) -> str:
    value, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return (
        f"{value:.1f} [{low:.1f}, {high:.1f}]" if value >= 0.1 or not value else f"{value:.2f} [{low:.2f}, {high:.2f}]"
    )


# of a page: a title, and what makes the table of calibration.csv's rows
SECTIONS = {"errors": ("How often comparisons err at a level of 5 %; in brackets 95 % intervals", shown)}
