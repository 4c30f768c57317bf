"""A results directory for tests of the report: a study with all that a page can show."""

from pathlib import Path

from fairgrid.experiments.cli import main
from tests.experiments.studies import write

# a title that would be markup, a run that diverges, a report's number and claim, a figure of points
HOSTILE = '<script>alert("1")</script> & more'
SGD = '{ name = "sgd", learning_rate = 0.1 }'
STUDY = f"""
title = '{HOSTILE}'
source = "a_report.txt"
seeds = 4
[run]
problem = {{ name = "disk", train = 40, test = 30, validation = 20 }}
model = {{ name = "mlp", hidden = [4] }}
epochs = 3
checkpoints = 2
batch_size = 10
keep_seeds = [0]
[[grid]]
optimizer = [{SGD}, {{ name = "sgd", learning_rate = 1e30 }}]
activation = ["relu", "tanh", "sigmoid"]
[table]
title = "Table 7 <b>"
[[reported]]
row = "SGD & co"
column = "test"
where = {{ optimizer = {SGD}, activation = "tanh" }}
metric = "test_error"
statistic = "single"
value = 0.3
runs = 1
quote = "Table 7, <i>SGD</i>"
[[claim]]
quote = "rectified is no worse"
test = "difference"
metric = "test_error"
where = {{ optimizer = {SGD}, activation = "relu" }}
against = {{ optimizer = {SGD}, activation = "tanh" }}
claim = "less"
[[figure]]
name = "errors"
kind = "errors"
title = "What is <wrong>"
where = {{ optimizer = {SGD}, activation = "tanh" }}
"""


def made(folder: Path, *options: str) -> Path:
    """The results directory of the study, run with further options; the study's file is beside it."""
    assert (
        main(["run", write(folder, STUDY), "--results", str(folder / "results"), "--backend", "sequential", *options])
        == 0
    )
    return folder / "results"
