"""Effects on the whole and interactions: averages by hand, and the same tests as of comparisons."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fairgrid.experiments.analysis.effects import EFFECTS, effects_table
from fairgrid.experiments.analysis.statistics.paired import paired
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.sentences import effect_sentences, legend
from fairgrid.experiments.reporting.tables.comparisons import counted_effects
from fairgrid.experiments.study.labels import factors_text
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.schema import Comparison
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import write

OPTIMIZERS, BATCHES, ACTIVATIONS = ["sgd", "adam"], [10, 100], ["relu", "tanh"]
STUDY = f"""
title = "t"
seeds = 12
[[grid]]
activation = {ACTIVATIONS}
batch_size = {BATCHES}
optimizer = {OPTIMIZERS}
"""
NOISE = np.random.default_rng(5).normal(0, 0.004, (2, 2, 2, 12))
# sgd loses 3 points at batch size 100 and none at 10; tanh costs 2 points
ERRORS = (0.05 + 0.02 * np.arange(2)[:, None, None] + 0.03 * np.array([[0, 0], [1, 0]]))[..., None] + NOISE


def study_of(folder: Path, extra: str = "") -> Study:
    return load(write(folder, STUDY + extra))


def runs_of(errors: np.ndarray = ERRORS) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "phase": "evaluation",
                "factors": factors_text({"activation": activation, "batch_size": batch, "optimizer": optimizer}),
                "seed": seed,
                "status": "ok",
                "test_error": errors[i, j, k, seed],
            }
            for i, activation in enumerate(ACTIVATIONS)
            for j, batch in enumerate(BATCHES)
            for k, optimizer in enumerate(OPTIMIZERS)
            for seed in range(errors.shape[-1])
        ]
    )


def rows(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def test_main_effects_are_averages_over_all_else(tmp_path: Path) -> None:
    table = effects_table(study_of(tmp_path), runs_of())
    assert list(table) == EFFECTS.header
    main = rows(table, kind="main")
    assert list(main["factor"]) == ["activation", "batch_size", "optimizer"]
    by_seed = ERRORS.mean((1, 2))
    expected = paired(by_seed[0], by_seed[1])
    found = main.iloc[0]
    assert (found["n"], found["contexts"]) == (12, 4)
    assert found["estimate"] == pytest.approx(expected.mean)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(expected.interval)
    assert found["p_value"] == found["p_holm"] == expected.p_value
    assert (found["verdict"], found["needs_seeds"] is pd.NA, found["exploratory"]) == ("better", True, False)
    by_context = (ERRORS[0] - ERRORS[1]).mean(-1)
    assert (found["context_low"], found["context_high"]) == pytest.approx((by_context.min(), by_context.max()))


def test_baselines_are_compared_with_what_was_tuned_and_not_averaged_over(tmp_path: Path) -> None:
    extra = "[tuning]\nlearning_rate = { sgd = [0.1, 0.2], adam = [0.01, 0.02] }\nseeds = 2\nbaseline = true\n"
    both = [
        runs_of(errors).assign(factors=lambda runs, tuned=tuned: [text[:-1] + tuned for text in runs["factors"]])
        for errors, tuned in ((ERRORS, ',"tuned":true}'), (ERRORS[..., ::-1] + 0.2, ',"tuned":false}'))
    ]
    table = effects_table(study_of(tmp_path, extra), pd.concat(both))
    alone = effects_table(study_of(tmp_path), runs_of())
    found = table[table["factor"] != "tuned"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="context"), alone.drop(columns="context"))
    assert list(rows(table, kind="main", factor="tuned")["estimate"]) == pytest.approx([-0.2])


def test_interaction_is_the_difference_of_differences(tmp_path: Path) -> None:
    table = effects_table(study_of(tmp_path), runs_of())
    at = rows(table, kind="at")
    assert list(zip(at["by"], at["level"], at["contexts"], strict=True)) == [
        ("batch_size", "10", 2),
        ("batch_size", "100", 2),
    ]
    sides = ERRORS.mean(0)
    assert at["estimate"].tolist() == pytest.approx([(sides[j, 0] - sides[j, 1]).mean() for j in range(2)])
    assert at["p_holm"].tolist() == pytest.approx(
        [max(2 * at["p_value"].min(), at["p_value"].iloc[0]), 2 * at["p_value"].iloc[1]]
    )
    found = rows(table, kind="interaction").iloc[0]
    twice = paired(sides[1, 0] - sides[1, 1], sides[0, 0] - sides[0, 1])
    assert found["estimate"] == pytest.approx(twice.mean)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(twice.interval)
    assert (found["p_value"], found["verdict"]) == (twice.p_value, "worse")
    assert (found["level"], found["other"]) == ("10", "100")
    theirs = stats.permutation_test(
        ((sides[1, 0] - sides[1, 1]) - (sides[0, 0] - sides[0, 1]),),
        np.mean,
        permutation_type="samples",
        n_resamples=5000,
    )
    assert found["p_value"] == pytest.approx(theirs.pvalue)


def test_additive_effects_have_no_interaction(tmp_path: Path) -> None:
    errors = ERRORS - 0.03 * np.array([[0, 0], [1, 0]])[..., None]
    errors[:, 1] = errors[:, 0] + 0.01  # the same on every seed
    found = rows(effects_table(study_of(tmp_path), runs_of(errors)), kind="interaction").iloc[0]
    assert (found["estimate"], found["p_value"], found["verdict"]) == (0, 1, "equivalent")


def test_a_failed_run_makes_effects_that_it_is_in_incomplete(tmp_path: Path) -> None:
    runs = runs_of()
    runs.loc[0, "status"] = "error"  # relu, 10, sgd
    table = effects_table(study_of(tmp_path), runs)
    assert set(rows(table, kind="main")["verdict"]) == {"incomplete"}
    assert rows(table, kind="at")["verdict"].tolist() == ["incomplete", "worse"]
    assert rows(table, kind="interaction")["verdict"].tolist() == ["incomplete"]
    assert table["n"].isna().tolist() == (table["verdict"] == "incomplete").tolist()
    assert (
        effect_sentences(table)[-1] == "optimizer × batch size, from 10 to 100: not decided: sgd and adam (incomplete)."
    )


def test_a_failed_run_stays_in_its_family(tmp_path: Path) -> None:
    runs = runs_of()
    runs.loc[0, "status"] = "timeout"
    at = rows(effects_table(study_of(tmp_path), runs), kind="at")
    whole = rows(effects_table(study_of(tmp_path), runs_of()), kind="at")
    assert at["p_holm"].iloc[1] == 2 * at["p_value"].iloc[1]
    assert at["p_value"].iloc[1] == whole["p_value"].iloc[1]


def test_a_diverged_run_is_an_error_of_one(tmp_path: Path) -> None:
    runs = runs_of()
    runs.loc[0, ["status", "test_error"]] = ["diverged", np.nan]
    errors = ERRORS.copy()
    errors[0, 0, 0, 0] = 1
    expected = effects_table(study_of(tmp_path), runs_of(errors))
    found = effects_table(study_of(tmp_path), runs)
    assert found.drop(columns="n_diverged").to_csv() == expected.drop(columns="n_diverged").to_csv()
    # in every average but the one at batch size 100
    assert found["n_diverged"].tolist() == [1, 1, 1, 1, 0, 1]


def test_a_loss_that_diverged_is_the_worst_rank_and_no_seed_is_left_out(tmp_path: Path) -> None:
    runs = runs_of().assign(test_loss=lambda rows: rows["test_error"])
    runs.loc[0, ["status", "test_loss"]] = ["diverged", np.nan]  # relu, 10, sgd
    table = effects_table(study_of(tmp_path, '[comparison]\nmetric = "test_loss"\nregion = 0.005\n'), runs)
    assert table["n"].tolist() == [12] * 6
    found = rows(table, kind="at").iloc[0]
    differences = np.delete(ERRORS.mean(0)[0, 0] - ERRORS.mean(0)[0, 1], 0)
    ranks = stats.rankdata(np.abs(differences)) * np.sign(differences)
    assert found["p_value"] == pytest.approx(stats.wilcoxon([*ranks, 12], method="exact").pvalue)
    assert np.isnan([found["estimate"], found["ci_low"], found["context_high"]]).all()


def test_infinite_losses_on_both_sides_of_a_change_are_no_number(tmp_path: Path) -> None:
    runs = runs_of().assign(test_loss=lambda rows: rows["test_error"])
    factors = [{"activation": "relu", "batch_size": 10, "optimizer": "sgd"}]
    factors += [{"activation": "tanh", "batch_size": 10, "optimizer": "adam"}]
    lost = runs["factors"].isin([factors_text(each) for each in factors]) & (runs["seed"] == 0)
    runs.loc[lost, "status"], runs.loc[lost, "test_loss"] = "diverged", np.nan
    metric = '[comparison]\nmetric = "test_loss"\nregion = 0.01\n'
    table = effects_table(study_of(tmp_path, metric), runs)
    assert rows(table, kind="interaction")["verdict"].tolist() == ["incomplete"]
    assert rows(table, kind="interaction")["n_diverged"].tolist() == [2]
    assert rows(table, kind="at", level="100")["verdict"].tolist() == ["worse"]


def test_changes_are_of_the_same_two_levels(tmp_path: Path) -> None:
    """Of three optimizers at three batch sizes, each pair from each batch size to each later one."""
    optimizers, batches = ["sgd", "momentum", "adam"], [1, 10, 100]
    text = f'title = "t"\nseeds = 7\n[[grid]]\nbatch_size = {batches}\noptimizer = {optimizers}\n'
    factors = [{"batch_size": batch, "optimizer": optimizer} for batch in batches for optimizer in optimizers]
    runs = pd.DataFrame(
        [
            {
                "phase": "evaluation",
                "factors": factors_text(each),
                "seed": seed,
                "status": "ok",
                "test_error": 0.01 * at,
            }
            for at, each in enumerate(factors)
            for seed in range(7)
        ]
    )
    table = effects_table(load(write(tmp_path, text)), runs)
    found = rows(table, kind="interaction")
    changes = [("1", "10"), ("1", "100"), ("10", "100")]
    both = [("sgd", "momentum"), ("sgd", "adam"), ("momentum", "adam")]
    assert sorted(found[["a", "b", "level", "other"]].itertuples(index=False, name=None)) == sorted(
        (*pair, *change) for pair in both for change in changes
    )


def test_order_of_rows_changes_no_byte_and_a_missing_seed_is_an_error(tmp_path: Path) -> None:
    study, runs = study_of(tmp_path), runs_of()
    assert effects_table(study, runs.sample(frac=1, random_state=1)).to_csv() == effects_table(study, runs).to_csv()
    with pytest.raises(InputError, match=r"found no run of seed 5 \("):
        effects_table(study, runs.drop(index=5))
    with pytest.raises(InputError, match=r"found seed 5 twice \("):
        effects_table(study, pd.concat([runs, runs.loc[[5]]]))
    runs.loc[5, "test_error"] = np.nan
    assert set(rows(effects_table(study, runs), kind="main")["verdict"]) == {"incomplete"}


@settings(max_examples=8)
@given(arrays(int, (2, 2, 2, 9), elements=st.integers(0, 40)), st.sampled_from([0.25, 0.5]))
def test_a_constant_changes_nothing_and_swapping_levels_mirrors_everything(errors: np.ndarray, constant: float) -> None:
    with TemporaryDirectory() as folder:
        study = study_of(Path(folder))
        swapped = load(write(Path(folder), STUDY.replace(str(OPTIMIZERS), str(OPTIMIZERS[::-1])), "swapped.toml"))
    table = effects_table(study, runs_of(errors / 1024))
    assert effects_table(study, runs_of(errors / 1024 + constant)).equals(table)
    mine, theirs = (
        rows(each, factor="optimizer").reset_index(drop=True)
        for each in (table, effects_table(swapped, runs_of(errors / 1024)))
    )
    for name in ("estimate", "p_value", "p_holm", "needs_seeds"):
        sign = -1 if name == "estimate" else 1
        assert mine[name].to_numpy(float) == pytest.approx(sign * theirs[name].to_numpy(float), nan_ok=True), name
    for low, high in (("ci_low", "ci_high"), ("context_low", "context_high")):
        assert mine[low].to_numpy() == pytest.approx(-theirs[high].to_numpy())
    turned = theirs["verdict"].replace({"better": "worse", "worse": "better"})
    assert mine["verdict"].tolist() == turned.tolist()


def test_other_interactions_are_declared(tmp_path: Path) -> None:
    declared = study_of(tmp_path, '[comparison]\ninteractions = [["activation", "optimizer"]]\n')
    table = rows(effects_table(declared, runs_of()), kind="interaction")
    assert table[["factor", "by", "level", "other"]].to_numpy().tolist() == [["activation", "optimizer", "sgd", "adam"]]
    none = study_of(tmp_path, "[comparison]\ninteractions = []\n")
    assert set(effects_table(none, runs_of())["kind"]) == {"main"}
    for pair, problem in (
        ('["activation", "optimiser"]', "expected a factor of the study, found 'optimiser'; nearest: 'optimizer'"),
        ('["optimizer", "optimizer"]', "expected two factors, found 'optimizer' twice"),
        (
            '["optimizer", "batch_size"]]\nfactors = ["activation"',
            "expected a first factor that is compared (comparison.factors), found 'optimizer'",
        ),
    ):
        with pytest.raises(InputError) as error:
            study_of(tmp_path, f"[comparison]\ninteractions = [{pair}]\n")
        assert str(error.value) == f"{tmp_path / 'study.toml'}: comparison.interactions[0]: {problem}"


def test_the_answer_in_words(tmp_path: Path) -> None:
    table = effects_table(study_of(tmp_path), runs_of())
    said = effect_sentences(table)
    assert [sentence.partition(":")[0] for sentence in said] == [
        "activation on the whole",
        "batch size on the whole",
        "optimizer on the whole",
        "optimizer at batch size 10",
        "optimizer at batch size 100",
        "optimizer × batch size, from 10 to 100",
    ]
    worse = rows(table, level="100").iloc[0]
    low, high, least, most = (100 * worse[name] for name in ("ci_low", "ci_high", "context_low", "context_high"))
    assert said[4] == (
        f"optimizer at batch size 100: adam is better than sgd by {100 * worse['estimate']:.2f} points"
        f" ({low:.2f} to {high:.2f}; p < 0.001; contexts {least:.2f} to {most:.2f})."
    )
    assert said[5].startswith("optimizer × batch size, from 10 to 100: adam gains 2.95 points on sgd (2.61 to ")
    assert legend(table, Comparison()).endswith("; what single contexts show.")
    assert counted_effects(table).to_dict("list") == {
        "effect": [
            "activation on the whole",
            "batch_size on the whole",
            "optimizer on the whole",
            "optimizer at each batch_size",
            "optimizer × batch_size",
        ],
        "better or worse": ["1", "1", "1", "1", "1"],
        "equivalent": ["0", "0", "0", "1", "0"],
    }


def lost(table: pd.DataFrame, *texts: str) -> pd.DataFrame:
    """The runs, those of cells whose factors have all of these texts in them diverged."""
    chosen = np.logical_and.reduce([table["factors"].str.contains(text, regex=False) for text in texts])
    status = np.where(chosen, "diverged", "ok")
    return table.assign(status=status, test_error=table["test_error"].where(~chosen))


def test_averages_and_changes_of_runs_that_all_diverged_are_not_equivalent(tmp_path: Path) -> None:
    table = effects_table(study_of(tmp_path), lost(runs_of(), '"batch_size":10,'))
    at = rows(table, kind="at", factor="optimizer", by="batch_size")
    assert dict(zip(at["level"], at["verdict"], strict=True)) == {"10": "nothing to compare", "100": "worse"}
    empty = at[at["level"] == "10"].iloc[0]
    assert empty[["estimate", "ci_low", "ci_high", "context_low", "context_high", "p_holm"]].isna().all()
    assert (empty["n"], empty["n_diverged"]) == (12, 48)
    change = rows(table, kind="interaction").iloc[0]  # from nothing to something
    assert change["verdict"] == "nothing to compare"
    said = effect_sentences(table)
    assert "optimizer at batch size 10: not decided: sgd and adam (nothing to compare; 48 runs diverged)." in said
    whole = effects_table(study_of(tmp_path), lost(runs_of(), "{"))
    assert set(whole["verdict"]) == {"nothing to compare"}
