"""All checks of a results directory, in one go."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fairgrid.experiments.errors import InputError
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.runtime.determinism import Device, Mode, fingerprint
from fairgrid.experiments.store.build_manifest import read_build
from fairgrid.experiments.store.database import FILE, unchanged
from fairgrid.experiments.store.tables import read
from fairgrid.experiments.study.study import Study
from fairgrid.experiments.verification.contents import Contents, compared_contents
from fairgrid.experiments.verification.cross_platform import Shift, shifts
from fairgrid.experiments.verification.population import Population, of_store, of_tables, shown
from fairgrid.experiments.verification.published import Check, check
from fairgrid.experiments.verification.retraining import Retrained, compared, drawn, retrain
from fairgrid.experiments.verification.tables import Altered, altered_tables, altered_without_store


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        population: the records that there are.
        altered: values of tables that are not what their source gives.
        compared: whether tables were held against their source; making them again imports what the runs name.
        behind: whether the tables lack what the store has, so that runs.csv alone was held against it.
        contents: the directory, held against its manifest.
        sealed_later: how many records have checksums that were not made at training, by the date they were made on.
        check: the published study; None under numerics that it is not published for.
        suspects: how many runs were trained again because a table that is made from them was altered.
        retrained: these and the sample.
        arithmetic: of what trained them.
        shifts: of the runs whose bits cannot be expected here.
        device: of the records.
        here: what trained them.
    """

    population: Population
    altered: list[Altered]
    compared: bool
    behind: bool
    contents: Contents
    sealed_later: dict[str, int]
    check: Check | None
    suspects: int
    retrained: list[Retrained]
    arithmetic: str
    shifts: list[Shift]
    device: Device
    here: Device

    @property
    def wrong(self) -> list[Retrained]:
        """Runs whose record is not what training gives, with the arithmetic that it was made with."""
        return [each for each in self.retrained if each.differing and not self.made_elsewhere(each)]

    def made_elsewhere(self, retrained: Retrained) -> bool:
        """Whether bits may differ: a record was made on a GPU, or with other arithmetic, which it then says."""
        return _elsewhere(self.population, retrained, self.arithmetic, self.device)

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the records."""
        unpublished = self.check is not None and self.check.same_arithmetic and not self.check.same_bytes
        moved = any(shift.significant for shift in self.shifts)
        contradicted = self.population.strangers or self.altered or self.contents.differing
        return not (contradicted or unpublished or self.wrong or moved)


def verify(
    results: Path,
    studies: Sequence[Study],
    mode: Mode,
    size: int | None,
    seed: int,
    pool: Pool,
    device: Device = "cpu",
    trust: bool = False,
) -> Verification:
    """Checks a results directory; changes nothing in it.

    Args:
        results: with a store, or with tables alone.
        studies: the studies whose records are checked.
        mode: the mode of numerics; records of others are counted.
        size: how many runs are trained again; None for all.
        seed: the seed of the sample.
        pool: where runs are trained again; it need not be the device of the records.
        device: the device of the records; those of others are counted.
        trust: whether classes that are not fairgrid's are imported for the records that need them.

    Raises:
        InputError: there is no record of these numerics and this device.
        StoreError: the store is damaged.
    """
    if (results / FILE).exists():
        with unchanged(results) as store:
            store.check()
            population = of_store(store, studies, mode, device, trust)
            compare = not population.withheld
            altered, behind = altered_tables(store, results, studies) if compare else ([], False)
            unfinished = read_build(results).writing
            contents = Contents() if unfinished else compared_contents(results, studies, None if behind else store)
            sealed_later = store.sealed_later([study.name for study in studies])
    else:
        evidence = read(results)
        population = of_tables(evidence, results, studies, mode, device, trust)
        compare, behind = not population.withheld, False
        altered = altered_without_store(evidence, results, studies) if compare else []
        contents, sealed_later = compared_contents(results, studies, None), {}
    if not (population.runs or population.strangers or population.withheld):
        others = f"; {population.other_numerics:,} of others" if population.other_numerics else ""
        raise InputError(f"{results}: expected records of numerics {mode!r} and device {device!r}, found none{others}")
    suspects = _suspects(population, altered)
    names = dict.fromkeys([*suspects, *drawn(population.runs, size, seed)])
    if population.store:
        with unchanged(results) as store:
            population.records = {name: store.record(name) for name in names}
    runs = [dataclasses.replace(population.runs[name], keep=bool(population.records[name].kept)) for name in names]
    trained = retrain(runs, pool) if runs else {}
    retrained = [
        compared(
            run, population.records[run.run_id], trained[run.run_id] if population.store else shown(trained[run.run_id])
        )
        for run in runs
    ]
    here = fingerprint(pool.device)
    elsewhere = [each for each in retrained if _elsewhere(population, each, here, device)]
    return Verification(
        population,
        altered,
        compare,
        behind,
        contents,
        sealed_later,
        check() if (mode, device) == ("portable", "cpu") else None,
        len(suspects),
        retrained,
        here,
        shifts(elsewhere) if elsewhere else [],
        device,
        pool.device,
    )


def _elsewhere(population: Population, retrained: Retrained, here: str, device: Device) -> bool:
    return device != "cpu" or population.arithmetic.get(retrained.run.run_id, here) != here


def _suspects(population: Population, altered: Sequence[Altered]) -> list[str]:
    """The runs that altered values are of, or are made from where that is a row of summary.csv or curves.csv."""
    named = {each.row["run_id"] for each in altered if "run_id" in each.row}
    cells = {each.row["cell"] for each in altered if each.file in ("summary.csv", "curves.csv") and "cell" in each.row}
    return sorted(name for name, run in population.runs.items() if name in named or run.cell in cells)
