"""Figures in words, generated from the tables that they are drawn from."""

from collections.abc import Sequence

import pandas as pd

from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.figures.checkpoints import reached
from fairgrid.experiments.reporting.figures.series import Arm, arms_of
from fairgrid.experiments.reporting.figures.style import spelled, word
from fairgrid.experiments.store.tables import Evidence
from fairgrid.experiments.study.labels import factor_labels, factors_order
from fairgrid.experiments.study.schema import FigurePart, ReportFigure
from fairgrid.experiments.study.study import Study

_FEW = 6  # lines or boxes that are described one by one
_SETS = {"train": "training set", "test": "test set"}


def curves(study: Study, evidence: Evidence) -> str:
    """Of a study's curves of every cell."""
    rows = reached(evidence.curves[evidence.curves["metric"] == "test_error"]).sort_values("epoch")
    lines = rows[rows["factors"].isin(list(factor_labels(study)))].groupby("factors", sort=True)
    first, last = lines.first(), lines.last()
    if not len(first):
        return "Empty axes: no run has been evaluated yet."
    epochs = f"epochs {first['epoch'].min():.0f} to {last['epoch'].max():.0f}"
    start = (
        f"from a median of {_range(first['median'])}" if len(first) > 1 else f"from {_percent(first['median'].iloc[0])}"
    )
    return (
        f"Lines of median test error over {epochs}, {_by(study)}, {start}. At the end: {_each(study, last['median'])}."
    )


def errors(study: Study, evidence: Evidence) -> str:
    """Of a study's boxes of every cell."""
    summary = evidence.summary[evidence.summary["phase"] == Phase.EVALUATION]
    medians = summary[summary["factors"].isin(list(factor_labels(study)))].set_index("factors")["test_error_median"]
    if not medians.notna().any():
        return "Empty axes: no run has been evaluated yet."
    return f"Boxes of the final test error of every run, {_by(study)}. Medians: {_each(study, medians.dropna())}."


def declared(study: Study, figure: ReportFigure, evidence: Evidence) -> str:
    """Of a figure that a study declares."""
    arms = arms_of(study, figure)
    if figure.kind == "curves":
        return _epochs(figure, arms, evidence)
    return _points(study, figure, arms, evidence)


def overview(reproduction: pd.DataFrame, studies: Sequence[Study]) -> str:
    """Of the overview of all reported numbers."""
    known = reproduction[reproduction["study"].isin([study.name for study in studies if study.reported])]
    rows = known[known["statistic"].isin(["single", "mean", "std", "mean+std"])]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in rows["verdict"].value_counts().items())
    return (
        f"For each of {len(rows)} readings of {rows['quote'].nunique()} reported numbers, a bar for the middle 95 % of"
        f" our runs and a diamond at the report's value. Verdicts beside the bars: {counts}."
    )


def _by(study: Study) -> str:
    order = factors_order(study)
    if not order:
        return "one cell"
    return f"one for each of {len(study.cells)} cells, told apart by {', '.join(word(name) for name in order)}"


def _each(study: Study, medians: "pd.Series[float]") -> str:
    labels = factor_labels(study)

    def named(factors: str) -> str:
        return ", ".join(f"{word(name)} {spelled(level)}" for name, level in labels[factors].items())

    if len(medians) == 1:
        return _percent(medians.iloc[0])
    ordered = medians.sort_index().sort_values(kind="stable")
    if len(ordered) <= _FEW:
        return "; ".join(f"{named(str(factors))}: {_percent(value)}" for factors, value in ordered.items())
    low, high = str(ordered.index[0]), str(ordered.index[-1])
    return f"lowest {_percent(ordered.iloc[0])} ({named(low)}), highest {_percent(ordered.iloc[-1])} ({named(high)})"


def _epochs(figure: ReportFigure, arms: list[Arm], evidence: Evidence) -> str:
    told = []
    for arm in arms:
        ends = []
        for part in figure.parts:
            for metric in figure.metrics:
                rows = arm.of(evidence.curves)
                rows = rows[rows["metric"] == f"{part}_{'loss' if metric == 'loss' else 'error'}"].sort_values("epoch")
                if len(rows):
                    ends.append(f"{part} {metric} {_change(reached(rows)['median'], metric)}")
        if ends:
            name = " ".join(arm.label.split())
            told.append(f"{name}: {', '.join(ends)}" if name else ", ".join(ends))
    if not told:
        return "Empty axes: no run has been evaluated yet."
    return f"Lines of the median of our runs over the epochs, from first to last. {'; '.join(told)}."


def _change(medians: "pd.Series[float]", metric: str) -> str:
    first, last = float(medians.iloc[0]), float(medians.iloc[-1])
    if metric == "loss":
        return f"{first:.3g} to {last:.3g}"
    if metric == "accuracy":
        first, last = 1 - first, 1 - last
    return f"{_percent(first)} to {_percent(last)}"


def _points(study: Study, figure: ReportFigure, arms: list[Arm], evidence: Evidence) -> str:
    seed = study.keep_seeds[0]
    shown = {
        "data": "Points in the plane, in the colours of their class, with the true border",
        "errors": "Points in the plane, in the colours of their class, with the true border, the misclassified crossed",
        "boundary": "Points in the plane on the regions that the network decides for either class, with its border and"
        " the true one, the misclassified crossed",
    }[figure.kind]
    panels = "; ".join(_panel(figure, arm, part, evidence, seed) for arm in arms for part in figure.parts)
    return f"{shown}; seed {seed}. {panels}."


def _panel(figure: ReportFigure, arm: Arm, part: FigurePart, evidence: Evidence, seed: int) -> str:
    name = " ".join(arm.label.split())
    where = f"{name}, {_SETS[part]}" if name else _SETS[part]
    if figure.kind == "data":
        points = arm.cell.config.problem.option(part)
        return f"{where}: {points} points"
    runs = arm.of(evidence.runs)
    error = runs.loc[runs["seed"] == seed, f"{part}_error"]
    if not len(error) or pd.isna(error.iloc[0]):
        return f"{where}: no result"
    return f"{where}: {_percent(float(error.iloc[0]))} wrong"


def _range(values: "pd.Series[float]") -> str:
    low, high = _percent(values.min()), _percent(values.max())
    return low if low == high else f"{low} to {high}"


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
