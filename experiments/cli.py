"""The command line: finds the verb, runs it, and turns what goes wrong into one line and an exit code."""

import argparse
import atexit
import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from experiments.commands import benchmark, calibrate, merge, report, run, summarize, verify
from experiments.commands.arguments import INTERRUPTED
from experiments.errors import FairgridError, StoreError

VERBS = {
    "run": run,
    "summarize": summarize,
    "report": report,
    "verify": verify,
    "merge": merge,
    "calibrate": calibrate,
    "benchmark": benchmark,
}

# what a disk may be: full, over quota, read-only, not the user's, broken
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code (docs/commands.md lists them)."""
    options = _parser().parse_args(arguments)
    sys.path.insert(0, os.getcwd())  # where a user's own classes are
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # all is said and kept by then
    try:
        code: int = VERBS[options.verb].main(options)
        return code
    except FairgridError as error:
        if options.debug:
            traceback.print_exc()
        print(f"fairgrid: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in _DISK:
            raise
        if options.debug:
            traceback.print_exc()
        where = error.filename or getattr(options, "results", "a file")
        print(f"fairgrid: {where}: expected a place that can be written to, found: {error.strerror}", file=sys.stderr)
        return StoreError.exit_code
    except KeyboardInterrupt:
        print("\nfairgrid: interrupted; what was trained is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """One line, exit code 2."""
        self.exit(2, f"fairgrid: {message}; --help lists the options\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="fairgrid", description="Compare optimizers, batch sizes and activations, reproducibly.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name, module in VERBS.items():
        verb = verbs.add_parser(name, help=module.HELP, description=module.__doc__)
        module.options(verb)
        verb.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
