"""Comparisons: paired, corrected, complete or said to be incomplete, and the same from either side."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fairgrid.experiments.analysis.comparisons import COMPARISONS, comparisons_table
from fairgrid.experiments.analysis.statistics.decisions import needed_seeds, verdict
from fairgrid.experiments.analysis.statistics.families import open_verdict
from fairgrid.experiments.analysis.statistics.paired import Paired, least_seeds, paired
from fairgrid.experiments.analysis.summary import summary_table
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.sections import sections
from fairgrid.experiments.reporting.sentences import comparison_sentences, differs_slightly, doubts, legend
from fairgrid.experiments.reporting.tables.comparisons import comparison_table
from fairgrid.experiments.store.tables import ResultTables, read
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import write

ROOT = Path(__file__).parents[3]
STUDY = """
title = "t"
seeds = 20
[[grid]]
activation = ["relu", "tanh"]
batch_size = [10, 100]
"""
NOISE = np.random.default_rng(3).normal(0, 0.002, (4, 20))
ERRORS = {("relu", 10): 0.05, ("relu", 100): 0.0503, ("tanh", 10): 0.09, ("tanh", 100): 0.0905}


def study_of(folder: Path, extra: str = "") -> Study:
    return load(write(folder, STUDY + extra))


def runs_of(errors: dict[tuple[str, int], np.ndarray]) -> pd.DataFrame:
    rows = [
        {
            "phase": "evaluation",
            "factors": factors_text({"activation": name, "batch_size": batch}),
            "seed": seed,
            "status": "ok",
            "test_error": value,
        }
        for (name, batch), values in errors.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def usual() -> pd.DataFrame:
    return runs_of({cell: mean + NOISE[place] for place, (cell, mean) in enumerate(ERRORS.items())})


def row(table: pd.DataFrame, factor: str, context: str) -> "pd.Series[object]":
    found = table[(table["factor"] == factor) & (table["context"] == context)]
    assert len(found) == 1
    return found.iloc[0]


def test_every_two_cells_that_differ_in_one_factor_are_a_row(tmp_path: Path) -> None:
    table = comparisons_table(study_of(tmp_path), usual())
    assert list(table) == [*COMPARISONS.header, "factor.activation", "factor.batch_size"]
    assert set(zip(table["factor"], table["context"], strict=True)) == {
        ("activation", "batch_size=10"),
        ("activation", "batch_size=100"),
        ("batch_size", "activation=relu"),
        ("batch_size", "activation=tanh"),
    }
    assert row(table, "activation", "batch_size=10")["verdict"] == "better"
    assert row(table, "batch_size", "activation=relu")["verdict"] == "equivalent"


def test_numbers_are_scipys(tmp_path: Path) -> None:
    found = row(comparisons_table(study_of(tmp_path), usual()), "batch_size", "activation=tanh")
    a, b = 0.09 + NOISE[2], 0.0905 + NOISE[3]
    assert found["mean_difference"] == pytest.approx((a - b).mean())
    theirs = stats.permutation_test((a, b), lambda x, y: np.mean(x - y), permutation_type="samples", rng=0)
    assert found["p_value"] == pytest.approx(theirs.pvalue, abs=0.02)
    assert found["probability_a_better"] == (a < b).mean()
    wins = stats.binomtest(int((a < b).sum()), 20).proportion_ci(method="exact")
    assert (found["pab_low"], found["pab_high"]) == pytest.approx((wins.low, wins.high))


def test_holm_is_over_a_factor_of_the_study(tmp_path: Path) -> None:
    table = comparisons_table(study_of(tmp_path), usual())
    for _, rows in table.groupby("factor"):
        ordered = rows.sort_values("p_value")
        by_hand = np.maximum.accumulate(ordered["p_value"].to_numpy() * [2, 1]).clip(max=1)
        assert ordered["p_holm"].to_numpy() == pytest.approx(by_hand)


VALUES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(VALUES, st.sampled_from([1, 6]), st.sampled_from([None, 0, 1]))
def test_swapping_the_sides_mirrors_every_figure(
    pairs: list[tuple[int, int]], family: int, diverged: int | None
) -> None:
    a, b = (np.array(side) / 1000 for side in zip(*pairs, strict=True))
    if diverged is not None:
        (a, b)[diverged][0] = np.inf
    one, other = paired(a, b, family=family), paired(b, a, family=family)
    assert (one.n, one.informative, one.p_value, one.least_p) == (
        other.n,
        other.informative,
        other.p_value,
        other.least_p,
    )
    assert (one.mean, one.std) == pytest.approx((-other.mean, other.std), nan_ok=True)
    assert one.direction == -other.direction
    for ends in ("interval", "wide"):
        assert getattr(one, ends) == pytest.approx(mirrored(getattr(other, ends)), nan_ok=True)
    assert (one.wins, one.losses, one.ties) == (other.losses, other.wins, other.ties)
    assert one.probability == pytest.approx(1 - other.probability)
    low, high = other.probability_interval
    assert one.probability_interval == pytest.approx((1 - high, 1 - low))
    said = [verdict(each, each.p_value, 0.001) for each in (one, other)]
    assert said[1] == {"better": "worse", "worse": "better"}.get(said[0], said[0])
    assert needed_seeds(one, 0.005) == needed_seeds(other, 0.005)


def mirrored(ends: tuple[float, float]) -> tuple[float, float]:
    return (-ends[1], -ends[0])


@settings(max_examples=40)
@given(VALUES, st.sampled_from([-2.0, 0.5, 8.0]))
def test_adding_a_constant_to_both_changes_nothing(pairs: list[tuple[int, int]], constant: float) -> None:
    a, b = (np.array(side) / 1024 for side in zip(*pairs, strict=True))
    assert repr(paired(a + constant, b + constant)) == repr(paired(a, b))


def test_counted_by_hand() -> None:
    a = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    found = paired(a, a + np.array([0.01, 0.01, 0.01, 0.01, 0.01, 0.0]))
    # five differ, all on one side: 2 of 2⁵ patterns are as extreme
    assert (found.n, found.informative, found.p_value, found.least_p) == (6, 5, 2 / 32, 2 / 32)
    assert (found.wins, found.losses, found.ties) == (5, 0, 1)
    assert found.probability == 5.5 / 6
    assert found.mean == pytest.approx(-0.05 / 6)
    # 6 differing seeds are needed, which 5 of 6 seeds give with about 8
    assert verdict(found, found.p_value, 0.005) == "too few seeds: needs ≥ 8"


def test_a_loss_that_diverged_is_the_worst_rank() -> None:
    a = np.array([0.1, 0.2, np.inf, 0.4, np.inf, 0.6, 0.7])
    b = np.array([0.2, 0.4, np.inf, 0.8, 1.0, 1.2, 1.4])
    found = paired(a, b)
    assert (found.wins, found.losses, found.ties) == (5, 1, 1)
    assert math.isnan(found.mean)
    assert math.isnan(found.interval[0])
    # without the tie, ranks 1 to 5 for a and the greatest for b
    theirs = stats.wilcoxon([-1, -2, -3, -4, -5, 6], method="exact")
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert needed_seeds(found, 0.005) is None


def test_cells_that_are_equal_on_every_seed_are_equivalent_once_the_seeds_would_do() -> None:
    same = np.full(12, 0.03)
    assert verdict(paired(same, same), 1.0, 0.005) == "equivalent"
    assert verdict(paired(same[:5], same[:5]), 1.0, 0.005) == "too few seeds: needs ≥ 6"


def test_sides_of_different_length_and_what_is_no_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a paired comparison needs as many values on either side, found 3 and 2$"):
        paired(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match=r"^a paired comparison needs numbers, found 1 pairs without$"):
        paired(np.array([0.0, np.nan]), np.zeros(2))


def test_permuting_rows_changes_no_byte(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), usual()
    mixed = runs.sample(frac=1, random_state=4)
    assert comparisons_table(study, mixed).to_csv() == comparisons_table(study, runs).to_csv()


def test_a_missing_or_doubled_seed_is_an_error(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), usual()
    with pytest.raises(
        InputError, match=r"^runs\.csv: study: expected the seeds that the study declares, found no run of seed 7 \("
    ):
        comparisons_table(study, runs.drop(index=7))
    with pytest.raises(InputError, match=r"^runs\.csv: expected each seed once in a cell, found seed 7 twice \("):
        comparisons_table(study, pd.concat([runs, runs.iloc[[7]]]))
    with pytest.raises(InputError, match=r"found no run of seed 7 \("):
        comparisons_table(study, runs[runs["seed"] != 7])  # of no cell
    fewer = comparisons_table(study, runs[runs["seed"] < 12])  # as --seeds 12 plans
    assert set(fewer["n"]) == {12}


def test_a_cell_that_has_only_the_first_seeds_is_incomplete(tmp_path: Path) -> None:
    runs = usual()
    table = comparisons_table(study_of(tmp_path), runs.drop(index=range(12, 20)))  # of relu, 10
    assert row(table, "activation", "batch_size=10")["verdict"] == "incomplete"
    assert row(table, "batch_size", "activation=tanh")["n"] == 20


def test_a_cell_without_runs_is_incomplete_and_stays_in_its_family(tmp_path: Path) -> None:
    runs = usual()
    whole = comparisons_table(study_of(tmp_path), runs)
    table = comparisons_table(study_of(tmp_path), runs.drop(index=range(20)))
    assert row(table, "activation", "batch_size=10")["verdict"] == "incomplete"
    kept = row(table, "activation", "batch_size=100")
    assert kept["p_holm"] == 2 * kept["p_value"]
    assert kept["p_value"] == row(whole, "activation", "batch_size=100")["p_value"]


def test_intervals_are_at_95_percent_whatever_the_level_of_a_family(tmp_path: Path) -> None:
    ends = ["ci_low", "ci_high", "pab_low", "pab_high"]
    usually = row(comparisons_table(study_of(tmp_path), usual()), "activation", "batch_size=10")
    strict = comparisons_table(study_of(tmp_path, "[comparison]\nlevel = 0.001\n"), usual())
    assert row(strict, "activation", "batch_size=10")[ends].tolist() == usually[ends].tolist()


@pytest.mark.parametrize(
    "change", [{"status": "error"}, {"status": "timeout"}, {"status": "planned"}, {"test_error": np.nan}]
)
def test_a_failed_run_makes_its_comparisons_incomplete_and_no_other(tmp_path: Path, change: dict[str, object]) -> None:
    runs = usual()
    for name, value in change.items():
        runs.loc[7, name] = value  # of relu, 10
    table = comparisons_table(study_of(tmp_path), runs)
    assert row(table, "activation", "batch_size=10")["verdict"] == "incomplete"
    assert pd.isna(row(table, "batch_size", "activation=relu")["n"])
    other = row(table, "activation", "batch_size=100")
    assert (other["verdict"], other["n"]) == ("better", 20)
    # it stays in the family
    assert other["p_holm"] == pytest.approx(2 * other["p_value"])


def test_diverged_runs_are_errors_of_one_and_counted(tmp_path: Path) -> None:
    runs = usual()
    for seed in (0, 1):
        for cell in range(2):  # relu, at 10 and 100
            runs.loc[20 * cell + seed, ["status", "test_error"]] = ["diverged", np.nan]
    runs.loc[2, ["status", "test_error"]] = ["diverged", np.nan]
    found = row(comparisons_table(study_of(tmp_path), runs), "batch_size", "activation=relu")
    a, b = 0.05 + NOISE[0], 0.0503 + NOISE[1]
    a[:3], b[:2] = 1, 1
    assert (found["n_diverged_a"], found["n_diverged_b"], found["n"]) == (3, 2, 20)
    assert found["mean_difference"] == pytest.approx((a - b).mean())


@settings(max_examples=20)
@given(st.sampled_from(["test_error", "train_loss"]), st.integers(1, 20), st.booleans())
def test_two_cells_without_an_outcome_are_not_equivalent(metric: str, seeds: int, whole: bool) -> None:
    text = f"{STUDY}[comparison]\nmetric = '{metric}'\nregion = 5.0\n"
    study = Study.from_toml(text, "study")
    runs = usual().rename(columns={"test_error": metric})
    runs = runs[runs["seed"] < seeds].reset_index(drop=True)
    lost = runs["factors"].str.contains("tanh")
    if not whole:
        lost &= ~((runs["seed"] == 0) & runs["factors"].str.contains(":100,|:100}"))
    runs.loc[lost, "status"], runs.loc[lost, metric] = "diverged", np.nan
    table = comparisons_table(study, runs)
    found = row(table, "batch_size", "activation=tanh")
    assert (found["verdict"] == "nothing to compare") == whole
    if whole:
        numbers = ["mean_difference", "ci_low", "ci_high", "p_value", "p_holm", "probability_a_better", "needs_seeds"]
        assert found[numbers].isna().all()
        assert (found["n"], found["n_diverged_a"], found["n_diverged_b"]) == (seeds, seeds, seeds)
        assert open_verdict(str(found["verdict"]))
    assert row(table, "batch_size", "activation=relu")["verdict"] != "nothing to compare"


def test_a_pair_with_nothing_to_compare_stays_in_its_family(tmp_path: Path) -> None:
    runs = usual()
    runs.loc[40:79, ["status", "test_error"]] = ["diverged", np.nan]
    other = row(comparisons_table(study_of(tmp_path), runs), "batch_size", "activation=relu")
    assert other["p_holm"] == pytest.approx(min(1.0, 2 * other["p_value"]))


def test_two_cells_that_never_reach_a_target_are_not_equivalent(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[comparison]\nmetric = 'epochs_to_0.1'\nregion = 1.0\n[run]\ntargets = [0.1]\n")
    runs = usual()
    runs["epochs_to_0.1"] = np.where(runs["factors"].str.contains("tanh"), np.inf, 3.0)
    table = comparisons_table(study, runs)
    assert row(table, "batch_size", "activation=tanh")["verdict"] == "nothing to compare"
    assert row(table, "batch_size", "activation=relu")["verdict"] == "equivalent"
    expected = "batch size (activation=tanh): not decided: 10 and 100 (nothing to compare)."
    assert comparison_sentences(study, table)[3] == expected


def test_few_seeds_say_how_many_are_needed(tmp_path: Path) -> None:
    runs = usual()
    table = comparisons_table(study_of(tmp_path), runs[runs["seed"] < 5])
    found = row(table, "activation", "batch_size=10")
    # a family of two: 2^(1 − n) · 2 ≤ 0.05 from n = 7 on
    assert found["verdict"] == "too few seeds: needs ≥ 7"
    assert bool(found["exploratory"])
    assert [least_seeds(family, 0.05) for family in (1, 2, 36)] == [6, 7, 11]


def seeds_of(tested: Paired, region: float) -> int:
    needs = needed_seeds(tested, region)
    assert needs is not None
    assert needs.low <= needs.high
    return needs.seeds


@pytest.mark.takes_seconds
def test_the_range_of_needed_seeds_narrows_with_the_pilot_and_holds_what_others_would_say() -> None:
    stream = np.random.default_rng(3)
    widths = []
    for n in (10, 40, 160):
        pilots = [paired(stream.normal(0.5, 1, n).round(1), np.zeros(n)) for _ in range(60)]
        needs = [needed for pilot in pilots if (needed := needed_seeds(pilot, 0.01)) is not None]
        truth = ((stats.norm.isf(0.025) + stats.norm.ppf(0.8)) / 0.5) ** 2
        assert np.mean([need.low <= truth <= need.high + 1 for need in needs]) == pytest.approx(0.8, abs=0.15)
        widths.append(float(np.median([need.high / need.low for need in needs])))
    assert widths[0] > widths[1] > widths[2]


def test_equality_that_is_shown_counts_before_seeds_that_are_too_few_to_find_a_difference() -> None:
    errors = np.full(30, 0.05)
    other = errors.copy()
    other[:3] += 0.001
    tested = paired(errors, other, family=16)
    assert tested.least_p * tested.family > tested.level
    assert verdict(tested, 1.0, 0.005) == "equivalent"
    other[:3] += 0.25
    assert verdict(paired(errors, other, family=16), 1.0, 0.005).startswith("too few seeds: needs ≥ ")


def test_what_no_seed_shows_and_how_many_lie_within_the_region() -> None:
    tested = paired(np.array([0.0] * 18 + [0.25, 0.004]), np.zeros(20))
    assert tested.unseen == pytest.approx(1 - 0.025 ** (1 / 20))
    share, low = tested.within(0.005)
    assert share == 19 / 20
    assert low == pytest.approx(stats.beta.ppf(0.025, 19, 2))
    assert tested.marks == ["one seed", "skewed"]
    assert paired(np.arange(20) / 1000, np.zeros(20)).marks == []


def test_the_ratio_of_variances_tells_what_pairing_does() -> None:
    stream = np.random.default_rng(0)
    shared, a, b = stream.normal(size=(3, 1000)).round(2)
    ratios = [paired(x, y).variance_ratio for x, y in ((a, b), (shared + a, shared + b), (shared + a, b - shared))]
    assert ratios == pytest.approx([1, 0.5, 1.5], abs=0.12)
    assert math.isnan(paired(np.array([np.inf, 1.0, 2.0]), np.array([np.inf, 2.0, 4.0])).variance_ratio)
    assert math.isnan(paired(np.ones(5), np.ones(5)).variance_ratio)


def test_cells_that_differ_by_less_than_the_region_are_said_to(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    rows = comparisons_table(study, usual())
    row = rows.iloc[0].to_dict() | {"verdict": "equivalent", "p_holm": 0.01, "ci_low": 0.001, "ci_high": 0.003}
    assert differs_slightly(row)
    assert not differs_slightly(row | {"p_holm": 0.2})
    told = comparison_sentences(study, pd.DataFrame([row], columns=rows.columns))[0]
    assert f"{row['a']} and {row['b']} differ, by less than 0.50 points (0.10 to 0.30; p = 0.01)" in told
    assert "equivalent, yet different" in comparison_table(pd.DataFrame([row]))["verdict"].tolist()


def test_doubts_name_marked_pairs_what_is_unseen_and_what_pairing_leaves(tmp_path: Path) -> None:
    errors = {cell: mean + NOISE[place] for place, (cell, mean) in enumerate(ERRORS.items())}
    errors["relu", 10] = np.where(np.arange(20) == 4, 0.5, 0.05)
    marked, unseen, pairing = doubts(comparisons_table(study_of(tmp_path), runs_of(errors)))
    assert "relu and tanh (batch_size=10), 10 and 100 (activation=relu) (2 of 4)" in marked
    assert "up to 17 % of runs" in unseen
    assert pairing.startswith("Pairing by seed leaves ")
    assert doubts(comparisons_table(study_of(tmp_path), usual()))[0] == unseen


def test_shipped_comparisons_retrace_their_verdicts_from_their_rows() -> None:
    rows = read(ROOT / "results").comparisons
    for row in rows.to_dict("records"):
        word = row["verdict"]
        equal = -row["region"] <= row["wide_low"] and row["wide_high"] <= row["region"]
        decided = row["p_holm"] <= row["alpha"]
        assert (word == "equivalent") == equal
        assert (word in ("better", "worse")) == (decided and not equal)
    assert rows["variance_ratio"].median() == pytest.approx(0.81, abs=0.005)
    assert (rows["variance_ratio"] > 1).mean() == pytest.approx(0.19, abs=0.005)
    near = rows[(rows["p_holm"] > 0.045) & (rows["p_holm"] < 0.052)]["p_holm"].round(5).tolist()
    assert {0.04903, 0.04964} <= set(near)


def test_needed_seeds_are_those_of_the_normal_approximation() -> None:
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    apart = paired(NOISE[0] + 0.02, NOISE[1])
    assert seeds_of(apart, 0.005) == max(6, math.ceil((z * apart.std / apart.mean) ** 2))
    half = stats.norm.isf(0.025)
    for shift in (0.0, 0.001, 0.002):  # sooner shown to be equivalent than to differ
        near = paired(4 * NOISE[0] + shift - 4 * NOISE[0].mean(), np.zeros(20))
        n = seeds_of(near, 0.005)
        chances = []
        for seeds in (n - 1, n):  # that both ends of the interval lie inside
            error = near.std / math.sqrt(seeds)
            inside = [stats.norm.cdf((0.005 + side * shift) / error - half) for side in (-1, 1)]
            chances.append(sum(inside) - 1)
        assert chances[0] < 0.8 <= chances[1]
    assert needed_seeds(paired(NOISE[0, :1], NOISE[1, :1]), 0.005) is None


def test_a_family_that_is_larger_than_can_be_read_is_not_compared(tmp_path: Path) -> None:
    levels = list(range(1, 13))
    text = f'title = "t"\nseeds = 1\n[[grid]]\nbatch_size = {levels}\nepochs = {levels}\n'
    study = load(write(tmp_path, text))
    texts = [factors_text(cell.factors) for cell in study.cells]
    fixed = {"study": "study", "phase": "evaluation", "seed": 0, "status": "ok", "learning_rate": 0.1}
    runs = pd.DataFrame({"factors": texts, "cell": texts, "run_id": texts, "train_error": 0.1, "test_error": 0.1})
    runs = runs.assign(**fixed)
    said = "1,584 pairs differ in one factor, of which at most 500 are compared: name factors in [comparison]."
    assert comparison_sentences(study, comparisons_table(study, runs)) == [said]
    evidence = ResultTables(runs=runs, summary=summary_table(runs), comparisons=comparisons_table(study, runs))
    shown = sections(study, evidence)
    assert (shown[0].name, shown[0].lines) == ("comparisons", (said,))
    assert shown[0].table.to_dict("list") == {"factor": ["batch_size", "epochs"], "pairs": ["792", "792"]}


def test_the_study_declares_region_level_metric_and_factors(tmp_path: Path) -> None:
    wide = study_of(tmp_path, '[comparison]\nregion = 0.1\nfactors = ["activation"]\n')
    table = comparisons_table(wide, usual())
    assert set(table["factor"]) == {"activation"}
    assert set(table["verdict"]) == {"equivalent"}
    with pytest.raises(InputError) as error:
        study_of(tmp_path, '[comparison]\nfactors = ["activatoin"]\n')
    assert str(error.value) == (
        f"{tmp_path / 'study.toml'}: comparison.factors[0]: expected a factor of the study, found 'activatoin'; "
        "nearest: 'activation'"
    )


def test_the_answer_in_words(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    table = comparisons_table(study, usual())
    said = comparison_sentences(study, table)
    ends = row(table, "batch_size", "activation=relu")[["ci_low", "ci_high"]]
    low, high = (f"{100 * end:.2f}".replace("-", "−") for end in ends)
    assert len(said) == 4
    assert said[0].startswith("activation (batch_size=10): relu is better than tanh by ")
    assert said[2] == f"batch size (activation=relu): 10 and 100 are equivalent ({low} to {high})."


def test_the_answer_says_what_a_reader_has_to_know(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), usual()
    runs.loc[20:39, "test_error"] = runs.loc[:19, "test_error"].to_numpy()  # relu at 100, as at 10
    runs.loc[[40, 60, 61], ["status", "test_error"]] = ["diverged", np.nan]  # one of tanh at 10, two at 100
    said = comparison_sentences(study, comparisons_table(study, runs))
    assert said[2] == "batch size (activation=relu): 10 and 100 are equivalent, the same on every seed (0.00 to 0.00)."
    assert said[3].endswith("; 1 and 2 of 20 diverged).")
    few = comparison_sentences(study, comparisons_table(study, usual()[usual()["seed"] < 6]))
    assert all("exploratory" in sentence or "too few seeds" in sentence for sentence in few)
    assert "exploratory" in few[0]
    runs.loc[40:79, ["status", "test_error"]] = ["diverged", np.nan]
    said = comparison_sentences(study, comparisons_table(study, runs))
    expected = "not decided: 10 and 100 (nothing to compare: every run of both diverged)"
    assert said[3] == f"batch size (activation=tanh): {expected}."


def test_pairs_of_other_numbers_of_seeds_say_theirs(tmp_path: Path) -> None:
    text = STUDY.replace("[10, 100]", "10") + '[[grid]]\nseeds = 9\nactivation = ["relu", "tanh"]\nbatch_size = 100\n'
    runs = usual()
    runs = runs[(runs.index < 20) | (runs["factors"].str.contains(":10}") | (runs["seed"] < 9))]
    study = load(write(tmp_path, text))
    said = comparison_sentences(study, comparisons_table(study, runs))
    assert "; of 20 seeds" in said[0]
    assert "; of 9 seeds" in said[1]


def test_the_legend_says_by_what_is_decided(tmp_path: Path) -> None:
    study = study_of(tmp_path, "[comparison]\nlevel = 0.01\nregion = 0.02\n")
    said = legend(comparisons_table(study, usual()), study.comparison)
    assert said.startswith("One is better where p ≤ 0.01, two are equivalent where the interval at the corrected level")
    assert " lies within ±2 points. " in said
