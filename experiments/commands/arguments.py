"""What verbs have in common: exit codes, the shape of --help, and the options of those that take studies."""

import argparse
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

MISSING = 3
FAILED = 4
DIFFERENT = 6
INTERRUPTED = 130
READ_ENOUGH = 141  # as a shell says of a process that SIGPIPE ended


class Wrapped(argparse.HelpFormatter):
    """Descriptions wrapped to the terminal, examples as they are."""

    def add_argument(self, action: argparse.Action) -> None:
        """Makes room for the indent of verbs too, which argparse forgets."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return text
        paragraphs = text.split("\n\n")
        return "\n\n".join(super(Wrapped, self)._fill_text(each, width, indent) for each in paragraphs)


class Version(argparse.Action):
    """--version: prints the version, and the commit where the sources are in a repository."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and the commit of the sources")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints and exits."""
        from fairgrid.experiments.runtime.environment import commit, release

        name, changed = commit()
        where = f"commit {name}{', changed since' * changed}" if name else "not in a repository"
        print(f"fairgrid {release()}, {where}")
        parser.exit()


def add_study(parser: argparse.ArgumentParser, default: str = "all that have results") -> None:
    """STUDY ... and --results DIR."""
    parser.add_argument(
        "study",
        nargs="*",
        metavar="STUDY",
        help=f"a shipped study (fairgrid list) or a path ending in .toml; default: {default}",
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """--quiet."""
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings alone")


def add_jobs(parser: argparse.ArgumentParser, meaning: str = "worker processes") -> None:
    """--jobs N."""
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--jobs", type=positive, default=cores, metavar="N", help=f"{meaning}; default: all cores")


def planning_bar(items: list[Any]) -> Iterable[Any]:
    """The items; a bar on a terminal, if they take more than a second."""
    from tqdm import tqdm  # no command needs it to say its help

    return tqdm(items, desc="planning", disable=None, leave=False, delay=1)


def positive(text: str) -> int:
    """An integer ≥ 1, as an option's type."""
    return _at_least(1, text)


def natural(text: str) -> int:
    """An integer ≥ 0, as an option's type."""
    return _at_least(0, text)


def seconds(text: str) -> float:
    """A number > 0, as an option's type."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds > 0, found {text!r}")
    return number


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected an integer ≥ {least}, found {text!r}")
    return number
