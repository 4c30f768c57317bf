"""Generated sentences that answer a study's question."""

from collections.abc import Iterable

import pandas as pd

from fairgrid.experiments.analysis.effects import MAIN
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.reporting.figures.panels import assign
from fairgrid.experiments.reporting.sentences import comparison_sentences, effect_sentences
from fairgrid.experiments.reporting.wording import cell_name
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.labels import factor_labels, factors_order
from fairgrid.experiments.study.schema import NUMBERS
from fairgrid.experiments.study.study import Study


def study_sentences(study: Study, evidence: ResultTables) -> list[str]:
    """Sentences: how the report's numbers fare or, if it has none, which level is better; then the extreme mean errors.

    Args:
        study: the study.
        evidence: the tables of the study.
    """
    sentences = []
    if len(evidence.reproduction):
        sentences.append(verdict_sentence(evidence.reproduction))
    else:
        sentences += _comparison(study, evidence)
    extremes = _extremes(study, evidence.summary)
    return [*sentences, extremes] if extremes else sentences


def _comparison(study: Study, evidence: ResultTables) -> list[str]:
    """The effect of the factor that colours tell apart: averaged over all else, or in its only context."""
    factor = assign(factors_order(study))[0]
    effects, pairs = evidence.effects, evidence.comparisons
    sentences = []
    if len(effects) and len(main := effects[(effects["kind"] == MAIN) & (effects["factor"] == factor)]):
        sentences = effect_sentences(main)
    elif len(pairs) and (own := pairs[pairs["factor"] == factor])["context"].nunique() == 1:
        sentences = comparison_sentences(study, own)
    return [f"{text[:1].upper()}{text[1:]}" for text in sentences] if len(sentences) == 1 else []


def verdict_sentence(reproduction: pd.DataFrame) -> str:
    """The counts of verdicts on primary readings, as a sentence."""
    primary = reproduction[reproduction["primary"].astype(bool)]
    numbers = primary["statistic"].isin(NUMBERS)
    parts = [
        f"of {len(rows)} {kind}{'s' if len(rows) > 1 else ''}, {counted(rows['verdict'])}"
        for kind, rows in (("reported number", primary[numbers]), ("claim", primary[~numbers]))
        if len(rows)
    ]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def counted(words: Iterable[str]) -> str:
    """Words with their counts, the most frequent first: "3 consistent, 1 undecided"."""
    counts = pd.Series(list(words)).value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _extremes(study: Study, summary: pd.DataFrame) -> str:
    """The cells with the lowest and the highest mean test error, a diverged run's being 1."""
    labels = factor_labels(study)
    cells = summary[(summary["phase"] == Phase.EVALUATION) & summary["factors"].isin(list(labels))]
    outcomes = cells["n_ok"] + cells["n_diverged"]
    total = (cells["test_error_mean"] * cells["n_ok"]).fillna(0.0) + cells["n_diverged"]
    cells = cells.assign(error=total / outcomes)[outcomes > 0].sort_values(["error", "factors"], kind="stable")
    if not len(cells):
        return "Nothing has been trained to the end yet."

    def told(row: "pd.Series[float]") -> str:
        names = cell_name(labels[str(row["factors"])])
        aside = ""
        if row["n_diverged"]:
            aside = f", {row['n_diverged']:.0f} diverged, each an error of 100\N{NO-BREAK SPACE}%"
        elif not pd.isna(row["test_error_ci_low"]):
            low, high = (100 * min(1.0, max(0.0, row[f"test_error_ci_{end}"])) for end in ("low", "high"))
            aside = f", 95\N{NO-BREAK SPACE}% interval {low:.2f} to {high:.2f}\N{NO-BREAK SPACE}%"
        runs = f"{row['n_ok']:.0f} of {row['n_planned']:.0f} runs ok"
        where = f" with {names}" if names else ""
        return f"{100 * row['error']:.2f}\N{NO-BREAK SPACE}%{where} ({runs}{aside})"

    if len(cells) == 1:
        return f"The mean test error is {told(cells.iloc[0])}."
    return f"The lowest mean test error is {told(cells.iloc[0])}, the highest {told(cells.iloc[-1])}."
