"""What is made from a results directory: CSVs, tables on the terminal or in a page, figures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.derived import write, write_verdicts
from fairgrid.experiments.errors import InputError, warn
from fairgrid.experiments.reporting.figures import OVERVIEW as OVERVIEW_FIGURE
from fairgrid.experiments.reporting.figures import draw, draw_overview, names
from fairgrid.experiments.reporting.markdown import OVERVIEW, filled, marks
from fairgrid.experiments.reporting.rendering import Format, overview, render, show, tables
from fairgrid.experiments.reporting.sections import SECTIONS
from fairgrid.experiments.store import build_manifest as stamps
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.environment_mix import mixture
from fairgrid.experiments.store.tables import EVIDENCE, Evidence, environments_of, read, summary
from fairgrid.experiments.study.loading import distinct, load, shipped
from fairgrid.experiments.study.study import Study


@dataclass(frozen=True)
class Measurements:
    """Something that is measured apart from studies, into a CSV of its own.

    Attributes:
        command: what writes the CSV.
        sections: what a page may hold of it, by name: a title, and the table of the CSV's rows.
    """

    command: str
    sections: Mapping[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]]


def held(results: Path) -> set[str]:
    """The names of the studies that a results directory has rows of.

    Raises:
        InputError: it has no results.
    """
    known = set()
    if (results / FILE).exists():
        with Store(results) as store:
            known = set(store.studies())
    if (results / "summary.csv").exists():
        known |= set(summary(results)["study"])
    elif not known:
        read(results)  # says what is missing
    return known


def chosen(results: Path, names: Sequence[str]) -> list[Study]:
    """The studies of these names, or all shipped ones that a results directory holds; says which others it has.

    Raises:
        InputError: it holds nothing of one, or nothing is named and nothing shipped is there.
    """
    known = held(results)
    own = sorted(known - set(shipped()))
    if own and not names:
        if len(own) == len(known):
            raise InputError(
                f"{results}: expected the files of studies that are not shipped to be named, found results of"
                f" {own[0]!r}; name it: {own[0]}.toml"
            )
        warn(f"not shown, as its file is not named: {', '.join(own)}")
    studies = [load(name) for name in names or sorted(known - set(own))]
    distinct(studies)
    for study in studies:
        if study.name not in known:
            raise InputError(f"{results}: expected results of {study.name!r}, found {', '.join(sorted(known))}")
    return studies


def tabulated(results: Path, studies: Sequence[Study]) -> Evidence:
    """Writes the CSVs from the store, unless they are as it and the studies would give them; reads them.

    Without a store, what is there is read.
    """
    if not (results / FILE).exists() or _current(results, "tables", studies, _csvs(results)):
        return read(results)
    return written(results, studies)


def written(results: Path, studies: Sequence[Study]) -> Evidence:
    """Writes the CSVs from the store, where there is one; reads them."""
    if not (results / FILE).exists():
        return read(results)
    with Store(results) as store:
        write(store, results, studies)
    evidence = write_verdicts(results, studies)
    stamps.mark(results, "tables", studies)
    return evidence


def _csvs(results: Path) -> list[Path]:
    return [results / f"{name}.csv" for name in EVIDENCE]


def _current(results: Path, kind: stamps.Kind, studies: Sequence[Study], files: Sequence[Path]) -> bool:
    """Whether files are there, newer than the store, and made from the studies as they are."""
    stored = (results / FILE).stat().st_mtime
    there = all(path.exists() and path.stat().st_mtime >= stored for path in files)
    return there and stamps.made(results, kind, studies)


def publish(results: Path, studies: Sequence[Study]) -> Evidence:
    """Writes CSVs and figures, unless they are as the store and the studies would give them; reads the CSVs.

    Without a store, only those figures are drawn that are not there.
    """
    if not (results / FILE).exists():
        evidence = read(results)
        bare = [study for study in studies if not all((results / "figures" / name).exists() for name in names(study))]
        draw_figures(bare, evidence, results)
        return evidence
    drawn = [results / "figures" / name for study in studies for name in names(study)]
    drawn += [results / "figures" / OVERVIEW_FIGURE] if any(study.reported for study in studies) else []
    evidence = tabulated(results, studies)
    if not _current(results, "figures", studies, [*_csvs(results), *drawn]):
        draw_figures(studies, evidence, results)
    return evidence


def show_tables(studies: Sequence[Study], evidence: Evidence, style: Format) -> None:
    """Prints the studies' tables."""
    for study in studies:
        print(f"\n{show(study, evidence, style)}")
    if sum(bool(study.reported or study.claims) for study in studies) > 1:
        print(f"\n{overview(evidence, style)}")


