"""What a study declares, once its file is read and its grid is expanded."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.class_facts import FactsByClass
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.study.schema import Claim, Comparison, Reported, ReportFigure, ReportTable

TUNED = "tuned"  # the factor that tells tuned cells from their baselines


@dataclass(frozen=True)
class Cell:
    """One configuration of a study and the seeds it runs with.

    Attributes:
        config: its configuration, without a learning rate where that is tuned.
        factors: the value of every key that the study varies.
        rates: candidates for the learning rate; empty where it is not tuned.
    """

    config: RunConfig
    factors: dict[str, Any]
    seeds: tuple[int, ...]
    rates: tuple[float, ...] = ()

    def at_rate(self, rate: float) -> RunConfig:
        """The configuration with a learning rate."""
        return self.config.with_learning_rate(rate)


Watch = Callable[[list[Any]], Iterable[Any]]  # gives back what it is given, and may show how far it is


def unwatched(items: list[Any]) -> Iterable[Any]:
    """The items, and nothing is shown."""
    return items


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
class Declaration:
    """All that a study says, ready to be planned, compared and drawn.

    Attributes:
        name: what its rows, tables and figures are called.
        path: of its file; of one that is not from a file, what the file would be called.
        title: what it asks.
        cells: its configurations, each with its seeds.
        facts: what recorded runs say of its classes, where it was read without importing them.
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
    facts: FactsByClass | None = field(default=None, repr=False, compare=False)

    @cached_property
    def configurations(self) -> list[RunConfig]:
        """Those of all its runs: of a tuned cell, the configuration at each candidate for its learning rate."""
        return [config for cell in self.cells for config in [*map(cell.at_rate, cell.rates)] or [cell.config]]

    @cached_property
    def finder(self) -> Finder:
        """Where its classes of the user's own are looked for."""
        return Finder(self.path.parent, facts=self.facts)

    @property
    def shadowing(self) -> list[str]:
        """What a user should know of modules that their own files are taken for, a line for each study's file."""
        modules = [module for cell in self.cells for module in cell.config.own_modules.values()]
        names = sorted({name for module in modules for name in module.shadowing})
        own = ", ".join(f"{name}.py" for name in names)
        return (
            [f"{self.path}: {own}: taken in the place of an installed or standard module of that name"] if own else []
        )

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
