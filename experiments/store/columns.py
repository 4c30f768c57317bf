"""The tables that are written from the store, with their columns."""

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase
from fairgrid.experiments.store.schema import Table, declared, fractions, integers, numbers, text

FAILED = (Status.TIMEOUT, Status.ERROR)  # statuses of runs that did not end
SUMMARIZED = ("train_error", "test_error")  # whose statistics summary.csv has
# descriptions of columns that stand in several tables
STUDY = "the study's name"
PHASE = "`evaluation`, or `tuning`: runs by which learning rates were chosen, never reported"
CELL = "twelve digits for the cell's configuration; of a tuned cell, with the learning rate that was chosen"
RUN_ID = "SHA-256 of configuration, seed, numerics and own classes: one name, one record"
FACTORS = "what tells a cell from the others of its study: JSON, keys sorted"
COUNTS = "n_planned n_ok n_diverged n_failed"
COUNTED = "runs: planned; that ended well; that diverged; in `error` or `timeout`. The others have not run"

_PHASES = (Phase.TUNING, Phase.EVALUATION)
_STATUSES = (Status.OK, Status.DIVERGED, *FAILED, Status.PLANNED)
_ROW = (*text("study", STUDY), *text("phase", PHASE, _PHASES), *text("cell", CELL))
_SETTINGS = (
    *text("engine problem optimizer", "its settings"),
    *numbers("learning_rate momentum", "options of its optimizer", spec="g"),
    *integers("batch_size", "samples per step", gaps=True),
    *text("activation initializer", "further settings"),
    *text("hidden loss", "widths of the hidden layers; the loss"),
    *integers("epochs", "passes over the training data", gaps=True),
)


RUNS = declared(
    Table(
        "runs",
        "A row for every planned run of a cell. A run that two cells share, such as a stated learning rate that tuning"
        " chooses too, has a row in each, with one `run_id`.",
        (
            *_ROW,
            *text("run_id", RUN_ID),
            *integers("seed", "the seed of data, first weights and sample order", gaps=True),
            *text("status", "`planned`, `ok`, `diverged`, `timeout` or `error`", _STATUSES),
            *integers("diverged_at_step", "the first step that was not finite", gaps=True),
            *text("message", "why a run is not ok, in one line of at most 4 kB"),
            *_SETTINGS,
            *text("factors", FACTORS),
            *integers(
                "steps gradient_evaluations", "optimizer steps taken; samples whose gradient was computed", gaps=True
            ),
            *numbers("train_loss", "the training loss after the last epoch"),
            *fractions("train_error validation_error", "errors after the last epoch"),
            *numbers("test_loss", "the test loss after the last epoch"),
            *fractions("test_error", "the test error after the last epoch"),
        ),
    )
)

METRICS = declared(
    Table(
        "metrics",
        "A row per run and further number that was measured.",
        (
            *text("run_id", RUN_ID),
            *text(
                "metric",
                "what was measured: `epochs_to_0.05` and the like of `targets`, `stop_epoch` of early stopping, the"
                " names that `measures` give",
            ),
            *numbers("value", "its value; empty where a target was not reached"),
        ),
        by_run=True,
    )
)

CELLS = declared(
    Table(
        "cells",
        "A row per cell and phase: its settings, and in plain columns its factors.",
        (*_ROW, *text("factors", FACTORS), *_SETTINGS, *integers(COUNTS, COUNTED)),
        factors=True,
    )
)

_STATISTICS = {  # by what docs/columns.md says of them
    "mean and standard deviation over runs that are ok": "mean std",
    "median and interquartile mean, a diverged run's error being 1": "median iqm",
    "extremes over runs that are ok": "min max",
    "95 % intervals of the mean and of the standard deviation": "ci_low ci_high std_low std_high",
    "95 % intervals of the median and of the interquartile mean": "median_low median_high iqm_low iqm_high",
}

SUMMARY = declared(
    Table(
        "summary",
        "A row per cell and phase; [commands.md](commands.md#summaries) has its intervals.",
        (
            *_ROW,
            *text("factors", FACTORS),
            *numbers("learning_rate", "the learning rate, also where it was chosen", spec="g"),
            *integers(COUNTS, COUNTED),
            *(
                column
                for metric in SUMMARIZED
                for meaning, names in _STATISTICS.items()
                for column in fractions(" ".join(f"{metric}_{name}" for name in names.split()), meaning)
            ),
        ),
        factors=True,
    )
)

CURVES = declared(
    Table(
        "curves",
        "A row per cell, checkpoint and metric, over evaluation runs that are ok.",
        (
            *text("study", STUDY),
            *text("cell", CELL),
            *text("factors", FACTORS),
            *integers("epoch", "the checkpoint"),
            *text("metric", "a loss or an error on `train`, `validation` or `test`"),
            *integers("n", "runs that reached this checkpoint"),
            *numbers("mean std median q10 q90", "over these; quantiles at 10 % and 90 %"),
        ),
        factors=True,
    )
)

BEST_EPOCHS = declared(
    Table(
        "best_epochs",
        "A row per evaluation run that is ok: its first checkpoint with the least validation error.",
        (
            *text("run_id", RUN_ID),
            *integers("epoch", "the checkpoint"),
            *fractions("validation_error test_error", "errors there"),
        ),
        by_run=True,
    )
)

ENVIRONMENTS = declared(
    Table(
        "environments",
        "A row per run: where it was trained. Not shipped.",
        (
            *text("run_id", RUN_ID),
            *text("commit dirty", "the commit of the sources, and whether they were changed since"),
            *text("versions", "of Python and libraries; `arithmetic` is a hash of what torch computes there"),
            *text("cpu", "the processor"),
            *text("threads", "threads of torch"),
        ),
        by_run=True,
        committed=False,
    )
)

TIMINGS = declared(
    Table(
        "timings",
        "A row per run: how long it took. Not shipped.",
        (
            *text("run_id", RUN_ID),
            *integers("stack", "runs that trained together"),
            *numbers("seconds", "seconds that each took of that", "seconds"),
        ),
        by_run=True,
        committed=False,
    )
)
# the tables that all others are made from
BASE = (RUNS, SUMMARY, CURVES, METRICS, CELLS, BEST_EPOCHS)
NOT_IN_OLDER = (CELLS, BEST_EPOCHS)  # of a results directory
