"""Tables for people: one per study, and each report's own, in its rows and columns, ours next to theirs."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.analysis.trials import edge
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.sentences import probability
from fairgrid.experiments.study.labels import factor_labels, factors_order, factors_text
from fairgrid.experiments.study.schema import NUMBERS, Metric, Reported, ReportTable, Statistic
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.study.validation import matching


def study_table(study: Study, summary: pd.DataFrame) -> pd.DataFrame:
    """A row per cell: its factors, the learning rate if it was tuned, errors in percent, runs that are ok.

    A rate that is the lowest or the highest of those tried is flagged: a better one may lie beyond.

    Args:
        study: the study.
        summary: the study's rows of summary.csv.
    """
    evaluation = summary[(summary["phase"] == Phase.EVALUATION) & summary["factors"].isin(list(factor_labels(study)))]
    shown = factor_labels(study)
    factors = pd.DataFrame([shown[text] for text in evaluation["factors"]], index=evaluation.index)
    order = factors_order(study)
    table = factors.reindex(columns=list(order))
    if study.tuning_seeds:
        tuned = {factors_text(cell.factors): cell for cell in study.cells if cell.rates}
        table["learning rate (tuned)"] = [
            f"{rate:g}{' (edge)' if factors in tuned and edge(tuned[factors], rate) else ''}"
            for factors, rate in zip(evaluation["factors"], evaluation["learning_rate"], strict=True)
        ]
    for metric in ("train_error", "test_error"):
        name = metric.replace("_", " ")
        table[f"{name} %"] = [
            _mean_and_std(mean, std)
            for mean, std in zip(evaluation[f"{metric}_mean"], evaluation[f"{metric}_std"], strict=True)
        ]
    table["test median %"] = evaluation["test_error_median"].map(_percent)
    table["ok"] = counts(evaluation)
    ranks = pd.DataFrame({name: table[name].map(levels.index) for name, levels in order.items()})
    return table.loc[ranks.sort_values(list(order), kind="stable").index] if len(order) else table


def report_table(study: Study, table: ReportTable, summary: pd.DataFrame) -> pd.DataFrame:
    """The report's table: for each of its rows and each reading of it, every column theirs and ours.

    Args:
        study: a study with [[reported]] numbers.
        table: the layout of the report's table.
        summary: the study's rows of summary.csv.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    counted: dict[tuple[str, str], dict[str, str]] = {}
    for reported in study.reported:
        reading = reported.reading + (" (primary)" if reported.primary else "")
        row = rows.setdefault((reported.row, reading), {"": reported.row, "reading": reading})
        own = _cell_row(study, reported, summary)
        row[f"{reported.column}: report"] = _reported(reported, table)
        row[f"{reported.column}: ours"] = _ours(reported.metric, own, table) if len(own) else "not run"
        counts_of = counted.setdefault((reported.row, reading), {})
        counts_of[reported.column] = counts(own).iloc[0] if len(own) else "0/0"
        differ = len(set(counts_of.values())) > 1
        row["ok"] = (
            ", ".join(f"{name}: {count}" for name, count in counts_of.items()) if differ else counts_of[reported.column]
        )
    names = list(dict.fromkeys(name for row in rows.values() for name in row if name != "ok"))
    frame = pd.DataFrame(list(rows.values())).reindex(columns=[*names, "ok"]).fillna("")
    return frame.drop(columns="reading") if frame["reading"].nunique() == 1 else frame


def verdict_table(reproduction: pd.DataFrame) -> pd.DataFrame:
    """Every reported number and claim with the values and verdicts of our runs.

    Args:
        reproduction: a study's rows of reproduction.csv.
    """
    rows = []
    for row in reproduction.to_dict("records"):
        chance = "" if pd.isna(row["tail_probability"]) else _plain(row["tail_probability"])
        if chance and pd.isna(row["tail_low"]):  # a claim's p-value
            chance = probability(row["tail_probability"])
        elif chance:
            chance += f" [{_plain(row['tail_low'])}, {_plain(row['tail_high'])}]"
        rows.append(
            {
                "quote": row["quote"],
                "reading": row["reading"] + (" (primary)" if row["primary"] else ""),
                "metric": _measured(row),
                "reported": row["reported"],
                "ours": _found(row),
                "n": f"{row['n']:.0f}",
                "tail probability or p": chance,
                "verdict": row["verdict"],
            }
        )
    return pd.DataFrame(rows)