def mixtures(studies: Sequence[Study], evidence: Evidence, results: Path) -> Iterator[str]:
    """Which of the studies' tables put runs together that were not trained alike, where that is known."""
    environments = environments_of(results)
    if environments is None:
        return
    for study in studies:
        mine = environments[environments["run_id"].isin(evidence.of(study.name).runs["run_id"])]
        if found := mixture(mine):
            yield f"{study.name}: its runs are from different environments: {found}"


def warn_of_mixtures(studies: Sequence[Study], evidence: Evidence, results: Path) -> None:
    """Says `mixtures`."""
    for line in mixtures(studies, evidence, results):
        warn(line)


def fill_page(
    page: Path,
    studies: Sequence[Study],
    evidence: Evidence,
    results: Path,
    measurements: Mapping[str, Measurements],
) -> None:
    """Puts tables in their places in a Markdown page.

    Args:
        page: the Markdown file.
        studies: those whose tables the page may hold.
        evidence: what their tables are made from.
        results: the directory of CSVs of measurements.
        measurements: what is measured apart from studies, by the name of its CSV.

    Raises:
        InputError: there is no such page, or one of its marks names nothing that there is.
    """
    if not page.exists():
        raise InputError(f"{page}: expected a Markdown page, found none")
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{page}: expected a readable Markdown page, found {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{page}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    known = {study.name: study for study in studies}
    try:
        marked = marks(text)
    except InputError as error:
        raise InputError(f"{page}: {error}") from error
    for name, section in marked:
        if name in measurements:
            if section not in measurements[name].sections:
                wanted = ", ".join(measurements[name].sections)
                raise InputError(f"{page}: expected a section ({wanted}), found {section!r} of {name!r}")
            continue
        if name not in known and name != OVERVIEW:
            raise InputError(f"{page}: expected marks of {', '.join(known)}, found one of {name!r}")
        if section not in (None, *SECTIONS):
            raise InputError(f"{page}: expected a section ({', '.join(SECTIONS)}), found {section!r} of {name!r}")

    def content(name: str, only: str | None) -> str:
        if name in measurements:
            return _measured(results / f"{name}.csv", measurements[name], str(only))
        if name == OVERVIEW:
            return overview(evidence, "markdown", only)
        return tables(known[name], evidence, "markdown", only)

    page.write_text(filled(text, content), encoding="utf-8")


def _measured(path: Path, measurements: Measurements, section: str) -> str:
    """A section of what is measured apart from studies, in Markdown."""
    if not path.exists():
        raise InputError(f"{path}: expected what `{measurements.command}` writes, found no such file")
    title, table = measurements.sections[section]
    return render(table(pd.read_csv(path)), "markdown", title, section)


def draw_figures(
    studies: Sequence[Study], evidence: Evidence, results: Path, formats: Sequence[str] = ("png",)
) -> None:
    """Draws the studies' figures in each format; those of single runs from what the store keeps, where there is one."""
    kept: dict[str, Any] = {}
    if (results / FILE).exists():
        with Store(results) as store:
            kept = {study.name: store.kept(study.name) for study in studies}
    for study in studies:
        draw(study, evidence, results / "figures", kept.get(study.name), formats)
    if any(study.reported for study in studies):
        others = set(evidence.summary["study"]) - {study.name for study in studies}
        every = [*studies, *(load(name) for name in shipped() if name in others)]
        draw_overview(every, evidence, results / "figures", formats)
    if "png" in formats and (results / FILE).exists():
        stamps.mark(results, "figures", studies)
