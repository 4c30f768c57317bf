"""The figures of every cell, for every shipped study: legible, reproducible, and drawn from the tables alone."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from fairgrid.experiments.analysis.summary import summary_table
from fairgrid.experiments.config.identity import cell_id
from fairgrid.experiments.config.run import canonical_json
from fairgrid.experiments.reporting.figures import draw, figure_of, file_names
from fairgrid.experiments.reporting.figures.style import colours, percent_axis, theme
from fairgrid.experiments.reporting.wording import spelled
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.loading import load, shipped
from fairgrid.experiments.study.study import Study
from tests.experiments import studies

SEEDS = 4
EPOCHS = (0, 1, 2)
# none, one and several factors, more than panels can show, labels of some length
FACTORS = {
    "none": "",
    "one": "[[grid]]\nbatch_size = [1, 2, 5]",
    "five": """[[grid]]
activation = ["relu", { name = "leaky_relu", alpha = 0.2 }, "tanh", "sigmoid"]
batch_size = [1, 5]
epochs = [1, 2]
initializer = ["xavier_normal", "kaiming_uniform"]
optimizer = ["sgd", { name = "momentum", learning_rate = 0.1 }, { name = "momentum", learning_rate = 0.01 }]
""",
}


def evidence_of(study: Study, diverged: bool = True) -> ResultTables:
    """Tables as a grid would leave them, filled with made-up errors."""
    stream = np.random.default_rng(0)
    runs, lines = [], []
    for number, cell in enumerate(study.cells):
        common = {
            "study": study.name,
            "cell": cell_id(cell.config, "portable"),
            "factors": canonical_json(cell.factors),
        }
        scale = 0.5 * stream.random() + 0.004
        for seed in range(SEEDS):
            lost = diverged and number % 5 == 3 and seed > 0
            error = None if lost else scale * (0.5 + stream.random())
            status = "diverged" if lost else "ok"
            runs.append(
                common
                | {"run_id": f"{number} {seed}", "seed": seed, "phase": "evaluation", "status": status}
                | {"learning_rate": 0.1, "train_error": error, "test_error": error}
            )
        for metric, epoch in itertools.product(("train_error", "test_error", "train_loss", "test_loss"), EPOCHS):
            median = scale * (1 + 0.5 * stream.random())
            row = {"epoch": epoch, "metric": metric, "n": SEEDS, "median": median}
            lines.append(common | row | {"mean": median, "std": 0.01, "q10": 0.8 * median, "q90": 1.2 * median})
    frame = pd.DataFrame(runs).astype({"train_error": float, "test_error": float})
    return ResultTables(runs=frame, summary=summary_table(frame), curves=pd.DataFrame(lines))


def study_of(name: str, folder: Path) -> Study:
    if name in FACTORS:
        return load(studies.write(folder, f'title = "A study"\n{FACTORS[name]}', f"{name}.toml"))
    return load(name)


def drawn(study: Study, evidence: ResultTables, kind: str) -> Figure:
    with theme():
        figure = figure_of(study, kind).figure(study, evidence)
        assert figure is not None
        figure.canvas.draw()
    return figure


def extent(artist: object, figure: Figure) -> Bbox:
    return artist.get_window_extent(figure.canvas.get_renderer())


@pytest.mark.takes_seconds
@pytest.mark.parametrize("kind", ["curves", "test_error"])
@pytest.mark.parametrize("name", [*shipped(), *FACTORS])
def test_no_text_lies_on_other_text_or_on_a_panel(name: str, kind: str, tmp_path: Path) -> None:
    study = study_of(name, tmp_path)
    figure = drawn(study, evidence_of(study), kind)
    panels = [extent(ax, figure) for ax in figure.axes]
    titles = [extent(ax.title, figure) for ax in figure.axes if ax.get_title()]
    legends = [extent(legend, figure) for legend in figure.legends]
    headings = [extent(text, figure) for text in figure.texts]
    for one, other in itertools.combinations([*titles, *legends, *headings], 2):
        assert not one.padded(-1).overlaps(other.padded(-1))
    for outside, panel in itertools.product([*titles, *legends, *headings], panels):
        assert not outside.padded(-1).overlaps(panel.padded(-1))
    for one, other in itertools.combinations(panels, 2):
        assert not one.padded(-1).overlaps(other.padded(-1))


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", ["optimizers", "report_004", "five"])
def test_same_tables_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    study = study_of(name, tmp_path)
    evidence = evidence_of(study)
    standard = file_names(study)[:2]
    open_before = plt.get_fignums()
    draw(study, evidence, tmp_path / "one")
    before = {file: (tmp_path / "one" / file).read_bytes() for file in standard}
    shuffled = evidence.replace(
        runs=evidence.runs.sample(frac=1, random_state=0), curves=evidence.curves.sample(frac=1, random_state=0)
    )
    draw(study, shuffled, tmp_path / "one")
    for file, content in before.items():
        assert (tmp_path / "one" / file).read_bytes() == content
        assert content.startswith(b"\x89PNG")
        assert b"atplotlib" not in content
    assert plt.get_fignums() == open_before


def test_curves_are_the_medians_in_percent_of_every_cell(tmp_path: Path) -> None:
    study = study_of("optimizers", tmp_path)
    evidence = evidence_of(study)
    figure = drawn(study, evidence, "curves")
    found = sorted(tuple(np.round(line.get_ydata(), 9)) for ax in figure.axes for line in ax.get_lines())
    rows = evidence.curves[evidence.curves["metric"] == "test_error"]
    medians = rows.pivot(index="cell", columns="epoch", values="median")
    assert found == sorted(tuple(row) for row in (100 * medians).round(9).to_numpy())


def test_diverged_runs_are_drawn_at_one_hundred_percent(tmp_path: Path) -> None:
    study = study_of("one", tmp_path)
    evidence = evidence_of(study, diverged=False)
    lost = evidence.runs["cell"] == evidence.runs["cell"].iloc[0]
    runs = evidence.runs.assign(
        status=evidence.runs["status"].mask(lost, "diverged"), test_error=evidence.runs["test_error"].mask(lost)
    )
    figure = drawn(study, evidence.replace(runs=runs, summary=summary_table(runs)), "test_error")
    points = np.concatenate([line.get_xdata() for ax in figure.axes for line in ax.get_lines()])
    assert points.max() == 100
    assert (points < 100).any()


@pytest.mark.takes_seconds
@pytest.mark.parametrize("status", ["planned", "error"])
@pytest.mark.parametrize("name", ["optimizers", "none", "one"])
def test_study_without_any_result_is_drawn_empty(name: str, status: str, tmp_path: Path) -> None:
    study = study_of(name, tmp_path)
    evidence = evidence_of(study)
    runs = evidence.runs.assign(status=status, test_error=np.nan, train_error=np.nan)
    nothing = evidence.replace(runs=runs, summary=summary_table(runs), curves=evidence.curves.iloc[:0])
    open_before = plt.get_fignums()
    draw(study, nothing, tmp_path / "figures")
    assert {path.name for path in (tmp_path / "figures").iterdir()} >= set(file_names(study)[:2])
    assert plt.get_fignums() == open_before


@pytest.mark.takes_seconds
def test_figures_come_as_pdf_and_svg_with_the_same_bytes_and_no_date(tmp_path: Path) -> None:
    study = study_of("one", tmp_path)
    evidence = evidence_of(study)
    for folder in ("first", "second"):
        draw(study, evidence, tmp_path / folder, formats=("pdf", "svg"))
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == sorted(
        f"one_{kind}.{ending}" for kind in ("curves", "differences", "test_error") for ending in ("pdf", "svg")
    )
    for file in files:
        content = (tmp_path / "first" / file).read_bytes()
        assert (tmp_path / "second" / file).read_bytes() == content
        assert content.startswith(b"%PDF" if file.endswith("pdf") else b"<?xml")
        assert not any(word in content for word in (b"CreationDate", b"dc:date", b"matplotlib.org", b"Matplotlib"))
        assert b"/Type3" not in content


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("leaky_relu(alpha=0.2)", "leaky ReLU (alpha 0.2)"),
        ("sgd(learning_rate=tuned)", "SGD (learning rate tuned)"),
        ("disk(center=(0, 0))", "disk (center (0, 0))"),
        ("xavier_normal", "Xavier normal"),
        ("MyOptimizer", "MyOptimizer"),
        ("25-25-25", "25-25-25"),
        ("1e-05", "1e-05"),
    ],
)
def test_names_are_spelled_out(label: str, shown: str) -> None:
    assert spelled(label) == shown


def test_every_colour_stands_out_from_the_page() -> None:
    for shade in colours(9):
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shade]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) > 2.2
    assert len(set(colours(9))) == 9


def test_errors_of_zero_are_shown_on_a_linear_foot_that_is_told() -> None:
    ax = Figure().subplots()
    assert percent_axis([ax.xaxis], 0.0, 20.0) == "; the axis is linear below 0.5 %"
    assert ax.get_xlim()[0] < 0 < 20 < ax.get_xlim()[1]
    assert list(ax.get_xticks()) == [0, 0.5, 1, 2, 5, 10, 20]
    assert percent_axis([ax.yaxis], 2.0, 40.0) == ""
    assert ax.get_ylim() == (1.6, 50)


def test_panels_without_a_cell_are_left_out_and_numbers_rise(tmp_path: Path) -> None:
    text = """title = "Ragged"
