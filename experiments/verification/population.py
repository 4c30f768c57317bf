"""The records that can be verified, with the configuration of each: from a store, or recovered for shipped tables.

A shipped row has no configuration, only the hash of one: its cell. So every cell of the study as it stands is hashed,
at every rate that it is tuned over, and each row is held against the one that bears its name.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.config.identity import cell_id, run_id
from fairgrid.experiments.config.registry import KINDS as KINDS_OF_PARTS
from fairgrid.experiments.config.run import Config, RunConfig, canonical_json, parse
from fairgrid.experiments.engines.record import Record, Status
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.planning.work_units import Run
from fairgrid.experiments.runtime.determinism import KINDS, Device, Mode
from fairgrid.experiments.runtime.environment import named
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.tables import ResultTables, environments_of, read
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.verification.published import published

_RESULTS = (Status.OK, Status.DIVERGED)
_OURS = ("fairgrid.", "fairgrid:")


@dataclass
class Population:
    """Records by run.

    Attributes:
        runs: those of the asked numerics, by run_id.
        studies: the study of each, one that plans it.
        records: what is recorded of a run; filled for all by `of_tables`, for those asked for by `of_store`.
        arithmetic: the fingerprint of the machine that each was made on, where it is known.
        strangers: rows that no configuration bears the name of, by study, with why.
        withheld: by dotted path of a class that is not fairgrid's and that runs need, those with a result, where such
            classes are not trusted: nothing is imported for them, their names are not checked, they are not trained.
        other_numerics: how many records have other numerics, or another device.
        store: whether records are whole; else they are what runs.csv and metrics.csv show.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    studies: dict[str, str] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    arithmetic: dict[str, str] = field(default_factory=dict)
    strangers: dict[str, list[str]] = field(default_factory=dict)
    withheld: dict[str, set[str]] = field(default_factory=dict)
    other_numerics: int = 0
    store: bool = False

    def withhold(self, row: Mapping[Hashable, Any], paths: Iterable[str]) -> None:
        """Files a row under the classes that it needs."""
        for path in paths:
            self.withheld.setdefault(path, set()).update([str(row["run_id"])] if row["status"] in _RESULTS else [])

    def add(self, study: str, row: Mapping[Hashable, Any], config: RunConfig | None, kind: tuple[Mode, Device]) -> bool:
        """Files a row with a result under what its name says; returns whether it can be trained again here."""
        name, seed = str(row["run_id"]), int(row["seed"])
        recorded_kind = None if config is None else _kind_of(name, config, seed)
        if recorded_kind is None:
            self.strangers.setdefault(study, []).append(name)
            return False
        if recorded_kind != kind:
            self.other_numerics += name not in self.runs
            return False
        assert config is not None
        self.runs[name] = Run(name, str(row["cell"]), config, seed)
        self.studies.setdefault(name, study)
        return True


def foreign(config: Config) -> list[str]:
    """The dotted paths of a configuration's parts that are not of the package itself."""
    specs = [spec for key in KINDS_OF_PARTS for spec in _listed(config.get(key))]
    names = [spec.get("name") if isinstance(spec, dict) else spec for spec in specs]
    return sorted({name for name in names if isinstance(name, str) and ":" in name and not name.startswith(_OURS)})


def _listed(part: Any) -> list[Any]:
    return part if isinstance(part, list) else [part]


def foreign_classes(results: Path, studies: Sequence[Study]) -> dict[str, int]:
    """By dotted path, how many records need a class that is not of the package itself. Nothing is imported.

    Args:
        results: with a store, or with tables alone.
        studies: the studies whose records are counted.
    """
    population = Population()
    if (results / FILE).exists():
        with Store(results) as store:
            rows = store.runs([study.name for study in studies])
        for row in rows.to_dict("records"):
            population.withhold(row, foreign(row["config"]))
    else:
        evidence = read(results)
        for study in studies:
            needed = _foreign_factors(study)
            for row in evidence.of(study.name).runs.to_dict("records"):
                population.withhold(row, needed.get(str(row["factors"]), []))
    return {path: len(runs) for path, runs in sorted(population.withheld.items())}


def _foreign_factors(study: Study) -> dict[str, list[str]]:
    """The cells that need classes that are not of the package itself: these, by the cells' factors as text."""
    return {canonical_json(cell.factors): paths for cell in study.cells if (paths := foreign(cell.config.canonical))}


