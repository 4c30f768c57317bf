"""What verbs have in common: exit codes, and the options of those that take studies."""

import argparse
import math
from pathlib import Path

MISSING = 3
FAILED = 4
DIFFERENT = 6
INTERRUPTED = 130


def add_study(parser: argparse.ArgumentParser) -> None:
    """STUDY ... and --results DIR."""
    parser.add_argument(
        "study", nargs="*", metavar="STUDY", help="a shipped study or a path ending in .toml; default all"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")


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