[[grid]]
batch_size = [10, 1000]
activation = "relu"
initializer = "xavier_normal"
[[grid]]
batch_size = 100
activation = "tanh"
initializer = ["xavier_normal", "kaiming_uniform"]
"""
    study = load(studies.write(tmp_path, text, "ragged.toml"))
    figure = drawn(study, evidence_of(study, diverged=False), "curves")
    titles = [ax.get_title() for ax in figure.axes if ax.get_visible()]
    labelled = [ax for ax in figure.axes if ax.get_visible() and ax.get_xlabel()]
    assert [title.replace("\n", ", ") for title in titles] == [
        "activation ReLU, batch size 10",
        "activation ReLU, batch size 1000",
        "activation tanh, batch size 100",
    ]
    assert len(labelled) == 3


def test_curves_end_where_fewer_than_half_of_the_runs_still_train(tmp_path: Path) -> None:
    study = study_of("one", tmp_path)
    evidence = evidence_of(study)
    few = evidence.curves["n"].mask(evidence.curves["epoch"] == EPOCHS[-1], SEEDS // 2 - 1)
    figure = drawn(study, evidence.replace(curves=evidence.curves.assign(n=few)), "curves")
    ends = {max(line.get_xdata()) for ax in figure.axes for line in ax.get_lines()}
    note = " ".join(text.get_text() for text in figure.texts)
    assert ends == {EPOCHS[-2]}
    assert "shown while half of the runs are still training" in " ".join(note.split())
