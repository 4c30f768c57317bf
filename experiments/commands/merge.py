"""`fairgrid merge`: takes the records of other stores into one; trains nothing."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fairgrid.experiments.commands.arguments import DIFFERENT
from fairgrid.experiments.errors import one_line, warn

if TYPE_CHECKING:
    from fairgrid.experiments.store.merging import Dispute

HELP = "take the records of other machines' stores into one; train nothing"
EXAMPLES = """
  fairgrid merge machine1 machine2 --results results
"""
_SHOWN = 3  # values of a run that differ, the others are counted


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument(
        "source", nargs="+", type=Path, metavar="SOURCE", help="a results directory with a store; it is read alone"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="merged into; default: results"
    )


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    from fairgrid.experiments.store.merging import merge

    merged = merge(options.results, options.source)
    print(
        f"{options.results}: {merged.taken:,} records taken, {merged.known:,} there already,"
        f" {merged.waiting:,} planned runs still without a record"
    )
    for dispute in merged.disputes:
        print(one_line(_line(options.results, dispute)))
    if merged.disputes:
        count = f"{len(merged.disputes)} run{'s' * (len(merged.disputes) > 1)}"
        print(
            f"fairgrid: {count} with different results, none chosen; `fairgrid verify` says what this machine computes",
            file=sys.stderr,
        )
        return DIFFERENT
    for name in merged.planned_twice:
        warn(
            f"{name} was run with files that differ, so that a seed has two records; `fairgrid run` of its file, with"
            f" --results {options.results}, takes those of that file"
        )
    if not merged.planned_twice:
        print(f"`fairgrid summarize --results {options.results}` makes the tables")
    return 0


def _line(results: Path, dispute: "Dispute") -> str:
    shown = "; ".join(
        f"{each.name} {each.one} in {dispute.one}, {each.other} in {dispute.other}"
        for each in dispute.differing[:_SHOWN]
    )
    more = f"; {len(dispute.differing) - _SHOWN} more values" if len(dispute.differing) > _SHOWN else ""
    outcome = f"{results} keeps its own" if dispute.kept else f"{results} takes neither"
    return f"run {dispute.run_id}: {shown}{more}; {outcome}"
