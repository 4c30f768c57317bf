"""Runs studies: plan, train what has no record, choose learning rates, train the rest."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fairgrid.experiments.analysis import tuning
from fairgrid.experiments.analysis.derived import move_aside
from fairgrid.experiments.analysis.summary import tuning_frame
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.errors import StoreError, warn
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.progress import Watch, shown
from fairgrid.experiments.execution.scheduler import outcomes
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.plans import Phase, Plan, candidates, evaluation_plans, tuning_plans
from fairgrid.experiments.planning.work_units import Chunk, Run, cut
from fairgrid.experiments.runtime.determinism import Device, Mode
from fairgrid.experiments.runtime.files import digest
from fairgrid.experiments.runtime.interrupts import heeded
from fairgrid.experiments.store.build_manifest import read_build
from fairgrid.experiments.store.columns import FAILED
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.store.lock import locked
from fairgrid.experiments.study.study import Study


@dataclass
class Progress:
    """What a driver did.

    Attributes:
        counts: runs trained now, by status.
        failed: planned runs that stand in error or timeout, whenever they ran.
        unselected: studies whose learning rates could not be chosen.
    """

    counts: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    unselected: list[str] = field(default_factory=list)

    @property
    def trained(self) -> int:
        """Runs trained now."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Driver:
    """How studies run.

    Attributes:
        results: the directory of the store.
        pool: where runs train; its device is part of every run's identity.
        numerics: likewise.
        retry_failed: whether runs in error or timeout run again.
        fresh: whether an old store is moved aside first.
        chunk: at most so many runs train together; by default as many as fit the cache, or a GPU's memory.
        say: prints a line.
        watch: shows how far a phase is.
        warn: says what a user should know, even one who wants to hear nothing else.
    """

    results: Path
    pool: Pool
    numerics: Mode = "portable"
    retry_failed: bool = False
    fresh: bool = False
    chunk: int | None = None
    say: Callable[[str], None] = print
    watch: Watch = shown
    warn: Callable[[str], None] = warn
    _said: set[str] = field(default_factory=set, init=False, repr=False)

    @property
    def _kind(self) -> tuple[Mode, Device]:
        return self.numerics, self.pool.device

    def run(self, studies: Sequence[Study]) -> Progress:
        """Trains all that the studies plan and the store lacks; tuning first, then evaluation.

        Raises:
            KeyboardInterrupt: what was trained until then is kept.
            StoreError: the store cannot be used.
        """
        progress = Progress()
        for study in studies:
            for path in _changed_files(cell.config for cell in study.cells):
                self._say_once(path, f"{path}: changed since the study was read; read it again to train what it is now")
        to_tune = {study.name: tuning_plans(study, *self._kind) for study in studies}
        to_evaluate = {
            study.name: evaluation_plans(study, {}, *self._kind) for study in studies if not to_tune[study.name]
        }
        with locked(self.results, self.warn), self._store() as store:
            for name, plans in to_tune.items():
                store.plan(name, plans or to_evaluate[name], complete=not plans)
            self._train([plan for plans in to_tune.values() for plan in plans], store, progress)
            for study in studies:
                if to_tune[study.name]:
                    rates = self._choose(study, store, progress)
                    to_evaluate[study.name] = evaluation_plans(study, rates, *self._kind)
                    store.plan(study.name, to_tune[study.name] + to_evaluate[study.name], complete=True)
            self._train([plan for study in studies for plan in to_evaluate[study.name]], store, progress)
            status = store.runs([study.name for study in studies])["status"]
            progress.failed = int(status.isin(FAILED).sum())
        return progress

    def forecast(self, studies: Sequence[Study]) -> None:
        """Says what `run` would do, without writing anything."""
        for study, (runs, waiting, later) in zip(studies, self._expected(studies), strict=True):
            self._say_plan(study.name, runs, waiting)
            if later:
                self.say(f"{study.name}: {later:,} evaluation runs once learning rates are chosen")

    def left(self, studies: Sequence[Study]) -> int:
        """How many runs `run` would train; an evaluation whose learning rate is not chosen yet counts as one."""
        return sum(len(waiting) + later for _, waiting, later in self._expected(studies))

    def _expected(self, studies: Sequence[Study]) -> list[tuple[list[Run], list[Run], int]]:
        """For each study its runs, those to train, and how many more there are once learning rates are chosen."""
        if self.fresh or not (self.results / FILE).exists():
            return [self._expected_of(study, None, set()) for study in studies]
        to_train = (Status.PLANNED, *FAILED) if self.retry_failed else (Status.PLANNED,)
        with Store(self.results) as store:
            recorded = {run_id for run_id, status in store.statuses().items() if status not in to_train}
            return [self._expected_of(study, store, recorded) for study in studies]

    def _expected_of(self, study: Study, store: Store | None, recorded: set[str]) -> tuple[list[Run], list[Run], int]:
        tuning_runs, rates = [plan.run for plan in tuning_plans(study, *self._kind)], {}
        if store is not None and all(run.run_id in recorded for run in tuning_runs):
            with suppress(ValueError):  # a tuning run failed
                rates = self._rates(study, store)
        runs = tuning_runs + [plan.run for plan in evaluation_plans(study, rates, *self._kind)]
        later = 0 if rates else sum(len(cell.seeds) for cell in study.cells if cell.rates)
        return runs, [run for run in runs if run.run_id not in recorded], later

    def _choose(self, study: Study, store: Store, progress: Progress) -> dict[str, float]:
        """The learning rate of each tuned cell; none if a tuning run failed."""
        try:
            return self._rates(study, store)
        except ValueError as error:
            progress.unselected.append(study.name)
            self.warn(f"{study.name}: learning rates not chosen: {error}")
            return {}

    def _rates(self, study: Study, store: Store) -> dict[str, float]:
        """The learning rate of each tuned cell.

        Raises:
            ValueError: a tuning run failed or has no record.
        """
        tuned = candidates(study, *self._kind)
        stored = store.runs([study.name])
        # the chosen candidate's cell has evaluation runs too, and earlier plans may have had more tuning seeds
        trials = (
            (stored["phase"] == Phase.TUNING)
            & stored["seed"].isin(study.tuning_seeds)
            & stored["cell"].isin(list(tuned))
        )
        return tuning.select(tuning_frame(stored[trials], tuned))

    def _train(self, plans: Sequence[Plan], store: Store, progress: Progress) -> None:
        if not plans:
            return
        if self.retry_failed:
            store.retry(plans)
        phase = plans[0].phase
        runs = list({plan.run.run_id: plan.run for plan in plans}.values())
        waiting = store.waiting(runs)
        chunks = self._say_plan(phase, runs, waiting)
        if not waiting:
            return
        with heeded() as stopping, self.watch(phase, chunks) as meter:
            for outcome in outcomes(self.pool, chunks, stopping):
                store.commit(outcome.chunk.runs, outcome.records, outcome.environment, outcome.seconds)
                self._warn_once(outcome)
                for record in outcome.records:
                    progress.counts[record.status] = progress.counts.get(record.status, 0) + 1
                meter.add(outcome)
            if stopping():
                raise KeyboardInterrupt

    def _warn_once(self, outcome: Outcome) -> None:
        """Says what a user should know of their own classes, each thing once a grid."""
        if outcome.unrepeatable:
            names = ", ".join(outcome.unrepeatable)
            self._say_once(names, f"{names}: not repeatable: fairgrid check says why")
        for path in _changed_files(run.config for run in outcome.chunk.runs):
            self._say_once(
                path,
                f"{path}: changed while the grid runs; its records are of the file as it was when the grid began, the"
                " next grid trains what it is now",
            )

    def _say_once(self, about: str, line: str) -> None:
        if about not in self._said:
            self._said.add(about)
            self.warn(line)

    def _say_plan(self, name: str, runs: Sequence[Run], waiting: Sequence[Run]) -> list[Chunk]:
        """Says how much is to be trained; returns it."""
        chunks = cut(waiting, self.chunk, self.pool.memory)
        done = len(runs) - len(waiting)
        self.say(f"{name}: {len(runs):,} runs, {done:,} done, {len(waiting):,} to train in {len(chunks)} chunks")
        return chunks

    def _store(self) -> Store:
        try:
            aside = move_aside(self.results) if self.fresh else None
        except OSError as error:
            raise StoreError(f"{self.results}: expected a store to move aside, found: {error.strerror}") from error
        if aside:
            self.say(f"the old store is in {aside}")
        checked = read_build(self.results).store
        is_checked = bool(checked) and digest(self.results / FILE) == checked
        store = Store(self.results, create=True)
        try:
            store.upgrade(self.warn)
            if not is_checked:
                store.check()
        except BaseException:
            store.close()
            raise
        return store


def _changed_files(configs: Iterable[RunConfig]) -> list[str]:
    """Files of classes of the user's own that are not what they were when the study was read."""
    modules = {module.content: module for config in configs for module in config.own_modules.values()}
    return sorted({path for module in modules.values() for path in module.changed_files()})
