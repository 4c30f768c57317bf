"""Records that this code once made. If they change, so does what a run_id stands for.

`python -m tests.experiments.test_golden` makes the file, and the published hash of the same study, anew, after
RECORD_VERSION was raised.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fairgrid.experiments.verification import published
from tests.experiments import studies

FILE = Path(__file__).with_name("golden.json")
HOW = (
    "records are not what they were: if that is meant, raise RECORD_VERSION in experiments/config/identity.py"
    " and run `python -m tests.experiments.test_golden`"
)

COUNTED = ("status", "diverged_at_step", "message", "steps", "gradient_evaluations")
MEASURED = ("train_loss", "train_error", "validation_error", "test_loss", "test_error")


def records(folder: Path) -> dict[str, dict[str, str]]:
    """By run_id, what stands in runs.csv."""
    studies.run(folder / "results", str(published.STUDY))
    rows = studies.table(folder / "results", "runs").set_index("run_id")
    return {str(run_id): row for run_id, row in rows[[*COUNTED, *MEASURED]].to_dict("index").items()}


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    return records(tmp_path_factory.mktemp("golden"))


def test_run_ids_are_the_golden_ones(golden: dict[str, Any], made: dict[str, dict[str, str]]) -> None:
    assert sorted(made) == sorted(golden["records"]), HOW


def test_records_are_the_golden_ones(golden: dict[str, Any], made: dict[str, dict[str, str]]) -> None:
    from fairgrid.experiments.runtime.determinism import fingerprint

    expected = golden["records"]
    if fingerprint() == golden["fingerprint"]:
        assert made == expected, HOW
        return
    for run_id, record in made.items():  # another processor
        assert {key: record[key] for key in COUNTED} == {key: expected[run_id][key] for key in COUNTED}, HOW
        for key in MEASURED:
            assert bool(record[key]) == bool(expected[run_id][key]), HOW
            if record[key]:
                assert float(record[key]) == pytest.approx(float(expected[run_id][key]), rel=1e-4, abs=1e-4), HOW


def test_golden_records_include_every_outcome_of_training(golden: dict[str, Any]) -> None:
    found = list(golden["records"].values())
    assert {record["status"] for record in found} == {"ok", "diverged"}
    assert len({record["steps"] for record in found if record["status"] == "ok"}) > 1
    assert len(found) == 2 * (15 + 9 + 5 + 6 + 4 + 1)


if __name__ == "__main__":
    wanted = {"MKL_CBWR": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    if any(os.environ.get(key) != value for key, value in wanted.items()):  # they are read when torch loads
        os.execve(sys.executable, [sys.executable, "-m", "tests.experiments.test_golden"], os.environ | wanted)
    from fairgrid.experiments.runtime.determinism import fingerprint

    with tempfile.TemporaryDirectory() as temporary:
        content = {"fingerprint": fingerprint(), "records": records(Path(temporary))}
    with tempfile.TemporaryDirectory() as temporary:
        published.publish(Path(temporary))
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
