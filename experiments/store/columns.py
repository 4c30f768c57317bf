"""Columns of the CSVs, and what is in them."""

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase

RUNS = (
    "study phase cell run_id seed status diverged_at_step message engine problem optimizer learning_rate momentum"
    " batch_size activation initializer hidden loss epochs factors steps gradient_evaluations train_loss train_error"
    " validation_error test_loss test_error"
).split()
CURVE_COLUMNS = "study cell factors epoch metric n mean std median q10 q90".split()
BEST_COLUMNS = "run_id epoch validation_error test_error".split()
INTEGERS = ["seed", "diverged_at_step", "batch_size", "epochs", "steps", "gradient_evaluations"]
NUMBERS = ["learning_rate", "momentum", "train_loss", "train_error", "validation_error", "test_loss", "test_error"]
TEXT = (
    "study phase cell run_id status message engine problem optimizer activation initializer hidden loss factors metric"
    " factor a b context"
).split()
SUMMARIZED = ("train_error", "test_error")  # whose statistics summary.csv has
FAILED = (Status.TIMEOUT, Status.ERROR)  # statuses of runs that did not end
# columns that have one of a few words
WORDS = {"phase": (Phase.TUNING, Phase.EVALUATION), "status": (Status.OK, Status.DIVERGED, *FAILED, Status.PLANNED)}

# how the analysis is varied in stability.csv: by the name of a column, what people read
VARIANTS = {
    "best_validation": "best epoch",
    "lower_half": "lower half",
    "upper_half": "upper half",
    "median_difference": "median",
}
