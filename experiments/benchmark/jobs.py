"""The same on all cores, through the runner: planning, workers, evaluation, store and CSVs included."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fairgrid.experiments.analysis.derived import write
from fairgrid.experiments.benchmark.contestants import WIDTHS
from fairgrid.experiments.benchmark.race import BATCHES, SAMPLES
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.execution.progress import Meter, unsaid
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.study.study import Study

_EPOCHS = 20
_RUNS = {
    "compiled": {1: 400, 10: 1600, 100: 3200},
    "framework": {1: 128, 10: 512, 100: 512},
    "pytorch": {1: 4, 10: 16, 100: 64},
}


def jobs(cores: int, say: Callable[[str], None]) -> pd.DataFrame:
    """Rows of engine, batch, cores, runs, seconds and microseconds of a step of one replica, the cores counted once."""
    rows = []
    for batch in BATCHES:
        for engine, counts in _RUNS.items():
            seconds = _job(engine, batch, counts[batch], cores)
            steps = counts[batch] * _EPOCHS * SAMPLES // batch
            rows.append([engine, batch, cores, counts[batch], seconds, seconds / steps * 1e6])
            say(
                f"batch {batch}, engine {engine}, {cores} cores: {counts[batch]} runs in {seconds:.1f} s, "
                f"{seconds / steps * 1e6:.3g} µs a step"
            )
    return pd.DataFrame(rows, columns=["engine", "batch", "cores", "runs", "seconds", "microseconds"])


def _job(engine: str, batch: int, runs: int, cores: int) -> float:
    table = {
        "title": "benchmark",
        "seeds": runs,
        "run": {
            "engine": engine,
            "problem": {"name": "disk", "train": SAMPLES, "test": SAMPLES},
            "model": {"name": "mlp", "hidden": list(WIDTHS[1:-1])},
            "optimizer": {"name": "momentum", "learning_rate": 0.01},
            "batch_size": batch,
            "epochs": _EPOCHS,
            "checkpoints": 1,
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        study = Study.from_dict(table, "benchmark")
        # workers are started, and have imported what they need, before time counts
        warm = Study.from_dict({**table, "seeds": [10**6 + seed for seed in range(2 * cores)]}, "warm")
        results = Path(folder) / "results"
        with Pool("loky", cores) as pool:
            Driver(Path(folder) / "warm", pool, chunk=1, say=unsaid, watch=Meter).run([warm])
            start = time.perf_counter()
            Driver(results, pool, say=unsaid, watch=Meter).run([study])
            with Store(results) as store:
                write(store, results)
            return time.perf_counter() - start
