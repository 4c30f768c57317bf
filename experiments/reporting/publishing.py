"""Tables and figures made from a results directory: CSVs, tables on the terminal or in a page, figures."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.derived import write, write_derived
from fairgrid.experiments.config.class_facts import FactsByClass, gathered
from fairgrid.experiments.errors import InputError, warn
from fairgrid.experiments.planning.plans import Phase, evaluated_cells
from fairgrid.experiments.reporting.figures import OVERVIEW as OVERVIEW_FIGURE
from fairgrid.experiments.reporting.figures import check_files, draw, draw_overview, figure_table, file_names
from fairgrid.experiments.reporting.figures.reported import ReportedNumbers
from fairgrid.experiments.reporting.markdown import COLUMNS, FIGURES, OVERVIEW, filled, marks
from fairgrid.experiments.reporting.rendering import Format, overview, render, show, tables
from fairgrid.experiments.reporting.sections import section_names
from fairgrid.experiments.reporting.tables.columns import column_sections
from fairgrid.experiments.runtime.determinism import KINDS
from fairgrid.experiments.runtime.files import digest
from fairgrid.experiments.store import build_manifest
from fairgrid.experiments.store.build_manifest import (
    changed,
    figures_are_current,
    input_hashes,
    read_build,
    tables_are_current,
)
from fairgrid.experiments.store.content_manifest import Manifest, read_manifest
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.environment_mix import mixture
from fairgrid.experiments.store.lock import locked
from fairgrid.experiments.store.schema import committed_tables, study_tables
from fairgrid.experiments.store.tables import ResultTables, as_text, environments_of, read, summary
from fairgrid.experiments.study.loading import distinct, load, load_recorded, shipped
from fairgrid.experiments.study.study import Study


@dataclass(frozen=True)
class Measurements:
    """A measurement that belongs to no study, with its own CSV.

    Attributes:
        command: the command that writes the CSV.
        sections: the sections that a page may hold, by name: a title, and a function of the CSV's rows.
    """

    command: str
    sections: Mapping[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]]


def recorded_studies(results: Path) -> set[str]:
    """The names of the studies that a results directory has rows of.

    Raises:
        InputError: it has no results.
    """
    recorded = set()
    if (results / FILE).exists():
        with Store(results) as store:
            recorded = set(store.studies())
    if (results / "summary.csv").exists():
        try:
            recorded |= set(summary(results)["study"])
        except InputError:
            if not recorded:
                raise
            recorded |= set(_stated(results).studies)  # the table is made again, if nothing of it is lost
    elif not recorded:
        read(results)  # says what is missing
    return recorded


def select_studies(results: Path, names: Sequence[str], trusted: bool = False) -> list[Study]:
    """The studies of these names, or all shipped ones that a results directory holds; says which others it has.

    Args:
        results: the directory.
        names: shipped names or paths.
        trusted: whether classes of the studies may be imported; else what is known of them is what runs say.

    Raises:
        InputError: it holds nothing of one, or nothing is named and nothing shipped is there.
    """
    recorded = recorded_studies(results)
    own = sorted(recorded - set(shipped()))
    if own and not names:
        if len(own) == len(recorded):
            raise InputError(
                f"{results}: expected the files of studies that are not shipped to be named, found results of"
                f" {own[0]!r}; name it: {own[0]}.toml"
            )
        warn(f"not shown, as its file is not named: {', '.join(own)}")
    wanted = names or sorted(recorded - set(own))
    facts = {} if trusted else _class_facts(results, recorded)
    studies = [load(name) if trusted else load_recorded(name, facts) for name in wanted]
    distinct(studies)
    for study in studies:
        if study.name not in recorded:
            raise InputError(f"{results}: expected results of {study.name!r}, found {', '.join(sorted(recorded))}")
    return studies


def _class_facts(results: Path, studies: Iterable[str]) -> dict[str, FactsByClass]:
    """By study, what its recorded runs say of classes of the user's own: in the store, or where tables are all."""
    rows = {name: content.classes for name, content in _stated(results).studies.items()}
    if (results / FILE).exists():
        with Store(results) as store:
            rows |= store.classes(sorted(studies))
    try:
        return {name: gathered(classes) for name, classes in rows.items()}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{results}: expected facts about classes as fairgrid writes them, found others") from error


