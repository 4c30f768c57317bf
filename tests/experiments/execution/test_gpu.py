"""Runs on a GPU: what they are called, what is refused, and that they mix no tensors of both devices.

Where there is none it is pretended (tests/pretended.py); the last test takes a real one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fairgrid.experiments.analysis.derived import write as write_tables
from fairgrid.experiments.cli import main
from fairgrid.experiments.config.catalogue import options_of_name
from fairgrid.experiments.config.identity import cell_id, run_id
from fairgrid.experiments.config.registry import ACTIVATION, INITIALIZER, LOSS, MEASURE, OPTIMIZER, PROBLEM, SCHEDULE
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.execution.worker_entry import Terms
from fairgrid.experiments.planning.work_units import Chunk, Run, cut
from fairgrid.experiments.runtime import determinism as numerics
from fairgrid.experiments.runtime.environment import describe, named
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.store.record_diff import differences
from fairgrid.experiments.study.loading import load
from tests.experiments import studies
from tests.experiments.configs import configured
from tests.pretended import DEVICE, PretendedGPU

MLP = {
    "problem": {"name": "disk", "train": 30, "test": 20, "validation": 10},
    "model": {"name": "mlp", "hidden": [4, 3]},
    "optimizer": {"name": "momentum", "learning_rate": 0.1},
    "batch_size": 8,
    "epochs": 3,
    "checkpoints": 2,
}
PAIRS = {
    "problem": {"name": "digit_pairs", "train": 20, "test": 10, "validation": 10},
    "model": {"name": "siamese", "batch_norm": True},
    "loss": "pair_cross_entropy",
    "epochs": 2,
}


def decaying(name: str) -> dict[str, Any]:
    """An optimizer with weight decay, if it has that."""
    decay = {"weight_decay": 0.1} if "weight_decay" in options_of_name(OPTIMIZER, name) else {}
    return {"name": name, **decay}


# every named part, each in a run of its own
CASES: dict[str, dict[str, Any]] = {
    **{f"activation {name}": {**MLP, "activation": name} for name in ACTIVATION.names},
    **{f"optimizer {name}": {**MLP, "optimizer": decaying(name)} for name in OPTIMIZER.names},
    **{f"initializer {name}": {**MLP, "initializer": name} for name in INITIALIZER.names},
    **{f"loss {name}": {**MLP, "loss": name} for name in LOSS.names if name != PAIRS["loss"]},
    **{f"schedule {name}": {**MLP, "schedule": name} for name in SCHEDULE.names},
    **{f"measure {name}": {**MLP, "measures": [name]} for name in MEASURE.names},
    **{
        f"problem {name}": {**MLP, "problem": name, "epochs": 1, "batch_size": 50}
        for name in PROBLEM.names
        if name not in ("table", "digit_pairs")  # a file of the user's; PAIRS
    },
    "siamese": PAIRS,
    "siamese without sharing": {**PAIRS, "model": {"name": "siamese", "sharing": False}},
    "stopping": {**MLP, "stopping": {"patience": 1, "restore_best": True}, "epochs": 6},
    "no shuffle": {**MLP, "shuffle": False},
    "float64": {**MLP, "dtype": "float64"},
    "divergence": {**MLP, "optimizer": {"name": "sgd", "learning_rate": 1e30}, "epochs": 4},
}


@pytest.mark.takes_seconds
@pytest.mark.parametrize("engine", ["framework", "pytorch"])
@pytest.mark.parametrize("case", CASES)
def test_a_run_mixes_no_tensors_and_draws_what_it_draws_on_a_processor(case: str, engine: str) -> None:
    config = configured({**CASES[case], "engine": engine})
    seeds, keep = [0, 1, 2], [True, False, False]
    expected = train([config] * 3, seeds, keep)
    with PretendedGPU():
        found = train([config] * 3, seeds, keep, DEVICE)
    assert [differences(*pair) for pair in zip(found, expected, strict=True)] == [[]] * 3
    assert all(tensor.device.type == "cpu" for record in found for tensor in record.kept.values())


def test_a_grid_on_a_gpu_has_its_tables_under_names_of_their_own(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.TUNED)
    with PretendedGPU():
        pool = Pool(device=DEVICE)
        Driver(tmp_path / "there", pool, say=lambda _: None).run([load(study)])
    studies.run(tmp_path / "here", study)
    with Store(tmp_path / "there") as store:
        write_tables(store, tmp_path / "there")
    there, here = (studies.table(tmp_path / name, "runs") for name in ("there", "here"))
    named_after = ["run_id", "cell"]
    assert not set(there["run_id"]) & set(here["run_id"])
    order = ["phase", "factors", "seed", "learning_rate"]
    there, here = (runs.drop(columns=named_after).sort_values(order, ignore_index=True) for runs in (there, here))
    assert there.equals(here)


def test_device_is_part_of_a_name_and_the_processor_s_names_are_what_they_were() -> None:
    config: RunConfig = configured(MLP)
    names = {run_id(config, 3, *kind) for kind in numerics.KINDS}
    assert len(names) == len({cell_id(config, *kind) for kind in numerics.KINDS}) == 4
    assert run_id(config, 3, "portable", "cpu") == run_id(config, 3, "portable")  # test_golden.py has them


def refused(capsys: pytest.CaptureFixture[str], results: Path, *options: str) -> str:
    assert main(["run", *options, "--results", str(results), "--device", "cuda"]) == 2
    assert not results.exists()
    return capsys.readouterr().err


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a command ask for numerics: torch is loaded here."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")


@pytest.mark.usefixtures("asked")
def test_where_there_is_no_gpu_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    study = studies.write(tmp_path, studies.TINY)
    for version, lacking in ((None, "without CUDA"), ("13.0", "and no GPU")):
        monkeypatch.setattr(torch.version, "cuda", version)
        assert refused(capsys, tmp_path / "results", study) == (
            f"fairgrid: --device cuda: expected a GPU that torch can use, found: torch {torch.__version__} {lacking}\n"
        )


@pytest.mark.usefixtures("asked")
def test_what_trains_on_processors_alone_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    study = studies.write(tmp_path, studies.TINY)
    assert refused(capsys, tmp_path / "results", study, "--set", "engine=compiled") == (
        f'fairgrid: {study}: engine: expected "framework" or "pytorch" for --device cuda, found "compiled", which is'
        " for processors; --set engine=framework changes it\n"
    )
    varied = studies.write(tmp_path, studies.TINY + 'engine = ["framework", "compiled"]\n', "varied.toml")
    assert refused(capsys, tmp_path / "results", varied) == (
        f'fairgrid: {varied}: engine: expected "framework" or "pytorch" for --device cuda, found "compiled", which is'
        " for processors\n"
    )
    assert refused(capsys, tmp_path / "results", study, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:1") == (
        "fairgrid: --device cuda: expected a backend of this machine (loky, sequential), found --backend dask\n"
    )
    with pytest.raises(ValueError, match=r"^the engine compiled trains on the cpu alone, found cuda$"):
        train([configured({**MLP, "engine": "compiled"})], [0], device="cuda")


@pytest.fixture
def restored() -> Iterator[None]:
    """Leaves torch's switches as they were."""
    precision = torch.backends.fp32_precision
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.fp32_precision = precision


