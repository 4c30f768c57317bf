"""Names of figures' files: refused before anything is trained where they collide or fit no file."""

import dataclasses
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError, one_line
from fairgrid.experiments.reporting.figures import check_files, file_names
from fairgrid.experiments.runtime.files import placed
from fairgrid.experiments.study.loading import load, shipped
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import TINY, TUNED, write

FIGURE = '\n[[figure]]\nname = "{name}"\nkind = "curves"\ntitle = "t"\nmetrics = ["loss"]\n'
AUTOMATIC = ["curves", "test_error", "differences", "sensitivity", "budget", "times"]
EVERYTHING = TUNED.replace("epochs = 2", "epochs = 2\ntargets = [0.1]")
KNOWN = ", ".join(AUTOMATIC)


def test_shipped_studies_have_files_of_their_own() -> None:
    check_files([load(name) for name in shipped()])


def test_every_automatic_figure_is_tried_below() -> None:
    assert file_names(Study.from_toml(EVERYTHING, "s")) == [f"s_{name}.png" for name in AUTOMATIC]


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("name", AUTOMATIC)
def test_a_figure_called_like_an_automatic_one_is_refused_before_training(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, EVERYTHING + FIGURE.format(name=name))
    assert main([command, "study.toml"]) == 2
    said = capsys.readouterr()
    assert (
        "study.toml: figure[0].name: expected another name than those of the figures that the study has without being"
        f" asked ({KNOWN}), found '{name}'\n"
    ) in (said.err if command == "run" else said.out)
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.parametrize(
    ("file", "figure"),
    [(f"{'a' * 235}.toml", "f"), (f"{'é' * 115}.toml", "f"), ("s.toml", "f" * 240), ("s.toml", "f" * 5000)],
)
def test_names_too_long_for_a_file_are_one_line_before_training(
    file: str, figure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, TINY + FIGURE.format(name=figure), file)
    assert main(["run", file]) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        f"fairgrid: {file}: expected names of the study and its figures that fit a file's name of 238"
    )
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("command", [["run"], ["check"], ["summarize"], ["verify"]])
def test_a_study_whose_path_is_too_long_is_one_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = f"{'a' * 300}.toml"
    assert main([*command, path]) == 2
    said = "".join(capsys.readouterr()).splitlines()[0]
    assert said.removeprefix("fairgrid: ") == f"{path}: expected a study file, found File name too long"


def test_the_longest_name_that_is_taken_can_be_written(tmp_path: Path) -> None:
    study = Study.from_toml(TINY + FIGURE.format(name="f" * (238 - len("study_.png"))), "study")
    check_files([study])
    for name in file_names(study):
        with placed(tmp_path / name) as partial:
            partial.touch()


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2J", "a\u202eb", "caf\udce9"])
def test_a_study_whose_name_cannot_be_printed_is_refused(name: str) -> None:
    study = dataclasses.replace(Study.from_toml(TINY, "study"), name=name, path=Path(f"{name}.toml"))
    with pytest.raises(InputError) as refused:
        check_files([study])
    assert str(refused.value) == one_line(f"{name}.toml: expected a file name that can be printed, found {name!r}")


def test_two_studies_with_a_file_of_one_name_are_refused() -> None:
    one = Study.from_toml(TINY + FIGURE.format(name="b_curves"), "a")
    other = Study.from_toml(TINY, "a_b")
    with pytest.raises(InputError) as refused:
        check_files([one, other])
    assert str(refused.value) == (
        "a_b.toml: expected figures with files of their own, found a_b_curves.png of a.toml too"
    )
