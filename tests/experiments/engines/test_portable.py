"""Portable numerics: the same bytes, whatever this machine's processor would have done by default.

A processor is imitated by what torch, MKL, glibc and numpy read when they load: the level that each would take there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments import studies

ROOT = Path(__file__).parents[3]

# every engine, with functions whose kernels were seen to differ between levels
STUDY = """
title = "Every engine"
seeds = 2
[run]
problem = { name = "disk", train = 60, test = 333, validation = 20 }
model = { name = "mlp", hidden = [25, 17] }
epochs = 3
checkpoints = 2
measures = ["border"]
[[grid]]
engine = ["framework", "pytorch", "compiled"]
loss = ["mse", "cross_entropy"]
activation = ["relu", "sigmoid"]
optimizer = { name = "adam", learning_rate = 0.01 }
"""

# the least and the most that this machine can be told to be
LEVELS = {
    "SSE": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # less would rule out the kernels that portable numerics fix, on Intel
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    },
    "all": {},
}

TRAIN = """
import sys
from pathlib import Path
from fairgrid.experiments.runtime.determinism import request
request("portable")
from tests.experiments import studies
studies.run(Path(sys.argv[2]), sys.argv[1])
"""
FINGERPRINT = "from fairgrid.experiments.runtime.determinism import fingerprint; print(fingerprint())"


def python(level: str, code: str, *arguments: str) -> str:
    """What code prints in a process that finds this level to be the machine's."""
    inherited = {name: value for name, value in os.environ.items() if name not in LEVELS["SSE"]}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, env={**inherited, **LEVELS[level]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.takes_seconds
def test_tables_are_the_same_bytes_at_every_level_that_this_machine_can_imitate(tmp_path: Path) -> None:
    study = studies.write(tmp_path, STUDY)
    found = {}
    for level in LEVELS:
        python(level, TRAIN, study, str(tmp_path / level))
        tables = sorted(path for path in (tmp_path / level).glob("*.csv") if path.name != "timings.csv")
        found[level] = {path.name: path.read_bytes() for path in tables}
    assert {"runs.csv", "metrics.csv", "summary.csv", "curves.csv", "environments.csv"} <= found["all"].keys()
    assert found["SSE"] == found["all"]
    assert found["all"]["runs.csv"].count(b",ok,") == 24


@pytest.mark.takes_seconds
def test_imitated_levels_do_differ_where_numerics_are_not_portable() -> None:
    assert python("SSE", FINGERPRINT) != python("all", FINGERPRINT)
