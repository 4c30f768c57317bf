"""`fairgrid summarize`: prints tables, writes CSVs and figures; trains nothing."""

import argparse
from pathlib import Path

from fairgrid.experiments.commands.arguments import MISSING, add_quiet, add_study
from fairgrid.experiments.errors import nearest, warn

HELP = "print tables, write CSVs and figures; train nothing"
FORMATS = ("png", "pdf", "svg")
EXAMPLES = """
  fairgrid summarize                                   all that is recorded
  fairgrid summarize report_004 --format markdown
  fairgrid summarize mine.toml --results mine
  fairgrid summarize report_001 --format latex --figures pdf
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    add_study(parser)
    parser.add_argument("--format", choices=("text", "markdown", "latex", "csv"), default="text")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put the tables into a Markdown page, print none")
    parser.add_argument(
        "--figures",
        type=_formats,
        default=("png",),
        metavar="FORMAT,…",
        help=f"of the drawn figures: {', '.join(FORMATS)}; default: png",
    )
    add_quiet(parser)
    parser.add_argument("--strict", action="store_true", help=f"exit {MISSING} if a planned run is missing or failed")


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    from fairgrid.experiments.study.loading import require

    require(options.study)
    from fairgrid.experiments.analysis import calibration
    from fairgrid.experiments.benchmark import page as benchmark
    from fairgrid.experiments.reporting.publishing import (
        Measurements,
        fill_page,
        load_or_build_tables,
        outdated,
        select_studies,
        show_tables,
        update_figures,
        warn_of_doubts,
    )

    studies = select_studies(options.results, options.study)
    evidence = load_or_build_tables(options.results, studies)
    if options.into is not None:
        measurements = {
            "benchmark": Measurements("make benchmark", benchmark.SECTIONS),
            "calibration": Measurements("make calibrate", calibration.SECTIONS),
        }
        fill_page(options.into, studies, evidence, options.results, measurements)
    elif not options.quiet:
        show_tables(studies, evidence, options.format)
    warn_of_doubts(studies, evidence, options.results)
    update_figures(studies, evidence, options.results, options.figures)
    if options.strict and (
        not evidence.complete([study.name for study in studies]) or any(outdated(studies, evidence))
    ):
        warn("planned runs are missing or failed")
        return MISSING
    return 0


def _formats(text: str) -> tuple[str, ...]:
    """png,pdf as an option's type."""
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"expected formats of figures, found {name!r}{nearest(name, FORMATS)}")
    return names
