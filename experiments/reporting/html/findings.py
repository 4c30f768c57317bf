"""Figures of tuning, of times to targets and of ranks across problems in words, from the tables they are drawn from."""

from collections import Counter
from collections.abc import Callable

from fairgrid.experiments.analysis.cross_problem import across_table, scores_table
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.time_to_target import targets_table
from fairgrid.experiments.analysis.trials import budget_table, trials_table
from fairgrid.experiments.reporting.figures import Finding
from fairgrid.experiments.reporting.figures.style import spelled, word
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.declaration import TUNED
from fairgrid.experiments.study.labels import factor_labels
from fairgrid.experiments.study.study import Study


def differences(evidence: Evidence, factors: tuple[str, ...]) -> str:
    """Of pairs that differ in one of these factors."""
    rows = evidence.comparisons
    rows = rows[rows["factor"].isin(factors)] if len(rows) else rows
    if not len(rows):
        return "Empty axes: nothing has been compared yet."
    counted = Counter(rows["verdict"].str.replace(rf"^{Verdict.TOO_FEW}.*", Verdict.TOO_FEW, regex=True))
    told = ", ".join(f"{verdict} {count}" for verdict, count in counted.most_common())
    return f"Marks at the mean differences of {len(rows)} pairs, with their intervals and verdicts: {told}."


def sensitivity(study: Study, evidence: Evidence) -> str:
    """Of validation error over the learning rate."""
    trials = trials_table(study, evidence.runs)
    chosen = trials[trials["chosen"].astype(bool)]
    if not len(chosen):
        return "Empty axes: no learning rate has been chosen yet."
    told = [
        f"{_cell(study, row['factors'])}: {row['learning_rate']:g}{' (on the edge)' if row['edge'] else ''}"
        for row in chosen.to_dict("records")
    ]
    if len(told) > _FEW:
        rates, edges = chosen["learning_rate"], int((chosen["edge"] != "").sum())
        told = [f"{rates.min():g} to {rates.max():g} in {len(told)} cells, {edges} on the edge of what was tried"]
    return f"Lines of mean validation error over the learning rate, the chosen one marked. Chosen: {'; '.join(told)}."


def budget(study: Study, evidence: Evidence) -> str:
    """Of expected test error over the number of rates tried."""
    budgets = budget_table(study, evidence.runs)
    if not len(budgets):
        return "Empty axes: no learning rate has been chosen yet."
    last = budgets.groupby("factors", sort=False)["trials"].transform("max")
    shown = {"untuned": budgets["trials"] == 0, "one": budgets["trials"] == 1, "all": budgets["trials"] == last}
    errors = {name: budgets.loc[rows, "test_error"] for name, rows in shown.items() if rows.any()}
    told = "; ".join(f"{name}: {_percent(rows.min())} to {_percent(rows.max())}" for name, rows in errors.items())
    cells = budgets["factors"].nunique()
    return f"Lines of expected test error over the number of rates tried, of {cells} cells. By that number, {told}."


def times(study: Study, evidence: Evidence) -> str:
    """Of the share of runs that have reached a test error."""
    rows = targets_table(study, evidence).dropna(subset=["probability"])
    if not len(rows):
        return "Empty axes: no run has been evaluated yet."
    told = []
    for target in rows["target"].unique():
        shares = 100 * rows.loc[rows["target"] == target, "probability"]
        told.append(f"test error {_percent(target)}: {shares.min():.0f} % to {shares.max():.0f} % of a cell's runs")
    return (
        f"Rising steps: the share of runs that have reached a test error, over the work. In the end, {'; '.join(told)}."
    )


def across(study: Study, evidence: Evidence) -> str:
    """Of errors on different problems."""
    scores = scores_table(study, evidence.runs)
    pairs = across_table(study, evidence.runs)
    if not len(scores) or scores["test_error"].isna().any():
        return "Empty axes: not every run has been evaluated yet."
    first = scores[(scores["factor"] == scores["factor"].iloc[0]) & (scores["context"] == scores["context"].iloc[0])]
    ranks = first.groupby("level", sort=False)["rank"].mean()
    ratios = first.groupby("level", sort=False)["ratio"].max()
    told = "; ".join(
        f"{spelled(str(level))} has the mean rank {rank:.2f}, never more than {ratios[level]:.2f} times the best error"
        for level, rank in ranks.items()
    )
    same = pairs[(pairs["factor"] == first["factor"].iloc[0]) & (pairs["context"] == first["context"].iloc[0])]
    verdicts = "; ".join(
        f"{spelled(row['a'])} against {spelled(row['b'])}: {row['verdict']}" for row in same.to_dict("records")
    )
    return (
        f"On the left, marks at the mean test errors on {first['problem'].nunique()} problems; on the right, steps of"
        f" the share of problems within a factor of the best error. {told}. {verdicts}."
    )


_FEW = 6  # cells that are told one by one

_DESCRIPTIONS: dict[str, Callable[[Study, Evidence], str]] = {
    "sensitivity": sensitivity,
    "budget": budget,
    "times": times,
    "across": across,
}


def described(study: Study, evidence: Evidence, finding: Finding) -> str:
    """What a figure shows, in words."""
    if finding.kind == "differences":
        return differences(evidence, finding.factors)
    return _DESCRIPTIONS[finding.kind](study, evidence)


def _cell(study: Study, factors: str) -> str:
    levels = factor_labels(study)[factors]
    return ", ".join(f"{word(name)} {spelled(level)}" for name, level in levels.items() if name != TUNED)


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
