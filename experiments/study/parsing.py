"""From a study file's table to a study: what it shares and varies, crossed, with seeds and candidates for rates.

What can be refused without importing what is behind known names is refused first: see `try_out` for the rest.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fairgrid.experiments.config import run
from fairgrid.experiments.config.class_facts import FactsByClass
from fairgrid.experiments.config.coercion import check_values
from fairgrid.experiments.config.run import RunConfig, canonical_json
from fairgrid.experiments.engines.stacking import stack_key
from fairgrid.experiments.errors import BadKeyError, nearest
from fairgrid.experiments.runtime.seeding import TUNING_BLOCK
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.study.declaration import TUNED, Cell, Declaration, Overrides, Watch, unwatched
from fairgrid.experiments.study.factors import factors
from fairgrid.experiments.study.grid import Point, axes, expand
from fairgrid.experiments.study.schema import StudyFile, Tuning, checked
from fairgrid.experiments.study.validation import fitting_together

# of a study; more of them fit no memory while they are planned
MOST_CONFIGURATIONS = 1_000_000
MOST_RUNS = 10_000_000


@dataclass
class _Configured:
    """A configuration of a study.

    Attributes:
        config: parsed.
        point: the first place in the file that states it.
        rates: candidates for its learning rate; empty where that is not tuned.
        seeds: of all places that state it.
    """

    config: RunConfig
    point: Point
    rates: tuple[float, ...]
    seeds: list[int] = field(default_factory=list)


def parse(
    table: Mapping[str, Any],
    path: Path,
    overrides: Overrides,
    built: bool = True,
    watch: Watch = unwatched,
    facts: FactsByClass | None = None,
) -> Declaration:
    """What a study declares, from its table and the path that it came from.

    Args:
        table: the study as TOML has it.
        path: the path of the study's file, or what it would be called.
        overrides: what takes the place of what the table says.
        built: whether components are built, so that their classes can refuse values.
        watch: what shows how far a large grid is.
        facts: what recorded runs say of classes, which are then not imported.

    Raises:
        BadKeyError: something in it is not what is expected.
    """
    file = checked(table)
    shared, assigned = dict(file.run), dict(overrides.run)
    check_values(overrides.seeds, overrides.seeds_flag)
    for key, value in assigned.items():
        check_values(value, f"{overrides.flag}{key}")
    place = f"{overrides.flag}keep_seeds" if "keep_seeds" in assigned else "run.keep_seeds"
    keep_seeds = _keep_seeds(assigned.pop("keep_seeds", shared.pop("keep_seeds", [])), place)
    finder = Finder(path.parent, facts=facts)
    configured, varied = _expanded(file, Point(shared, {}), assigned, overrides, finder, watch)
    _tuning_fits(file.tuning, configured)
    values = factors([each.config for each in configured], varied)
    cells = tuple(
        Cell(each.config, cell_factors, tuple(sorted(set(each.seeds))), each.rates)
        for each, cell_factors in zip(configured, values, strict=True)
    )
    if file.tuning and file.tuning.baseline:
        cells = _with_baseline(cells)
    tuning_seeds = range(TUNING_BLOCK, TUNING_BLOCK + (file.tuning.seeds if file.tuning else 0))
    study = Declaration(
        path.stem,
        path,
        file.title,
        file.source,
        cells,
        tuple(tuning_seeds),
        keep_seeds,
        file.table,
        tuple(file.reported),
        tuple(file.claim),
        tuple(file.figure),
        file.comparison,
        facts,
    )
    fitting_together(study, "region" in file.comparison.model_fields_set)
    if built:
        _try_out(configured, watch)
    return study


def _expanded(
    file: StudyFile, base: Point, assigned: Mapping[str, Any], overrides: Overrides, finder: Finder, watch: Watch
) -> tuple[list[_Configured], list[str]]:
    """Every configuration of the [[grid]] tables, once, and the keys that these state."""
    for key, value in assigned.items():
        base = next(expand(base, [(key, [(f"{overrides.flag}{key}", value)])]))
    parsed: dict[str, RunConfig] = {}
    configured: dict[str, _Configured] = {}
    varied: dict[str, None] = {}
    configurations = runs = 0
    for number, grid in enumerate(file.grid or [{}]):
        place = f"grid[{number}]"
        varied_here = dict(grid)
        stated = varied_here.pop("seeds", file.seeds)
        if overrides.seeds is None:
            seeds = _seeds(stated, f"{place}.seeds" if "seeds" in grid else "seeds")
        else:
            seeds = _seeds(overrides.seeds, overrides.seeds_flag)
        crossed = axes(varied_here, place)
        points = math.prod(len(values) for _, values in crossed)
        configurations, runs = configurations + points, runs + points * len(seeds)
        _few_enough(place, "configurations", configurations, MOST_CONFIGURATIONS)
        _few_enough(place, "runs", runs, MOST_RUNS)
        _not_overridden(assigned, [key for key, _ in crossed], place, overrides.flag)
        varied.update(dict.fromkeys(key for key, _ in crossed))
        for point in watch(list(expand(base, crossed))):
            written = canonical_json(point.raw)
            if written not in parsed:
                with point.located():
                    parsed[written] = run.parse(point.raw, finder)
            config = parsed[written]
            rates = _rates(config, file.tuning)
            configured.setdefault(config.canonical_json, _Configured(config, point, rates)).seeds.extend(seeds)
    trials = sum(len(each.rates) for each in configured.values()) * (file.tuning.seeds if file.tuning else 0)
    _few_enough("tuning.seeds", "tuning runs", trials, MOST_RUNS)
    return list(configured.values()), list(varied)


def _few_enough(place: str, noun: str, number: int, most: int) -> None:
    if number > most:
        raise BadKeyError(place, f"expected at most {most:,} {noun} in a study, found {number:,} up to here")


def _try_out(configured: list[_Configured], watch: Watch) -> None:
    """Builds what configurations name: classes refuse values and one another, engines what they cannot train.

    Raises:
        BadKeyError: one is refused.
    """
    from fairgrid.experiments.engines.stacked import refuses_to_compile  # imports torch
    from fairgrid.experiments.study.compatibility import check_compatible  # imports torch

    accepted: set[str] = set()
    for each in watch(configured):
        with each.point.located():
            run.try_out(each.config, accepted)
            check_compatible(each.config)
    if any(each.rates and not each.config.build_problem().validation for each in configured):
        raise BadKeyError("run.problem.validation", "expected ≥ 1, as [tuning] selects on validation error, found 0")
    compiled = {stack_key(each.config): each.config for each in configured if each.config.engine == "compiled"}
    for config in compiled.values():
        reason = refuses_to_compile(config)
        if reason:
            raise BadKeyError(
                "engine", f'expected runs that can be compiled (engine = "framework" trains all), found {reason}'
            )


def _seeds(written: Any, place: str) -> Sequence[int]:
    if type(written) is int and 1 <= written <= TUNING_BLOCK:
        return range(written)
    valid = isinstance(written, list) and all(type(seed) is int and 0 <= seed < TUNING_BLOCK for seed in written)
    if not valid or not written:
        raise BadKeyError(place, f"expected a count ≥ 1 or a list of seeds in [0, {TUNING_BLOCK}), found {written!r}")
    if len(set(written)) < len(written):
        raise BadKeyError(place, f"expected different seeds, found {written!r}")
    return list(written)


def _not_overridden(assigned: Mapping[str, Any], keys: Iterable[str], place: str, flag: str) -> None:
    """What overrides say would have no effect on a key that a [[grid]] sets."""
    for key in assigned:
        for other in keys:
            if key == other or key.startswith(f"{other}."):
                raise BadKeyError(f"{flag}{key}", f"expected a key that no [[grid]] sets, found one of {place}")


def _keep_seeds(written: Any, place: str) -> tuple[int, ...]:
    if not isinstance(written, list) or not all(type(seed) is int and seed >= 0 for seed in written):
        raise BadKeyError(place, f"expected a list of seeds, found {written!r}")
    return tuple(written)


def _rates(config: RunConfig, tuning: Tuning | None) -> tuple[float, ...]:
    """The candidates of a cell: none without [tuning], or where the cell states its own learning rate."""
    name = config.optimizer.name
    if tuning is None or "learning_rate" in config.optimizer.options:
        return ()
    if name not in tuning.learning_rate:
        raise BadKeyError("tuning.learning_rate", f"expected rates for the grid's optimizer {name!r}, found none")
    return tuple(tuning.learning_rate[name])


def _tuning_fits(tuning: Tuning | None, configured: Sequence[_Configured]) -> None:
    if tuning is None:
        return
    used = {each.config.optimizer.name for each in configured}
    for name, rates in tuning.learning_rate.items():
        place = f"tuning.learning_rate.{name}"
        if name not in used:
            raise BadKeyError(place, f"expected an optimizer of the grid, found {name!r}{nearest(name, used)}")
        if not rates or any(rate <= 0 for rate in rates) or len(set(rates)) < len(rates):
            raise BadKeyError(place, f"expected different rates > 0, found {rates!r}")
    numbers = {name: len(rates) for name, rates in tuning.learning_rate.items()}
    if len(set(numbers.values())) > 1 and not tuning.unequal:
        counted = ", ".join(f"{name} {number}" for name, number in numbers.items())
        raise BadKeyError(
            "tuning.learning_rate", f"expected as many rates for every optimizer, or unequal = true, found {counted}"
        )


def _with_baseline(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Beside every tuned cell itself at its optimizer's default rate; the factor `tuned` tells them apart."""
    extended = []
    for cell in cells:
        extended.append(replace(cell, factors={**cell.factors, TUNED: bool(cell.rates)}))
        if cell.rates:
            extended.append(replace(cell, factors={**cell.factors, TUNED: False}, rates=()))
    return tuple(extended)
