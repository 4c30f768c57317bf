"""`fairgrid run`: trains what has no record yet, then prints tables and draws figures."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from fairgrid.experiments.commands.arguments import FAILED, add_quiet, add_study, planning_bar, positive, seconds
from fairgrid.experiments.errors import InputError, warn
from fairgrid.experiments.runtime.determinism import DEVICES, MODES, request
from fairgrid.experiments.study.toml import parse_toml

if TYPE_CHECKING:
    from fairgrid.experiments.execution.driver import Driver
    from fairgrid.experiments.study.study import Study

MANY = 10_000  # runs, beyond which it is asked
HELP = "train what is missing, then print tables and draw figures"
EXAMPLES = """
  fairgrid run                                     all that run by default
  fairgrid run report_004 report_001 --seeds 20    a first look
  fairgrid run mine.toml --results mine            one's own study
  fairgrid run mine.toml --results mine --set epochs=5 --dry-run
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    add_study(parser, "all that run by default")
    parser.add_argument("--seeds", type=positive, metavar="N", help="evaluation seeds 0 to N-1, not the studies' own")
    parser.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="worker processes; default: all cores, or one on a GPU",
    )
    parser.add_argument(
        "--backend", default="loky", metavar="NAME", help="loky (default), dask, sequential or another of joblib's"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of the Dask cluster of --backend dask: tcp://host:port")
    parser.add_argument(
        "--timeout", type=seconds, metavar="SECONDS", help="that a run may take alone; default: no limit"
    )
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="what runs train on; default: cpu")
    parser.add_argument("--numerics", choices=MODES, default="portable", help="which kernels; default: portable")
    parser.add_argument("--retry-failed", action="store_true", help="run again what ended in error or timeout")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and write nothing")
    parser.add_argument("--fresh", action="store_true", help="move the old store aside first")
    parser.add_argument("--yes", action="store_true", help=f"do not ask before more than {MANY:,} runs")
    add_quiet(parser)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of [run]: --set epochs=5"
    )


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request(options.numerics, options.device)
    from fairgrid.experiments.study.declaration import Overrides
    from fairgrid.experiments.study.loading import defaults, distinct, load_with

    assigned = dict(_assignment(text) for text in options.set)
    overrides = Overrides(options.seeds, assigned, "--set ", "--seeds")
    studies = [load_with(name, overrides, watch=planning_bar) for name in options.study or defaults()]
    distinct(studies)
    for line in (line for study in studies for line in study.shadowing):
        warn(line)
    # a study is refused before what trains, draws and prints is imported
    from fairgrid.experiments.execution.backends.choice import choose
    from fairgrid.experiments.execution.driver import Driver
    from fairgrid.experiments.execution.progress import Meter, shown, unsaid
    from fairgrid.experiments.reporting.figures import check_files
    from fairgrid.experiments.reporting.publishing import publish, show_tables, warn_of_doubts

    check_files(studies)
    pool = choose(
        options.backend,
        options.jobs,
        options.scheduler,
        options.timeout,
        options.numerics,
        options.device,
        studies,
        flag="--",
    )
    loud = options.dry_run or not options.quiet
    driver = Driver(
        options.results,
        pool,
        options.numerics,
        options.retry_failed,
        options.fresh,
        say=print if loud else unsaid,
        watch=shown if loud else Meter,
    )
    if options.dry_run:
        driver.forecast(studies)
        return 0
    if not options.yes:
        _ask(driver, studies)
    with pool:
        progress = driver.run(studies)
    evidence = publish(options.results, studies)
    if not options.quiet:
        if not progress.trained:
            print("nothing to train: every planned run has its record")
        show_tables(studies, evidence, "text")
        print(f"\ntables: {options.results}/*.csv; figures: {options.results}/figures/*.png")
    warn_of_doubts(studies, evidence, options.results)
    if progress.failed or progress.unselected:
        warn(f"{progress.failed} runs ended in error or timeout; --retry-failed runs them again")
        return FAILED
    return 0


def _ask(driver: "Driver", studies: "list[Study]") -> None:
    """Asks before very many runs are trained; where nobody can be asked, --yes has to be given.

    Raises:
        InputError: the answer is no, or there is none.
    """
    planned = sum(
        len(cell.seeds) + len(cell.rates) * len(study.tuning_seeds) for study in studies for cell in study.cells
    )
    if planned <= MANY or (left := driver.left(studies)) <= MANY:
        return
    if not sys.stdin.isatty():
        raise InputError(f"expected --yes for more than {MANY:,} runs, found {left:,} to train")
    if input(f"{left:,} runs to train; go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise InputError("nothing was trained")


def _assignment(text: str) -> tuple[str, Any]:
    """KEY=VALUE with VALUE as in TOML; a bare word is a string."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--set: expected KEY=VALUE, found {text!r}")
    try:
        return key, parse_toml(f"value = {value}")["value"]
    except InputError:
        return key, value