@pytest.mark.usefixtures("asked", "restored")
def test_kernels_are_deterministic_and_products_of_float32() -> None:
    numerics.request("portable")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ""
    numerics.settle()
    assert not torch.are_deterministic_algorithms_enabled()
    numerics.request("portable", "cuda")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    numerics.settle("cuda")
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.conv.fp32_precision == "ieee"


def runs(count: int, **config: Any) -> list[Run]:
    made = configured({**MLP, **config})
    return [Run(f"{made} {seed}", str(made), made, seed) for seed in range(count)]


def largest(chunks: list[Chunk]) -> int:
    return max(len(chunk.runs) for chunk in chunks)


def test_stacks_are_as_large_as_a_gpu_s_memory_allows() -> None:
    planned = runs(8192)
    here, small, large = (largest(cut(planned, memory=memory)) for memory in (None, 1 << 28, 80 << 30))
    assert here <= 128 < small < large == 4096
    wide = runs(9000, model={"name": "mlp", "hidden": [500, 500]})
    assert 4 <= largest(cut(wide, memory=1 << 30)) < 100
    assert largest(cut(planned, 7, memory=80 << 30)) == 7


def test_workers_share_a_gpu_s_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=1000))
    assert Pool("loky", 4, device="cuda").memory == 250
    assert Pool(device="cuda").memory == 1000
    assert Pool("loky", 4).memory is None


