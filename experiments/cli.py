"""The command line: one verb each for what people do. torch, pandas and seaborn are imported where they are used."""

import argparse
import os
import sys
import tomllib
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import FairgridError, InputError
from experiments.numerics import MODES, request

if TYPE_CHECKING:
    from experiments.console import Format
    from experiments.evidence import Evidence
    from experiments.study import Study

MISSING = 3
FAILED = 4
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code (docs/commands.md lists them)."""
    options = _parser().parse_args(arguments)
    sys.path.insert(0, os.getcwd())  # where a user's own classes are
    try:
        code: int = options.verb(options)
        return code
    except FairgridError as error:
        if options.debug:
            traceback.print_exc()
        print(f"fairgrid: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nfairgrid: interrupted; what was trained is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    request(options.numerics)
    from experiments.runner import Driver
    from experiments.study import load, shipped

    assignments = [_assignment(text) for text in options.set]
    studies = [load(name, options.seeds, assignments) for name in options.study or shipped()]
    _distinct(studies)
    driver = Driver(options.results, options.jobs, options.numerics, options.retry_failed, options.fresh)
    if options.dry_run:
        driver.forecast(studies)
        return 0
    progress = driver.run(studies)
    if not progress.trained:
        print("nothing to train: every planned run has its record")
    evidence = _publish(options.results, studies)
    _print(studies, evidence, "text")
    print(f"\ntables: {options.results}/*.csv; figures: {options.results}/figures/*.png")
    if progress.failed or progress.unselected:
        print(f"{progress.failed} runs ended in error or timeout; --retry-failed runs them again")
        return FAILED
    return 0


def _summarize(options: argparse.Namespace) -> int:
    from experiments.evidence import read
    from experiments.files import write, write_verdicts
    from experiments.store import FILE, Store
    from experiments.study import load

    stored = (options.results / FILE).exists()
    if stored:
        with Store(options.results) as store:
            write(store, options.results)
    evidence = read(options.results)
    known = list(evidence.summary["study"].unique())
    studies = [load(name) for name in options.study or known]
    for study in studies:
        if study.name not in known:
            raise InputError(f"{options.results}: expected results of {study.name!r}, found {', '.join(known)}")
    if stored:
        evidence = write_verdicts(options.results, studies)
    if options.into is not None:
        _fill(options.into, studies, evidence)
    else:
        _print(studies, evidence, options.format)
    _draw(studies, evidence, options.results)
    if options.strict and not evidence.complete([study.name for study in studies]):
        print("fairgrid: planned runs are missing or failed", file=sys.stderr)
        return MISSING
    return 0


def _publish(results: Path, studies: Sequence["Study"]) -> "Evidence":
    """Writes CSVs and figures, unless they are newer than all that they are made from."""
    from experiments.evidence import EVIDENCE, read
    from experiments.figures import OVERVIEW, names
    from experiments.files import write, write_verdicts
    from experiments.store import FILE, Store

    sources = [results / FILE, *Path(__file__).parent.rglob("*.py"), *(study.path for study in studies)]
    made = [results / f"{name}.csv" for name in EVIDENCE]
    made += [results / "figures" / name for study in studies for name in names(study)]
    made += [results / "figures" / OVERVIEW] if any(study.reported for study in studies) else []
    newest = max(path.stat().st_mtime for path in sources)
    if all(path.exists() and path.stat().st_mtime >= newest for path in made):
        return read(results)
    with Store(results) as store:
        write(store, results)
    evidence = write_verdicts(results, studies)
    _draw(studies, evidence, results)
    return evidence


def _print(studies: Sequence["Study"], evidence: "Evidence", style: "Format") -> None:
    from experiments.console import overview, show

    for study in studies:
        print(f"\n{show(study, evidence, style)}")
    if sum(bool(study.reported or study.claims) for study in studies) > 1:
        print(f"\n{overview(evidence, style)}")


def _fill(page: Path, studies: Sequence["Study"], evidence: "Evidence") -> None:
    """Puts the studies' tables in their places in a Markdown page."""
    from experiments.console import SECTIONS, overview, tables
    from experiments.pages import OVERVIEW, filled, marks

    if not page.exists():
        raise InputError(f"{page}: expected a Markdown page, found none")
    text = page.read_text(encoding="utf-8")
    known = {study.name: study for study in studies}
    try:
        marked = marks(text)
    except InputError as error:
        raise InputError(f"{page}: {error}") from error
    for name, section in marked:
        if name not in known and name != OVERVIEW:
            raise InputError(f"{page}: expected marks of {', '.join(known)}, found one of {name!r}")
        if section not in (None, *SECTIONS):
            raise InputError(f"{page}: expected a section ({', '.join(SECTIONS)}), found {section!r} of {name!r}")

    def content(name: str, only: str | None) -> str:
        return overview(evidence, "markdown") if name == OVERVIEW else tables(known[name], evidence, "markdown", only)

    page.write_text(filled(text, content), encoding="utf-8")


