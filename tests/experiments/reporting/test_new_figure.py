"""A figure is one declaration in one file: nothing else is edited for it to be drawn, described, listed and called."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fairgrid import InputError, Results, plot, read
from fairgrid.experiments.cli import main
from fairgrid.experiments.reporting.figures.figure import AUTOMATIC, StudyFigure, automatic
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments import reports, studies

ROOT = Path(__file__).parents[3]


@pytest.fixture
def declared() -> Iterator[type[StudyFigure]]:
    @automatic
    class Losses(StudyFigure):
        name = "losses"
        caption = "The final test loss of every run"
        when = "studies of several cells"
        position = 35

        @classmethod
        def applies(cls, study: Study) -> bool:
            return len(study.cells) > 1

        def rows(self, study: Study, evidence: ResultTables) -> pd.DataFrame:
            return evidence.runs[["cell", "test_loss"]].dropna()

        def draw(self, study: Study, rows: pd.DataFrame) -> Figure:
            figure = Figure()
            figure.subplots().plot(rows["test_loss"].to_numpy())
            return figure

        def describe(self, study: Study, rows: pd.DataFrame) -> str:
            return f"A line through {len(rows)} losses."

    yield Losses
    AUTOMATIC.remove(Losses)


def results(folder: Path, text: str) -> tuple[str, Results]:
    path = studies.write(folder, text)
    studies.run(folder, path)
    return path, read(folder, load(path))


def test_a_figure_declared_here_is_everywhere(declared: type[StudyFigure], tmp_path: Path) -> None:
    path, recorded = results(tmp_path, studies.TINY)
    losses = recorded.runs["test_loss"].dropna()
    words = f"A line through {len(losses)} losses."

    assert plot.rows(recorded, "losses")["test_loss"].tolist() == losses.tolist()
    drawn = plot.figure(recorded, "losses").axes[0].get_lines()[0]
    assert list(drawn.get_ydata()) == losses.tolist()
    assert plot.description(recorded, "losses") == words

    assert main(["report", path, "--results", str(tmp_path)]) == 0
    assert (tmp_path / "figures" / "study_losses.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f'alt="{words}"' in page
    assert f"<figcaption>{declared.caption}</figcaption>" in page

    table = tmp_path / "page.md"
    table.write_text("<!-- tables figures -->\n<!-- end -->\n", encoding="utf-8")
    assert main(["summarize", path, "--results", str(tmp_path), "--into", str(table)]) == 0
    rows = [line.split("|")[1:4] for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    names = [row[0].strip().replace("\\", "") for row in rows]
    assert names.index("differences") + 1 == names.index("losses")
    assert [cell.strip() for cell in rows[names.index("losses")]] == ["losses", declared.caption, declared.when]


@pytest.mark.usefixtures("declared")
def test_a_study_that_it_does_not_apply_to_lacks_it(tmp_path: Path) -> None:
    alone = 'title = "One"\nseeds = 1\n[run]\nproblem = { name = "disk", train = 40, test = 30 }\nepochs = 1\n'
    _, recorded = results(tmp_path, alone)
    with pytest.raises(InputError, match=r"expected a figure of study, found 'losses'"):
        plot.figure(recorded, "losses")


@pytest.mark.usefixtures("declared")
def test_a_study_may_not_call_its_own_figure_the_same(tmp_path: Path) -> None:
    path = studies.write(tmp_path, reports.STUDY.replace('name = "errors"', 'name = "losses"'))
    assert main(["run", path, "--results", str(tmp_path / "results")]) == 2
    assert not (tmp_path / "results").exists()


def test_the_page_of_figures_is_what_is_declared(tmp_path: Path) -> None:
    path, _ = results(tmp_path, studies.TINY)
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    copy = tmp_path / "report.md"
    copy.write_text(page, encoding="utf-8")
    assert main(["summarize", path, "--results", str(tmp_path), "--into", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == page
