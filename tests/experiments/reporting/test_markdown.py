"""From a study with a report's numbers to verdicts in a page: marks, and the whole path through the command line."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.markdown import filled, marks
from fairgrid.experiments.reporting.rendering import tables
from fairgrid.experiments.reporting.sections import section_names
from fairgrid.experiments.store.tables import read
from fairgrid.experiments.study.loading import load
from tests.experiments.studies import table, write

PAGE = """# Title
<!-- tables one -->
old
<!-- end -->
between
<!-- tables two cells -->
<!-- end -->
<!-- tables reports -->
older
and older
<!-- end -->
after
"""
PUBLISHED = """
title = "Tiny"
source = "report.txt"
seeds = 6
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
model = { name = "mlp", hidden = [4] }
epochs = 3
checkpoints = 2
measures = "border"
[[grid]]
optimizer = ["sgd", "adam"]
activation = ["relu", "tanh"]
[table]
title = "Table I"
unit = "accuracy %"
[[reported]]
row = "SGD"
column = "test"
where = { optimizer = "sgd", activation = "relu" }
metric = "test_error"
statistic = ["mean", "std"]
value = [0.25, 0.05]
runs = 10
quote = "Table I, SGD"
reading = "relu"
[[reported]]
row = "SGD"
column = "test"
where = { optimizer = "sgd", activation = "tanh" }
metric = "test_error"
statistic = ["mean", "std"]
value = [0.25, 0.05]
runs = 10
quote = "Table I, SGD"
reading = "tanh"
primary = false
[[claim]]
quote = "Adam is better"
test = "difference"
metric = "test_error"
where = { optimizer = "adam", activation = "relu" }
against = { optimizer = "sgd", activation = "relu" }
claim = "less"
[[claim]]
quote = "errors lie at the border"
test = "share"
metric = "border_distance_wrong"
where = { optimizer = "adam", activation = "relu" }
between = [0.0, 0.1]
claim = "at least"
share = 0.5
"""


def test_marks_say_whose_tables_stand_where() -> None:
    assert marks(PAGE) == [("one", None), ("two", "cells"), ("reports", None)]
    assert marks("no marks\n<!-- end -->\n") == []


def test_page_keeps_all_but_what_stands_between_marks() -> None:
    page = filled(PAGE, lambda name, section: rf"{name}, {section} \1 \g<end>")
    assert page == (
        "# Title\n<!-- tables one -->\n\none, None \\1 \\g<end>\n\n<!-- end -->\nbetween\n"
        "<!-- tables two cells -->\n\ntwo, cells \\1 \\g<end>\n\n<!-- end -->\n"
        "<!-- tables reports -->\n\nreports, None \\1 \\g<end>\n\n<!-- end -->\nafter\n"
    )


def test_filling_again_changes_nothing() -> None:
    once = filled(PAGE, lambda name, section: f"{name}\n{section}")
    assert filled(once, lambda name, section: f"{name}\n{section}") == once


@pytest.mark.parametrize(
    "page",
    [
        "<!-- tables one -->\nmine\n<!-- tables two -->\nold\n<!-- end -->\n",
        "<!-- tables one -->\nmine\n",
        "<!-- tables one --> mine <!-- end -->\n",
        "<!-- tables one two three -->\n<!-- end -->\n",
    ],
)
def test_mark_that_is_none_or_has_no_end_is_refused_and_takes_no_text(page: str) -> None:
    with pytest.raises(InputError) as refused:
        marks(page)
    assert str(refused.value) == (
        "expected every '<!-- tables STUDY -->' on a line and with its '<!-- end -->', found one that is not"
    )
    assert filled(page, lambda name, section: "new").count("mine") == page.count("mine")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The path of a study that was run, and its results."""
    folder = tmp_path_factory.mktemp("published")
    study, results = write(folder, PUBLISHED, "published.toml"), folder / "results"
    assert main(["run", study, "--results", str(results), "--backend", "sequential"]) == 0
    return study, results


def summarize(study: str, results: Path, *options: str) -> int:
    return main(["summarize", study, "--results", str(results), *options])


def test_run_judges_every_number_and_claim(published: tuple[str, Path]) -> None:
    _, results = published
    found = table(results, "reproduction")
    assert found["report"].to_list() == ["report.txt"] * 4
    assert found["reading"].to_list() == ["relu", "tanh", "as stated", "as stated"]
    assert found["n"].to_list() == ["6"] * 4
    assert found["runs"].to_list() == ["10", "10", "", ""]
    known = {"consistent", "inconsistent", "supported", "contradicted", "undecided"}
    assert set(found["verdict"]) <= known
    runs = pd.read_csv(results / "runs.csv")
    sgd = runs[(runs["optimizer"] == "sgd") & (runs["activation"] == "relu")]["test_error"]
    adam = runs[(runs["optimizer"] == "adam") & (runs["activation"] == "relu")]["test_error"]
    assert float(found["mean"][0]) == sgd.mean()
    assert float(found["std"][0]) == sgd.std()
    assert float(found["mean"][2]) == pytest.approx(adam.mean() - sgd.mean())


