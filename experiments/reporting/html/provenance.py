"""The provenance of a study's numbers: seeds, sources, machines, and the command that trains the runs again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fairgrid.experiments.planning.plans import Phase, evaluated_cells
from fairgrid.experiments.reporting.html.failures import ranges
from fairgrid.experiments.reporting.html.tables import HtmlTable, html_table
from fairgrid.experiments.runtime.determinism import KINDS, MODES
from fairgrid.experiments.store.environment_mix import mixture
from fairgrid.experiments.store.schema import committed_tables
from fairgrid.experiments.study.loading import shipped
from fairgrid.experiments.study.study import Study

_DESCRIBED = ["commit", "dirty", "versions", "cpu", "threads"]


@dataclass(frozen=True)
class Provenance:
    """The provenance of a study's runs, as the page shows it.

    Attributes:
        seeds: the seeds of each phase, as ranges.
        environments: commit, versions and processor with counts of runs; None where they are unknown.
        mixed: the differences between environments that may show in records; "" if there are none.
        command: a command that trains the same runs again; "" where the study, as it is now, plans other runs.
    """

    seeds: dict[str, str]
    environments: HtmlTable | None
    mixed: str
    command: str


def provenance(study: Study, runs: pd.DataFrame, environments: pd.DataFrame | None) -> Provenance:
    """The provenance of a study's runs.

    Args:
        study: the study, as its file is now.
        runs: the study's rows of runs.csv.
        environments: the rows of environments.csv; None without that file.
    """
    seeds = {str(phase): ranges(group["seed"].astype(int)) for phase, group in runs.groupby("phase", sort=True)}
    table, mixed = None, ""
    if environments is not None:
        mine = environments[environments["run_id"].isin(runs["run_id"])]
        if len(mine):
            table = html_table(f"{study.name}-environments", "Where the runs were trained", _counted(mine))
            mixed = mixture(mine)
    return Provenance(seeds, table, mixed, _command(study, runs))


def digests(results: Path) -> dict[str, str]:
    """SHA-256 of the tables that a page is made from, shortened to 16 digits, by file."""
    files = sorted(path for table in committed_tables() if (path := results / f"{table.name}.csv").exists())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def _counted(environments: pd.DataFrame) -> pd.DataFrame:
    counted = environments.groupby(_DESCRIBED, sort=True).size().reset_index(name="runs")
    changed = counted.pop("dirty").map({"1": "yes", "True": "yes"}).fillna("no")
    counted["commit"] = counted["commit"].str.slice(0, 12).replace("", "not in a repository")
    counted.insert(1, "changed since", changed)
    return counted.sort_values("runs", ascending=False, kind="stable").astype(str)


def _command(study: Study, runs: pd.DataFrame) -> str:
    """`fairgrid run …`, if the study's file, or the file with another number of seeds, makes these cells."""
    evaluation = runs[runs["phase"] == Phase.EVALUATION]
    recorded = set(evaluation["cell"])
    kind = next((kind for kind in KINDS if recorded and recorded <= set.union(*evaluated_cells(study, *kind))), None)
    if kind is None:
        return ""
    mode, device = kind
    name = study.name if study.name in shipped() else str(study.path)
    options = "" if mode == MODES[0] else f" --numerics {mode}"
    options += "" if device == "cpu" else f" --device {device}"
    seeds_of_cells = {tuple(sorted(group["seed"])) for _, group in evaluation.groupby("factors")}
    if seeds_of_cells != {cell.seeds for cell in study.cells}:
        counts = {len(seeds) for seeds in seeds_of_cells if seeds == tuple(range(len(seeds)))}
        if len(seeds_of_cells) != 1 or len(counts) != 1:
            return ""
        options += f" --seeds {counts.pop()}"
    return f"fairgrid run {name}{options}"
