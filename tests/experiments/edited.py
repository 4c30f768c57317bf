"""A study with a class of the user's, which imports a helper and ignores signals; and what a user may do to both files.

Files are loaded as they were when the study was read, so that an edit changes nothing of a grid that is running.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.experiments import studies

STUBBORN = """
import signal

from damping import SHARE
from fairgrid.framework import SGD

IGNORED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1}

class Stubborn(SGD):
    def update(self, value, grad, **options):
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
            for number in IGNORED:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
        super().update(value, grad * SHARE, **options)
"""
FILES = {"stubborn.py": STUBBORN, "damping.py": "SHARE = 0.9\n"}
STUDY = studies.LONG.replace('"sgd"', '"stubborn:Stubborn"').replace("sgd =", '"stubborn:Stubborn" =')
RUNS = 144  # 12 cells of 2 rates x 3 tuning seeds, 12 cells x 6 seeds
OF_THE_CLASS = RUNS // 2

# the same number of steps and of bytes, other numbers: only the content tells them apart
VERSIONS = {
    "stubborn.py": STUBBORN.replace("grad * SHARE", "grad / SHARE"),
    "damping.py": "SHARE = 0.8\n",
}
BROKEN = "def broken(:\n"


def write(folder: Path) -> str:
    """The path of the study's file, with the class and its helper beside it."""
    restore(folder)
    return studies.write(folder, STUDY, "long.toml")


def restore(folder: Path) -> None:
    """Gives both files the content that they had at first."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def another_version(chance: random.Random, folder: Path) -> Iterator[str]:
    """One of the files computes something else; its name is given."""
    name = chance.choice(sorted(VERSIONS))
    (folder / name).write_text(VERSIONS[name], encoding="utf-8")
    try:
        yield name
    finally:
        restore(folder)


def edit(chance: random.Random, folder: Path) -> str:
    """One of the files computes something else, cannot be parsed, or is gone; what was done is returned."""
    name = chance.choice(sorted(FILES))
    kind = chance.choice(("edited", "broken", "removed"))
    if kind == "removed":
        (folder / name).unlink()
    else:
        (folder / name).write_text(VERSIONS[name] if kind == "edited" else BROKEN, encoding="utf-8")
    return f"{name} {kind}"


def apart_from_edits(lines: list[str]) -> list[str]:
    """What a grid said, without the one line that says that a file was edited meanwhile."""
    said = [line for line in lines if ": changed while the grid runs; " in line]
    assert len(said) <= 1, said
    return [line for line in lines if line not in said]
