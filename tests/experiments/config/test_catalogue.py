"""Names, options, types and defaults are data; what is behind a name is imported where it is built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairgrid.experiments.config import catalogue
from fairgrid.experiments.config.catalogue import options_of_class, options_of_name
from fairgrid.experiments.config.registry import KINDS, imported
from tests.experiments.studies import TINY, TUNED

ROOT = Path(__file__).parents[3]
FILE = ROOT / "experiments" / "config" / "options.json"
NAMES = [(key, name) for key, kind in KINDS.items() for name in kind.names]


def test_the_data_is_what_the_classes_say() -> None:
    how = "python -m fairgrid.experiments.config.catalogue writes it anew"
    assert FILE.read_text(encoding="utf-8") == catalogue.written(), how


@pytest.mark.parametrize(("key", "name"), NAMES)
def test_options_from_the_data_are_those_of_the_class(key: str, name: str) -> None:
    kind = KINDS[key]
    assert options_of_name(kind, name) == options_of_class(kind.names[name].maker(), kind.supplied)


@pytest.mark.parametrize("key", KINDS)
def test_bases_are_there(key: str) -> None:
    assert isinstance(imported(KINDS[key].base), type)


HEAVY = ("torch", "pandas", "scipy", "matplotlib", "sklearn", "numpy")
PROGRAM = (
    "import sys\nfrom fairgrid.experiments.cli import main\n"
    "try:\n    code = main(sys.argv[2:])\nexcept SystemExit as end:\n    code = end.code\n"
    "print('imported:', [name for name in sys.argv[1].split() if name in sys.modules])\nsys.exit(code)\n"
)


def imports(heavy: str, *arguments: str, cwd: Path) -> tuple[int, list[str]]:
    """The exit code of a command, and which heavy modules it has imported."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-c", PROGRAM, heavy, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    told = done.stdout.splitlines()[-1].partition("imported: ")[2]
    return done.returncode, [name for name in heavy.split() if repr(name) in told]


@pytest.mark.parametrize("verb", ["run", "check", "summarize", "report", "verify"])
def test_a_missing_study_is_refused_before_anything_slow_is_imported(verb: str, tmp_path: Path) -> None:
    assert imports("torch scipy matplotlib", verb, "nothere.toml", cwd=tmp_path) == (2, [])


@pytest.mark.takes_seconds
@pytest.mark.parametrize("verb", ["run", "check"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[run]", "[run"),
        ("[run]", "[rum]"),
        ("epochs", "epoch"),
        ('"adam"', '"adan"'),
        ("learning_rate = 0.01", "learning_rat = 0.01"),
        ("learning_rate = 0.01", 'learning_rate = "fast"'),
        ("hidden = [4]", 'hidden = ["wide"]'),
        ("seeds = 5", "seeds = 0"),
        ("batch_size = 10", "batch_size = 0"),
        ("[[grid]]", "[comparison]\nfactors = ['colour']\n[[grid]]"),
        ("[[grid]]", "[tuning]\nlearning_rate = { sgd = [] }\n[[grid]]"),
    ],
)
def test_a_malformed_study_is_refused_without_them(old: str, new: str, verb: str, tmp_path: Path) -> None:
    text = TINY.replace(old, new, 1)
    assert text != TINY
    (tmp_path / "study.toml").write_text(text)
    code, heavy = imports(" ".join(HEAVY), verb, "study.toml", cwd=tmp_path)
    assert (code, heavy) == (2, [])


def test_listing_and_writing_studies_need_no_torch(tmp_path: Path) -> None:
    for what in ([], ["keys"], ["optimizers"], ["problems"]):
        assert imports("torch scipy", "list", *what, cwd=tmp_path) == (0, [])
    assert imports("torch scipy", "new", "mine", cwd=tmp_path) == (0, [])
    assert imports("torch scipy", "new", "other", "--with-optimizer", cwd=tmp_path) == (0, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "other.py", "other.toml"]


def test_what_classes_refuse_is_refused_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(TUNED.replace("train = 40", "train = 0"))
    assert imports("torch", "run", "study.toml", cwd=tmp_path) == (2, ["torch"])
