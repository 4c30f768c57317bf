"""What tables and figures are made from: the CSVs of a results directory."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from fairgrid.experiments.config.metric_names import TARGET
from fairgrid.experiments.errors import InputError, nearest
from fairgrid.experiments.store.columns import BEST_COLUMNS, CURVE_COLUMNS, INTEGERS, RUNS, TEXT, VARIANTS, WORDS

# each table with the columns that it needs
EVIDENCE = {
    "runs": RUNS,
    "summary": "study phase cell factors n_planned n_ok n_diverged n_failed".split(),
    "curves": CURVE_COLUMNS,
    "metrics": ["run_id", "metric", "value"],
}
# tables that are made of those, with their columns of words beyond TEXT
_COMPARED = "factor a b context verdict".split()
MADE = {
    "reproduction": "report quote reading statistic reported verdict note".split(),
    "comparisons": _COMPARED,
    "effects": [*_COMPARED, *"kind by level other".split()],
    "stability": [*_COMPARED, *(f"{name}{end}" for name in VARIANTS for end in ("", "_outcome"))],
}
# columns of these that are numbers, or empty
_NUMBERS = (
    "n mean std tail_probability tail_low tail_high interval_low interval_high mean_difference ci_low ci_high p_value"
    " p_holm probability_a_better pab_low pab_high n_diverged_a n_diverged_b needs_seeds contexts estimate context_low"
    " context_high n_diverged"
).split()
ENVIRONMENT = "run_id commit dirty versions cpu threads".split()


def _no_study() -> pd.DataFrame:
    return pd.DataFrame({"study": []})


def _no_run() -> pd.DataFrame:
    return pd.DataFrame(columns=BEST_COLUMNS)


@dataclass(frozen=True)
class Evidence:
    """What tables and figures are made from, whether they come from a store or were shipped."""

    runs: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    metrics: pd.DataFrame
    reproduction: pd.DataFrame = field(default_factory=_no_study)
    comparisons: pd.DataFrame = field(default_factory=_no_study)
    effects: pd.DataFrame = field(default_factory=_no_study)
    stability: pd.DataFrame = field(default_factory=_no_study)
    best_epochs: pd.DataFrame = field(default_factory=_no_run)

    def of(self, *studies: str) -> "Evidence":
        """The rows of some studies."""
        runs = self.runs[self.runs["study"].isin(studies)]
        by_run = {"metrics", "best_epochs"}
        return Evidence(
            **{
                name: frame[frame["run_id"].isin(runs["run_id"]) if name in by_run else frame["study"].isin(studies)]
                for name, frame in vars(self).items()
            }
        )

    def complete(self, studies: Sequence[str]) -> bool:
        """Whether every planned run of the studies is ok or diverged."""
        chosen = self.summary[self.summary["study"].isin(list(studies))]
        return bool((chosen["n_ok"] + chosen["n_diverged"] == chosen["n_planned"]).all())


def read(results: Path) -> Evidence:
    """The CSVs of a results directory.

    Raises:
        InputError: one is missing, is not a table, lacks a column, or has text in the place of a number.
    """
    return replace(read_evidence(results), **made(results))


def read_evidence(results: Path) -> Evidence:
    """The CSVs that the others are made from; see `read`."""
    runs, summary, curves, metrics = (_read(results / f"{name}.csv", columns) for name, columns in EVIDENCE.items())
    best = results / "best_epochs.csv"
    best_epochs = _read(best, BEST_COLUMNS) if best.exists() else _no_run()
    return Evidence(runs, summary, curves, metrics, best_epochs=best_epochs)


def made(results: Path) -> dict[str, pd.DataFrame]:
    """The tables of MADE that there are, by name."""
    paths = {name: (results / f"{name}.csv", words) for name, words in MADE.items()}
    return {name: _made(path, words) for name, (path, words) in paths.items() if path.exists()}


def with_metric(runs: pd.DataFrame, metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of runs.csv with a column of a metric that may be one of metrics.csv; not a number where a run has none.

    A target that was not reached is infinite: later than ever.

    Args:
        runs: rows of runs.csv.
        metrics: metrics.csv, of these runs at least.
        metric: a column of runs.csv, or a name in metrics.csv.
    """
    if metric in runs:
        return runs
    values = runs["run_id"].map(metrics[metrics["metric"] == metric].set_index("run_id")["value"]).astype(float)
    return runs.assign(**{metric: values.fillna(math.inf) if metric.startswith(TARGET) else values})


def summary(results: Path) -> pd.DataFrame:
    """summary.csv alone; see `read`."""
    return _read(results / "summary.csv", EVIDENCE["summary"])


def environments_of(results: Path) -> pd.DataFrame | None:
    """environments.csv as text; None where there is none: it is not shipped.

    Raises:
        InputError: it is not a table, or lacks a column.
    """
    path = results / "environments.csv"
    return as_text(path, ENVIRONMENT) if path.exists() else None


def _made(path: Path, words: Sequence[str]) -> pd.DataFrame:
    written = as_text(path, ["study"])
    _check_numbers(path, written, [name for name in _NUMBERS if name in written])
    return _typed(path, words)


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table whose columns are numbers, apart from those of TEXT."""
    written = as_text(path, columns)
    _check_numbers(path, written, [str(name) for name in written if name not in TEXT])
    for name in WORDS.keys() & set(columns):
        bad = ~written[name].isin(WORDS[name])
        if bad.any():
            line = int(bad.to_numpy().argmax())
            expected = ", ".join(WORDS[name])
            raise InputError(
                f"{path}: line {line + 2}: {name}: expected one of {expected}, found {written[name][line]!r}"
            )
    return _typed(path)


def _check_numbers(path: Path, written: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        numbers = pd.to_numeric(written[name], errors="coerce")
        whole = name in INTEGERS
        bad = (written[name] != "") & (numbers.isna() | (whole & (numbers % 1 != 0)))
        if bad.any():
            line = int(bad.to_numpy().argmax())
            expected = "an integer" if whole else "a number"
            raise InputError(f"{path}: line {line + 2}: {name}: expected {expected}, found {written[name][line]!r}")


def _typed(path: Path, words: Sequence[str] = ()) -> pd.DataFrame:
    """A table with its numbers; those of INTEGERS whole, with gaps."""
    numeric = [name for name in pd.read_csv(path, nrows=0).columns if name not in (*TEXT, *words)]
    frame = pd.read_csv(
        path,
        dtype=dict.fromkeys([*TEXT, *words], str),
        keep_default_na=False,
        na_values={name: [""] for name in numeric},
    )
    return frame.astype({name: "Int64" for name in INTEGERS if name in frame})


def as_text(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table whose values are texts, as they stand there.

    Args:
        path: of a CSV.
        columns: that it needs.

    Raises:
        InputError: it is not there, is not a table, or lacks a column.
    """
    if not path.exists():
        raise InputError(f"{path}: expected results of a grid, found no such file; `fairgrid run` makes it")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: expected a table, found what is no regular file")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except pd.errors.ParserError as error:
        raise InputError(f"{path}: expected a table, found: {str(error).strip().rpartition(': ')[2]}") from error
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    for name in columns:
        if name not in frame:
            raise InputError(f"{path}: expected the column {name!r}, found none{nearest(name, frame.columns)}")
    if len(frame) and frame.iloc[:, -1].eq("").any():  # so reads a row that ends early
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            for row in rows:
                if 0 < len(row) < frame.shape[1]:
                    raise InputError(
                        f"{path}: line {rows.line_num}: expected {frame.shape[1]} values, found {len(row)}"
                    )
    return frame