def of_store(store: Store, studies: Sequence[Study], mode: Mode, device: Device, trust: bool) -> Population:
    """The records of a store; those that need a class of others only if these are trusted."""
    population = Population(store=True)
    names = [study.name for study in studies]
    rows = store.runs(names)
    stated = {study.name: configurations(study, trust) for study in studies}
    finders = {study.name: study.finder for study in studies}
    configs: dict[tuple[str, str], RunConfig | None] = {}
    for row in rows.to_dict("records"):
        if not trust and (paths := foreign(row["config"])):
            population.withhold(row, paths)
            continue
        if row["status"] not in _RESULTS:
            continue
        place = name, cell = str(row["study"]), str(row["cell"])
        if place not in configs:
            config = stated[name][cell][0] if cell in stated[name] else None
            same = config is not None and config.canonical == row["config"]
            configs[place] = config if same else _parsed(row["config"], finders[name])
        population.add(name, row, configs[place], (mode, device))
    known = store.provenance(names).drop_duplicates("run_id").set_index("run_id")["versions"]
    population.arithmetic = _arithmetic(known)
    return population


def of_tables(
    evidence: ResultTables, results: Path, studies: Sequence[Study], mode: Mode, device: Device, trust: bool
) -> Population:
    """The records that tables show; those that need a class of others only if these are trusted."""
    population = Population()
    metrics: dict[str, dict[str, float]] = {}
    for run, metric, value in evidence.metrics[["run_id", "metric", "value"]].itertuples(index=False):
        metrics.setdefault(run, {})[metric] = value
    for study in studies:
        runs = evidence.of(study.name).runs
        configs = configurations(study, trust)
        needed = {} if trust else _foreign_factors(study)
        for row in runs.to_dict("records"):
            if row["factors"] in needed:
                population.withhold(row, needed[row["factors"]])
            if row["factors"] in needed or row["status"] not in _RESULTS:
                continue
            config, stated = configs.get(str(row["cell"]), (None, set()))
            if row["factors"] not in stated:
                config = None
            if population.add(study.name, row, config, (mode, device)):
                population.records[str(row["run_id"])] = _record(row, metrics.get(str(row["run_id"]), {}))
    environments = environments_of(results)
    if environments is not None:
        population.arithmetic = _arithmetic(environments.drop_duplicates("run_id").set_index("run_id")["versions"])
    shipped = published().arithmetic
    population.arithmetic = {run: population.arithmetic.get(run, shipped) for run in population.runs}
    return population


def _parsed(stored: Config, finder: Finder) -> RunConfig | None:
    """A configuration as a store has it; None if it names what is not there."""
    try:
        return parse(stored, finder)
    except BadKeyError:
        return None


def configurations(study: Study, trust: bool = True) -> dict[str, tuple[RunConfig, set[str]]]:
    """By cell, under any numerics: the configuration, and the factors that the study has it under, as JSON.

    Args:
        study: the study.
        trust: whether cells that need a class of others are among them.
    """
    configs: dict[str, tuple[RunConfig, set[str]]] = {}
    for cell in study.cells:
        if not trust and foreign(cell.config.canonical):
            continue
        for config in [*map(cell.at_rate, cell.rates)] or [cell.config]:
            for kind in KINDS:
                factors = configs.setdefault(cell_id(config, *kind), (config, set()))[1]
                factors.add(canonical_json(cell.factors))
    return configs


def shown(record: Record) -> Record:
    """What runs.csv and metrics.csv show of a record."""
    final = {name: value for name, value in record.final.items() if name != "validation_loss"}
    return Record(
        record.status,
        record.diverged_at_step,
        record.message,
        record.steps,
        record.gradient_evaluations,
        final,
        record.metrics,
        {},
    )


def _record(row: Mapping[Hashable, Any], metrics: dict[str, float]) -> Record:
    names = ("train_loss", "train_error", "validation_error", "test_loss", "test_error")
    step = row["diverged_at_step"]
    return Record(
        Status(row["status"]),
        None if pd.isna(step) else int(step),
        row["message"],
        int(row["steps"]),
        int(row["gradient_evaluations"]),
        {name: float(row[name]) for name in names if not pd.isna(row[name])},
        metrics,
        {},
    )


def _kind_of(name: str, config: RunConfig, seed: int) -> tuple[Mode, Device] | None:
    """The numerics and device under which a run of this configuration and seed has this name."""
    try:
        return next((kind for kind in KINDS if run_id(config, seed, *kind) == name), None)
    except Exception:  # of an own module, which may raise anything when it is imported
        return None


def _arithmetic(versions: "pd.Series[str]") -> dict[str, str]:
    return {
        str(run): arithmetic
        for run, text in versions.items()
        if (arithmetic := named(text).get("arithmetic")) is not None
    }
