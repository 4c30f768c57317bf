"""Figures that studies declare: curves, points, boundaries, and the overview of all reports."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.reporting.figures import OVERVIEW, draw, draw_overview, file_names
from fairgrid.experiments.reporting.figures.epochs import DeclaredCurves
from fairgrid.experiments.reporting.figures.reported import ReportedNumbers
from fairgrid.experiments.reporting.figures.scatter import Artifacts, DeclaredPoints, misclassified, points_of
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.store.tables import ResultTables, read
from fairgrid.experiments.study.loading import load
from fairgrid.experiments.study.study import Study
from tests.experiments.studies import TINY, write

TRAINING = ("engines", "runner", "worker")
PACKAGE = Path(__file__).parents[3] / "experiments" / "figures"
SGD = '{ name = "sgd", learning_rate = 0.1 }'
FIGURES = f"""
[table]
title = "A table"
[[reported]]
row = "SGD"
column = "test"
where = {{ optimizer = {SGD}, activation = "tanh" }}
metric = "test_error"
statistic = ["mean", "std"]
value = [0.3, 0.1]
runs = 3
quote = "Table 9"
[[reported]]
row = "SGD"
column = "test"
where = {{ optimizer = {SGD}, activation = "relu" }}
metric = "test_error"
statistic = "single"
value = 0.25
runs = 1
quote = "Table 9"
reading = "rectified"
primary = false
[[figure]]
name = "data"
kind = "data"
title = "Data"
[[figure]]
name = "errors"
kind = "errors"
title = "Errors"
where = {{ optimizer = {SGD}, activation = "tanh" }}
[[figure]]
name = "boundary"
kind = "boundary"
title = "Boundaries"
parts = ["test"]
[[figure]]
name = "arms"
kind = "curves"
title = "Curves of two arms"
where = {{ activation = "tanh" }}
metrics = ["loss", "error"]
[figure.arms]
"plain SGD" = {{ optimizer = {SGD} }}
Adam = {{ optimizer = {{ name = "adam", learning_rate = 0.01 }} }}
[[figure]]
name = "one"
kind = "curves"
title = "Curves of one cell"
where = {{ optimizer = {SGD}, activation = "relu" }}
metrics = ["loss", "accuracy"]
"""
STUDY = TINY.replace("[run]", "[run]\nkeep_seeds = [0]") + FIGURES


class Ran:
    """A study that has run, and what its figures are made from."""

    def __init__(self, path: str, results: Path) -> None:
        self.path, self.results = path, results
        self.study: Study = load(path)
        self.evidence: ResultTables = read(results).of(self.study.name)
        with Store(results) as store:
            self.artifacts: Artifacts = store.kept(self.study.name)

    def points(
        self, name: str, artifacts: Artifacts | None = None, evidence: ResultTables | None = None
    ) -> Figure | None:
        declared = next(figure for figure in self.study.figures if figure.name == name)
        figure = DeclaredPoints(declared, self.artifacts if artifacts is None else artifacts)
        return figure.figure(self.study, evidence or self.evidence)

    def curves(self, name: str, evidence: ResultTables | None = None) -> Figure:
        declared = next(figure for figure in self.study.figures if figure.name == name)
        figure = DeclaredCurves(declared).figure(self.study, evidence or self.evidence)
        assert figure is not None
        return figure


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("ran")
    path = write(folder, STUDY)
    assert main(["run", path, "--results", str(folder / "results"), "--backend", "sequential"]) == 0
    return Ran(path, folder / "results")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def crosses(figure: Figure) -> list[np.ndarray]:
    """For each panel, the points that are crossed."""
    found = []
    for ax in figure.axes:
        marks = [each for each in ax.collections if len(each.get_paths()) == 1 and each.get_linewidth()[0] == 0.8]
        found.append(np.concatenate([np.asarray(each.get_offsets()) for each in marks]) if marks else np.empty((0, 2)))
    return found


@pytest.mark.takes_seconds
def test_a_grid_draws_every_declared_figure_and_the_overview(ran: Ran) -> None:
    made = bytes_of(ran.results / "figures")
    assert set(made) == {*file_names(ran.study), OVERVIEW}
    assert file_names(ran.study)[2:] == [
        f"study_{name}.png" for name in ("data", "errors", "boundary", "arms", "one", "differences")
    ]
    assert all(content.startswith(b"\x89PNG") for content in made.values())


@pytest.mark.takes_seconds
def test_same_records_give_the_same_bytes_and_no_version_or_date(ran: Ran, tmp_path: Path) -> None:
    draw(ran.study, ran.evidence, tmp_path, ran.artifacts)
    draw_overview([ran.study], ran.evidence, tmp_path)
    assert bytes_of(tmp_path) == bytes_of(ran.results / "figures")
    for name, content in bytes_of(tmp_path).items():
        assert not any(chunk in content for chunk in (b"tEXt", b"iTXt", b"tIME")), name


def test_users_own_settings_of_matplotlib_change_nothing(ran: Ran, tmp_path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "figure.dpi": 40}):
        draw(ran.study, ran.evidence, tmp_path, ran.artifacts)
    drawn = bytes_of(tmp_path)
    assert all(bytes_of(ran.results / "figures")[name] == content for name, content in drawn.items())


def test_crossed_are_exactly_the_misclassified_points(ran: Ran) -> None:
    figure = ran.points("errors")
    assert figure is not None
    factors = next(key for key in ran.artifacts if "sgd" in key[0] and "tanh" in key[0])
    arrays = ran.artifacts[factors]
    for part, ax, crossed in zip(("train", "test"), figure.axes, crosses(figure), strict=True):
        wrong = [
            point
            for point, decided, label in zip(
                arrays[f"{part}.points"].tolist(),
                arrays[f"{part}.decided"].tolist(),
                arrays[f"{part}.label"].tolist(),
                strict=True,
            )
            if decided != label
        ]
        assert sorted(crossed.tolist()) == sorted(wrong)
        assert f"{len(wrong)} of {len(arrays[f'{part}.points'])} wrong" in ax.get_title()


def test_wrong_points_agree_with_the_errors_of_the_tables(ran: Ran) -> None:
    runs = ran.evidence.runs[ran.evidence.runs["seed"] == 0].set_index("factors")
    for (factors, _), arrays in ran.artifacts.items():
        for part in ("train", "test"):
            points = points_of(arrays)
            wrong = misclassified(points[points["role"] == part])
            assert wrong.mean() == pytest.approx(runs.loc[factors, f"{part}_error"], abs=1e-12)


def test_cells_of_one_problem_are_one_panel_of_data(ran: Ran) -> None:
    figure = ran.points("data")
    assert figure is not None
    assert [ax.get_title() for ax in figure.axes] == ["training set\n40 points", "test set\n30 points"]
    assert texts(figure) == ["class 0", "class 1", "true border"]


def test_the_boundary_of_a_model_that_decides_one_class_alone_is_no_line(ran: Ran) -> None:
    constant = {
        key: {**arrays, "canvas.decided": arrays["canvas.decided"] * 0} for key, arrays in ran.artifacts.items()
    }
    figure = ran.points("boundary", constant)
    assert figure is not None
    figure.canvas.draw()


def test_curves_are_those_of_the_table_in_percent(ran: Ran) -> None:
    for name, position, metric, change in [
        ("one", 1, "test_error", lambda values: 100 * (1 - values)),
        ("one", 0, "test_loss", lambda values: values),
    ]:
        ax = ran.curves(name).axes[position]
        rows = ran.evidence.curves
        rows = rows[
            (rows["metric"] == metric) & rows["factors"].str.contains("relu") & rows["factors"].str.contains("sgd")
        ]
        np.testing.assert_allclose(np.asarray(ax.get_lines()[1].get_ydata(), float), change(rows["median"].to_numpy()))


def test_arms_have_their_labels_and_counts_in_the_order_of_the_study(ran: Ran) -> None:
    figure = ran.curves("arms")
    assert texts(figure) == ["plain SGD\n5 runs", "Adam\n5 runs"]
    assert [ax.get_title() for ax in figure.axes[:2]] == ["training set", "test set"]
    assert [ax.get_ylabel() for ax in figure.axes[::2]] == ["loss (MSE)", "error (%)"]


def test_failed_and_diverged_runs_are_counted_beside_the_curves(ran: Ran) -> None:
    summary = ran.evidence.summary.assign(n_ok=3, n_diverged=1, n_failed=1)
    evidence = ran.evidence.replace(summary=summary)
    assert texts(ran.curves("arms", evidence))[0] == "plain SGD\n3 of 5 runs (1 diverged)"


def test_overview_marks_each_reported_number_and_says_the_verdict(ran: Ran) -> None:
    figure = ReportedNumbers().draw(ReportedNumbers().rows([ran.study], ran.evidence))
    ax = figure.axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "Study: Table 9",
        "test error, mean of 3: as stated",
        "test error, std of 3: as stated",
        "test error: rectified",
    ]
    marks = [np.asarray(line.get_xdata(), float).tolist() for line in ax.get_lines() if line.get_marker() == "D"]
    assert marks == [[30.0], [10.0], [25.0]]
    verdicts = ran.evidence.reproduction["verdict"].tolist()
    assert [text.get_text() for text in ax.texts] == [f"{verdicts[0]}, jointly", "", verdicts[1]]


def test_overview_of_runs_that_are_missing_shows_the_mark_alone(ran: Ran) -> None:
    evidence = ran.evidence.replace(runs=ran.evidence.runs[:0], reproduction=ran.evidence.reproduction[:0])
    ax = ReportedNumbers().draw(ReportedNumbers().rows([ran.study], evidence)).axes[0]
    assert {line.get_marker() for line in ax.get_lines()} == {"D"}


def test_without_a_store_figures_of_points_stay_as_they_are(ran: Ran, tmp_path: Path) -> None:
    for path in ran.results.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "study_errors.png").write_bytes(b"shipped")
    draw(ran.study, read(tmp_path), tmp_path / "figures")
    made = bytes_of(tmp_path / "figures")
    assert made["study_errors.png"] == b"shipped"
    assert "study_data.png" not in made
    assert made["study_arms.png"] == bytes_of(ran.results / "figures")["study_arms.png"]


def test_a_run_that_diverged_leaves_its_panel_empty_and_says_so(ran: Ran) -> None:
    gone = next(key for key in ran.artifacts if "sgd" in key[0] and "tanh" in key[0])
    runs = ran.evidence.runs.copy()
    runs.loc[(runs["factors"] == gone[0]) & (runs["seed"] == 0), "status"] = "diverged"
    changed = ran.evidence.replace(runs=runs)
    others = {run: arrays for run, arrays in ran.artifacts.items() if run != gone}
    figure = ran.points("boundary", others, changed)
    assert figure is not None
    titles = [ax.get_title() for ax in figure.axes]
    assert sum("the run diverged" in title for title in titles) == 1
    assert sum("wrong" in title for title in titles) == 3
    assert ran.points("errors", {}) is None


@pytest.mark.parametrize("name", ["data", "errors", "boundary"])
def test_titles_and_legends_of_points_overlap_nothing(ran: Ran, name: str) -> None:
    figure = ran.points(name)
    assert figure is not None
    check_layout(figure)


@pytest.mark.parametrize("name", ["arms", "one"])
def test_titles_and_legends_of_curves_overlap_nothing(ran: Ran, name: str) -> None:
    check_layout(ran.curves(name))


def check_layout(figure: Figure) -> None:
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [ax.get_tightbbox(renderer) for ax in figure.axes if ax.axison]
    boxes += [text.get_window_extent() for text in figure.texts if text.get_text()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            shared = (min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0))
            assert min(shared) < 3, (one, other)  # pixels


BAD: list[tuple[Callable[[str], str], str]] = [
    (
        lambda text: text.replace('name = "one"', 'name = "arms"'),
        "figure[4].name: expected different names, found 'arms' twice",
    ),
    (
        lambda text: text.replace('name = "one"', 'name = "An arm"'),
        "figure[4].name: expected text like ^[a-z0-9_]+$, found 'An arm'",
    ),
    (
        lambda text: text.replace('kind = "data"', 'kind = "date"'),
        "figure[0].kind: expected 'data', 'errors', 'boundary' or 'curves', found 'date'",
    ),
    (
        lambda text: text.replace('metrics = ["loss", "accuracy"]', ""),
        "figure[4]: expected metrics for curves, found []",
    ),
    (
        lambda text: text.replace('kind = "data"', 'kind = "data"\nmetrics = ["loss"]'),
        "figure[0]: expected no metrics for a figure of kind 'data', found ['loss']",
    ),
    (
        lambda text: text.replace('"loss", "accuracy"', '"los"'),
        "figure[4].metrics[0]: expected 'loss', 'error' or 'accuracy', found 'los'",
    ),
    (
        lambda text: text.replace('parts = ["test"]', "parts = []"),
        "figure[2].parts: expected at least 1 item, found []",
    ),
    (
        lambda text: text.replace("keep_seeds = [0]", ""),
        "run.keep_seeds: expected a seed for the figure 'data' of points, found none",
    ),
    (
        lambda text: text.replace('Adam = { optimizer = { name = "adam", learning_rate = 0.01 } }', "Adam = {}"),
        "figure[3].arms.Adam: expected factors of one cell, found 2 cells",
    ),
    (
        lambda text: text.replace(
            'where = { activation = "tanh" }\nmetrics', 'where = { activation = "tan" }\nmetrics'
        ),
        "figure[3].arms.plain SGD.activation: expected the name of a known activation, found 'tan'; nearest: 'tanh'",
    ),
    (
        lambda text: text.replace('title = "Data"', 'title = "Data"\npart = ["test"]'),
        "figure[0].part: expected a known key, found 'part'; nearest: 'parts'",
    ),
    (
        lambda text: text.replace('["relu", "tanh"]', '["relu", "tanh", "sigmoid", "leaky_relu"]'),
        "figure[2].where: expected factors of at most 6 cells, found 8 cells",
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message.split(":")[0] for _, message in BAD])
def test_a_bad_declaration_is_one_line(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    assert change(STUDY) != STUDY
    path = write(tmp_path, change(STUDY))
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_figures_use_nothing_that_trains() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert module is not None
                below = ("torch", "fairgrid.framework", *(f"fairgrid.experiments.{name}" for name in TRAINING))
                assert not module.startswith(below), path


def test_names_of_figures_need_no_drawing_library() -> None:
    code = (
        "import sys; import fairgrid.experiments.reporting.figures;"
        " sys.exit(any(name in sys.modules for name in ('matplotlib', 'seaborn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
