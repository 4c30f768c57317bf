"""Figures, made from tables and from what is kept of single runs. Nothing here trains.

matplotlib and seaborn are imported when a figure is drawn.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fairgrid.experiments.analysis.comparisons import MOST
from fairgrid.experiments.analysis.cross_problem import layouts
from fairgrid.experiments.analysis.pairing import pairs
from fairgrid.experiments.analysis.statistics.ranks import LEAST_PROBLEMS
from fairgrid.experiments.errors import InputError, one_line
from fairgrid.experiments.study.study import Study

if TYPE_CHECKING:
    from fairgrid.experiments.reporting.figures.scatter import Kept
    from fairgrid.experiments.store.tables import Evidence

OVERVIEW = "reports.png"
_LONGEST = 40  # pairs in one figure of several factors
_LONGEST_NAME = 255 - len("..4194304.partial")  # bytes of a file's name, which has more while it is written
_CELLS = 2  # figures of all cells, the first in `names`


@dataclass(frozen=True)
class Finding:
    """A figure of what a study's tables find, beside those of its cells and those that it declares.

    Attributes:
        kind: which.
        caption: of the figure.
        factors: whose differences are shown, if it shows differences.
        name: that its file ends with.
    """

    kind: str
    caption: str
    factors: tuple[str, ...] = ()
    name: str = ""


def names(study: Study) -> list[str]:
    """The PNG files that `draw` makes for a study; in another format they have its ending."""
    own = [f"{study.name}_{figure.name}.png" for figure in study.figures]
    made = [f"{study.name}_{finding.name or finding.kind}.png" for finding in findings(study)]
    return [f"{study.name}_curves.png", f"{study.name}_test_error.png", *own, *made]


def check_files(studies: Sequence[Study]) -> None:
    """Refuses, before anything is trained, studies whose figures could not all be written beside each other.

    Args:
        studies: that are drawn into one folder.

    Raises:
        InputError: a study's name cannot be printed or is too long for files, a figure that it declares is called like
            one that every study has, or two studies have figures of one file.
    """
    studies_of: dict[str, Study] = {}
    for study in studies:
        if one_line(study.name) != study.name:
            raise InputError(f"{study.path}: expected a file name that can be printed, found {study.name!r}")
        files = names(study)
        automatic = [file for place, file in enumerate(files) if not 0 <= place - _CELLS < len(study.figures)]
        for number, figure in enumerate(study.figures):
            if f"{study.name}_{figure.name}.png" in automatic:
                known = ", ".join(file.removeprefix(f"{study.name}_").removesuffix(".png") for file in automatic)
                raise InputError(
                    f"{study.path}: figure[{number}].name: expected another name than those of the figures that the"
                    f" study has without being asked ({known}), found {figure.name!r}"
                )
        for file in files:
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


def findings(study: Study) -> list[Finding]:
    """The figures of differences, of what tuning tried, of times to targets and of ranks across problems."""
    found = _differences(study)
    if any(len(cell.rates) > 1 for cell in study.cells):
        found.append(Finding("sensitivity", "Validation error over the learning rate"))
        found.append(Finding("budget", "Expected test error over the number of learning rates tried"))
    if any(cell.config.targets for cell in study.cells):
        found.append(Finding("times", "The share of runs that have reached a test error, over the work done"))
    if any(len(layout.cells) >= LEAST_PROBLEMS for layout in layouts(study)):
        caption = "Mean test error on different problems, and the share of problems within a factor of the best"
        found.append(Finding("across", caption))
    return found


def _differences(study: Study) -> list[Finding]:
    """One figure of all factors that are compared; where that would be long, one for each."""
    counts = Counter(pair.factor for pair in pairs(study, study.comparison.factors))
    if not 0 < counts.total() <= MOST:
        return []
    caption = "Mean difference of every two cells that differ in one factor"
    if counts.total() <= _LONGEST or len(counts) == 1:
        return [Finding("differences", caption, tuple(counts))]
    return [
        Finding("differences", f"{caption}: {factor}", (factor,), f"differences_{factor.replace('.', '_')}")
        for factor in counts
    ]


def draw(
    study: Study,
    evidence: "Evidence",
    folder: Path,
    kept: "Kept | None" = None,
    formats: Sequence[str] = ("png",),
) -> None:
    """Draws a study's figures into a folder; those of points only where points are kept, else what is there stays.

    Args:
        study: any.
        evidence: of any studies.
        folder: made if it is not there.
        kept: what the store keeps of single runs.
        formats: png, pdf, svg; a file each.
    """
    from fairgrid.experiments.reporting.figures.budget import budget
    from fairgrid.experiments.reporting.figures.cross_problem import across
    from fairgrid.experiments.reporting.figures.curves import curves
    from fairgrid.experiments.reporting.figures.differences import differences
    from fairgrid.experiments.reporting.figures.epochs import epochs
    from fairgrid.experiments.reporting.figures.errors import test_error
    from fairgrid.experiments.reporting.figures.scatter import scatter
    from fairgrid.experiments.reporting.figures.sensitivity import sensitivity
    from fairgrid.experiments.reporting.figures.style import save, theme
    from fairgrid.experiments.reporting.figures.times import times

    makers = {"sensitivity": sensitivity, "budget": budget, "times": times, "across": across}
    folder.mkdir(parents=True, exist_ok=True)
    found = evidence.of(study.name)
    first, second, *others = names(study)
    own, made = others[: len(study.figures)], others[len(study.figures) :]
    with theme():
        save(curves(study, found), folder / first, formats)
        save(test_error(study, found), folder / second, formats)
        for name, wanted in zip(own, study.figures, strict=True):
            figure = (
                epochs(study, wanted, found) if wanted.kind == "curves" else scatter(study, wanted, found, kept or {})
            )
            if figure is not None:
                save(figure, folder / name, formats)
        for finding, file in zip(findings(study), made, strict=True):
            make = makers.get(finding.kind, partial(differences, factors=finding.factors))
            save(make(study, found), folder / file, formats)


def draw_overview(
    studies: Sequence[Study], evidence: "Evidence", folder: Path, formats: Sequence[str] = ("png",)
) -> None:
    """Draws every number that the studies' reports state on the distribution of ours."""
    from fairgrid.experiments.reporting.figures.overview import overview
    from fairgrid.experiments.reporting.figures.style import save, theme

    folder.mkdir(parents=True, exist_ok=True)
    reports = sorted((study for study in studies if study.reported), key=lambda study: study.name)
    with theme():
        save(overview(reports, evidence), folder / OVERVIEW, formats)