def overview_table(reproduction: pd.DataFrame) -> pd.DataFrame:
    """The primary reading of every number and claim of all reports, and how often its verdict holds under others.

    Args:
        reproduction: all rows of reproduction.csv.
    """
    rows = []
    for (study, quote, _), group in reproduction.groupby(["study", "quote", "metric"], sort=False):
        for row in group[group["primary"].astype(bool)].to_dict("records"):
            same = int((group["verdict"] == row["verdict"]).sum())
            rows.append(
                {
                    "report": str(study).removeprefix("report_"),
                    "number or claim": quote,
                    "metric": _measured(row),
                    "reported": row["reported"],
                    "ours": _found(row),
                    "n": f"{row['n']:.0f}",
                    "verdict": row["verdict"] + (f" ({same} of {len(group)} readings)" if len(group) > 1 else ""),
                }
            )
    return pd.DataFrame(rows)


def _measured(row: dict[Hashable, Any]) -> str:
    return f"{row['metric'].replace('_', ' ')}, {row['statistic']}"


def _found(row: dict[Hashable, Any]) -> str:
    """Our runs' mean ± standard deviation for a number, the estimate with its interval for a claim."""
    if row["verdict"] == Verdict.INCOMPLETE:
        return "-"
    if row["statistic"] in NUMBERS:
        return _plain(row["mean"]) + ("" if pd.isna(row["std"]) else f" ± {_plain(row['std'])}")
    return f"{_plain(row['mean'])} [{_plain(row['interval_low'])}, {_plain(row['interval_high'])}]"


def readings(reproduction: pd.DataFrame) -> list[str]:
    """For every quote with several readings, under how many of them it holds."""
    lines = []
    for (quote, metric), group in reproduction.groupby(["quote", "metric"], sort=False):
        if len(group) > 1:
            words = group["verdict"].value_counts()
            counted = ", ".join(f"{word} under {count}" for word, count in words.items())
            lines.append(f"{quote} ({str(metric).replace('_', ' ')}): {counted} of {len(group)} readings")
    return lines


def counts(summary: pd.DataFrame) -> "pd.Series[str]":
    """n_ok/n_planned, with the number of runs that diverged or failed where there are any."""
    shown = summary["n_ok"].astype(str) + "/" + summary["n_planned"].astype(str)
    for name in ("diverged", "failed"):
        shown += [f" ({count} {name})" if count else "" for count in summary[f"n_{name}"]]
    return shown


def _cell_row(study: Study, reported: Reported, summary: pd.DataFrame) -> pd.DataFrame:
    wanted = factors_text(matching(study, reported.where)[0].factors)
    return summary[(summary["phase"] == Phase.EVALUATION) & (summary["factors"] == wanted)]


def _reported(reported: Reported, table: ReportTable) -> str:
    shown = [
        _in_unit(value, statistic, table, resolution)
        for value, statistic, resolution in zip(reported.value, reported.statistic, reported.resolutions, strict=True)
    ]
    return " ± ".join(shown)


def _ours(metric: Metric, own: pd.DataFrame, table: ReportTable) -> str:
    mean, std = own[f"{metric}_mean"].iloc[0], own[f"{metric}_std"].iloc[0]
    return " ± ".join([_in_unit(mean, Statistic.MEAN, table), _in_unit(std, Statistic.STD, table)])


def _in_unit(value: float, statistic: str, table: ReportTable, resolution: float = 0.001) -> str:
    """An error as the report states it, to its last digit; a spread is the same for errors and accuracies."""
    if pd.isna(value):
        return "-"
    shown = 1 - value if table.unit.startswith("accuracy") and statistic != Statistic.STD else value
    factor = 100 if table.unit.endswith("%") else 1
    digits = max(0, round(-math.log10(factor * resolution)))
    return f"{factor * shown:.{digits}f}"


def _plain(value: float) -> str:
    """Three significant digits."""
    return "-" if pd.isna(value) else f"{value:.3g}"


def _percent(value: float) -> str:
    return "-" if pd.isna(value) else f"{100 * value:.2f}"


def _mean_and_std(mean: float, std: float) -> str:
    return _percent(mean) if pd.isna(std) else f"{_percent(mean)} ± {_percent(std)}"


def reported_studies(studies: Sequence[Study]) -> list[Study]:
    """Those that hold a report's numbers."""
    return [study for study in studies if study.reported]
