"""The command line: runs a verb, and turns what goes wrong into one line and an exit code."""

import argparse
import atexit
import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from fairgrid.experiments.commands import (
    benchmark,
    calibrate,
    check,
    listing,
    merge,
    new,
    report,
    run,
    summarize,
    verify,
)
from fairgrid.experiments.commands.arguments import INTERRUPTED, READ_ENOUGH, Version, Wrapped
from fairgrid.experiments.errors import FairgridError, InputError, StoreError, one_line, warn

VERBS = {
    "new": new,
    "list": listing,
    "check": check,
    "run": run,
    "summarize": summarize,
    "report": report,
    "verify": verify,
    "merge": merge,
    "calibrate": calibrate,
    "benchmark": benchmark,
}

EXAMPLES = """
  fairgrid list                       studies that come with the package
  fairgrid run report_004 --seeds 20  train one, and read its tables
  fairgrid new mine                   write a study of your own: mine.toml
  fairgrid run mine.toml --results mine
"""

# errors of a disk: full, over quota or a limit, read-only, not the user's, broken
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code (docs/commands.md lists them)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a log has lines in their order, and a terminal without − has ?
            stream.reconfigure(line_buffering=True, errors="replace")
    options = parser().parse_args(arguments)
    try:
        code: int = VERBS[options.verb].main(options)
        return code
    except FairgridError as error:
        if options.debug:
            traceback.print_exc()
        warn(str(error))
        return error.exit_code
    except OSError as error:
        if error.errno == errno.EPIPE:  # what reads stdout has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READ_ENOUGH
        if error.errno not in (*_DISK, errno.ENAMETOOLONG):
            raise
        if options.debug:
            traceback.print_exc()
        where = error.filename or getattr(options, "results", "a file")
        if error.errno == errno.ENAMETOOLONG:
            warn(f"{where}: expected a name that the file system takes, found one of {len(os.fsencode(where)):,} bytes")
            return InputError.exit_code
        warn(f"{where}: expected a place that can be written to, found: {error.strerror}")
        return StoreError.exit_code
    except KeyboardInterrupt:
        print("\nfairgrid: interrupted; what was trained is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    finally:
        # all is said and kept by then; registered last, it is called before what waits for workers to end
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """One line, exit code 2."""
        self.exit(2, f"fairgrid: {one_line(message)}; --help lists the options\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    command_line = _Parser(
        prog="fairgrid",
        description="Compare optimizers, batch sizes and activations, reproducibly.",
        epilog=f"examples:{EXAMPLES}\n`fairgrid VERB --help` has the options of a verb, and examples.",
        formatter_class=Wrapped,
    )
    command_line.add_argument("--version", action=Version)
    verbs = command_line.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name, module in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=_said(module.__doc__),
            epilog=f"examples:{module.EXAMPLES}",
            formatter_class=Wrapped,
        )
        module.options(verb)
        verb.add_argument("--debug", action="store_true", help="show tracebacks")
    return command_line


def _said(docstring: str | None) -> str:
    """A verb's docstring without the verb's name, which the usage shows."""
    _, _, text = (docstring or "").partition("`: ")
    return text[:1].upper() + text[1:]
