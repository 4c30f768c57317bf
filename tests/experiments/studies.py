"""Small studies that tests run."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from fairgrid.experiments.analysis.derived import write as write_tables
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver, Progress
from fairgrid.experiments.store.checksums import seal_all
from fairgrid.experiments.store.database import FILE, Store
from fairgrid.experiments.study.loading import load

TINY = """
title = "Tiny"
seeds = 5
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
model.name = "mlp"
model.hidden = [4]
epochs = 3
checkpoints = 2
batch_size = 10
[[grid]]
optimizer = [{ name = "sgd", learning_rate = 0.1 }, { name = "adam", learning_rate = 0.01 }]
activation = ["relu", "tanh"]
"""

TUNED = """
title = "Tuned"
seeds = 4
[run]
problem = { name = "disk", train = 40, test = 30, validation = 20 }
model = { name = "mlp", hidden = [4] }
epochs = 2
checkpoints = 1
[[grid]]
optimizer = ["sgd", "momentum", { name = "adam", learning_rate = 0.5 }]
[tuning]
learning_rate = { sgd = [0.01, 0.1], momentum = [0.1, 1e30] }
seeds = 3
"""

# every activation, an output of width 1 and of width 2, an optimizer of each kind, a run that diverges, a last batch
# that is smaller, rates that differ within a stack
VARIED = """
title = "Varied"
seeds = 9
[run]
problem = { name = "disk", train = 50, test = 30, validation = 20 }
model = { name = "mlp", hidden = [5, 25] }
epochs = 2
checkpoints = 2
batch_size = 7
[[grid]]
activation = ["identity", "relu", "leaky_relu", "tanh", "sigmoid"]
problem.encoding = ["one_hot", "signed"]
optimizer = [
    { name = "adam", learning_rate = 0.01 },
    { name = "momentum", learning_rate = 0.1 },
    { name = "sgd", learning_rate = 1e25 },
]
[[grid]]
batch_size = [1, 50]
initializer = ["standard_normal", "kaiming_uniform"]
optimizer = [{ name = "nesterov", learning_rate = 0.03 }, { name = "sgd", learning_rate = 0.1, weight_decay = 0.01 }]
[[grid]]
engine = "compiled"
activation = ["relu", "tanh"]
optimizer = [{ name = "adam", learning_rate = 0.01 }, { name = "sgd", learning_rate = 1e25 }]
"""


def write(folder: Path, text: str, name: str = "study.toml") -> str:
    """The path of a study file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


# a phase of tuning and one of evaluation, many short chunks: time enough to be stopped in either
LONG = """
title = "Long"
seeds = 6
[run]
problem = { name = "disk", train = 100, test = 50, validation = 20 }
model = { name = "mlp", hidden = [6] }
epochs = 12
checkpoints = 3
[[grid]]
activation = ["relu", "tanh", "sigmoid"]
optimizer = ["sgd", "adam"]
batch_size = [1, 2]
[tuning]
learning_rate = { sgd = [0.01, 0.1], adam = [0.001, 0.01] }
seeds = 3
"""


def run(results: Path, *paths: str, pool: Pool | None = None, **options: Any) -> Progress:
    """Runs studies, in this process unless a pool is given, and writes their CSVs."""
    loaded = [load(path) for path in paths]
    progress = Driver(results, pool or Pool(), say=lambda _: None, **options).run(loaded)
    with Store(results) as store:
        write_tables(store, results)
    return progress


def table(results: Path, name: str) -> pd.DataFrame:
    """A CSV as text, cell by cell as it stands there."""
    return pd.read_csv(results / f"{name}.csv", dtype=str, keep_default_na=False)


def forge(results: Path, statement: str) -> None:
    """Changes rows of a store and gives them the checksums of what they now say, as an accident would not."""
    with closing(sqlite3.connect(results / FILE)) as connection, connection:
        assert connection.execute(statement).rowcount > 0
        seal_all(connection)
