"""Verification: what is recorded is what training gives, and whoever changed a value is found out."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.runtime.determinism import fingerprint
from fairgrid.experiments.store.content_manifest import FILE as MANIFEST
from fairgrid.experiments.store.database import FILE
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.verification import published, retraining, verify
from fairgrid.experiments.verification.population import foreign
from fairgrid.experiments.verification.published import Check, Published
from tests.experiments import studies

STOPPING = "stopping = { patience = 1 }\nkeep_seeds = [0]\nepochs = 3"  # measures the epoch; keeps parameters
TEXT = studies.TINY.replace("epochs = 3", STOPPING)
HASH = "5e" * 32
SAME = Check(Published(HASH, "a1", 1), Published(HASH, "a1", 1))
ZEROS = '"values" = zeroblob(length("values"))'
AFTER = f"published study: published {HASH}\n                 found     {HASH}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A study and its results."""
    folder = tmp_path_factory.mktemp("verified")
    study = studies.write(folder, TEXT)
    studies.run(folder / "results", study)
    assert main(["summarize", study, "--results", str(folder / "results")]) == 0
    return study, folder / "results"


@pytest.fixture
def results(made: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies that a test may change; the published study is another test's matter.

    What a clone has is from a machine like this one.
    """
    here = Published(HASH, fingerprint(), 1)
    monkeypatch.setattr("fairgrid.experiments.verification.population.published", lambda: here)
    monkeypatch.setattr("fairgrid.experiments.verification.checks.check", lambda: SAME)
    copy = tmp_path / "results"
    copy.mkdir()
    for path in made[1].iterdir():
        if path.is_file() and path.name != ".lock":
            (copy / path.name).write_bytes(path.read_bytes())
    return copy


def run(study: str, results: Path, *options: str) -> int:
    return main(["verify", study, "--results", str(results), "--jobs", "1", *options])


def edit(results: Path, table: str, row: int, **values: str) -> pd.Series:
    """Changes values of a row of a CSV; returns the row as it was."""
    frame = studies.table(results, table)
    before = frame.iloc[row].copy()
    for column, value in values.items():
        assert frame.loc[row, column] != value
        frame.loc[row, column] = value
    frame.to_csv(results / f"{table}.csv", index=False)
    return before


def ship(results: Path) -> None:
    """Leaves what a fresh clone has."""
    for name in (FILE, "environments.csv", "timings.csv"):
        (results / name).unlink()


def test_records_as_they_were_made_are_verified_and_nothing_is_changed(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in results.iterdir()}
    assert run(made[0], results, "--sample", "7") == 0
    assert capsys.readouterr().out == (
        "verified\n"
        "records: 20 of 1 studies in the store, as their checksums say\n"
        "tables: as the store gives them\n"
        "manifest.json: 10 files and 1 studies are as it says\n"
        "trained again: 7 records, drawn with seed 0\n"
        "  7 are the same bit for bit\n"
        f"{AFTER}"
        "not checked:\n"
        "  13 records were not trained again (--sample)\n"
        "  figures; where and how fast records were made (no checksum covers it)\n"
    )
    assert {path: path.read_bytes() for path in results.iterdir()} == before
    ship(results)
    assert run(made[0], results, "--sample", "all", "--seed", "3") == 0
    assert capsys.readouterr().out == (
        "verified\n"
        "records: 20 of 1 studies in the tables, as there is no store\n"
        "tables: as their source gives them\n"
        "manifest.json: 10 files and 1 studies are as it says\n"
        "trained again: 20 records, drawn with seed 3\n"
        "  20 are the same bit for bit\n"
        f"{AFTER}"
        "not checked:\n"
        "  losses, steps and metrics of single runs beyond what other tables give, and curves before their last"
        " checkpoint: of these only the SHA-256\n"
        "  figures; where and how fast records were made (no checksum covers it)\n"
    )


def test_changed_value_of_the_store_is_named_with_both_values(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = studies.table(results, "runs").iloc[7]
    studies.forge(results, f"UPDATE runs SET test_error = 0.125 WHERE run_id = '{row['run_id']}'")
    assert run(made[0], results, "--sample", "1") == 6
    printed = capsys.readouterr().out
    place = f"study study, phase evaluation, run_id {row['run_id']}"
    assert f"  runs.csv: {place}: expected test_error '0.125', found '{row['test_error']}'\n" in printed
    assert (
        "  1 are not what training gives\n"
        f"    run {row['run_id']} (study, seed {row['seed']}): test_error 0.125 recorded, {row['test_error']} found\n"
    ) in printed
    assert "not verified" in printed.splitlines()
    assert main(["summarize", made[0], "--results", str(results)]) == 0  # now the tables say the same
    capsys.readouterr()
    assert run(made[0], results, "--sample", "all") == 6
    printed = capsys.readouterr().out
    assert "tables: as the store gives them\n" in printed
    assert "  19 are the same bit for bit\n  1 are not what training gives\n" in printed


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (f"UPDATE curves SET {ZEROS} WHERE metric = 'test_loss'", "curves.test_loss 0.0 at 0"),
        ("UPDATE metrics SET value = 77", "stop_epoch 77.0 recorded, 3.0 found"),
        (f"UPDATE kept SET {ZEROS} WHERE name = 'parameters.0'", "kept.parameters.0 0.0 at 0"),
        (
            "UPDATE runs SET status = 'diverged', diverged_at_step = 3, message = 'm'",
            "status 'diverged' recorded, 'ok' found",
        ),
        ("UPDATE runs SET train_loss = train_loss * (1 + 1e-15)", "train_loss "),
        ("UPDATE runs SET steps = steps + 1", "steps 13 recorded, 12 found"),
    ],
)  # fmt: skip
def test_every_part_of_a_record_is_compared(
    statement: str, named: str, made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.forge(results, statement)
    assert run(made[0], results, "--sample", "all") == 6
    assert f": {named}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE runs SET seed = 77 WHERE seed = 4 AND cell = (SELECT min(cell) FROM cells)",
            "  study: 1 more are not what their names stand for: a seed, a setting or an own class was changed\n"
            "    run ",
        ),
        (
            "UPDATE cells SET config = replace(config, '\"train\":40', '\"train\":30')",
            "  study: none of 20 is of the study as it stands: its file, RECORD_VERSION or an own class was changed"
            " since\n",
        ),
    ],
)  # fmt: skip
def test_changed_seed_or_setting_of_the_store_is_found_without_training(
    statement: str, expected: str, made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.forge(results, statement)
    assert run(made[0], results, "--sample", "1") == 6
    assert expected in capsys.readouterr().out


def test_changed_value_of_shipped_tables_is_traced_to_its_run(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship(results)
    was = edit(results, "runs", 7, test_error="0.125")
    assert run(made[0], results, "--sample", "1") == 6
    printed = capsys.readouterr().out
    assert "  summary.csv: study study, phase evaluation, cell " in printed
    assert (
        "  1 are not what training gives\n"
        f"    run {was['run_id']} (study, seed {was['seed']}): test_error 0.125 recorded, {was['test_error']} found\n"
    ) in printed


@pytest.mark.takes_seconds
@pytest.mark.parametrize("shipped", [True, False])
@pytest.mark.parametrize(
    ("table", "values", "expected"),
    [
        ("summary", {"n_diverged": "9"}, "cell {cell}: expected n_diverged '0', found '9'"),
        ("summary", {"test_error_min": "0.1"}, "cell {cell}: expected test_error_min '{test_error_min}', found '0.1'"),
        ("summary", {"n_ok": "4"}, "cell {cell}: expected n_ok '5', found '4'"),
        ("runs", {"learning_rate": "7.0"}, "run_id {run_id}: expected learning_rate '{learning_rate}', found '7.0'"),
        ("runs", {"activation": "swish"}, "run_id {run_id}: expected activation '{activation}', found 'swish'"),
    ],
)  # fmt: skip
def test_tables_are_held_against_what_they_are_made_from(
    table: str, values: dict[str, str], expected: str, shipped: bool, made: tuple[str, Path], results: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if shipped:
        ship(results)
    was = edit(results, table, 2, **values)
    assert run(made[0], results, "--sample", "1") == 6
    printed = capsys.readouterr().out
    assert f"  {table}.csv: study study, phase evaluation, {expected.format(**was)}\n" in printed
    assert "are not what training gives" not in printed


@pytest.mark.parametrize("shipped", [True, False])
def test_row_that_is_not_there_or_bears_another_name_is_found(
    shipped: bool, made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shipped:
        ship(results)
    was = edit(results, "runs", 3, run_id="ab" * 32)
    assert run(made[0], results, "--sample", "1") == 6
    printed = capsys.readouterr().out
    assert f"run{' ' if shipped else '_id '}{'ab' * 32}" in printed
    if shipped:
        frame = studies.table(results, "runs")
        frame[frame["run_id"] != "ab" * 32].to_csv(results / "runs.csv", index=False)
        assert run(made[0], results, "--sample", "1") == 6
        assert f"cell {was['cell']}: expected n_planned '4', found '5'\n" in capsys.readouterr().out


def test_tuned_cells_are_recovered_from_shipped_tables_at_the_rate_that_was_chosen(
    tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.write(tmp_path, studies.TUNED, "tuned.toml")
    tuned = tmp_path / "tuned"
    studies.run(tuned, study)
    ship(tuned)
    assert run(study, tuned, "--sample", "all") == 0
    printed = capsys.readouterr().out
    assert "records: 24 of 1 studies" in printed  # 12 of tuning, 12 of evaluation
    assert "  24 are the same bit for bit\n" in printed
    assert (studies.table(tuned, "runs")["status"] == "diverged").sum() == 3


def test_tables_that_a_stopped_grid_left_behind_are_no_fault(
    made: tuple[str, Path], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = studies.write(tmp_path, TEXT.replace("seeds = 5", "seeds = 6"))
    tables = {path: path.read_bytes() for path in [*results.glob("*.csv"), results / MANIFEST]}
    assert studies.run(results, more).trained == 4
    for path, content in tables.items():
        path.write_bytes(content)
    capsys.readouterr()
    assert run(more, results, "--sample", "1") == 0
    printed = capsys.readouterr().out
    assert "tables: older than the store, so only rows of runs.csv with a result are compared\n" in printed
    assert "\nmanifest.json: 10 files and 1 studies are as it says\n" in printed
    edit(results, "runs", 0, train_loss="0.0")
    assert run(more, results, "--sample", "1") == 6
    assert ": expected train_loss '" in capsys.readouterr().out


def test_sample_is_random_seeded_and_of_the_asked_size() -> None:
    names = [f"run{number}" for number in range(100)]
    sample = retraining.drawn(names, 10, 0)
    assert len(set(sample)) == 10
    assert sample == retraining.drawn(reversed(names), 10, 0)
    assert sample != retraining.drawn(names, 10, 1)
    assert retraining.drawn(names, 1000, 0) == retraining.drawn(names, None, 5) == sorted(names)


def other_arithmetic(results: Path) -> None:
    studies.forge(
        results,
        "UPDATE environments SET versions = substr(versions, 1, instr(versions, 'arithmetic')) || 'rithmetic 0ff'",
    )


@pytest.mark.takes_seconds
def test_records_of_other_arithmetic_are_compared_statistically(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_arithmetic(results)
    studies.forge(results, "UPDATE runs SET train_loss = train_loss * (1 + 1e-6 * (seed % 2 * 2 - 1))")
    assert main(["summarize", made[0], "--results", str(results)]) == 0
    capsys.readouterr()
    assert run(made[0], results, "--sample", "all") == 0
    printed = capsys.readouterr().out
    assert "  0 are the same bit for bit\n  20 were made with other arithmetic (0ff" in printed
    assert "), so they are compared statistically, and a single altered one would not be seen:\n" in printed
    assert "    test error: +0 on average over 20 pairs, p = 1: as rounding may do\n" in printed
    assert printed.count("as rounding may do") == 2
    assert printed.startswith("verified\n")
    studies.forge(results, "UPDATE runs SET test_error = test_error + 0.01 * (1 + seed % 3)")
    assert main(["summarize", made[0], "--results", str(results)]) == 0
    capsys.readouterr()
    assert run(made[0], results, "--sample", "all") == 6
    printed = capsys.readouterr().out
    assert "    test error: -0.018 on average over 20 pairs, p = 3.81e-06: moved to one side\n" in printed
    assert "    train loss: " in printed


def test_other_numerics_are_counted_and_asked_for(made: tuple[str, Path], results: Path) -> None:
    expected = rf"^{results}: expected records of numerics 'native' and device 'cpu', found none; 20 of others$"
    with pytest.raises(InputError, match=expected):
        verify(results, [load(made[0])], "native", 5, 0, Pool())


@pytest.mark.takes_seconds
def test_native_records_are_verified_under_native_numerics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "fairgrid.experiments.commands.verify.request", lambda mode, device: None
    )  # torch is loaded here
    monkeypatch.setattr("fairgrid.experiments.verification.checks.check", lambda: SAME)
    native = studies.write(tmp_path, TEXT, "native.toml")
    portable = studies.write(tmp_path, TEXT, "portable.toml")
    studies.run(tmp_path / "results", native, numerics="native")
    studies.run(tmp_path / "results", portable, numerics="portable")
    assert main(["summarize", native, portable, "--results", str(tmp_path / "results")]) == 0
    capsys.readouterr()
    options = ["--results", str(tmp_path / "results"), "--jobs", "1", "--sample", "2", "--numerics", "native"]
    assert main(["verify", native, portable, *options]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "verified\n"
        "records: 20 of 1 studies in the store, as their checksums say\n"
        "  20 more have other numerics (--numerics) or another device (--device)\n"
    )
    assert printed.endswith(
        "  2 are the same bit for bit\n"
        "published study: not trained, as its hash is of portable numerics on a processor\n"
        "not checked:\n"
        "  18 records were not trained again (--sample)\n"
        "  figures; where and how fast records were made (no checksum covers it)\n"
    )


def test_shipped_records_know_their_arithmetic_where_environments_are_kept(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / FILE).unlink()
    path = results / "environments.csv"
    path.write_text(path.read_text().replace("arithmetic ", "arithmetic 0ff"))
    assert run(made[0], results, "--sample", "3") == 0
    assert "  3 were made with other arithmetic (0ff" in capsys.readouterr().out


def test_records_of_an_own_class_that_is_gone_cannot_be_trained_again(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own_for_verify.py"
    path.write_text("from fairgrid.framework import SGD\n\n\nclass Mine(SGD):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    study = studies.write(tmp_path, TEXT.replace('"adam"', '"own_for_verify:Mine"'))
    studies.run(tmp_path / "own", study)
    assert run(study, tmp_path / "own", "--sample", "1", "--trust") == 0
    path.write_text(f"{path.read_text()}    slower = True\n")
    capsys.readouterr()
    assert run(study, tmp_path / "own", "--sample", "1", "--trust") == 6
    expected = "  study: 10 more are not what their names stand for: a seed, a setting or an own class was changed\n"
    assert expected in capsys.readouterr().out
    path.unlink()
    studies.write(tmp_path, TEXT)
    assert run(study, tmp_path / "own", "--sample", "1", "--trust") == 6
    assert expected in capsys.readouterr().out


PLANTED = """
from pathlib import Path

Path({mark!r}).touch()
"""
MINE = "from fairgrid.framework import SGD\n\n\nclass Mine(SGD):\n    pass\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: Path) -> str:
    """A study with a class that is not fairgrid's; its results are in own/, beside it."""
    (tmp_path / "own_for_trust.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    study = studies.write(tmp_path, TEXT.replace('"adam"', '"own_for_trust:Mine"'))
    studies.run(tmp_path / "own", study)
    return study


@pytest.mark.takes_seconds
@pytest.mark.parametrize("shipped", [False, True])
def test_classes_that_are_not_fairgrids_are_listed_and_their_records_left_out_without_trust(
    own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], shipped: bool
) -> None:
    results = tmp_path / "own"
    assert main(["summarize", own, "--results", str(results)]) == 0
    if shipped:
        ship(results)
    capsys.readouterr()
    assert run(own, results, "--sample", "all") == 3
    source = "the tables, as there is no store" if shipped else "the store, as their checksums say"
    unchecked = (
        "  losses, steps and metrics of single runs beyond what other tables give, and curves before their last"
        " checkpoint: of these only the SHA-256\n"
    )
    assert capsys.readouterr().out == (
        "classes that are not fairgrid's, whose records are left out without --trust:\n"
        "  own_for_trust:Mine: 10 records\n"
        "verified, but for the tables and 10 records: --trust\n"
        f"records: 10 of 1 studies in {source}\n"
        "tables: not compared, as it takes these classes to make them again\n"
        "manifest.json: 10 files and 1 studies are as it says\n"
        "trained again: 10 records, drawn with seed 0\n"
        "  10 are the same bit for bit\n"
        f"{AFTER}not checked:\n{unchecked if shipped else ''}"
        "  figures; where and how fast records were made (no checksum covers it)\n"
    )
    assert run(own, results, "--sample", "all", "--trust") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "classes that are not fairgrid's, which are imported for these records:\n  own_for_trust:Mine: 10 records\n"
    )
    assert "  20 are the same bit for bit\n" in printed
    assert "verified" in printed.splitlines()


