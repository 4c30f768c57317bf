"""report.html: what stands in it, and that it is the same for the same evidence."""

import html
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.reporting.html.failures import failures, ranges
from fairgrid.experiments.reporting.html.tables import html_table
from fairgrid.experiments.store.tables import read
from fairgrid.experiments.study.loading import load
from tests.experiments.reports import HOSTILE, made


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with study.toml and results/."""
    folder = tmp_path_factory.mktemp("ran")
    made(folder)
    return folder


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    """A results directory that a test may change."""
    return Path(shutil.copytree(ran / "results", tmp_path / "copy"))


def report(results: Path, study: Path) -> str:
    assert main(["report", str(study), "--results", str(results)]) == 0
    return (results / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What people read, in one line."""
    body = re.sub(r"(?s)<(script|style)>.*?</\1>", "", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_page_has_all_its_parts_in_order(ran: Path) -> None:
    text = text_of(report(ran / "results", ran / "study.toml"))
    parts = [
        "Do the reports’ numbers hold up?",
        "Of 1 reported number,",
        HOSTILE + " Of 1 reported number,",
        "Tables",
        "Table 7 <b> (error %;",
        "Reported and reproduced",
        "Every cell:",
        "Figures",
        "Failures Of 24 planned runs, 12 are ok, 12 diverged.",
        "Provenance Seeds, evaluation 0–3",
        f"fairgrid run {ran / 'study.toml'}",
        "Where the runs were trained",
        "How to read this",
        "What this page is made from",
    ]
    place = 0
    for part in parts:
        assert part in text[place:], part
        place = text.index(part, place)


def test_nothing_in_it_comes_from_elsewhere_and_all_text_is_escaped(ran: Path) -> None:
    page = report(ran / "results", ran / "study.toml")
    assert "://" not in page
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(links) > 5
    assert all(link.startswith(("data:", "#")) for link in links)
    assert page.count("<script>") == page.count("<style>") == 1
    assert html.escape(HOSTILE).replace("&quot;", "&#34;") in page
    assert "<i>SGD" not in page
    assert "Table 7, &lt;i&gt;SGD&lt;/i&gt;" in page


@pytest.mark.takes_seconds
def test_same_evidence_gives_the_same_bytes_wherever_it_lies(ran: Path, copy: Path) -> None:
    first = report(ran / "results", ran / "study.toml")
    assert report(ran / "results", ran / "study.toml") == first
    assert report(copy, ran / "study.toml") == first


def test_every_figure_is_described_from_its_numbers(ran: Path) -> None:
    page = report(ran / "results", ran / "study.toml")
    described = [html.unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', page)]
    overview, curves, boxes, points, forest = described
    assert overview.startswith("For each of 1 readings of 1 reported numbers, a bar for the middle 95 % of our runs")
    assert curves.startswith("Lines of median test error over epochs 0 to 3, one for each of 6 cells")
    assert "Medians: " in boxes
    assert "100 %" in boxes
    runs = pd.read_csv(ran / "results" / "runs.csv")
    one = runs[(runs["seed"] == 0) & (runs["activation"] == "tanh") & (runs["learning_rate"] == 0.1)].iloc[0]
    assert f"training set: {100 * one['train_error']:.3g} % wrong" in points
    assert f"test set: {100 * one['test_error']:.3g} % wrong" in points
    comparisons = pd.read_csv(ran / "results" / "comparisons.csv")
    assert forest.startswith(f"Marks at the mean differences of {len(comparisons)} pairs")
    for verdict, count in comparisons["verdict"].value_counts().items():
        assert str(verdict).startswith("too few") or f"{verdict} {count}" in forest


def test_no_number_has_more_digits_than_it_is_known_to(ran: Path) -> None:
    assert not re.findall(r"\d\.\d{7,}", text_of(report(ran / "results", ran / "study.toml")))


def test_failures_are_listed_by_cell_with_their_seeds(ran: Path) -> None:
    text = text_of(report(ran / "results", ran / "study.toml"))
    assert "diverged evaluation optimizer SGD (learning rate 1e+30), activation ReLU 4 4 0–3" in text


def test_every_way_of_not_being_ok_is_a_row_with_its_message(ran: Path) -> None:
    study = load(str(ran / "study.toml"))
    runs = read(ran / "results").runs
    runs = runs[runs["learning_rate"] == 0.1].reset_index(drop=True)
    gone = '{"activation":"gone"}'  # a cell that the study's file no longer has
    runs.loc[0, ["status", "message"]] = ["error", "ValueError: <no>"]
    runs.loc[1, ["status", "message"]] = ["timeout", "300 s"]
    runs.loc[4:6, "status"] = "planned"
    runs.loc[8, ["status", "factors", "cell"]] = ["planned", gone, "gone"]
    sentence, table = failures(study, runs)
    assert sentence == "Of 12 planned runs, 6 are ok, 1 timeout, 1 error, 4 not run."
    assert table is not None
    assert [column.name for column in table.columns] == ["status", "phase", "cell", "runs", "of", "seeds", "message"]
    rows = [[cell.text for cell in row] for row in table.rows]
    assert [row[0] for row in rows] == ["error", "not run", "not run", "timeout"]
    assert [row[3:5] for row in rows] == [["1", "4"], ["1", "1"], ["3", "4"], ["1", "4"]]
    assert [row[6] for row in rows] == ["ValueError: <no>", "", "", "300 s"]
    assert rows[1][2] == "activation gone"


def test_environments_are_counted_and_their_absence_is_said(ran: Path, copy: Path) -> None:
    text = text_of(report(copy, ran / "study.toml"))
    known = pd.read_csv(copy / "environments.csv", dtype=str).iloc[0]
    assert f"{known['versions']} {known['cpu']} {known['threads']} 24" in text
    (copy / "environments.csv").unlink()
    (copy / "runs.sqlite").unlink()
    assert "is not shipped; there is none beside these results" in text_of(report(copy, ran / "study.toml"))


@pytest.mark.takes_seconds
def test_runs_that_were_not_trained_alike_are_told(ran: Path, copy: Path) -> None:
    assert "different environments" not in text_of(report(copy, ran / "study.toml"))
    (copy / "runs.sqlite").unlink()
    table = pd.read_csv(copy / "environments.csv", dtype=str, keep_default_na=False)
    table.loc[0, "cpu"] = "Another <processor>"
    table.to_csv(copy / "environments.csv", index=False)
    text = text_of(report(copy, ran / "study.toml"))
    assert "The runs are from different environments: cpu " in text
    assert "Another <processor> (1 run)" in text


@pytest.mark.takes_seconds
def test_a_fresh_clone_shows_what_is_shipped(ran: Path, copy: Path) -> None:
    before = report(copy, ran / "study.toml")
    for name in ("runs.sqlite", "environments.csv", "timings.csv", "report.html"):
        (copy / name).unlink()
    after = report(copy, ran / "study.toml")
    images = r'<img src="[^"]*"'
    assert re.findall(images, after) == re.findall(images, before)
    shutil.rmtree(copy / "figures")
    assert len(re.findall(images, report(copy, ran / "study.toml"))) == len(re.findall(images, before)) - 1


@pytest.mark.takes_seconds
def test_the_command_to_train_again_knows_seeds_and_says_when_the_study_is_another(tmp_path: Path) -> None:
    fewer = made(tmp_path, "--seeds", "2")
    study = tmp_path / "study.toml"
    assert f"fairgrid run {study} --seeds 2 " in text_of(report(fewer, study))
    study.write_text(study.read_text(encoding="utf-8").replace("epochs = 3", "epochs = 4"), encoding="utf-8")
    text = text_of(report(fewer, study))
    assert f"fairgrid run {study}" not in text
    assert "the study’s file, as it is now, makes other runs than these" in text


def test_a_study_that_is_not_shipped_is_to_be_named(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--results", str(ran / "results")]) == 2
    assert capsys.readouterr().err == (
        f"fairgrid: {ran / 'results'}: expected the files of studies that are not shipped to be named, found results of"
        " 'study'; name it: study.toml\n"
    )
    assert main(["report", "optimizers", "--results", str(ran / "results")]) == 2
    assert capsys.readouterr().err == f"fairgrid: {ran / 'results'}: expected results of 'optimizers', found study\n"


def test_no_results_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"fairgrid: {tmp_path / 'runs.csv'}: expected results of a grid, found no such file; `fairgrid run` makes it\n"
    )


@pytest.mark.parametrize(
    ("texts", "numeric", "keys"),
    [
        (["1.85 ± 0.2", "10.00 ± 3", "-"], True, ["1.85", "10.00", ""]),
        (["-0.1 [-0.2, 1e-05]", "0 [0, 0]"], True, ["-0.1", "0"]),
        (["18/20 (2 diverged)", "20/20"], True, ["18", "20"]),
        (["0.04+0.065", "97 %"], True, ["0.04", "97"]),
        (["25-25-25", "5"], False, ["25-25-25", "5"]),
        (["000", "001"], False, ["000", "001"]),
        (["at least 95 %", "0.1"], False, ["at least 95 %", "0.1"]),
        (["-", ""], False, ["", ""]),
    ],
)
def test_a_column_of_numbers_is_sorted_by_its_numbers(texts: list[str], numeric: bool, keys: list[str]) -> None:
    made_of = html_table("id", "caption", pd.DataFrame({"column": texts}))
    assert made_of.columns[0].numeric == numeric
    assert [row[0].key for row in made_of.rows] == keys


@pytest.mark.parametrize(
    ("numbers", "text"), [([0], "0"), ([3, 1, 2, 7], "1–3, 7"), ([5, 4], "4–5"), ([], ""), ([1, 3, 5], "1, 3, 5")]
)
def test_neighbouring_seeds_are_a_range(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