def load_or_build_tables(results: Path, studies: Sequence[Study], say: Callable[[str], None] = warn) -> ResultTables:
    """Writes the CSVs from the store, unless they are those that it and the studies would give; reads them.

    The store is held against its checksums first, unless its bytes are those that were. Without a store, what is there
    is read.

    Args:
        results: a results directory.
        studies: the studies whose verdicts are written.
        say: a function that prints a line, called for tables that were changed since they were made, and for a store
            that is upgraded.

    Raises:
        StoreError: something in the store is damaged; the line names runs.
        InputError: a table that cannot be made again here cannot be read, or a study is planned twice.
    """
    if not (results / FILE).exists():
        shipped = read(results)
        for name in changed(results, _published(results)):
            problem = "was changed since it was made" if (results / name).exists() else "is missing"
            say(f"{results / name}: {problem}, as manifest.json says; restore it")
        return shipped
    _upgrade(results, say)
    build, before = read_build(results), digest(results / FILE)
    if tables_are_current(build, results, before, studies):
        return read(results)
    edited = _edited(results, build)
    with Store(results) as store:
        if build.store != before:
            store.check()
        for name in store.planned_twice():
            if name in [study.name for study in studies]:
                raise InputError(
                    f"{results}: expected study {name!r} to be of one file, found two records of a seed, merged from"
                    " files that differ; `fairgrid run` takes those of the file that it is given"
                )
        build.writing = True
        build.write(results)
        doubts = write(store, results)
    evidence, more = write_derived(results, studies)
    for name in edited:
        say(f"{results / name}: was changed since it was made; made again from the store")
    for doubt in (doubts := [*doubts, *more]):
        say(
            f"{results / doubt.file}: rows of {doubt.study!r} were changed since they were made, and cannot be made"
            " again here; restore them"
        )
    if not doubts and digest(results / FILE) == before:  # no other process wrote to the store in between
        build.store = before
        build.tables |= input_hashes(studies, before)
    files = [f"{table.name}.csv" for table in study_tables()]
    build.csvs = {name: sha256 for name in files if (sha256 := digest(results / name))}
    build.writing = False
    build.write(results)
    return evidence


def _upgrade(results: Path, say: Callable[[str], None]) -> None:
    with Store(results) as store:
        if store.is_old:
            with locked(results, say):
                store.upgrade(say)


def _edited(results: Path, build: build_manifest.Build) -> list[str]:
    """The CSVs that are there and are not those that were made here; or, where nothing was made yet, not shipped."""
    if build.writing:
        return []
    return [name for name in changed(results, build.csvs or _published(results)) if (results / name).exists()]


def _published(results: Path) -> dict[str, str]:
    """SHA-256 of each table as manifest.json has it."""
    files = [f"{table.name}.csv" for table in committed_tables()]
    return {name: sha256 for name, sha256 in _stated(results).files.items() if name in files}


def _stated(results: Path) -> Manifest:
    """What manifest.json says, which is nothing where it is damaged: `verify` says so."""
    with suppress(InputError):
        return read_manifest(results) or Manifest()
    return Manifest()


def publish(results: Path, studies: Sequence[Study]) -> ResultTables:
    """Writes CSVs and figures, unless they are as the store and the studies would give them; reads the CSVs.

    Without a store, only those figures are drawn that are not there.
    """
    evidence = load_or_build_tables(results, studies)
    if (results / FILE).exists():
        update_figures(studies, evidence, results)
    else:
        folder = results / "figures"
        missing = [study for study in studies if not all((folder / name).exists() for name in file_names(study))]
        draw_figures(missing, evidence, results)
    return evidence


def update_figures(
    studies: Sequence[Study],
    evidence: ResultTables,
    results: Path,
    formats: Sequence[str] = ("png",),
    say: Callable[[str], None] = warn,
) -> None:
    """Draws those of the studies' figures that are not as the tables would give them; all, where there is no store.

    Args:
        studies: the studies whose figures are drawn.
        evidence: the tables that `load_or_build_tables` returned.
        results: a results directory.
        formats: png, pdf, svg.
        say: a function that prints a line, called for figures that were changed since they were drawn.
    """
    build = read_build(results)
    expected = input_hashes(studies, digest(results / FILE))
    if not (results / FILE).exists() or any(build.tables.get(name) != inputs for name, inputs in expected.items()):
        draw_figures(studies, evidence, results, formats)
        return
    folder = results / "figures"
    wanted = {study.name: (expected[study.name], file_names(study)) for study in studies}
    reports = _reports(studies, evidence)
    if reports:
        stated = json.dumps([sorted(build.csvs.items()), sorted(input_hashes(reports, build.store).items())])
        wanted[OVERVIEW_FIGURE] = hashlib.sha256(stated.encode()).hexdigest()[:16], [OVERVIEW_FIGURE]
    late = {
        name for name, (inputs, _) in wanted.items() if not figures_are_current(build, folder, name, inputs, formats)
    }
    if not late:
        return
    previous = {name: build.images.pop(name, {}) for name in late}
    for name in late:
        for image in changed(folder, previous[name]):
            if (folder / image).exists():
                say(f"{folder / image}: was changed since it was drawn; drawn again")
        if build.figures.pop(name, None) != wanted[name][0] or changed(folder, previous[name]):
            previous[name] = {}
    build.write(results)  # until they are drawn
    _draw([study for study in studies if study.name in late], evidence, results, formats)
    if OVERVIEW_FIGURE in late:
        draw_overview(reports, evidence, folder, formats)
    for name in late:
        inputs, files = wanted[name]
        images = [Path(file).with_suffix(f".{ending}").name for file in files for ending in formats]
        drawn = {image: sha256 for image in images if (sha256 := digest(folder / image))}
        build.figures[name], build.images[name] = inputs, previous[name] | drawn
    build.write(results)


