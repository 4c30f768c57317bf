"""How code of a user's own is found, what it consists of, and how it is loaded."""

import importlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fairgrid import framework
from fairgrid.experiments.runtime.process_state import process_state_restored
from fairgrid.experiments.runtime.user_code import Finder, InstalledModule, UserCode

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file beside the study; the working directory is another folder."""
    (tmp_path / "study").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def written(name: str, text: str) -> Path:
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def code_of(tmp_path: Path, name: str = "mine", *declared: str) -> UserCode:
    code = Finder(tmp_path / "study", declared).find(name)
    assert isinstance(code, UserCode)
    return code


# each imports VALUE of some file of the user's into `mine`, in one of the ways that Python has
IMPORTS = {
    "import": ({"helper.py": "VALUE = {}"}, "import helper\nVALUE = helper.VALUE"),
    "from": ({"helper.py": "VALUE = {}"}, "from helper import VALUE"),
    "star": ({"helper.py": "VALUE = {}"}, "from helper import *"),
    "as": ({"helper.py": "VALUE = {}"}, "import helper as other\nVALUE = other.VALUE"),
    "in a function": (
        {"helper.py": "VALUE = {}"},
        "def late():\n    import helper\n    return helper.VALUE\nVALUE = late()",
    ),
    "on a condition": (
        {"helper.py": "VALUE = {}"},
        "try:\n    import helper\nexcept ImportError:\n    helper = None\nVALUE = helper.VALUE",
    ),
    "transitively": (
        {"helper.py": "from further import VALUE", "further.py": "VALUE = {}"},
        "from helper import VALUE",
    ),
    "in a circle": (
        {"helper.py": "import further\nVALUE = {}", "further.py": "import helper"},
        "import further\nfrom helper import VALUE",
    ),
    "of a package": ({"pkg/__init__.py": "VALUE = {}"}, "from pkg import VALUE"),
    "of a module of a package": ({"pkg/__init__.py": "", "pkg/part.py": "VALUE = {}"}, "from pkg.part import VALUE"),
    "of a module by its package": (
        {"pkg/__init__.py": "", "pkg/part.py": "VALUE = {}"},
        "from pkg import part\nVALUE = part.VALUE",
    ),
    "dotted": ({"pkg/__init__.py": "", "pkg/part.py": "VALUE = {}"}, "import pkg.part\nVALUE = pkg.part.VALUE"),
    "relative": (
        {"pkg/__init__.py": "from .part import VALUE", "pkg/part.py": "VALUE = {}"},
        "from pkg import VALUE",
    ),
    "relative to a parent": (
        {"pkg/__init__.py": "", "pkg/sub/__init__.py": "from ..part import VALUE", "pkg/part.py": "VALUE = {}"},
        "from pkg.sub import VALUE",
    ),
    "of a folder": ({"space/part.py": "VALUE = {}"}, "from space.part import VALUE"),
    "by import_module": (
        {"helper.py": "VALUE = {}"},
        "import importlib\nVALUE = importlib.import_module('helper').VALUE",
    ),
    "by import_module by its name": (
        {"helper.py": "VALUE = {}"},
        "from importlib import import_module\nVALUE = import_module('helper').VALUE",
    ),
    "by __import__": ({"helper.py": "VALUE = {}"}, "VALUE = __import__('helper').VALUE"),
}


@pytest.mark.parametrize("way", IMPORTS)
def test_every_way_to_import_a_file_of_ones_own_is_found_and_counts(way: str, write: Write, tmp_path: Path) -> None:
    files, text = IMPORTS[way]
    write("mine.py", text)
    contents, values = [], []
    for value in (1, 2, 1):
        for name, source in files.items():
            write(name, source.format(value))
        code = code_of(tmp_path)
        contents.append(code.helper_digests)
        values.append(code.load().VALUE)
    assert values == [1, 2, 1]
    assert contents[0] == contents[2] != contents[1]
    assert set(contents[0]) <= {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}


def test_what_is_installed_or_does_nothing_is_no_helper(write: Write, tmp_path: Path) -> None:
    write("pkg/__init__.py", '"""Only words."""\n# and a comment\n')
    write("pkg/mine.py", "import math\nimport torch\nfrom fairgrid.framework import SGD\nfrom framework import Adam\n")
    code = code_of(tmp_path, "pkg.mine")
    assert code.helper_digests == {}
    module = code.load()
    assert module.SGD is framework.SGD
    assert module.Adam is framework.Adam


def test_names_of_fairgrids_own_that_older_pages_had(write: Write, tmp_path: Path) -> None:
    write(
        "mine.py",
        "from experiments.measures import Measure\nimport experiments.problems\nimport framework.losses as l\n",
    )
    module = code_of(tmp_path).load()
    assert module.Measure.__module__ == "fairgrid.experiments.config.metrics"
    assert module.experiments.problems.__name__ == "fairgrid.experiments.problems"
    assert module.l.__name__ == "fairgrid.framework.losses"


def test_a_file_is_executed_once_for_a_content_and_as_it_was_read(write: Write, tmp_path: Path) -> None:
    path = write("mine.py", "class Mine:\n    pass\n")
    first = code_of(tmp_path)
    assert first.load() is first.load() is code_of(tmp_path).load()
    path.write_text("class Mine:\n    changed = True\n")
    assert not hasattr(first.load().Mine, "changed")
    assert code_of(tmp_path).load().Mine.changed
    path.unlink()
    assert first.load().__file__ == str(path)


def test_folders_may_each_have_a_module_of_one_name(tmp_path: Path, write: Write) -> None:
    for folder, value in (("study", 1), ("elsewhere", 2)):
        (tmp_path / folder / "mine.py").write_text("from helper import VALUE\n")
        (tmp_path / folder / "helper.py").write_text(f"VALUE = {value}\n")
    one, other = Finder(tmp_path / "study").find("mine"), Finder(tmp_path / "elsewhere").find("mine")
    assert (one.load().VALUE, other.load().VALUE) == (1, 2)
    assert "mine" not in sys.modules
    assert "helper" not in sys.modules


@pytest.mark.parametrize("place", ["beside the study", "working directory", "search path"])
def test_the_rule_of_places(place: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "path").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "path")
    folders = {"beside the study": "study", "working directory": "elsewhere", "search path": "path"}
    for folder in list(folders.values())[list(folders).index(place) :]:
        (tmp_path / folder / "mine.py").write_text(f"PLACE = {folder!r}\n")
    assert folders[place] == code_of(tmp_path).load().PLACE


def test_an_installed_module_is_found_last(tmp_path: Path, write: Write) -> None:
    module = Finder(tmp_path / "study").find("statistics")
    assert isinstance(module, InstalledModule)
    assert module.load() is importlib.import_module("statistics")
    write("statistics.py", "mean = 'mine'\n")
    code = code_of(tmp_path, "statistics")
    assert code.shadowing == ("statistics",)
    assert code.load().mean == "mine"
    assert importlib.import_module("statistics").mean != "mine"
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'nowhere'$"):
        Finder(tmp_path / "study").find("nowhere")


def test_a_helper_with_an_installed_name_is_taken_from_the_folder_by_ones_own_code_alone(
    write: Write, tmp_path: Path
) -> None:
    write("pandas.py", "VALUE = 7\n")
    write("mine.py", "import pandas\nimport seaborn\nVALUE = pandas.VALUE\n")
    code = code_of(tmp_path)
    assert code.shadowing == ("pandas",)
    assert code.load().VALUE == 7
    import pandas

    assert not hasattr(pandas, "VALUE")


COMPUTED = {
    "import_module": "import importlib\nname = 'hel' + 'per'\nVALUE = importlib.import_module(name).VALUE\n",
    "__import__": "name = 'hel' + 'per'\nVALUE = __import__(name).VALUE\n",
}


@pytest.mark.parametrize("way", COMPUTED)
def test_an_import_under_a_computed_name_is_told_and_may_be_declared(way: str, write: Write, tmp_path: Path) -> None:
    path = write("mine.py", COMPUTED[way])
    write("helper.py", "VALUE = 3\n")
    line = 3 if way == "import_module" else 2
    assert code_of(tmp_path).computed == (f"{path}, line {line}",)
    declared = code_of(tmp_path, "mine", "help*.py")
    assert declared.computed == ()
    assert set(declared.helper_digests) == {"helper"}
    assert declared.load().VALUE == 3
    with pytest.raises(FileNotFoundError, match="nothing"):
        Finder(tmp_path / "study", ["nothing*.py"]).find("mine")


STRAYS = {
    "import": "import stray\nVALUE = stray.VALUE\n",
    "from": "from stray import VALUE\n",
    "of a folder": "from space import stray\nVALUE = stray.VALUE\n",
    "dotted": "import space.stray\nVALUE = space.stray.VALUE\n",
    "in a function": "def late():\n    import stray\n    return stray.VALUE\nVALUE = late()\n",
    "by import_module": "import importlib\nVALUE = importlib.import_module('stray').VALUE\n",
}


@pytest.mark.parametrize("way", STRAYS)
@pytest.mark.parametrize("started", [False, True])
def test_a_file_that_only_a_changed_search_path_finds_is_refused(
    way: str, started: bool, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lib"
    for place in (folder, folder / "space"):
        place.mkdir()
        (place / "stray.py").write_text("VALUE = 1\n")
    write("mine.py", f"import sys\nsys.path.insert(0, {str(folder)!r})\n{STRAYS[way]}")
    before = list(sys.path)
    if started:  # as PYTHONPATH would have it
        monkeypatch.syspath_prepend(folder)
        code = code_of(tmp_path)
        assert code.load().VALUE == 1
        assert len(code.helper_digests) == 1
        return
    with pytest.raises(ImportError, match=r"by a search path that .*mine\.py changes"):
        code_of(tmp_path).load()
    for name in ("stray", "space", "space.stray"):
        sys.modules.pop(name, None)
    assert sys.path == before


def test_a_module_that_is_not_there_is_named_as_it_is_written(write: Write, tmp_path: Path) -> None:
    write("pkg/__init__.py", "")
    write("mine.py", "import pkg.absent\n")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pkg.absent'$"):
        code_of(tmp_path).load()


@pytest.mark.parametrize("text", ["def broken(:\n", "x = '\0'\n", "raise ValueError('no')\n"])
def test_a_helper_that_fails_fails_where_it_is_imported(text: str, write: Write, tmp_path: Path) -> None:
    write("helper.py", text)
    write("mine.py", "import helper\n")
    with pytest.raises((SyntaxError, ValueError)):
        code_of(tmp_path).load()


@pytest.mark.takes_seconds
def test_another_process_needs_no_file_and_no_search_path(write: Write, tmp_path: Path) -> None:
    write("mine.py", "from helper import VALUE\nclass Mine:\n    value = VALUE\n")
    write("helper.py", "VALUE = 5\n")
    (tmp_path / "code").write_bytes(pickle.dumps(code_of(tmp_path)))
    for name in ("mine.py", "helper.py"):
        (tmp_path / "study" / name).unlink()
    program = f"import pickle\nprint(pickle.load(open({str(tmp_path / 'code')!r}, 'rb')).load().Mine.value)"
    done = subprocess.run([sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "5\n"


def test_an_installed_module_that_changed_since_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(folder)
    path = folder / "a_library_for_this_test.py"
    path.write_text("VALUE = 1\n")
    module: Any = Finder(tmp_path / "study").find("a_library_for_this_test")
    assert isinstance(module, InstalledModule)
    assert module.load().VALUE == 1
    path.write_text("VALUE = 22\n")
    with pytest.raises(ImportError, match="was changed after the run was planned"):
        module.load()
    assert Finder(tmp_path / "study").find("a_library_for_this_test").load().VALUE == 22


def test_nothing_that_is_put_back_is_looked_at_by_tensor_operations() -> None:
    """A step is traced while a class's first import of torch's own parts is contained."""

    class Refusing(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            raise AssertionError(f"{func} while the state of the process is kept")

    for flushes in (True, False):
        torch.set_flush_denormal(flushes)
        with Refusing(), process_state_restored():
            torch.set_flush_denormal(not flushes)
        assert bool(torch.tensor(1e-38) * 0.01 == 0) == flushes
