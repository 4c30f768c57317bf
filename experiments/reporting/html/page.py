"""The whole page: its sections, in order, rendered by the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fairgrid.experiments.errors import one_line
from fairgrid.experiments.reporting.escaping import html_id
from fairgrid.experiments.reporting.figures import OVERVIEW, figures_of, file_name
from fairgrid.experiments.reporting.figures.reported import ReportedNumbers
from fairgrid.experiments.reporting.html.failures import failures
from fairgrid.experiments.reporting.html.images import Picture, picture
from fairgrid.experiments.reporting.html.provenance import Provenance, digests, provenance
from fairgrid.experiments.reporting.html.sentences import study_sentences, verdict_sentence
from fairgrid.experiments.reporting.html.tables import HtmlTable, html_table
from fairgrid.experiments.reporting.sections import Section as Table
from fairgrid.experiments.reporting.sections import sections as tables_of
from fairgrid.experiments.reporting.tables.studies import overview_table
from fairgrid.experiments.reporting.wording import word
from fairgrid.experiments.store.tables import ResultTables, environments_of
from fairgrid.experiments.study.study import Study

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """The section of one study."""

    study: Study
    sentences: list[str]
    runs: int
    tables: list[HtmlTable]
    pictures: list[Picture]
    failed: str
    failures: HtmlTable | None
    provenance: Provenance

    @property
    def anchor(self) -> str:
        """The id of the section's heading, unique on the page."""
        return f"{html_id(self.study.name)}-study"


def page(studies: Sequence[Study], evidence: ResultTables, results: Path) -> str:
    """The report as HTML.

    Args:
        studies: the studies, in the order of the page.
        evidence: the tables of all of them.
        results: the results directory with the figures and environments.csv.
    """
    environments = environments_of(results)
    sections = [_section(study, evidence.of(study.name), results, environments) for study in studies]
    templates = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("page.html").render(
        sections=sections,
        overview=_overview(studies, evidence, results),
        digests=digests(results),
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "page.js").read_text(encoding="utf-8")),
        known_environments=environments is not None,
    )


def _shown(value: object) -> object:
    """A value of the template as the page shows it: text on one line, see `one_line`."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@dataclass(frozen=True)
class Overview:
    """The verdicts of all reports."""

    sentence: str
    table: HtmlTable
    picture: Picture | None


def _overview(studies: Sequence[Study], evidence: ResultTables, results: Path) -> Overview | None:
    names_of_all = [study.name for study in studies]
    rows = evidence.reproduction[evidence.reproduction["study"].isin(names_of_all)]
    if not len(rows):
        return None
    caption = "The reports' numbers and claims, primary readings (errors as fractions)"
    path = results / "figures" / OVERVIEW
    figure = ReportedNumbers()
    drawn = picture(path, figure.caption, figure.describe(figure.rows(studies, evidence))) if path.exists() else None
    return Overview(verdict_sentence(rows), html_table("verdicts-table", caption, overview_table(rows)), drawn)


def _section(study: Study, evidence: ResultTables, results: Path, environments: pd.DataFrame | None) -> Section:
    failed, lost = failures(study, evidence.runs)
    return Section(
        study,
        study_sentences(study, evidence),
        len(evidence.runs),
        [_table(study, section) for section in tables_of(study, evidence)],
        _pictures(study, evidence, results / "figures"),
        failed,
        lost,
        provenance(study, evidence.runs, environments),
    )


def _table(study: Study, section: Table) -> HtmlTable:
    table, title = section.table, section.title
    if section.name == "cells":
        title = "Every cell: mean ± std over the runs that are ok; in the median a diverged run is an error of 100 %"
        headings = [word(str(name)) for name in table]
        table = table.set_axis(headings, axis="columns") if len(set(headings)) == len(headings) else table
    return html_table(f"{study.name}-{section.name}", title, table, section.lines)


def _pictures(study: Study, evidence: ResultTables, folder: Path) -> list[Picture]:
    """The study's figures that have been drawn, each with its description."""
    files = [(folder / file_name(study, figure), figure) for figure in figures_of(study)]
    return [
        picture(path, figure.caption, figure.description(study, evidence)) for path, figure in files if path.exists()
    ]
