"""A study: a TOML file, checked, and expanded to cells."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.chunks import stack_key
from experiments.engines.record import COUNTS, CURVES, TARGET
from experiments.engines.stacked import refuses_to_compile
from experiments.errors import BadKeyError, InputError, nearest
from experiments.factors import factors
from experiments.fitting import fits
from experiments.grid import Point, axes, expand
from experiments.identity import canonical_json
from experiments.names import KINDS, OPTIMIZER
from experiments.parts import join, split
from experiments.plain import plain
from experiments.schema import (
    METRICS,
    Claim,
    Comparison,
    Reported,
    ReportFigure,
    ReportTable,
    Tuning,
    checked,
    refuse_dates,
)
from experiments.seeds import TUNING_BLOCK
from experiments.settings import Config, Settings, canonical, canonical_part

SHIPPED = Path(__file__).parent / "studies"
MAX_ARMS = 6  # that a figure still tells apart
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
        return [usual] if all(name in _factors(self) for name in usual) else []


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
    return load_with(str(name), Overrides(seeds, _plain(overrides)))


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
        return parse(_read(path), path, overrides)
    except BadKeyError as error:
        raise InputError(f"{path}: {error}") from error


def _named(table: Mapping[str, Any], name: str, seeds: int | None, overrides: Mapping[str, Any] | None) -> Study:
    """A study that is not from a file."""
    if not _NAME.fullmatch(name):
        raise InputError(f"name: expected letters, digits, _ and -, found {name!r}")
    try:
        return parse(table, Path(f"{name}.toml"), Overrides(seeds, _plain(overrides)))
    except BadKeyError as error:
        raise InputError(f"{name}: {error}") from error


def _plain(overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """Overrides that were written in Python."""
    return {key: plain(value, f"overrides.{key}") for key, value in (overrides or {}).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: expected TOML, found: {error}") from error


def parse(table: Mapping[str, Any], path: Path, overrides: Overrides | None = None) -> Study:
    """A study from its table and the path that it came from; see `load`.

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
    study = Study(
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
    named = [(f"factors[{number}]", factor) for number, factor in enumerate(study.comparison.factors)]
    for number, both in enumerate(study.comparison.interactions or []):
        named += [(f"interactions[{number}]", factor) for factor in both]
        if both[0] == both[1]:
            raise BadKeyError(f"comparison.interactions[{number}]", f"expected two factors, found {both[0]!r} twice")
        if study.comparison.factors and both[0] not in study.comparison.factors:
            problem = f"expected a first factor that is compared (comparison.factors), found {both[0]!r}"
            raise BadKeyError(f"comparison.interactions[{number}]", problem)
    for place, factor in named:
        if factor not in _factors(study):
            problem = f"expected a factor of the study, found {factor!r}{nearest(factor, _factors(study))}"
            raise BadKeyError(f"comparison.{place}", problem)
    if file.comparison.metric not in METRICS:
        _measured(study, "region" in file.comparison.model_fields_set)
    _reported_fit(study)
    _figures_fit(study)
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


def matching(study: Study, where: Mapping[str, Any]) -> list[Cell]:
    """The cells whose factors have the values in `where`; parts may state options that are at their default.

    Raises:
        BadKeyError: a part in `where` is not one.
    """
    wanted = {key: canonical_part(key, value, key) if key in KINDS else value for key, value in where.items()}
    return [cell for cell in study.cells if all(cell.factors.get(key) == value for key, value in wanted.items())]


def arms(study: Study, figure: ReportFigure) -> list[tuple[str, Cell]]:
    """The cells that a figure shows, as the study orders them, each with its label, or "" where the figure states none.

    Cells of one problem have the same data, so a figure of data shows the first of them.

    Raises:
        BadKeyError: they are not what the figure can show.
    """
    found: list[tuple[str, Cell]] = []
    for name, where in (figure.arms or {"": {}}).items():
        place = f"arms.{name}" if name else "where"
        try:
            _factors_known(study, where if name else figure.where)
            cells = matching(study, {**figure.where, **where})
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error
        if figure.kind == "data":
            cells = list({canonical_json(cell.config.get("problem")): cell for cell in reversed(cells)}.values())[::-1]
        if len(cells) != 1 and (name or not cells):
            raise BadKeyError(place, f"expected factors of {'one cell' if name else 'cells'}, found {len(cells)} cells")
        found.extend((name, cell) for cell in cells)
    if len(found) > MAX_ARMS:
        raise BadKeyError("where", f"expected factors of at most {MAX_ARMS} cells, found {len(found)} cells")
    return sorted(found, key=lambda arm: study.cells.index(arm[1]))


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


def _reported_fit(study: Study) -> None:
    """Every reported number and claim names its cells, and every quoted one has one primary reading."""
    named: list[tuple[str, dict[str, Any]]] = []
    for number, reported in enumerate(study.reported):
        named.append((f"reported[{number}].where", reported.where))
    for number, claim in enumerate(study.claims):
        named.append((f"claim[{number}].where", claim.where))
        if claim.against is not None:
            named.append((f"claim[{number}].against", claim.against))
    for place, where in named:
        try:
            _factors_known(study, where)
            found = len(matching(study, where))
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error
        if found != 1:
            known = ", ".join(_factors(study))
            raise BadKeyError(place, f"expected factors ({known}) of one cell, found {found} cells")
    for number, claim in enumerate(study.claims):
        _metric_known(matching(study, claim.where)[0], claim.metric, f"claim[{number}].metric")
        other = claim.against_metric or claim.metric
        key = "against_metric" if claim.against_metric else "metric"
        _metric_known(matching(study, claim.against or claim.where)[0], other, f"claim[{number}].{key}")
    _one_primary("reported", [(f"{each.quote} {each.metric}", each.quote, each.primary) for each in study.reported])
    _one_primary("claim", [(each.quote, each.quote, each.primary) for each in study.claims])


def _measured(study: Study, has_region: bool) -> None:
    """Whether all cells have the metric that they are compared by, and the study says which differences matter."""
    for cell in study.cells:
        _metric_known(cell, study.comparison.metric, "comparison.metric")
    if not has_region:
        unit = f"as {study.comparison.metric} has a unit of its own"
        raise BadKeyError("comparison.region", f"expected differences that do not matter, {unit}, found none")


def _metric_known(cell: Cell, metric: str, place: str) -> None:
    """Refuses a metric that no run of a cell will have, unless one of its measures does not say what it gives."""
    settings = Settings(**cell.config)
    measures = settings.build_measures()
    known = [*CURVES, *COUNTS, *(name for measure in measures for name in measure.gives)]
    known += [f"{TARGET}{target:g}" for target in settings.targets]
    known += ["stop_epoch"] if settings.stopping else []
    if metric not in known and all(measure.gives for measure in measures):
        raise BadKeyError(place, f"expected a metric of the runs, found {metric!r}{nearest(metric, known)}")


def _factors(study: Study) -> list[str]:
    return sorted({key for cell in study.cells for key in cell.factors})


def _factors_known(study: Study, where: Mapping[str, Any]) -> None:
    """Names the factor that the study does not vary, or the value that no cell has."""
    for key, value in where.items():
        if key not in _factors(study):
            raise BadKeyError(key, f"expected a factor of the study, found {key!r}{nearest(key, _factors(study))}")
        if not matching(study, {key: value}):
            known = dict.fromkeys(canonical_json(cell.factors[key]) for cell in study.cells if key in cell.factors)
            raise BadKeyError(key, f"expected a value that it has in the study ({', '.join(known)}), found {value!r}")


def _one_primary(table: str, rows: list[tuple[str, str, bool]]) -> None:
    primaries = [name for name, _, primary in rows if primary]
    for number, (name, quote, _) in enumerate(rows):
        if primaries.count(name) != 1:
            found = primaries.count(name)
            raise BadKeyError(f"{table}[{number}].primary", f"expected one primary reading of {quote!r}, found {found}")


def _figures_fit(study: Study) -> None:
    """Every figure has a name of its own, cells to show and, if it shows points, a seed whose points are kept."""
    names = [figure.name for figure in study.figures]
    for number, figure in enumerate(study.figures):
        place = f"figure[{number}]"
        if names.index(figure.name) < number:
            raise BadKeyError(f"{place}.name", f"expected different names, found {figure.name!r} twice")
        if figure.kind != "curves" and not study.keep_seeds:
            raise BadKeyError("run.keep_seeds", f"expected a seed for the figure {figure.name!r} of points, found none")
        try:
            arms(study, figure)
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error


def distinct(studies: Sequence[Study]) -> None:
    """Raises InputError if two studies have one name."""
    names = [study.name for study in studies]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"expected studies with different names, found {name!r} twice")
