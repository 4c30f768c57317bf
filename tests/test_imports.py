"""`make lint` holds which module may import which: what breaks the rule is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.takes_seconds

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
PLANTED = {
    "upward": ("experiments/config/run.py", "from fairgrid.experiments.study import labels", "A room imports rooms"),
    "upward inside a function": (
        "experiments/store/lock.py",
        "def late() -> None:\n    from fairgrid.experiments.execution import driver",
        "A room imports rooms below it",
    ),
    "circle": (
        "experiments/study/schema.py",
        "from fairgrid.experiments.study import validation",
        "There are no circles inside a room",
    ),
    "circle of the library": (
        "framework/module.py",
        "from fairgrid.framework import sequential",
        "There are no circles inside a room",
    ),
    "library": (
        "framework/linear.py",
        "from fairgrid.experiments import errors",
        "The library imports nothing of the harness",
    ),
    "test of the library": (
        "tests/framework/checks.py",
        "from fairgrid.experiments import errors",
        "Tests of the library import nothing of the harness",
    ),
    "new room": ("experiments/attic/__init__.py", "", "A room imports rooms below it"),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of all that the linter reads."""
    for name in ("fairgrid", "framework", "experiments", "tests"):
        shutil.copytree(
            ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.json", "*.png")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def linted(sources: Path) -> tuple[int, str]:
    done = subprocess.run([LINTER, "--no-logo", "--no-cache"], cwd=sources, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_rule_is_kept_today(sources: Path) -> None:
    code, said = linted(sources)
    assert code == 0, said


@pytest.mark.parametrize("name", PLANTED)
def test_what_breaks_the_rule_is_found(name: str, sources: Path) -> None:
    file, line, contract = PLANTED[name]
    path = sources / file
    path.parent.mkdir(exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")
    code, said = linted(sources)
    assert code == 1
    broken = [row for row in said.splitlines() if row.endswith("BROKEN")]  # one import may break more than one
    assert any(row.startswith(contract) for row in broken) or (name == "new room" and "attic" in said), said
