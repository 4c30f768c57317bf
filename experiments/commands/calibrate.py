"""`fairgrid calibrate`: how often comparisons err, from thousands of the project's own runs.

Trains a study with thousands of seeds, unless its runs are there, and draws comparisons from them whose truth is known.
"""

import argparse
from pathlib import Path

from fairgrid.experiments.commands.arguments import FAILED, add_jobs, positive
from fairgrid.experiments.errors import warn
from fairgrid.experiments.runtime.determinism import request

HELP = "measure how often comparisons err, on runs of a study with thousands of seeds"
NAME = "calibration"
EXAMPLES = """
  fairgrid calibrate                   20,000 runs, six minutes on one core
  fairgrid calibrate --seeds 500 --repeats 200 --results /tmp/calibration
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument(
        "study", nargs="?", default=NAME, metavar="STUDY", help="a shipped study or a path ending in .toml"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument(
        "--pool", type=Path, default=Path(".calibration"), metavar="DIR", help="of the runs; default: .calibration"
    )
    parser.add_argument("--seeds", type=positive, metavar="N", help="of the pool: 0 to N-1, not the study's own")
    parser.add_argument(
        "--repeats", type=positive, default=4000, metavar="N", help="comparisons of each kind; default: 4000"
    )
    add_jobs(parser)


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request("portable")
    from fairgrid.experiments.analysis.calibration import calibration_table, remarks, shown
    from fairgrid.experiments.analysis.summary import runs_table
    from fairgrid.experiments.execution.backends import Pool
    from fairgrid.experiments.execution.driver import Driver
    from fairgrid.experiments.reporting.figures.calibration import calibration
    from fairgrid.experiments.reporting.figures.style import save, theme
    from fairgrid.experiments.reporting.rendering import render
    from fairgrid.experiments.store.content_manifest import record_file
    from fairgrid.experiments.store.database import Store
    from fairgrid.experiments.store.table_writer import replace
    from fairgrid.experiments.store.tables import with_metric
    from fairgrid.experiments.study.declaration import Overrides
    from fairgrid.experiments.study.loading import load_with

    study = load_with(options.study, Overrides(options.seeds, seeds_flag="--seeds"))
    with Pool("loky", options.jobs) as pool:
        progress = Driver(options.pool, pool).run([study])
    if progress.failed or progress.unselected:
        warn(f"{progress.failed} runs ended in error or timeout; nothing was drawn from the others")
        return FAILED
    with Store(options.pool) as store:
        metrics = store.metrics([study.name])
        runs = with_metric(runs_table(store.runs([study.name])), metrics, study.comparison.metric)
    table = calibration_table(study, runs, options.repeats)
    (options.results / "figures").mkdir(parents=True, exist_ok=True)
    replace(options.results / "calibration.csv", table.to_csv(index=False))
    record_file(options.results, "calibration.csv")
    with theme():
        save(calibration(table), options.results / "figures" / "calibration.png")
    print(f"\n{render(shown(table), 'text', f'Comparisons at 5 %, {options.repeats:,} each', NAME)}")
    for line in remarks(table):
        print(f"\n{line}")
    print(f"\ntable: {options.results}/calibration.csv; figure: {options.results}/figures/calibration.png")
    return 0
