"""The wheel and the source distribution have what a user needs, and work outside of the checkout, without git."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from fairgrid import __version__
from fairgrid.experiments.study.loading import shipped

pytestmark = pytest.mark.takes_seconds

ROOT = Path(__file__).parents[1]
OTHERS = ("LICENSE", "README.md", "MANIFEST.in", "pyproject.toml")


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GIT_"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with tests and results beside them, as a checkout has, and without a repository."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("fairgrid", "experiments", "framework", "docs", "scripts"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*OTHERS, "CHANGELOG.md", "Makefile"):
        shutil.copy(ROOT / name, copy / name)
    for name in ("tests/test_a.py", "tests/framework/test_b.py", "results/runs.csv", "results/figures/a.png"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).touch()
    return copy


@pytest.fixture(scope="module")
def built(source: Path) -> Path:
    """The folder of both: the wheel is made from the source distribution."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", cwd=source)
    return source / "dist"


def expected() -> set[str]:
    """Every file of the package, and nothing but sources and what they read."""
    home = ROOT / "fairgrid"
    files = [*home.glob("*.*"), *(path for name in ("experiments", "framework") for path in (home / name).rglob("*"))]
    kinds = {".py", ".typed", ".toml", ".css", ".js", ".html", ".json", ".jinja"}
    return {path.relative_to(ROOT).as_posix() for path in files if path.suffix in kinds}


def test_the_wheel_has_the_packages_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read(f"fairgrid-{__version__}.dist-info/METADATA").decode()
    assert names == expected()
    for suffix in (".toml", ".css", ".js", ".html", ".json"):
        assert any(name.endswith(suffix) for name in names)
    assert f"\nVersion: {__version__}\n" in metadata


