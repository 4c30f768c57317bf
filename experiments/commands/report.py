"""`fairgrid report`: writes report.html, one file with the verdicts, tables and figures; trains nothing."""

import argparse

from fairgrid.experiments.commands.arguments import add_study

HELP = "write report.html from what is recorded; train nothing"
PAGE = "report.html"
EXAMPLES = """
  fairgrid report                       of the shipped results, or one's own
  fairgrid report report_004            of one study
  fairgrid report mine.toml --results mine
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    add_study(parser)


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    from fairgrid.experiments.study.loading import require

    require(options.study)
    from fairgrid.experiments.reporting.html import page
    from fairgrid.experiments.reporting.publishing import publish, select_studies, warn_of_doubts
    from fairgrid.experiments.store.table_writer import replace

    studies = select_studies(options.results, options.study)
    evidence = publish(options.results, studies)
    text = page(studies, evidence, options.results)
    replace(options.results / PAGE, text)
    warn_of_doubts(studies, evidence, options.results)
    counted = "1 study" if len(studies) == 1 else f"{len(studies)} studies"
    print(f"{options.results / PAGE}: {counted}, {len(text.encode()) / 1e6:.1f} MB")
    return 0