def test_values_that_are_wrong_are_found_without_trust_too(
    own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.forge(tmp_path / "own", "UPDATE runs SET test_error = 0.125")
    assert run(own, tmp_path / "own", "--sample", "all") == 6
    printed = capsys.readouterr().out
    assert "  10 are not what training gives\n" in printed
    assert "not verified" in printed.splitlines()


@pytest.mark.parametrize("status", ["ok", "planned"])
def test_a_module_that_a_store_names_is_imported_with_trust_only(
    status: str, made: tuple[str, Path], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "imported"
    (tmp_path / f"planted_{status}.py").write_text(PLANTED.format(mark=str(mark)))
    monkeypatch.syspath_prepend(tmp_path)
    other = f'replace(config, \'"name":"adam"\', \'"name":"planted_{status}:Any"\')'
    studies.forge(results, f"UPDATE cells SET config = {other}")
    chosen = "cell IN (SELECT cell FROM cells WHERE config LIKE '%planted%')"
    studies.forge(results, f"UPDATE runs SET status = '{status}' WHERE {chosen}")
    (results / "manifest.json").unlink()  # which would say that these are others
    assert run(made[0], results, "--sample", "all") == 3
    assert not mark.exists()
    assert run(made[0], results, "--sample", "all", "--trust") == 6  # there is no such class in it
    assert mark.exists() == (status == "ok")  # what has no record needs no class


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"optimizer": "adam"}, []),
        ({"optimizer": {"name": "mine:Adam", "learning_rate": 0.1}}, ["mine:Adam"]),
        ({"activation": ["relu", "mine:Swish", {"name": "yours.module:Swish"}]}, ["mine:Swish", "yours.module:Swish"]),
        ({"optimizer": "fairgrid.framework:SGD", "loss": "fairgrids:Loss"}, ["fairgrids:Loss"]),
        ({"problem": {"name": "table", "path": "a:b.csv"}, "measures": ["border", "os:system"]}, ["os:system"]),
        ({"optimizer": {"no": "name"}, "loss": None, "model": 3}, []),
    ],
)
def test_dotted_paths_outside_of_the_package_are_found_wherever_a_part_may_be(
    config: dict[str, object], expected: list[str]
) -> None:
    assert foreign(config) == expected


