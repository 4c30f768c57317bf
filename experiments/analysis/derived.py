"""results/*.csv from the store, and the derived tables from these."""

import pkgutil
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import fairgrid.experiments.analysis as analysis
from fairgrid.experiments.analysis.summary import (
    best_epochs_table,
    cells_table,
    curves_table,
    runs_table,
    summary_table,
    with_factors,
)
from fairgrid.experiments.analysis.table import derived_tables
from fairgrid.experiments.store import build_manifest, columns, content_manifest
from fairgrid.experiments.store.content_manifest import Content
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.table_writer import Doubt, TableWriter, concatenated, run_ids_of
from fairgrid.experiments.store.tables import ResultTables, read_base, read_derived
from fairgrid.experiments.study.study import Study

for _module in pkgutil.iter_modules(analysis.__path__):  # each may declare a table
    if _module.name != "derived":
        import_module(f"{analysis.__name__}.{_module.name}")


def write(store: Store, results: Path) -> list[Doubt]:
    """Writes the tables that come from a store; studies absent from the store keep their rows.

    Args:
        store: an open store.
        results: the directory.

    Raises:
        InputError: a table that holds rows of a study absent from the store cannot be read.
    """
    studies = store.studies()
    runs = runs_table(store.runs(studies))
    curves = store.curves(studies)
    provenance = store.provenance(studies).drop(columns="study").drop_duplicates("run_id").sort_values("run_id")
    writer = TableWriter(results, run_ids_of(runs))
    classes = store.classes(studies)
    writer.state(
        {
            name: Content(count, records, classes=classes.get(name, []))
            for name, (count, records) in store.contents(studies).items()
        }
    )
    writer.write(columns.RUNS, runs)
    summary, checkpoints = summary_table(runs), curves_table(curves)
    cells = cells_table(runs, summary)
    for table, frame in ((columns.SUMMARY, summary), (columns.CURVES, checkpoints), (columns.CELLS, cells)):
        writer.write(table, with_factors(frame, frame["factors"]))
    writer.write(columns.BEST_EPOCHS, best_epochs_table(curves))
    writer.write(columns.METRICS, store.metrics(studies).sort_values(["run_id", "metric"]))
    for table in (columns.ENVIRONMENTS, columns.TIMINGS):
        writer.write(table, provenance[table.header])
    writer.finish()
    return writer.doubts


def move_aside(results: Path) -> Path | None:
    """Moves the store and the CSVs to old/<time>, which is returned; None if there is no store."""
    if not (results / FILE).exists():
        return None
    aside = results / "old" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    aside.mkdir(parents=True)
    named = [results / name for name in (content_manifest.FILE, build_manifest.FILE) if (results / name).exists()]
    for path in [*results.glob(f"{FILE}*"), *results.glob("*.csv"), *named]:  # a crash leaves the store a journal
        shutil.move(path, aside)
    return aside


def write_derived(results: Path, studies: Sequence[Study]) -> tuple[ResultTables, list[Doubt]]:
    """Writes the derived tables of some studies from the other tables; other studies keep their rows.

    Returns all tables, and doubts about rows that are kept.
    """
    base = read_base(results)
    present = sorted((study for study in studies if len(base.of(study.name).runs)), key=lambda study: study.name)
    writer = TableWriter(results, run_ids_of(base.of(*(study.name for study in present)).runs))
    tables = {study.name: base.of(study.name) for study in present}
    for table in derived_tables():
        frames = {study.name: table.make(study, tables[study.name]) for study in present}
        tables = {name: tables[name].replace(**{table.name: frame}) for name, frame in frames.items()}
        if any(map(len, frames.values())) or (frames and (results / f"{table.name}.csv").exists()):
            writer.write(table, concatenated(list(frames.values())))
    writer.finish()
    return base.replace(**read_derived(results)), writer.doubts
