"""No study ends in a traceback: it is read, or refused with one line; what is read can be planned, run and shown."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import assume, given, reject

from fairgrid.experiments.cli import main
from fairgrid.experiments.commands.arguments import FAILED
from fairgrid.experiments.errors import InputError, one_line
from fairgrid.experiments.reporting.rendering import FORMATS
from fairgrid.experiments.store.schema import Kind, committed_tables
from fairgrid.experiments.store.tables import as_text, read
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.any_study import BYTES, CSV, HUGE, examples, mutated, studies, written


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(CSV)


def state_of_torch() -> list[Any]:
    """What a library must leave as it is."""
    denormal = float(torch.tensor([1e-40]) * 1)
    return [
        torch.get_rng_state().tolist(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        denormal,
    ]


def read_or_refused(data: bytes, capsys: pytest.CaptureFixture[str]) -> Study | None:
    """The study of a file; None where it is refused, which is held to be one line that names the file."""
    path = Path("study.toml")
    path.write_bytes(data)
    before = state_of_torch()
    try:
        study = load(path)
    except InputError as error:
        message = str(error)
        assert message.startswith(f"{path}: ")
        assert one_line(message) == message
        assert len(message.encode()) <= 4000
        study = None
    assert state_of_torch() == before
    capsys.readouterr()
    code = main(["run", str(path), "--dry-run", "--results", "none", "--backend", "sequential"])
    printed = capsys.readouterr()
    if study is None:
        assert (code, printed.out, printed.err) == (2, "", f"fairgrid: {message}\n")
        assert main(["check", str(path)]) == 2
        assert capsys.readouterr() == (f"{message}\n1 thing is wrong\n", "")
    else:
        assert (code, printed.err) == (0, "")
    assert not Path("none").exists()
    return study


@pytest.mark.takes_seconds
@given(BYTES)
@examples(300, 10_000)
def test_a_file_is_a_study_or_refused_with_one_line(capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    read_or_refused(data, capsys)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("number", range(len(HUGE)))
def test_a_huge_file_is_a_study_or_refused_with_one_line(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    read_or_refused(HUGE[number].encode(), capsys)


def texts_stay_texts(results: Path, study: Study) -> None:
    """Whatever a study says is read back from its tables as it was said."""
    tables = read(results)
    for table in committed_tables():
        if (results / f"{table.name}.csv").exists():
            written = as_text(results / f"{table.name}.csv", [])
            words = [column.name for column in table.columns if column.kind is Kind.TEXT]
            assert getattr(tables, table.name)[words].equals(written[words])
    stated = [*study.reported, *study.claims]
    told = tables.reproduction
    if stated:
        assert told["quote"].tolist() == [each.quote for each in stated]
        assert told["reading"].tolist() == [each.reading for each in stated]
        assert set(told["report"]) == {study.source}
        assert set(map(type, told["reported"])) == {str}


@pytest.mark.takes_seconds
@given(studies() | mutated())
@examples(10, 200)
def test_a_study_that_is_read_is_run_and_shown(capsys: pytest.CaptureFixture[str], table: dict[str, Any]) -> None:
    path = Path("study.toml")
    path.write_text(written(table), encoding="utf-8")
    try:
        load(path)  # as it will be summarized
        study = load(path, seeds=2, overrides={"epochs": 1, "checkpoints": 1})
    except InputError:
        reject()
    assume(sum(len(cell.seeds) * max(1, len(cell.rates)) for cell in study.cells) < 100)
    with TemporaryDirectory() as folder:
        results = ["--results", f"{folder}/results"]
        short = ["--seeds", "2", "--set", "epochs=1", "--set", "checkpoints=1"]
        assert main(["check", str(path)]) in (0, 2)
        assert main(["run", str(path), *results, *short, "--backend", "sequential"]) in (0, FAILED)
        for style in FORMATS:
            assert main(["summarize", str(path), *results, "--format", style]) == 0
        assert main(["report", str(path), *results]) == 0
        texts_stay_texts(Path(folder) / "results", study)
    torch.set_flush_denormal(False)  # which training in this process turns on, and the next example is drawn without
    capsys.readouterr()
