"""Every command block of README, CONTRIBUTING and docs: what works on one's own study is run, all else is parsed."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from fairgrid.experiments.cli import main, parser
from fairgrid.experiments.reporting import publishing
from fairgrid.experiments.study.loading import shipped
from tests.experiments import studies

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    (page.relative_to(ROOT).as_posix(), number, block)
    for page in PAGES
    for number, (_, block) in enumerate(
        re.findall(r"^( *)```sh\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )
]

# what no test can do, by how the command begins
LEFT_OUT = {
    "dask": "a scheduler or a worker that does not end; tests/experiments/execution/test_cluster.py has both",
    "source .venv/bin/activate": "changes the shell that it is typed in",
    "python -m build": "tests/test_packaging.py builds",
    "pip install": "tests/test_packaging.py installs",
}
# targets of the Makefile that are not verbs; that they are targets is tested
NOT_VERBS = {"setup", "fast", "test", "slow", "coverage", "lint", "typecheck", "check", "torture", "smoke"}
SCRIPTS = {"run_grid": "run"}
PREPARED = ("pip install", "rm -rf", "python -m pytest", "ruff", "mypy", "lint-imports", "python -m tests.experiments.")
OWN = "mine"
TINY = ["--seeds", "2", "--backend", "sequential"]


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with README's own study and class in it, and of the shipped results two studies."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "experiments" / "verification", tmp_path / "experiments" / "verification")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    for language, suffix in (("toml", "toml"), ("python", "py")):
        (block,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
        (tmp_path / f"{OWN}.{suffix}").write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    # figures of the shipped studies are drawn elsewhere
    drawn = publishing.draw_figures
    monkeypatch.setattr(
        publishing,
        "draw_figures",
        lambda chosen, *rest: drawn([study for study in chosen if study.name not in shipped()], *rest),
    )
    yield tmp_path
    sys.modules.pop(OWN, None)


def ship(results: Path, names: set[str]) -> None:
    """Shipped tables of some studies."""
    results.mkdir()
    for path in (ROOT / "results").glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "study" in table:
            table[table["study"].isin(names)].to_csv(results / path.name, index=False)
    pd.DataFrame(columns=["run_id", "metric", "value"]).to_csv(results / "metrics.csv", index=False)


def commands(line: str) -> Iterator[list[str]]:
    """The verbs, with their options, that a line comes to."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        options = ("MAKE", "MFLAGS", "ARGS", "STUDY", "SEEDS", "JOBS", "RESULTS")  # a make around this one exports them
        alone = {name: value for name, value in os.environ.items() if not name.startswith(options)}
        done = subprocess.run(["make", "-n", *words[1:]], capture_output=True, text=True, check=False, env=alone)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        found = 0
        for made in done.stdout.splitlines():
            script = re.match(r"\.venv/bin/python scripts/(\w+)\.py(.*)", made)
            assert script or made.startswith("make: ") or any(part in made for part in PREPARED), made
            if script and not NOT_VERBS & set(words):
                found += 1
                yield [SCRIPTS.get(script[1], script[1]), *shlex.split(script[2])]
        assert found or NOT_VERBS & set(words) or words == ["make", "help"]
    elif words[:2] == ["python", words[1]] and words[1].startswith("scripts/"):
        assert (ROOT / words[1]).exists()
        name = Path(words[1]).stem
        yield [SCRIPTS.get(name, name), *words[2:]]
    else:
        assert words[0] == "fairgrid", line
        yield words[1:]


def follow(command: list[str]) -> None:
    """Runs a verb on own studies, with tiny settings, or else makes sure that it could be run."""
    options = parser().parse_args(command)
    named = getattr(options, "study", None) or getattr(options, "what", None) or []
    named = [named] if isinstance(named, str) else named
    own = bool(named) and all(name.endswith(".toml") or ":" in name for name in named)
    for name in named if options.verb not in ("list", "merge") else []:
        assert own or name in shipped(), f"{command}: {name}"
    if getattr(options, "device", "cpu") == "cuda" and not torch.cuda.is_available():
        return
    if options.verb == "run" and own:
        command = [*command, *TINY]
    elif options.verb == "check" and own:
        command = [*command, "--jobs", "1"]
    elif options.verb not in ("new", "list", "merge", "summarize") and not own:
        return
    assert main(command) == 0, command


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("page", "number", "block"), BLOCKS, ids=[f"{page}:{number}" for page, number, _ in BLOCKS])
def test_every_command_block_runs_or_can_be_run(page: str, number: int, block: str, sandbox: Path) -> None:
    ship(sandbox / "results", {name for name in shipped() if re.search(rf"\b{name}\b", block)} or {"report_003"})
    for machine in re.findall(r"\bmachine\d\b", block):
        if not Path(machine).exists():
            studies.run(Path(machine), studies.write(sandbox, studies.TINY, "tiny.toml"))
    if f"new {OWN}" in block:
        Path(f"{OWN}.toml").unlink()
        Path(f"{OWN}.py").unlink()
    for line in block.replace("\\\n", " ").strip().splitlines():
        if not line.strip() or line.strip().startswith("#") or line.strip().startswith(tuple(LEFT_OUT)):
            continue
        text = line.strip()
        if text.startswith("cat "):
            subprocess.run(["bash", "-e", "-o", "pipefail", "-c", text], check=True, capture_output=True)
        elif "-m pytest" in text or "-m tests." in text:
            assert all(Path(word).exists() for word in shlex.split(text) if word.startswith("tests/")), text
        else:
            for command in commands(text):
                follow(command)


def test_what_is_left_out_is_there() -> None:
    lines = [line.strip() for _, _, block in BLOCKS for line in block.splitlines()]
    for beginning, reason in LEFT_OUT.items():
        assert any(line.startswith(beginning) for line in lines), f"{beginning}: {reason}"


def test_the_study_on_the_first_page_is_what_new_writes(sandbox: Path) -> None:
    shown = tomllib.loads(Path(f"{OWN}.toml").read_text(encoding="utf-8"))
    Path(f"{OWN}.toml").unlink()
    Path(f"{OWN}.py").rename("shown.py")
    assert main(["new", OWN, "--with-optimizer"]) == 0
    assert tomllib.loads(Path(f"{OWN}.toml").read_text(encoding="utf-8")) == shown
    bare = [ast.unparse(without_docstrings(ast.parse(Path(path).read_text()))) for path in ("shown.py", f"{OWN}.py")]
    assert bare[0] == bare[1]


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return tree


def test_contributing_names_what_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w/]+(?:\.\w+|/))`", page)
    assert len(names) > 20
    assert not [name for name in names if not (ROOT / name).exists()]


def test_the_house_has_the_rooms_that_contributing_draws_and_no_others() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lines = page.partition("```text\nexperiments/\n")[2].partition("```")[0].splitlines()
    drawn = {name.rstrip("/") for line in lines for name in line[4:42].split()}
    house = ROOT / "experiments"
    assert drawn == {path.stem for path in house.iterdir() if not path.name.startswith("__")}
    assert len(drawn) <= 22