def show_tables(studies: Sequence[Study], evidence: ResultTables, style: Format) -> None:
    """Prints the studies' tables."""
    for study in studies:
        print(f"\n{show(study, evidence, style)}")
    if sum(bool(study.reported or study.claims) for study in studies) > 1:
        print(f"\n{overview(evidence, style)}")


def mixtures(studies: Sequence[Study], evidence: ResultTables, results: Path) -> Iterator[str]:
    """A line for every study whose tables combine runs from environments that differ, where that is known."""
    environments = environments_of(results)
    if environments is None:
        return
    for study in studies:
        mine = environments[environments["run_id"].isin(evidence.of(study.name).runs["run_id"])]
        if differences := mixture(mine):
            yield f"{study.name}: its runs are from different environments: {differences}"


def outdated(studies: Sequence[Study], evidence: ResultTables) -> Iterator[str]:
    """A line for every study whose records differ from what it states now (settings, classes, data) or are missing."""
    for study in studies:
        rows = evidence.of(study.name).summary
        recorded = set(rows.loc[rows["phase"] == Phase.EVALUATION, "cell"])
        wanting = []
        for kind in KINDS:
            fixed, of_candidates = evaluated_cells(study, *kind)
            wanting.append((len(recorded - fixed - of_candidates), len(fixed - recorded)))
            if wanting[-1] == (0, 0):
                break
        others, absent = min(wanting)
        if others or absent:
            yield (
                f"{study.name}: {others} of {len(recorded)} cells in these tables are not what the study, its classes"
                f" and its data are now, and {absent} that it states are not there; `fairgrid run` trains them"
            )


def warn_of_doubts(studies: Sequence[Study], evidence: ResultTables, results: Path) -> None:
    """Prints the lines of `outdated` and `mixtures`."""
    for line in (*outdated(studies, evidence), *mixtures(studies, evidence, results)):
        warn(line)


def fill_page(
    page: Path,
    studies: Sequence[Study],
    evidence: ResultTables,
    results: Path,
    measurements: Mapping[str, Measurements],
) -> None:
    """Puts tables in their places in a Markdown page.

    Args:
        page: the Markdown file.
        studies: the studies whose tables the page may hold.
        evidence: the tables of their results.
        results: the directory of CSVs of measurements.
        measurements: measurements that belong to no study, by the name of their CSV.

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
    by_name = {study.name: study for study in studies}
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
        if name in (FIGURES, COLUMNS) and section is None:
            continue
        if name not in by_name and name != OVERVIEW:
            raise InputError(f"{page}: expected marks of {', '.join(by_name)}, found one of {name!r}")
        if section not in (None, *section_names()):
            wanted = ", ".join(section_names())
            raise InputError(f"{page}: expected a section ({wanted}), found {section!r} of {name!r}")

    def content(name: str, only: str | None) -> str:
        if name in measurements:
            return _measured(results / f"{name}.csv", measurements[name], str(only))
        if name == FIGURES:
            return render(figure_table(), "markdown", "", FIGURES)
        if name == COLUMNS:
            return column_sections()
        if name == OVERVIEW:
            return overview(evidence, "markdown", only)
        return tables(by_name[name], evidence, "markdown", only)

    page.write_text(filled(text, content), encoding="utf-8")


def _measured(path: Path, measurements: Measurements, section: str) -> str:
    """A section of what is measured apart from studies, in Markdown."""
    if not path.exists():
        raise InputError(f"{path}: expected what `{measurements.command}` writes, found no such file")
    as_text(path, [])  # says what is wrong with it
    title, table = measurements.sections[section]
    return render(table(pd.read_csv(path)), "markdown", title, section)


def draw_figures(
    studies: Sequence[Study], evidence: ResultTables, results: Path, formats: Sequence[str] = ("png",)
) -> None:
    """Draws the studies' figures in each format; those of single runs from what the store keeps, where there is one."""
    check_files(studies)
    _draw(studies, evidence, results, formats)
    reports = _reports(studies, evidence)
    if reports:
        draw_overview(reports, evidence, results / "figures", formats)


def _draw(studies: Sequence[Study], evidence: ResultTables, results: Path, formats: Sequence[str]) -> None:
    artifacts: dict[str, Any] = {}
    if (results / FILE).exists():
        with Store(results) as store:
            artifacts = {study.name: store.kept(study.name) for study in studies}
    for study in studies:
        draw(study, evidence, results / "figures", artifacts.get(study.name), formats)


def _reports(studies: Sequence[Study], evidence: ResultTables) -> list[Study]:
    """The studies of the figure of all reported numbers; none if none of these has one."""
    if not ReportedNumbers().applies(studies):
        return []
    others = set(evidence.summary["study"]) - {study.name for study in studies}
    return [*studies, *(load(name) for name in shipped() if name in others)]
