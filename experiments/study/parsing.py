"""From a study file's table to a study: what it shares and varies, crossed, with seeds and candidates for rates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairgrid.experiments.config.components import split
from fairgrid.experiments.config.identity import canonical_json
from fairgrid.experiments.config.registry import OPTIMIZER
from fairgrid.experiments.config.run import Config, Settings, canonical
from fairgrid.experiments.engines.stacked import refuses_to_compile
from fairgrid.experiments.engines.stacking import stack_key
from fairgrid.experiments.errors import BadKeyError, nearest
from fairgrid.experiments.runtime.seeding import TUNING_BLOCK
from fairgrid.experiments.study.compatibility import fits
from fairgrid.experiments.study.declaration import TUNED, Cell, Declaration, Overrides
from fairgrid.experiments.study.factors import factors
from fairgrid.experiments.study.grid import Point, axes, expand
from fairgrid.experiments.study.schema import Tuning, checked, refuse_dates
from fairgrid.experiments.study.validation import fitting_together


def parse(table: Mapping[str, Any], path: Path, overrides: Overrides | None = None) -> Declaration:
    """What a study declares, from its table and the path that it came from.

    Raises:
        BadKeyError: something in it is not what is expected.
    """
    file = checked(table)
    shared = dict(file.run)
    given = overrides or Overrides()
    assigned, flag = dict(given.run), given.flag
    for key, value in assigned.items():
        refuse_dates(value, f"{flag}{key}")
    place = f"{flag}keep_seeds" if "keep_seeds" in assigned else "run.keep_seeds"
    keep_seeds = _keep_seeds(assigned.pop("keep_seeds", shared.pop("keep_seeds", [])), place)
    base = Point(shared, {})
    for key, value in assigned.items():
        base = next(expand(base, [(key, [(f"{flag}{key}", value)])]))
    points: dict[str, tuple[Config, list[int], tuple[float, ...]]] = {}
    varied: dict[str, None] = {}
    for number, grid in enumerate(file.grid or [{}]):
        place = f"grid[{number}]"
        varied_here = dict(grid)
        stated = varied_here.pop("seeds", file.seeds)
        if given.seeds is None:
            own_seeds = _seeds(stated, f"{place}.seeds" if "seeds" in grid else "seeds")
        else:
            own_seeds = _seeds(given.seeds, given.seeds_flag)
        crossed = axes(varied_here, place)
        _not_overridden(assigned, [key for key, _ in crossed], place, flag)
        varied.update(dict.fromkeys(key for key, _ in crossed))
        for point in expand(base, crossed):
            config = _configuration(point)
            rates = _rates(config, file.tuning)
            known = points.setdefault(canonical_json(config), (config, [], rates))
            known[1].extend(own_seeds)
    _tuning_fits(file.tuning, points.values())
    configs = [config for config, _, _ in points.values()]
    _compilable(configs)
    values = factors(configs, list(varied))
    cells = tuple(
        Cell(config, cell_factors, tuple(sorted(set(cell_seeds))), rates)
        for (config, cell_seeds, rates), cell_factors in zip(points.values(), values, strict=True)
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
    )
    fitting_together(study, "region" in file.comparison.model_fields_set)
    return study


def _compilable(configs: Iterable[Config]) -> None:
    """Refuses what the engine `compiled` cannot train, before a night is spent on it."""
    kinds = {stack_key(config): config for config in configs if config.get("engine") == "compiled"}
    for config in kinds.values():
        reason = refuses_to_compile(config)
        if reason:
            raise BadKeyError(
                "engine", f'expected runs that can be compiled (engine = "framework" trains all), found {reason}'
            )


def _configuration(point: Point) -> Config:
    try:
        config = canonical(point.raw)
        fits(config)
        return config
    except BadKeyError as error:
        raise BadKeyError(point.locate(error), error.problem) from error


def _seeds(written: Any, place: str) -> list[int]:
    if type(written) is int and 1 <= written <= TUNING_BLOCK:
        return list(range(written))
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


def _rates(config: Config, tuning: Tuning | None) -> tuple[float, ...]:
    """The candidates of a cell: none without [tuning], or where the cell states its own learning rate."""
    name, options = split(Settings(**config).optimizer)
    if tuning is None or "learning_rate" in options:
        return ()
    if name not in tuning.learning_rate:
        raise BadKeyError("tuning.learning_rate", f"expected rates for the grid's optimizer {name!r}, found none")
    return tuple(tuning.learning_rate[name])


def _tuning_fits(tuning: Tuning | None, points: Iterable[tuple[Config, list[int], tuple[float, ...]]]) -> None:
    if tuning is None:
        return
    used = {split(Settings(**config).optimizer)[0] for config, _, _ in points}
    for name, rates in tuning.learning_rate.items():
        place = f"tuning.learning_rate.{name}"
        if name not in used:
            hint = nearest(name, used | set(OPTIMIZER.names))
            raise BadKeyError(place, f"expected an optimizer of the grid, found {name!r}{hint}")
        if not rates or any(rate <= 0 for rate in rates) or len(set(rates)) < len(rates):
            raise BadKeyError(place, f"expected different rates > 0, found {rates!r}")
    numbers = {name: len(rates) for name, rates in tuning.learning_rate.items()}
    if len(set(numbers.values())) > 1 and not tuning.unequal:
        found = ", ".join(f"{name} {number}" for name, number in numbers.items())
        raise BadKeyError(
            "tuning.learning_rate", f"expected as many rates for every optimizer, or unequal = true, found {found}"
        )
    if any(rates and not Settings(**config).build_problem().validation for config, _, rates in points):
        raise BadKeyError("run.problem.validation", "expected ≥ 1, as [tuning] selects on validation error, found 0")


def _with_baseline(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Beside every tuned cell itself at its optimizer's default rate; the factor `tuned` tells them apart."""
    found = []
    for cell in cells:
        found.append(replace(cell, factors={**cell.factors, TUNED: bool(cell.rates)}))
        if cell.rates:
            found.append(replace(cell, factors={**cell.factors, TUNED: False}, rates=()))
    return tuple(found)