def _draw(studies: Sequence["Study"], evidence: "Evidence", results: Path) -> None:
    """Draws the studies' figures; those of single runs from what the store keeps, where there is one."""
    from experiments.figures import draw, draw_overview
    from experiments.store import FILE, Store
    from experiments.study import load, shipped

    kept: dict[str, Any] = {}
    if (results / FILE).exists():
        with Store(results) as store:
            kept = {study.name: store.kept(study.name) for study in studies}
    for study in studies:
        draw(study, evidence, results / "figures", kept.get(study.name))
    if any(study.reported for study in studies):
        others = set(evidence.summary["study"]) - {study.name for study in studies}
        every = [*studies, *(load(name) for name in shipped() if name in others)]
        draw_overview(every, evidence, results / "figures")


def _assignment(text: str) -> tuple[str, Any]:
    """KEY=VALUE with VALUE as in TOML; a bare word is a string."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--set: expected KEY=VALUE, found {text!r}")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _distinct(studies: Sequence["Study"]) -> None:
    names = [study.name for study in studies]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"expected studies with different names, found {name!r} twice")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected an integer ≥ 1, found {text!r}")
    return number


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """One line, exit code 2."""
        self.exit(2, f"fairgrid: {message}; --help lists the options\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="fairgrid", description="Compare optimizers, batch sizes and activations, reproducibly.")
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    common = _Parser(add_help=False)
    common.add_argument(
        "study", nargs="*", metavar="STUDY", help="a shipped study or a path ending in .toml; default all"
    )
    common.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    common.add_argument("--debug", action="store_true", help="show tracebacks")

    run = verbs.add_parser("run", parents=[common], help="train what is missing, then print tables and draw figures")
    run.add_argument("--seeds", type=_positive, metavar="N", help="evaluation seeds 0 to N-1 in place of the studies'")
    run.add_argument(
        "--jobs",
        type=_positive,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="worker processes; default: all cores",
    )
    run.add_argument("--numerics", choices=MODES, default="portable", help="which kernels; default: portable")
    run.add_argument("--retry-failed", action="store_true", help="run again what ended in error or timeout")
    run.add_argument("--dry-run", action="store_true", help="say what would be run, and write nothing")
    run.add_argument("--fresh", action="store_true", help="move the old store aside first")
    run.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of [run]: --set epochs=5"
    )
    run.set_defaults(verb=_run)

    summarize = verbs.add_parser(
        "summarize", parents=[common], help="print tables, write CSVs and figures; train nothing"
    )
    summarize.add_argument("--format", choices=("text", "markdown", "latex", "csv"), default="text")
    summarize.add_argument("--into", type=Path, metavar="PAGE", help="put the tables into a Markdown page, print none")
    summarize.add_argument(
        "--strict", action="store_true", help=f"exit {MISSING} if a planned run is missing or failed"
    )
    summarize.set_defaults(verb=_summarize)
    return parser


if __name__ == "__main__":
    sys.exit(main())
