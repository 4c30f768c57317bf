"""Studies by their shipped name or their path."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.class_facts import FactsByClass
from fairgrid.experiments.errors import BadKeyError, InputError, nearest, shown
from fairgrid.experiments.study.declaration import Overrides, Watch, unwatched
from fairgrid.experiments.study.study import Study, overrides_of
from fairgrid.experiments.study.toml import parse_toml

SHIPPED = Path(__file__).resolve().parents[1] / "studies"


def shipped() -> list[str]:
    """The names of the studies that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def defaults() -> list[str]:
    """Those of them that are run where no study is named: all but the ones that say `default = false`."""
    return [name for name in shipped() if _read(SHIPPED / f"{name}.toml").get("default", True)]


def load(name: str | Path, *, seeds: int | None = None, overrides: Mapping[str, Any] | None = None) -> Study:
    """A study by its shipped name or its path.

    Args:
        name: "optimizers", or a path that ends in .toml.
        seeds: evaluation seeds 0 … seeds−1 in place of the study's own numbers of seeds.
        overrides: values of keys of [run], by dotted key: {"epochs": 5, "problem.train": 100}.

    Raises:
        InputError: the file is missing, unreadable or malformed, or something in it is not what is expected.
    """
    if not isinstance(name, str | Path):
        raise InputError(f"expected the name of a shipped study or a path, found {shown(name)}")
    return load_with(str(name), overrides_of(seeds, overrides))


def load_recorded(name: str, facts: Mapping[str, FactsByClass]) -> Study:
    """A study by its shipped name or its path, for tables of runs that are recorded; no class of it is imported.

    Args:
        name: the shipped name, or a path that ends in .toml.
        facts: what recorded runs say of classes of the user's own, by the name of the study.

    Raises:
        InputError: see `load`; or the study names a class that the runs do not describe.
    """
    return load_with(name, Overrides(), built=False, facts=facts.get(_path(name).stem, {}))


def load_with(
    name: str,
    overrides: Overrides,
    built: bool = True,
    watch: Watch = unwatched,
    facts: FactsByClass | None = None,
) -> Study:
    """A study by its shipped name or its path; see `load`.

    Args:
        name: the shipped name, or a path that ends in .toml.
        overrides: what takes the place of what the study says.
        built: whether classes are asked if they take their options; without, torch is not imported.
        watch: what shows how far a large grid is.
        facts: what recorded runs say of classes, which are then not imported.

    Raises:
        InputError: see `load`.
    """
    path = _path(name)
    try:
        return Study.from_table(_read(path), path, overrides, built, watch, facts)
    except BadKeyError as error:
        raise InputError(f"{path}: {error}") from error


def require(names: Sequence[str]) -> None:
    """Looks at the files of studies before anything is made of results.

    Raises:
        InputError: one is missing, unreadable or no TOML.
    """
    for name in names:
        _read(_path(name))


def _path(name: str) -> Path:
    """The file of a study by its shipped name or its path.

    Raises:
        InputError: there is none.
    """
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        exists = path.exists()
    except OSError as error:  # of a name that is too long, or a folder that may not be read
        raise InputError(f"{name}: expected a study file, found {error.strerror}") from error
    if not exists:
        if name.endswith(".toml"):
            raise InputError(f"{name}: expected a study file, found none")
        own = [f"{name}.toml"] if Path(f"{name}.toml").exists() else []
        raise InputError(
            f"expected a shipped study or a path ending in .toml, found {name!r}{nearest(name, own or shipped())}"
        )
    return path


def _read(path: Path) -> dict[str, Any]:
    if not (path.is_file() or path.is_dir()):  # a pipe would be waited for, and a device need not end
        raise InputError(f"{path}: expected a study file, found what is no regular file")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    try:
        return parse_toml(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def distinct(studies: Sequence[Study]) -> None:
    """Raises InputError if two studies have one name."""
    names = [study.name for study in studies]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"expected studies with different names, found {name!r} twice")
