"""Tests and intervals are those of statsmodels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.descriptivestats import sign_test
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from fairgrid.experiments.analysis.effects import effects_table
from fairgrid.experiments.analysis.statistics.paired import median_rows, paired
from fairgrid.experiments.analysis.statistics.signflip import holm
from fairgrid.experiments.analysis.statistics.survival import reaching
from tests.experiments.analysis.test_effects import ERRORS, runs_of, study_of

SIDES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30)


@settings(max_examples=10)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holms_p_values(p_values: list[float]) -> None:
    assert holm(np.array(p_values)) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(SIDES)
def test_sign_test_and_probability_of_being_better(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(side) / 10 for side in zip(*pairs, strict=True))
    if (a != b).any():
        found = next(median_rows(a[None], b[None], [1]))
        assert found.p_value == pytest.approx(sign_test(a - b)[1])
    compared = paired(a[:12], b[:12])
    if compared.ties % 2 == 0:
        wins = compared.wins + compared.ties // 2
        theirs = proportion_confint(wins, compared.n, method="beta")
        assert compared.probability_interval == pytest.approx(np.nan_to_num(theirs, nan=float(wins > 0)))


@given(st.lists(st.one_of(st.integers(1, 20), st.just(np.inf)), min_size=2, max_size=30))
def test_runs_that_never_reach_a_target_are_censored_as_by_kaplan_and_meier(times: list[float]) -> None:
    reached = np.isfinite(times)
    theirs = SurvfuncRight(np.where(reached, times, 100.0), reached.astype(int))
    here = np.isin(theirs.surv_times, [time for time in times if np.isfinite(time)])
    found = reaching(np.array(times))
    assert found.times.tolist() == theirs.surv_times[here].tolist()
    assert found.fraction == pytest.approx(1 - theirs.surv_prob[here])


def test_effects_are_the_coefficients_of_a_linear_model(tmp_path: Path) -> None:
    activation, batch, optimizer = (sign.ravel() for sign in np.meshgrid([1, -1], [1, -1], [1, -1], indexing="ij"))
    rows = np.repeat(np.column_stack([activation, batch, optimizer, batch * optimizer]), 12, axis=0)
    fitted = OLS(ERRORS.reshape(-1), np.column_stack([np.ones(len(rows)), rows])).fit().params
    table = effects_table(study_of(tmp_path), runs_of())
    main = table[table["kind"] == "main"]["estimate"].to_numpy()
    assert main == pytest.approx(2 * fitted[1:4])
    change = table[table["kind"] == "interaction"]["estimate"].item()
    assert change == pytest.approx(-4 * fitted[4])