def test_tables_and_verdicts_stand_in_the_page_and_are_the_same_bytes_again(published: tuple[str, Path]) -> None:
    study, results = published
    page = results.parent / "page.md"
    page.write_text("<!-- tables published -->\n<!-- end -->\nmine\n<!-- tables reports -->\n<!-- end -->\n")
    assert summarize(study, results, "--into", str(page)) == 0
    text, csvs = page.read_bytes(), {path.name: path.read_bytes() for path in results.glob("*.csv")}
    shown = text.decode()
    assert shown.count("| 75 ± 5 ") == 2  # an error of 0.25 in the report's unit, accuracy, under two readings
    for words in ("**Table I (accuracy %;", "Table I, SGD (test error):", "Adam is better", "relu (primary)", "6/6"):
        assert words in shown
    assert shown.index("\nmine\n") < shown.index("primary readings")
    assert summarize(study, results, "--into", str(page)) == 0
    assert page.read_bytes() == text
    assert {path.name: path.read_bytes() for path in results.glob("*.csv")} == csvs


@pytest.mark.parametrize("section", section_names())
def test_one_section_may_stand_alone(published: tuple[str, Path], section: str) -> None:
    study, results = published
    titles = {
        "report": "**Table I",
        "verdicts": "**Reported and reproduced**",
        "comparisons": "**Pairs of cells that differ in one factor",
        "cells": "**Tiny**",
    }
    shown = tables(load(study), read(results), "markdown", section)
    # the study has no tuning, targets or problems to show
    assert {name for name, title in titles.items() if title in shown} == {section} & titles.keys()


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("<!-- tables other -->\n<!-- end -->\n", "expected marks of published, found one of 'other'"),
        (
            "<!-- tables published cell -->\n<!-- end -->\n",
            f"expected a section ({', '.join(section_names())}), found 'cell' of 'published'",
        ),
        (
            "<!-- tables published -->\nmine\n",
            "expected every '<!-- tables STUDY -->' on a line and with its '<!-- end -->', found one that is not",
        ),
        (None, "expected a Markdown page, found none"),
    ],
)
def test_page_that_cannot_be_filled_is_left_alone(
    published: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], page: str | None, problem: str
) -> None:
    study, results = published
    path = tmp_path / "page.md"
    if page is not None:
        path.write_text(page)
    assert summarize(study, results, "--into", str(path)) == 2
    assert capsys.readouterr().err == f"fairgrid: {path}: {problem}\n"
    assert (path.read_text() if path.exists() else None) == page


@pytest.mark.takes_seconds
def test_study_that_is_absent_keeps_its_rows(published: tuple[str, Path], tmp_path: Path) -> None:
    study, results = published[0], tmp_path / "results"
    shutil.copytree(published[1], results)
    before = table(results, "reproduction")
    text = Path(study).read_text()
    for name in ("zzz", "aaa"):  # before and after it in the alphabet
        other = write(tmp_path, text, f"{name}.toml")
        assert main(["run", other, "--results", str(results), "--backend", "sequential", "--seeds", "2"]) == 0
    found = table(results, "reproduction")
    assert found["study"].to_list() == ["aaa"] * 4 + ["published"] * 4 + ["zzz"] * 4
    kept = found[found["study"] == "published"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    assert set(found.loc[found["study"] == "aaa", "n"]) == {"2"}


@pytest.mark.takes_seconds
def test_order_of_studies_changes_no_byte(tmp_path: Path) -> None:
    paths = [write(tmp_path, PUBLISHED, f"{name}.toml") for name in ("b", "a")]
    found = []
    for number, order in enumerate((paths, paths[::-1])):
        results = tmp_path / f"results{number}"
        assert main(["run", *order, "--results", str(results), "--backend", "sequential", "--seeds", "2"]) == 0
        found.append({path.name: path.read_bytes() for path in results.glob("*.csv")})
        found[-1].pop("timings.csv")
    assert found[0] == found[1]


def test_benchmark_stands_in_a_page_as_it_was_measured(published: tuple[str, Path]) -> None:
    study, results = published
    page = results.parent / "performance.md"
    page.write_text("<!-- tables benchmark step -->\n<!-- end -->\n")
    (results / "benchmark.csv").write_text(
        "measure,batch,optimizer,contestant,part,stack,n,median,low,high,unit,test_error\n"
        'step,1,adam,"fairgrid, compiled",,16,9,0.25,0.2,0.3,µs,0.05\n'
        "step,1,adam,other,,1,9,300,290,310,µs,0.05\n"
    )
    assert summarize(study, results, "--into", str(page)) == 0
    cells = [cell.strip() for cell in page.read_text().splitlines()[-3].split("|")]
    assert cells[1:3] == ["other", "300 (1,200×)"]
    page.write_text("<!-- tables benchmark stpe -->\n<!-- end -->\n")
    assert summarize(study, results, "--into", str(page)) == 2


def test_calibration_stands_in_a_page_as_it_was_measured(published: tuple[str, Path]) -> None:
    study, results = published
    page = results.parent / "comparisons.md"
    page.write_text("<!-- tables calibration errors -->\n<!-- end -->\n")
    assert summarize(study, results, "--into", str(page)) == 2
    shipped = Path(__file__).parents[3] / "results" / "calibration.csv"
    (results / "calibration.csv").write_text(shipped.read_text())
    assert summarize(study, results, "--into", str(page)) == 0
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| A/")]
    assert rows.count("A/A") == 2 * rows.count("A/B") == 8


def test_shipped_calibration_errs_as_often_as_it_says() -> None:
    table = pd.read_csv(Path(__file__).parents[3] / "results" / "calibration.csv")
    same = table[(table["kind"] == "A/A") & (table["level"] == 0.05)]
    assert set(same["n"]) == {10, 30}
    assert same["rejected"].between(0.035, 0.065).all()
    assert same["coverage"].between(0.935, 0.965).all()
