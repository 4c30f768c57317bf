"""The command `fairgrid`, also as `python -m fairgrid`.

Nothing but the standard library is imported before the working directory has left the front of the search path: a file
there that has the name of an installed module is a user's, and not to be run.
"""

import os
import sys


def main() -> int:
    """Runs the command line; returns the exit code."""
    from fairgrid.experiments.cli import main as run

    return run()


def leave_working_directory() -> None:
    """Takes off the search path what `python -m` has put first.

    A checkout that fairgrid runs from stays on it, behind the standard library, so that worker processes find it.
    """
    here = os.getcwd()
    if sys.flags.safe_path or not sys.path or os.path.realpath(sys.path[0] or here) != os.path.realpath(here):
        return
    del sys.path[0]
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.realpath(home) == os.path.realpath(here):
        places = (place for place, entry in enumerate(sys.path) if entry.endswith(("site-packages", "dist-packages")))
        sys.path.insert(next(places, len(sys.path)), home)


if __name__ == "__main__":
    leave_working_directory()
    sys.exit(main())
