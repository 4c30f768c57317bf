"""A study, from a file or from Python."""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from fairgrid.experiments.config.class_facts import FactsByClass
from fairgrid.experiments.config.coercion import plain
from fairgrid.experiments.errors import BadKeyError, InputError, shown
from fairgrid.experiments.study.declaration import Declaration, Overrides, Watch, unwatched
from fairgrid.experiments.study.parsing import parse
from fairgrid.experiments.study.toml import parse_toml

_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Study(Declaration):
    """A study ready to run.

    `load` reads one from a file; `Study.from_toml` and `Study.from_dict` take what a file would hold, written in a
    notebook say. docs/studies.md has the keys.
    """

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Any],
        path: Path,
        overrides: Overrides,
        built: bool = True,
        watch: Watch = unwatched,
        facts: FactsByClass | None = None,
    ) -> Self:
        """A study from the table of a study file.

        Args:
            table: the study as TOML has it.
            path: the path of the file, or what the file would be called.
            overrides: what takes the place of what the table says.
            built: whether components are built, so that their classes can refuse values.
            watch: what shows how far a large grid is.
            facts: what recorded runs say of classes, which are then not imported.

        Raises:
            BadKeyError: something in it is not what is expected.
        """
        declaration = parse(table, path, overrides, built, watch, facts)
        return cls(**{each.name: getattr(declaration, each.name) for each in fields(declaration)})

    @classmethod
    def from_toml(
        cls, text: str, name: str, *, seeds: int | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Self:
        """A study from the text of a study file.

        Args:
            text: TOML.
            name: what the study is called: letters, digits, _ and -.
            seeds: evaluation seeds 0 … seeds−1 in place of its own numbers of seeds.
            overrides: values of keys of [run], by dotted key: {"epochs": 5, "problem.train": 100}.

        Raises:
            InputError: it is malformed, or something in it is not what is expected.
        """
        _check_name(name)
        if not isinstance(text, str):
            raise InputError(f"{name}: expected the text of a study file, found {shown(text)}")
        try:
            table = parse_toml(text)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        return cls._named(table, name, seeds, overrides)

    @classmethod
    def from_dict(
        cls,
        table: Mapping[str, Any],
        name: str,
        *,
        seeds: int | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Self:
        """A study from a dictionary with the tables and keys of a study file: {"title": …, "run": {…}, "grid": {…}}.

        Tuples, ranges and NumPy's numbers and arrays are taken for lists and numbers, and a class of one's own for its
        dotted path, "module:Class". One [[grid]] need not be in a list.

        Args:
            table: its tables and keys.
            name: the study's name; see `from_toml`.
            seeds: the seeds; see `from_toml`.
            overrides: values that replace the study's; see `from_toml`.

        Raises:
            InputError: something in it is not what is expected.
        """
        _check_name(name)
        if not isinstance(table, Mapping):
            raise InputError(f"{name}: expected a dictionary, found {shown(table)}")
        try:
            written = plain(table)
        except BadKeyError as error:
            raise InputError(f"{name}: {error}") from error
        if isinstance(written.get("grid"), dict):
            written["grid"] = [written["grid"]]
        return cls._named(written, name, seeds, overrides)

    @classmethod
    def _named(cls, table: Mapping[str, Any], name: str, seeds: int | None, run: Mapping[str, Any] | None) -> Self:
        """A study that is not from a file."""
        try:
            return cls.from_table(table, Path(f"{name}.toml"), overrides_of(seeds, run))
        except BadKeyError as error:
            raise InputError(f"{name}: {error}") from error

    def __repr__(self) -> str:
        runs = sum(len(cell.seeds) for cell in self.cells)
        return f"<Study {self.name}: {self.title!r}, {len(self.cells):,} cells, {runs:,} evaluation runs>"


def _check_name(name: Any) -> None:
    """Refuses what cannot be the name of a study."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"name: expected letters, digits, _ and -, found {shown(name)}")


def overrides_of(seeds: int | None, run: Mapping[str, Any] | None) -> Overrides:
    """Overrides that were written in Python.

    Raises:
        InputError: the seeds are no integer, or the keys of `run` no strings.
    """
    if seeds is not None and type(seeds := plain(seeds, "seeds")) is not int:
        raise InputError(f"seeds: expected an integer ≥ 1, found {shown(seeds)}")
    if run is not None and not (isinstance(run, Mapping) and all(isinstance(key, str) for key in run)):
        raise InputError(f"overrides: expected a dictionary with keys of [run], found {shown(run)}")
    return Overrides(seeds, {key: plain(value, f"overrides.{key}") for key, value in (run or {}).items()})