def test_environment_names_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairgrid.experiments.runtime.environment.fingerprint", lambda device: f"of_{device}")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    versions = named(describe("commit of a GPU", False, "cuda").versions)
    assert (versions["cuda"], versions["gpu"]) == ("13.0", "NVIDIA_H100_80GB_HBM3")
    assert versions["arithmetic"] == "of_cuda"
    assert "gpu" not in named(describe("commit of a processor", False).versions)


BROKEN = """
import os
import subprocess
import torch
from fairgrid.framework import SGD

class Broken(SGD):
    def update(self, value, grad, **named):
        with open("pids", "a") as file:
            print(os.getpid(), file=file)
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")
"""


@pytest.mark.takes_seconds
def test_a_gpu_that_refuses_its_process_costs_no_other_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_gpu.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    text = studies.TINY.replace("seeds = 5", "seeds = 1").replace(', "tanh"', "")
    text = text.replace('name = "adam", learning_rate = 0.01', 'name = "broken_gpu:Broken"')
    study = load(studies.write(tmp_path, text))
    with Pool("loky") as pool:
        Driver(tmp_path / "results", pool, say=lambda _: None).run([study])
    with Store(tmp_path / "results") as store:
        found = store.runs([study.name])
    failed = found["status"] == "error"
    assert failed.sum() == 1
    assert set(found.loc[failed, "message"]) == {"AcceleratorError: CUDA error: device-side assert triggered"}
    assert set(found.loc[~failed, "status"]) == {"ok"}
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == len(set(pids))  # none trained on after that


class Elsewhere(Pool):
    """Takes its runs for those of a GPU, which it has not."""

    @property
    def memory(self) -> None:
        return None

    def terms(self) -> Terms:
        return replace(super().terms(), device="cpu")


@pytest.mark.usefixtures("asked")
def test_records_of_a_gpu_are_verified_statistically(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    study = studies.write(tmp_path, studies.TINY)
    results = tmp_path / "results"
    Driver(results, Elsewhere(device="cuda"), say=lambda _: None).run([load(study)])
    with Store(results) as store:
        write_tables(store, results)
    verify = ["verify", study, "--results", str(results), "--jobs", "1", "--sample", "all"]
    capsys.readouterr()
    assert main(verify) == 2
    assert capsys.readouterr().err == (
        f"fairgrid: {results}: expected records of numerics 'portable' and device 'cpu', found none; 20 of others\n"
    )
    assert main([*verify, "--device", "cuda"]) == 0
    said = capsys.readouterr().out
    assert (
        "  20 are the same bit for bit\n"
        "  20 were trained on a GPU, where bits may depend on what trains beside a run; trained again on a processor,"
        " as torch finds no GPU, they are compared statistically, and a single altered one would not be seen:\n"
        "    test error: +0 on average over 20 pairs, p = 1: as rounding may do\n"
        "    train loss: +0 on average over 20 pairs, p = 1: as rounding may do\n"
        "published study: not trained, as its hash is of portable numerics on a processor\n"
    ) in said
    assert "verified" in said.splitlines()
    studies.forge(results, "UPDATE runs SET train_loss = train_loss + 0.01")
    assert main([*verify, "--device", "cuda"]) == 6
    assert "moved to one side" in capsys.readouterr().out


@pytest.mark.takes_seconds
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
def test_a_real_gpu_gives_what_a_processor_gives_but_for_rounding(tmp_path: Path) -> None:
    study = studies.write(tmp_path, studies.TINY.replace("[run]", '[run]\ndtype = "float64"'))
    command = ["run", study, "--device", "cuda", "--results"]

    for name in ("first", "second"):
        subprocess.run([sys.executable, "-m", "fairgrid", *command, str(tmp_path / name)], check=True)
    studies.run(tmp_path / "here", study)
    first, second, here = (studies.table(tmp_path / name, "runs") for name in ("first", "second", "here"))
    assert first.equals(second)
    assert set(first["status"]) == {"ok"}
    order = ["factors", "seed"]
    for column in ("train_loss", "test_loss"):
        one, other = (runs.sort_values(order)[column].astype(float).to_numpy() for runs in (first, here))
        assert one == pytest.approx(other, rel=1e-6)
