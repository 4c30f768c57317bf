"""A study: a TOML file, checked, and expanded to cells."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.coercion import plain
from fairgrid.experiments.config.components import join, split
from fairgrid.experiments.config.run import Config, Settings, canonical
from fairgrid.experiments.errors import BadKeyError, InputError, nearest
from fairgrid.experiments.study.schema import (
    Claim,
    Comparison,
    Reported,
    ReportFigure,
    ReportTable,
)

SHIPPED = Path(__file__).resolve().parents[1] / "studies"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
TUNED = "tuned"  # the factor that tells tuned cells from their baselines


@dataclass(frozen=True)
class Cell:
    """One configuration of a study and the seeds it runs with.

    Attributes:
        config: canonical; without a learning rate where it is tuned.
        factors: the value of every key that the study varies.
        rates: candidates for the learning rate; empty where it is not tuned.
    """

    config: Config
    factors: dict[str, Any]
    seeds: tuple[int, ...]
    rates: tuple[float, ...] = ()

    def at_rate(self, rate: float) -> Config:
        """The configuration with a learning rate."""
        name, options = split(Settings(**self.config).optimizer)
        return canonical({**self.config, "optimizer": join(name, {**options, "learning_rate": rate})})


@dataclass(frozen=True)
class Overrides:
    """What takes the place of what a study says.

    Attributes:
        seeds: evaluation seeds 0 … seeds−1, or None.
        run: values of keys of [run], by dotted key.
        flag: what stands before such a key in messages.
        seeds_flag: what the seeds are called in messages.
    """

    seeds: int | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    flag: str = "overrides."
    seeds_flag: str = "seeds"


@dataclass(frozen=True)
class Study:
    """A study ready to run.

    `load` reads one from a file; `Study.from_toml` and `Study.from_dict` take what a file would hold, written in a
    notebook say. docs/studies.md has the keys.

    Attributes:
        name: what its rows, tables and figures are called.
        path: of its file; of one that is not from a file, what the file would be called.
        title: what it asks.
        cells: its configurations, each with its seeds.
    """

    name: str
    path: Path
    title: str
    source: str
    cells: tuple[Cell, ...]
    tuning_seeds: tuple[int, ...]
    keep_seeds: tuple[int, ...]
    table: ReportTable | None
    reported: tuple[Reported, ...]
    claims: tuple[Claim, ...]
    figures: tuple[ReportFigure, ...] = ()
    comparison: Comparison = field(default_factory=Comparison)

    @classmethod
    def from_toml(
        cls, text: str, name: str, *, seeds: int | None = None, overrides: Mapping[str, Any] | None = None
    ) -> "Study":
        """A study from the text of a study file.

        Args:
            text: TOML.
            name: what the study is called: letters, digits, _ and -.
            seeds: evaluation seeds 0 … seeds−1 in place of its own numbers of seeds.
            overrides: values of keys of [run], by dotted key: {"epochs": 5, "problem.train": 100}.

        Raises:
            InputError: it is malformed, or something in it is not what is expected.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{name}: expected TOML, found: {error}") from error
        return _named(table, name, seeds, overrides)

    @classmethod
    def from_dict(
        cls,
        table: Mapping[str, Any],
        name: str,
        *,
        seeds: int | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> "Study":
        """A study from a dictionary with the tables and keys of a study file: {"title": …, "run": {…}, "grid": {…}}.

        Tuples, ranges and NumPy's numbers and arrays are taken for lists and numbers, and a class of one's own for its
        dotted path, "module:Class". One [[grid]] need not be in a list.

        Args:
            table: its tables and keys.
            name: as in `from_toml`.
            seeds: likewise.
            overrides: likewise.

        Raises:
            InputError: something in it is not what is expected.
        """
        if not isinstance(table, Mapping):
            raise InputError(f"{name}: expected a dictionary, found {table!r}")
        try:
            written = plain(table)
        except BadKeyError as error:
            raise InputError(f"{name}: {error}") from error
        if isinstance(written.get("grid"), dict):
            written["grid"] = [written["grid"]]
        return _named(written, name, seeds, overrides)

    def __repr__(self) -> str:
        runs = sum(len(cell.seeds) for cell in self.cells)
        return f"<Study {self.name}: {self.title!r}, {len(self.cells):,} cells, {runs:,} evaluation runs>"

    @property
    def interactions(self) -> list[tuple[str, str]]:
        """Factors whose effect is held apart at each level of another: those declared, or optimizer by batch size."""
        if self.comparison.interactions is not None:
            return self.comparison.interactions
        usual = ("optimizer", "batch_size")
        return [usual] if all(name in self.factors for name in usual) else []

    @property
    def factors(self) -> list[str]:
        """The keys that it varies, sorted."""
        return sorted({key for cell in self.cells for key in cell.factors})


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
    return load_with(str(name), _overrides(seeds, overrides))


def load_with(name: str, overrides: Overrides) -> Study:
    """See `load`."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if not path.exists():
        if name.endswith(".toml"):
            raise InputError(f"{name}: expected a study file, found none")
        own = [f"{name}.toml"] if Path(f"{name}.toml").exists() else []
        raise InputError(
            f"expected a shipped study or a path ending in .toml, found {name!r}{nearest(name, own or shipped())}"
        )
    try:
        return _parsed(_read(path), path, overrides)
    except BadKeyError as error:
        raise InputError(f"{path}: {error}") from error


def _named(table: Mapping[str, Any], name: str, seeds: int | None, overrides: Mapping[str, Any] | None) -> Study:
    """A study that is not from a file."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"name: expected letters, digits, _ and -, found {name!r}")
    try:
        return _parsed(table, Path(f"{name}.toml"), _overrides(seeds, overrides))
    except BadKeyError as error:
        raise InputError(f"{name}: {error}") from error


def _parsed(table: Mapping[str, Any], path: Path, overrides: Overrides) -> Study:
    from fairgrid.experiments.study.parsing import parse  # which makes the studies of this file

    return parse(table, path, overrides)


def _overrides(seeds: int | None, run: Mapping[str, Any] | None) -> Overrides:
    """Those that were written in Python."""
    if seeds is not None and type(seeds := plain(seeds, "seeds")) is not int:
        raise InputError(f"seeds: expected an integer ≥ 1, found {seeds!r}")
    if run is not None and not (isinstance(run, Mapping) and all(isinstance(key, str) for key in run)):
        raise InputError(f"overrides: expected a dictionary with keys of [run], found {run!r}")
    found = {key: plain(value, f"overrides.{key}") for key, value in (run or {}).items()}
    return Overrides(seeds, found)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: expected TOML, found: {error}") from error


def distinct(studies: Sequence[Study]) -> None:
    """Raises InputError if two studies have one name."""
    names = [study.name for study in studies]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"expected studies with different names, found {name!r} twice")
