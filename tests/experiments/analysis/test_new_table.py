"""A derived table is one declaration in one file: without another edit it is written, read, shown and documented."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from fairgrid import read
from fairgrid.experiments.analysis.table import DerivedTable, derived
from fairgrid.experiments.cli import main
from fairgrid.experiments.store.content_manifest import read_manifest
from fairgrid.experiments.store.schema import TABLES, booleans, fractions, integers, numbers, text
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import studies


def extremes(study: Study, tables: ResultTables) -> pd.DataFrame:
    ok = tables.runs[tables.runs["status"] == "ok"]
    return EXTREMES.frame(
        {
            "study": study.name,
            "cell": cell,
            "n": len(runs),
            "worst": runs["test_error"].max(),
            "loss": runs["test_loss"].max(),
            "all_ok": len(runs) == len(study.cells[0].seeds),
        }
        for cell, runs in ok.groupby("cell")
    )


EXTREMES = DerivedTable(
    "extremes",
    "A row per cell: its worst run.",
    (
        *text("study cell", "whose runs"),
        *integers("n", "runs that are ok"),
        *fractions("worst", "the largest test error"),
        *numbers("loss", "the largest test loss", spec=".4f"),
        *booleans("all_ok", "whether every run is"),
    ),
    make=extremes,
    title="The worst run of every cell",
)


@pytest.fixture
def declared() -> Iterator[DerivedTable]:
    yield derived(EXTREMES)
    del TABLES["extremes"]


def test_a_table_declared_here_is_everywhere(
    declared: DerivedTable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = studies.write(tmp_path, studies.TINY)
    studies.run(tmp_path, path)
    runs = read(tmp_path, load(path)).runs
    expected = runs[runs["status"] == "ok"].groupby("cell")["test_error"].max()

    rows = read(tmp_path, load(path)).extremes
    assert rows.set_index("cell")["worst"].to_dict() == expected.to_dict()
    assert [str(dtype) for dtype in rows.dtypes] == ["str", "str", "int64", "float64", "float64", "bool"]
    written = pd.read_csv(tmp_path / "extremes.csv")
    assert list(written) == declared.header
    assert written["worst"].tolist() == rows["worst"].tolist()
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert "extremes.csv" in manifest.files
    assert "extremes.csv" in manifest.studies["study"].rows

    capsys.readouterr()
    assert main(["summarize", path, "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert declared.title in shown
    assert f"{100 * rows['worst'].iloc[0]:.3g}" in shown
    assert main(["report", path, "--results", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert declared.title in page
    assert "worst %" in page
    assert f"{rows['loss'].iloc[0]:.4f}" in page

    into = tmp_path / "columns.md"
    into.write_text("<!-- tables columns -->\n<!-- end -->\n", encoding="utf-8")
    assert main(["summarize", path, "--results", str(tmp_path), "--into", str(into)]) == 0
    section = into.read_text(encoding="utf-8").split("## extremes.csv")[1].split("\n## ")[0]
    assert declared.rows in section
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")
    ]
    assert cells == [
        ["`study`, `cell`", "text", "whose runs"],
        ["`n`", "integer", "runs that are ok"],
        ["`worst`", "number, fraction", "the largest test error"],
        ["`loss`", "number", "the largest test loss"],
        ["`all_ok`", "True or False", "whether every run is"],
    ]
    assert main(["verify", path, "--results", str(tmp_path)]) == 0