def test_the_source_distribution_has_the_package_and_nothing_else(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        files = {path.name.partition("/")[2] for path in opened.getmembers() if path.isfile()}
    written = {name for name in files if name.startswith("fairgrid.egg-info/")} | {"PKG-INFO", "setup.cfg"}
    assert files - written == {*expected(), *OTHERS}


def test_every_page_names_the_same_version() -> None:
    version = __version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert (ROOT / "CHANGELOG.md").read_text().partition("\n## ")[2].startswith(f"{version},")
    assert f"fairgrid-{version}-py3-none-any.whl" in (ROOT / "docs" / "commands.md").read_text()


def environment(folder: Path, *install: str | Path) -> Path:
    """The Python of an environment that has what is installed, and what that depends on from the running one."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q"]
    run(*pip, *install, cwd=folder)
    return python


@pytest.fixture(scope="module")
def command(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fairgrid from the wheel."""
    (wheel,) = built.glob("*.whl")
    return environment(tmp_path_factory.mktemp("environment"), wheel).with_name("fairgrid")


@pytest.fixture(scope="module")
def editable(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fairgrid from an editable install of a checkout."""
    folder = tmp_path_factory.mktemp("editable")
    return environment(folder, "--no-build-isolation", "--editable", source).with_name("fairgrid")


def test_it_works_where_nothing_else_is(command: Path, tmp_path: Path) -> None:
    assert run(command, "--version", cwd=tmp_path) == f"fairgrid {__version__}, not in a repository\n"
    listed = run(command, "list", cwd=tmp_path)
    assert all(f"\n{name} " in listed for name in shipped())
    tiny = ["--seeds", "2", "--set", "epochs=1", "--backend", "sequential"]
    printed = run(command, "run", "report_003", *tiny, cwd=tmp_path)
    assert "evaluation: 6 runs, 0 done, 6 to train" in printed
    assert "tables: results/*.csv; figures: results/figures/*.png" in printed
    assert "report.html: 1 study" in run(command, "report", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]
    environments = pd.read_csv(tmp_path / "results" / "environments.csv", dtype=str, keep_default_na=False)
    assert set(environments["commit"]) == {""}
    assert environments["versions"].str.endswith(f" fairgrid {__version__}").all()
    page = (tmp_path / "results" / "report.html").read_text()
    assert "not in a repository" in page
    assert f"fairgrid {__version__}" in page


STUDY = """
title = "Own"
seeds = 3
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
model = { name = "mlp", hidden = [4] }
epochs = 2
[[grid]]
optimizer = [{ name = "sgd", learning_rate = 0.1 }, { name = "mine:Scaled", learning_rate = 0.1 }]
"""
MINE = """
from fairgrid.framework import Optimizer
from experiments.rates import SCALE


class Scaled(Optimizer):
    def __init__(self, parameters, learning_rate=0.01):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad, value=-SCALE)
"""
SCRIPT = """
from pathlib import Path

import experiments.rates
from fairgrid import Study, read, run
from fairgrid.framework import Optimizer

assert experiments.rates.SCALE == 2.0
assert Optimizer.__module__ == "fairgrid.framework.optimizers.optimizer"
study = Study.from_toml(Path("own.toml").read_text(), "own")
results = run(study, "script", jobs=2)
print(sorted(results.runs["run_id"]))
assert read("script", study).runs.equals(results.runs)
"""
TYPED = """
from pathlib import Path

from torch import Tensor

from fairgrid import InputError, Results, Study, load, plot, read, run
from fairgrid.framework import SGD, Optimizer


class Mine(SGD):
    def update(self, value: Tensor, grad: Tensor, **named: Tensor) -> None:
        super().update(value, grad, **named)


def answers(path: Path) -> list[str]:
    study: Study = load(path, seeds=3)
    try:
        results: Results = run([study], results="r")
    except InputError:
        results = read("r")
    plot.differences(results)
    kinds: list[type[Optimizer]] = [Mine]
    return results.sentences() if kinds else []
"""


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A user's folder, whose files have the names of much else."""
    folder = tmp_path / "folder"
    (folder / "experiments").mkdir(parents=True)
    (folder / "experiments" / "__init__.py").touch()
    (folder / "experiments" / "rates.py").write_text("SCALE = 2.0\n")
    for name in ("framework", "pandas", "torch", "joblib", "numpy", "argparse", "matplotlib"):
        (folder / f"{name}.py").write_text("raise SystemExit('a file of the working directory was executed')\n")
    (folder / "own.toml").write_text(STUDY)
    (folder / "mine.py").write_text(MINE)
    return folder


def identities(results: Path) -> list[str]:
    runs = pd.read_csv(results / "runs.csv")
    assert set(runs["status"]) == {"ok"}
    return sorted(runs["run_id"])


def test_a_folder_with_names_of_its_own_is_no_obstacle(command: Path, editable: Path, crowded: Path) -> None:
    """From the wheel, from an editable install and from the sources, with worker processes; the ids are the same."""
    found = {}
    for name, fairgrid in (("wheel", command), ("editable", editable)):
        run(fairgrid, "check", "own.toml", cwd=crowded)
        run(fairgrid, "run", "own.toml", "--results", name, "--jobs", "2", "--quiet", cwd=crowded)
        run(fairgrid, "report", "own.toml", "--results", name, cwd=crowded)
        run(fairgrid.with_name("python"), "-m", "fairgrid", "list", cwd=crowded)
        found[name] = identities(crowded / name)
    run(sys.executable, ROOT / "scripts" / "run_grid.py", "own.toml", "--results", "sources", "--quiet", cwd=crowded)
    assert found["wheel"] == found["editable"] == identities(crowded / "sources")
    for name in ("framework", "pandas", "torch", "joblib", "numpy", "argparse", "matplotlib"):
        (crowded / f"{name}.py").unlink()  # a script's own folder is its search path, by its own choice
    (crowded / "script.py").write_text(SCRIPT)
    assert run(command.with_name("python"), "script.py", cwd=crowded) == f"{found['wheel']}\n"


def test_a_folder_without_an_init_hides_no_package(editable: Path, tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "rates.py").write_text("SCALE = 2.0\n")
    code = "import fairgrid, experiments.rates; print(experiments.rates.SCALE)"
    (tmp_path / "script.py").write_text(code)
    assert run(editable.with_name("python"), "script.py", cwd=tmp_path) == "2.0\n"


def test_two_studies_with_classes_of_one_name_in_one_command(command: Path, tmp_path: Path) -> None:
    for name, scale in (("one", "1.0"), ("other", "3.0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.toml").write_text(STUDY)
        (tmp_path / name / "mine.py").write_text(
            MINE.replace("from experiments.rates import SCALE", f"SCALE = {scale}")
        )
    run(command, "run", "one/one.toml", "other/other.toml", "--results", "r", "--jobs", "2", "--quiet", cwd=tmp_path)
    runs = pd.read_csv(tmp_path / "r" / "runs.csv").set_index(["study", "optimizer", "seed"])["train_loss"]
    assert runs["one", "sgd"].equals(runs["other", "sgd"])
    assert (runs["one", "mine:Scaled"] == runs["one", "sgd"]).all()  # SGD itself, with a scale of 1
    assert (runs["other", "mine:Scaled"] != runs["one", "mine:Scaled"]).all()


def test_types_of_the_installed_package_are_those_of_a_users_script(command: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(TYPED)
    python = command.with_name("python")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "script.py"]
    assert "Success: no issues found" in run(*mypy, cwd=tmp_path)
