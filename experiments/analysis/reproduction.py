"""reproduction.csv: every number and claim of a report beside what our runs say, with a verdict.

Rules: a reported number is held against the distribution of such statistics over our runs
(statistics/reproduction.py); a claim in words is a declared test, paired by seed (statistics/signflip.py), with Holm's
correction over a study's paired claims. outcomes.py says what a diverged run counts as; a target that was not reached
is the worst there is. A run that has no such thing (a distance of misclassified points without any) is left out, and n
says so. A cell with runs that failed or are missing is incomplete, and says so instead of a verdict.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fairgrid.experiments.analysis.outcomes import Metric, compared_metric, has_outcome, outcomes_of
from fairgrid.experiments.analysis.pairing import diverged, few_seeds
from fairgrid.experiments.analysis.statistics.reproduction import LEVEL, tail
from fairgrid.experiments.analysis.statistics.signflip import SignFlip, holm, sign_flip
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.columns import STUDY
from fairgrid.experiments.store.schema import booleans, integers, numbers, text
from fairgrid.experiments.store.tables import ResultTables, with_metric
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.schema import Claim, ClaimTest, Reported
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.study.validation import matching

_SPREAD_RESAMPLES = 10_000


class IncompleteError(ValueError):
    """A cell has runs that failed or are missing, so nothing is said about it."""


def reproduction_table(study: Study, evidence: ResultTables) -> pd.DataFrame:
    """The rows of one study: its reported numbers, then its claims."""
    own = evidence.of(study.name)
    rows = [_number(study, reported, own) for reported in study.reported]
    rows += _claims(study, own)
    return REPRODUCTION.frame({"study": study.name, "report": study.source, **row} for row in rows)


REPRODUCTION = derived(
    DerivedTable(
        "reproduction",
        "A row per reported number or claim and reading of it: what the runs say, and the verdict.",
        (
            *text("study", STUDY),
            *text("report", "the report's file"),
            *text("quote", "where or what the report says"),
            *text("reading", "one way to read it"),
            *booleans("primary", "whether that reading was declared the primary one"),
            *text("metric", "the metric that is compared"),
            *text("statistic", "`single`, `mean`, `std` or `mean+std` of a number; the test of a claim"),
            *text("reported", "the report's value or claim"),
            *integers("runs", "runs that the report's value is from", gaps=True),
            *integers("n", "our runs, or pairs"),
            *numbers("mean std", "over our runs, or over differences of pairs"),
            *numbers(
                "tail_probability tail_low tail_high",
                "of a number: the chance of one as extreme, with its interval; of a claim: its p-value, corrected",
            ),
            *numbers(
                "interval_low interval_high",
                "of a number: the middle 95 % of the statistic; of a claim: the interval of the difference or share",
            ),
            *text("verdict", "`consistent`, `inconsistent`, `supported`, `contradicted`, `undecided` or `incomplete`"),
            *text("note", "how it was tested, or why it was not"),
        ),
        make=reproduction_table,
        position=5,
    )
)


def cell_values(study: Study, where: Mapping[str, Any], metric: str, evidence: ResultTables) -> "pd.Series[float]":
    """A metric of a cell's evaluation runs by seed; NaN where a run has none.

    Args:
        study: the study that has the cell.
        where: its factors.
        metric: a column of runs.csv, or a name in metrics.csv.
        evidence: the study's.

    Raises:
        IncompleteError: runs failed, have not run, or there are none, or fewer than of other cells.
        SeedError: a seed is missing.
        ValueError: a seed twice.
    """
    wanted = factors_text(matching(study, where)[0].factors)
    runs = evidence.runs[(evidence.runs["factors"] == wanted) & (evidence.runs["phase"] == Phase.EVALUATION)]
    open_runs = int((~has_outcome(runs)).sum())
    if open_runs or not len(runs):
        raise IncompleteError(f"{open_runs} of {len(runs)} runs failed or have not run")
    if runs["seed"].duplicated().any():
        raise ValueError(
            f"a cell has each seed once, found seed {runs['seed'][runs['seed'].duplicated()].iloc[0]} twice"
        )
    if wanted in few_seeds(study, evidence.runs):
        raise IncompleteError(f"only the first {len(runs)} seeds have runs")
    if metric not in runs and not (evidence.metrics["metric"] == metric).any():
        raise IncompleteError(f"no run measured {metric}")
    compared = compared_metric(study)
    measured = compared if compared.name == metric else Metric(metric)
    values = outcomes_of(with_metric(runs, evidence.metrics, metric), measured)
    return values.set_axis(runs["seed"].astype(int)).sort_index()


def _number(study: Study, reported: Reported, evidence: ResultTables) -> dict[str, Any]:
    row: dict[str, Any] = {
        "quote": reported.quote,
        "reading": reported.reading,
        "primary": reported.primary,
        "metric": reported.metric,
        "statistic": "+".join(reported.statistic),
        "reported": "+".join(f"{value:g}" for value in reported.value),
        "runs": reported.runs,
    }
    try:
        values = _finite(cell_values(study, reported.where, reported.metric, evidence), reported.metric)
    except IncompleteError as error:
        return row | {"n": 0, "verdict": Verdict.INCOMPLETE, "note": str(error)}
    extreme = tail(values, reported.statistic, reported.value, reported.runs, reported.resolutions)
    return row | {
        "n": len(values),
        "mean": float(values.mean()),
        "std": _std(values),
        "tail_probability": extreme.probability,
        "tail_low": extreme.low,
        "tail_high": extreme.high,
        "interval_low": extreme.interval[0],
        "interval_high": extreme.interval[1],
        "verdict": extreme.verdict,
        "note": "",
    }


def _claims(study: Study, evidence: ResultTables) -> list[dict[str, Any]]:
    """Rows of claims; the paired ones are one family."""
    rows: list[dict[str, Any]] = []
    tests: list[SignFlip | None] = []
    empty: list[bool] = []
    for claim in study.claims:
        row: dict[str, Any] = {
            "quote": claim.quote,
            "reading": claim.reading,
            "primary": claim.primary,
            "metric": claim.metric,
            "statistic": claim.test,
            "reported": _stated(claim),
        }
        test, nothing = None, False
        try:
            if claim.test == ClaimTest.SHARE:
                row |= _share(claim, cell_values(study, claim.where, claim.metric, evidence))
            elif claim.test == ClaimTest.SPREAD:
                row |= _spread(*_sides(claim, *_pair(study, claim, evidence)))
            else:
                a, b = _pair(study, claim, evidence)
                differences = _differences(claim, a, b)
                test = sign_flip(differences)
                nothing = _all_diverged(study, claim, a.index, evidence)
                row |= {"n": test.n, "mean": test.mean, "std": _std(differences)}
        except IncompleteError as error:
            row |= {"n": 0, "verdict": Verdict.INCOMPLETE, "note": str(error)}
        rows.append(row)
        tests.append(test)
        empty.append(nothing)
    family = [
        number for number, claim in enumerate(study.claims) if claim.test in (ClaimTest.DIFFERENCE, ClaimTest.ORDER)
    ]
    # an incomplete claim stays in the family: a run that fails makes no other claim easier to support
    p_values = [1.0 if (test := tests[number]) is None else test.p_value for number in family]
    for number, p_holm in zip(family, holm(np.array(p_values)), strict=True):
        if (test := tests[number]) is not None:
            rows[number] |= _paired(study.claims[number], test, float(p_holm), len(family))
        if empty[number]:
            rows[number] |= {
                "verdict": Verdict.UNDECIDED,
                "note": "nothing to compare: every run of both cells diverged",
            }
    return rows


def _all_diverged(study: Study, claim: Claim, seeds: "pd.Index[int]", evidence: ResultTables) -> bool:
    """Whether no side of a claim has an outcome of its own on these seeds: its values are equal, and say nothing."""
    lost = diverged(evidence.runs)
    cells = [factors_text(matching(study, where)[0].factors) for where in (claim.where, claim.against or claim.where)]
    return all(bool(lost[cell][list(seeds)].all()) for cell in cells)


def _pair(study: Study, claim: Claim, evidence: ResultTables) -> "tuple[pd.Series[float], pd.Series[float]]":
    """The two sides of a claim, on the seeds that both have.

    Fewer seeds on one side by declaration (a grid's own seeds) are no loss; a seed that neither side lacks by
    declaration is there, or the cell would be incomplete.
    """
    a = cell_values(study, claim.where, claim.metric, evidence)
    b = cell_values(study, claim.against or claim.where, claim.against_metric or claim.metric, evidence)
    common = a.index.intersection(b.index)
    if not len(common):
        raise IncompleteError("the two cells have no seed in common")
    there = a[common].notna() & b[common].notna()
    if not there.any():
        raise IncompleteError(f"no run has a {claim.metric}")
    return a[common][there], b[common][there]


def _differences(claim: Claim, a: "pd.Series[float]", b: "pd.Series[float]") -> NDArray[np.float64]:
    if claim.test == ClaimTest.ORDER:
        return np.where(a > b, 1.0, 0.0) - np.where(a < b, 1.0, 0.0)
    x, y = _sides(claim, a, b)
    return x - y


def _sides(
    claim: Claim, a: "pd.Series[float]", b: "pd.Series[float]"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return _finite(a, claim.metric), _finite(b, claim.against_metric or claim.metric)


def _finite(values: "pd.Series[float]", metric: str) -> NDArray[np.float64]:
    """The values, if all have a size: one that was not reached, or a loss that diverged, has none."""
    lost = int((~np.isfinite(values)).sum())
    if lost:
        raise IncompleteError(f"{lost} of {len(values)} runs have no finite {metric}")
    return np.asarray(values, np.float64)


def _std(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _paired(claim: Claim, test: SignFlip, p_holm: float, family: int) -> dict[str, Any]:
    """The verdict on a claim of less or equivalent, by the precedence of verdicts on comparisons."""
    low, high = test.interval()
    wide_low, wide_high = test.interval(1 - LEVEL / family)
    note = f"Holm over {family} paired claims"
    if claim.claim == "equivalent":
        note += f", differences within ±{claim.region:g} do not matter"
        inside = -claim.region <= wide_low and wide_high <= claim.region
        outside = wide_low > claim.region or wide_high < -claim.region
        verdict = Verdict.SUPPORTED if inside else Verdict.CONTRADICTED if outside else Verdict.UNDECIDED
    elif test.informative == 0 or test.least_p * family > LEVEL:
        verdict = Verdict.UNDECIDED
        note += f"; too few seeds: {test.informative} pairs differ"
    elif p_holm <= LEVEL:
        verdict = Verdict.SUPPORTED if test.mean < 0 else Verdict.CONTRADICTED
    else:
        verdict = Verdict.UNDECIDED
    return {
        "tail_probability": p_holm,
        "interval_low": low,
        "interval_high": high,
        "verdict": verdict,
        "note": note,
    }


def _share(claim: Claim, values: "pd.Series[float]") -> dict[str, Any]:
    low, high = claim.between or (-math.inf, math.inf)
    values = values.dropna()
    if not len(values):
        raise IncompleteError(f"no run has a {claim.metric}")
    inside = int(values.between(low, high).sum())
    interval = stats.binomtest(inside, len(values)).proportion_ci(0.95, method="exact")
    wanted = claim.share or 0.0
    above, below = interval.low >= wanted, interval.high < wanted
    if claim.claim == "at most":
        above, below = interval.high <= wanted, interval.low > wanted
    return {
        "n": len(values),
        "mean": inside / len(values),
        "interval_low": float(interval.low),
        "interval_high": float(interval.high),
        "verdict": Verdict.SUPPORTED if above else Verdict.CONTRADICTED if below else Verdict.UNDECIDED,
        "note": f"{inside} of {len(values)} runs",
    }


def _spread(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """The difference of standard deviations, with a bootstrap interval over seeds."""
    if len(x) < 2:
        raise IncompleteError("a standard deviation needs two runs, found 1")
    stream = np.random.Generator(np.random.PCG64(0))
    picked = stream.integers(0, len(x), (_SPREAD_RESAMPLES, len(x)))
    low, high = np.quantile(x[picked].std(1, ddof=1) - y[picked].std(1, ddof=1), [0.025, 0.975])
    return {
        "n": len(x),
        "mean": float(x.std(ddof=1) - y.std(ddof=1)),
        "interval_low": float(low),
        "interval_high": float(high),
        "verdict": Verdict.SUPPORTED if high < 0 else Verdict.CONTRADICTED if low > 0 else Verdict.UNDECIDED,
        "note": "difference of standard deviations, bootstrap over seeds",
    }


def _stated(claim: Claim) -> str:
    if claim.test == ClaimTest.SHARE:
        low, high = claim.between or (-math.inf, math.inf)
        share = f"{100 * (claim.share or 0):g} %"
        return f"{claim.claim} {share} of runs " + (f"at {low:g}" if low == high else f"in [{low:g}, {high:g}]")
    return f"equivalent within ±{claim.region:g}" if claim.claim == "equivalent" else claim.claim
