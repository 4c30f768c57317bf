"""What verbs have in common: exit codes, and the options of those that take studies."""

import argparse
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
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected an integer ≥ 1, found {text!r}")
    return number
