"""The package `fairgrid`: its names, and the short names of its halves that code at the root of a checkout may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHOLE = "fairgrid.experiments"
# one class and one module by every name that they have
IMPORTS = (
    "from framework import SGD as a",
    "from framework.optimizers.sgd import SGD as b",
    "from fairgrid.framework import SGD as c",
    "from fairgrid.framework.optimizers.sgd import SGD as d",
    "import framework.optimizers.sgd as e; e = e.SGD",
)


def python(code: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else []), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.takes_seconds
@pytest.mark.parametrize("first", range(len(IMPORTS)))
def test_a_class_is_the_same_whichever_name_is_imported_first(first: int) -> None:
    order = [*IMPORTS[first:], *IMPORTS[:first]]
    done = python("\n".join([*order, "assert a is b is c is d is e", "print(a.__module__)"]))
    assert (done.stdout, done.stderr) == ("fairgrid.framework.optimizers.sgd\n", "")


@pytest.mark.parametrize(("one", "other"), [("experiments", WHOLE), (WHOLE, "experiments")])
def test_a_module_keeps_its_own_name_under_another(one: str, other: str) -> None:
    code = (
        f"import {one}.errors, {other}.errors, sys, importlib\n"
        f"module = sys.modules['{one}.errors']\n"
        f"assert module is sys.modules['{other}.errors'] and sys.modules['{one}'] is sys.modules['{other}']\n"
        "assert module.__name__ == module.__spec__.name == 'fairgrid.experiments.errors'\n"
        "importlib.reload(module)\n"
    )
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_code_that_says_what_older_pages_said_still_works() -> None:
    done = python(
        "from experiments import FairgridError, Study, load, plot, read, run\n"
        "from experiments.measures import Measure\nfrom experiments.problems import Plane\n"
        "from experiments.seeds import generator\nimport fairgrid\n"
        "from fairgrid.experiments.config.metrics import Measure as Moved\n"
        "assert Study is fairgrid.Study and Measure is Moved\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_short_name_does_not_have_is_not_found() -> None:
    done = python("import framework.nowhere")
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'fairgrid.framework.nowhere'"


@pytest.mark.parametrize("arguments", [["-m", "fairgrid", "--help"], [str(ROOT / "scripts" / "run_grid.py"), "--help"]])
def test_the_command_starts_from_a_checkout(arguments: list[str]) -> None:
    done = python("", *arguments)
    assert "usage: fairgrid" in done.stdout + done.stderr


def test_files_beside_a_study_are_not_taken_for_installed_modules(tmp_path: Path) -> None:
    for name in ("argparse", "pydantic", "pandas", "torch", "numpy", "joblib", "experiments", "framework"):
        (tmp_path / f"{name}.py").write_text(f"print('{name} of the working directory')\nraise SystemExit(1)\n")
    done = python("", "-m", "fairgrid", "list", cwd=tmp_path)
    assert "of the working directory" not in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert "report_004" in done.stdout