def test_interrupted_verification_says_that_nothing_was_changed(
    made: tuple[str, Path], results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fairgrid.experiments.verification.checks.retrain", interrupted)
    assert run(made[0], results) == 130
    assert capsys.readouterr().err.endswith("\nfairgrid: interrupted; nothing was changed\n")


def test_curve_of_another_length_is_a_difference(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.forge(results, 'UPDATE curves SET "values" = zeroblob(8)')
    assert run(made[0], results, "--sample", "1") == 6
    assert ": curves.epoch float64 [1] recorded, float64 [3] found" in capsys.readouterr().out


def another(sha256: str, arithmetic: str) -> Callable[[], Check]:
    return lambda: Check(Published(HASH, "a1", 1), Published(sha256, arithmetic, 2))


@pytest.mark.parametrize(
    ("found", "code", "reason"),
    [
        (
            another("77" * 32, "a1"),
            6,
            "other bytes with the same arithmetic: the code trains otherwise (RECORD_VERSION published 1, here 2)",
        ),
        (
            another("77" * 32, "b2"),
            0,
            "other bytes, as the arithmetic of this machine is another: published with a1, here b2",
        ),
    ],
)  # fmt: skip
def test_published_hash_and_the_found_one_are_printed(
    found: Callable[[], Check], code: int, reason: str, made: tuple[str, Path], results: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("fairgrid.experiments.verification.checks.check", found)
    assert run(made[0], results, "--sample", "1") == code
    said = f"published study: published {HASH}\n                 found     {'77' * 32}\n  {reason}\n"
    assert said in capsys.readouterr().out


@pytest.mark.takes_seconds
def test_published_hash_is_that_of_this_code(tmp_path: Path) -> None:
    found, stated = published.found(tmp_path), published.published()
    assert found.record_version == stated.record_version, published.__doc__
    if found.arithmetic == stated.arithmetic:
        assert found.sha256 == stated.sha256, published.__doc__
    assert set(studies.table(tmp_path, "runs")["engine"]) == {"framework", "compiled", "pytorch"}
    assert len(studies.table(tmp_path, "metrics"))


def test_wrong_flags_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for value in ("0", "many", "-3"):
        with pytest.raises(SystemExit) as stopped:
            main(["verify", "--sample", value])
        assert stopped.value.code == 2
        assert capsys.readouterr().err == (
            f"fairgrid: argument --sample: expected 'all' or an integer ≥ 1, found '{value}';"
            " --help lists the options\n"
        )


def cells_of(results: Path) -> list[tuple[str, str]]:
    """Every table that is committed with every column of it."""
    tables = sorted(path.stem for path in results.glob("*.csv") if path.name not in ("environments.csv", "timings.csv"))
    return [(table, column) for table in tables for column in studies.table(results, table).columns]


def other(value: str) -> str:
    """A value of the same kind: a number nearly the same, a text of another letter."""
    try:
        return repr(float(value) + 0.03125 if math.isfinite(float(value)) else 0.5)
    except ValueError:
        return value[:-1] + ("x" if value[-1:] != "x" else "y")


@pytest.mark.takes_seconds
@pytest.mark.parametrize("shipped", [True, False])
def test_every_column_of_every_table_counts(
    shipped: bool, made: tuple[str, Path], results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairgrid.experiments.verification.checks.retrain", lambda runs, pool: {})
    monkeypatch.setattr("fairgrid.experiments.verification.checks._suspects", lambda population, altered: [])
    monkeypatch.setattr("fairgrid.experiments.verification.checks.drawn", lambda runs, size, seed: [])
    if shipped:
        ship(results)
    columns = cells_of(results)
    assert len(columns) > 80
    for table, column in columns:
        path = results / f"{table}.csv"
        content = path.read_bytes()
        frame = studies.table(results, table)
        row = len(frame) // 2
        frame.loc[row, column] = other(frame.loc[row, column])
        frame.to_csv(path, index=False)
        assert main(["verify", made[0], "--results", str(results), "--jobs", "1"]) in (2, 6), (table, column)
        path.write_bytes(content)


@pytest.mark.takes_seconds
@pytest.mark.parametrize(
    ("column", "first", "phase"),
    [
        ("train_loss", "curves", ""),
        ("train_error", "summary", "phase evaluation, "),
        ("validation_error", "curves", ""),
        ("test_loss", "curves", ""),
        ("test_error", "summary", "phase evaluation, "),
    ],
)
def test_errors_and_losses_are_held_against_other_tables_where_no_manifest_is(
    column: str, first: str, phase: str, made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship(results)
    (results / MANIFEST).unlink()
    runs, metrics = studies.table(results, "runs"), studies.table(results, "metrics")
    to_the_end = metrics.loc[(metrics["metric"] == "stop_epoch") & (metrics["value"] == "3.0"), "run_id"]
    row = int(runs["run_id"].isin(to_the_end).to_numpy().nonzero()[0][-1])
    was = edit(results, "runs", row, **{column: "0.0625"})
    assert run(made[0], results, "--sample", "1") == 6
    printed = capsys.readouterr().out
    assert f"  {first}.csv: study study, {phase}cell {was['cell']}" in printed
    assert f"run {was['run_id']} (study, seed {was['seed']}): {column} 0.0625 recorded, {was[column]} found" in printed
    assert "\n  tables' bytes, as manifest.json is missing or unfinished; " in printed


def test_best_epoch_is_no_worse_than_the_last(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship(results)
    (results / MANIFEST).unlink()
    was = edit(results, "best_epochs", 3, validation_error="0.99")
    assert run(made[0], results, "--sample", "1") == 6
    assert f"  best_epochs.csv: run_id {was['run_id']}: expected validation_error '" in capsys.readouterr().out


@pytest.mark.takes_seconds
def test_manifest_that_was_changed_is_named(
    made: tuple[str, Path], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = results / MANIFEST
    text = path.read_text()
    stated = json.loads(text)
    digit = {"0": "1"}
    for old in (stated["files"]["runs.csv"], stated["studies"]["study"]["rows"]["curves.csv"]):
        path.write_text(text.replace(old, digit.get(old[0], "0") + old[1:]))
        assert run(made[0], results, "--sample", "1") == 6
        assert "manifest.json: 1 hashes are not those of what there is\n  " in capsys.readouterr().out
    for damaged in (text[:50], "[]", text.replace(stated["records"], "0" * 64), "\0"):
        path.write_text(damaged)
        assert run(made[0], results, "--sample", "1") == 6
        assert f"  {path}: expected a manifest as fairgrid writes it; restore it" in capsys.readouterr().out
