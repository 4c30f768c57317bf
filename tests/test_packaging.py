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

pytestmark = pytest.mark.slow

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


@pytest.fixture(scope="module")
def command(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fairgrid in an environment that has the wheel, and what it depends on from the running one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    (wheel,) = built.glob("*.whl")
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "fairgrid"


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
