"""Figures, drawn from tables and from artifacts of single runs. Nothing here trains.

Every file here may declare a figure; see `StudyFigure`. matplotlib and seaborn are imported when a figure is drawn.
"""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd

from fairgrid.experiments.errors import InputError, nearest, one_line
from fairgrid.experiments.reporting.figures.epochs import DeclaredCurves
from fairgrid.experiments.reporting.figures.figure import AUTOMATIC, StudyFigure
from fairgrid.experiments.reporting.figures.reported import ReportedNumbers
from fairgrid.experiments.reporting.figures.scatter import Artifacts, DeclaredPoints
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study

OVERVIEW = "reports.png"
_LONGEST_NAME = 255 - len("..4194304.partial")  # bytes of a file's name, which is longer while the file is written
_DECLARED = 20  # the position of figures that a study declares

for _module in pkgutil.iter_modules(__path__):  # each declares its figure
    import_module(f"{__name__}.{_module.name}")


def figures_of(study: Study, artifacts: Artifacts | None = None) -> list[StudyFigure]:
    """All figures of a study, automatic and declared, in the order in which people see them.

    Args:
        study: the study.
        artifacts: arrays of single runs, as `Store.kept` returns them; figures of points need them to be drawn.
    """
    declared = [
        DeclaredCurves(figure) if figure.kind == "curves" else DeclaredPoints(figure, artifacts or {})
        for figure in study.figures
    ]
    automatic = sorted(AUTOMATIC, key=lambda figure: (figure.position, figure.name))
    before, after = (
        [figure for kind in automatic if (kind.position < _DECLARED) is first for figure in kind.figures_of(study)]
        for first in (True, False)
    )
    return [*before, *declared, *after]


def figure_of(study: Study, name: str, artifacts: Artifacts | None = None) -> StudyFigure:
    """The figure of a study that has a name.

    Raises:
        InputError: the study has no such figure.
    """
    figures = {figure.name: figure for figure in figures_of(study, artifacts)}
    if name not in figures:
        raise InputError(f"expected a figure of {study.name}, found {name!r}{nearest(str(name), figures)}")
    return figures[name]


def file_name(study: Study, figure: StudyFigure) -> str:
    """The PNG file that `draw` writes; in another format it has that format's ending."""
    return f"{study.name}_{figure.name}.png"


def file_names(study: Study) -> list[str]:
    """The PNG files that `draw` writes for a study; see `file_name`."""
    return [file_name(study, figure) for figure in figures_of(study)]


def figure_table() -> pd.DataFrame:
    """A row per kind of automatic figure, for the documentation."""
    kinds = sorted(AUTOMATIC, key=lambda figure: (figure.position, figure.name))
    return pd.DataFrame([{"figure": kind.name, "what it shows": kind.caption, "of": kind.when} for kind in kinds])


def check_files(studies: Sequence[Study]) -> None:
    """Refuses, before anything is trained, studies whose figures could not be written next to each other.

    Args:
        studies: the studies that are drawn into one folder.

    Raises:
        InputError: a study's name cannot be printed or is too long for a file, a declared figure has the name of an
            automatic one, or two studies have figures of the same file.
    """
    studies_of: dict[str, Study] = {}
    for study in studies:
        if one_line(study.name) != study.name:
            raise InputError(f"{study.path}: expected a file name that can be printed, found {study.name!r}")
        figures = figures_of(study)
        automatic = [figure.name for figure in figures if type(figure) in AUTOMATIC]
        for number, declared in enumerate(study.figures):
            if declared.name in automatic:
                raise InputError(
                    f"{study.path}: figure[{number}].name: expected another name than those of the figures that the"
                    f" study has without being asked ({', '.join(automatic)}), found {declared.name!r}"
                )
        for figure in figures:
            file = file_name(study, figure)
            if len(file.encode()) > _LONGEST_NAME:
                raise InputError(
                    f"{study.path}: expected names of the study and its figures that fit a file's name of"
                    f" {_LONGEST_NAME} bytes, found one of {len(file.encode())}: {file}"
                )
            if file in studies_of:
                raise InputError(
                    f"{study.path}: expected figures with files of their own, found {file} of"
                    f" {studies_of[file].path} too"
                )
            studies_of[file] = study


def draw(
    study: Study,
    evidence: ResultTables,
    folder: Path,
    artifacts: Artifacts | None = None,
    formats: Sequence[str] = ("png",),
) -> None:
    """Draws a study's figures into a folder. A figure of points without artifacts is skipped: an older file stays.

    Args:
        study: the study that is drawn.
        evidence: tables of this study at least.
        folder: the folder of the files, created if missing.
        artifacts: arrays of single runs, as `Store.kept` returns them.
        formats: png, pdf, svg; a file each.
    """
    from fairgrid.experiments.reporting.figures.style import save, theme

    folder.mkdir(parents=True, exist_ok=True)
    own = evidence.of(study.name)
    with theme():
        for figure in figures_of(study, artifacts):
            drawn = figure.figure(study, own)
            if drawn is not None:
                save(drawn, folder / file_name(study, figure), formats)


def draw_overview(
    studies: Sequence[Study], evidence: ResultTables, folder: Path, formats: Sequence[str] = ("png",)
) -> None:
    """Draws every number that the studies' reports state on the distribution of our runs."""
    from fairgrid.experiments.reporting.figures.style import save, theme

    folder.mkdir(parents=True, exist_ok=True)
    figure = ReportedNumbers()
    with theme():
        save(figure.draw(figure.rows(studies, evidence)), folder / OVERVIEW, formats)
