"""A results directory held against its manifest: whatever was changed since it was made differs in some hash."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.files import digest
from fairgrid.experiments.store.content_manifest import Manifest, read_manifest
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.store.schema import committed_tables
from fairgrid.experiments.store.table_writer import rows_digest
from fairgrid.experiments.store.tables import as_text
from fairgrid.experiments.study.study import Study


@dataclass(frozen=True)
class Contents:
    """What a manifest says, held against what there is.

    Attributes:
        files: how many tables it names; none where there is no manifest.
        studies: how many of the studies it names.
        differing: a line for everything that is not as it says.
        unnamed: studies that it says nothing of.
    """

    files: int = 0
    studies: int = 0
    differing: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


def compared_contents(results: Path, studies: Sequence[Study], store: Store | None) -> Contents:
    """Holds tables, the studies' rows in them, and the store's records against manifest.json.

    Args:
        results: a results directory.
        studies: the studies whose rows and records are looked at.
        store: the store; None where there is none, or where the tables are older.
    """
    try:
        manifest = read_manifest(results)
    except InputError as error:
        return Contents(differing=[str(error)])
    if manifest is None:
        return Contents()
    names = [study.name for study in studies]
    named = [name for name in names if name in manifest.studies]
    differing = [
        f"{name}: expected SHA-256 {sha256}, found {sha256_now or 'no file'}"
        for name, sha256 in sorted(manifest.files.items())
        if (sha256_now := digest(results / name)) != sha256
    ]
    differing += [
        f"{table.name}.csv: expected its SHA-256 in manifest.json, found none"
        for table in committed_tables()
        if f"{table.name}.csv" not in manifest.files and (results / f"{table.name}.csv").exists()
    ]
    differing += _rows(results, manifest, named) + _records(manifest, named, store)
    return Contents(len(manifest.files), len(named), differing, [name for name in names if name not in named])


def _rows(results: Path, manifest: Manifest, names: Sequence[str]) -> list[str]:
    """Studies' rows that are not those that were made, which a table that was written again around them hides."""
    runs = as_text(results / "runs.csv", ["study", "run_id"])
    run_ids = {name: set(runs.loc[runs["study"] == name, "run_id"]) for name in names}
    differing = []
    for table in committed_tables():
        path = results / f"{table.name}.csv"
        if not path.exists():
            continue
        rows = as_text(path, [])
        for name in names:
            stated = manifest.studies[name].rows.get(path.name, "")
            sha256_now = rows_digest(rows, name, run_ids[name])
            if stated != sha256_now:
                differing.append(f"{path.name}: rows of {name}: expected {_said(stated)}, found {_said(sha256_now)}")
    return differing


def _records(manifest: Manifest, names: Sequence[str], store: Store | None) -> list[str]:
    contents = {} if store is None else store.contents(names)
    return [
        f"records of {name}: expected {stated.runs:,} runs with SHA-256 {stated.records}, found {runs:,} with {records}"
        for name, (runs, records) in contents.items()
        if (stated := manifest.studies[name]) and (stated.runs, stated.records) != (runs, records)
    ]


def _said(sha256: str) -> str:
    return f"SHA-256 {sha256}" if sha256 else "none"
