"""Studies from Python: what a notebook gets is what the command line makes."""

import enum
import functools
import io
import math
import os
import subprocess
import sys
import tomllib
import types
from collections import UserDict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import fairgrid
from fairgrid import FairgridError, InputError, Results, Study, load, read, run
from fairgrid.experiments.cli import main
from fairgrid.experiments.errors import one_line
from fairgrid.experiments.store.database import FILE
from tests.experiments.studies import TINY, TUNED, write

ROOT = Path(__file__).parents[2]
TABLE = {
    "title": "Tiny",
    "seeds": 5,
    "run": {
        "problem": {"name": "disk", "train": 40, "test": 30, "validation": 20},
        "model": {"name": "mlp", "hidden": (4,)},
        "epochs": np.int64(3),
        "checkpoints": 2,
        "batch_size": 10,
    },
    "grid": {
        "optimizer": [{"name": "sgd", "learning_rate": np.float64(0.1)}, {"name": "adam", "learning_rate": 0.01}],
        "activation": ("relu", "tanh"),
    },
}


def quietly(study: Any, results: Path, **options: Any) -> Results:
    return run(study, results, backend="sequential", **options)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return quietly(Study.from_toml(TINY, "tiny"), tmp_path_factory.mktemp("tiny"))


def tables(results: Path) -> dict[str, bytes]:
    """All CSVs that do not say where and how fast a run trained."""
    return {
        path.name: path.read_bytes()
        for path in results.glob("*.csv")
        if path.name not in ("environments.csv", "timings.csv")
    }


def test_records_and_tables_are_those_of_the_command_line(tiny: Results, tmp_path: Path) -> None:
    study = write(tmp_path, TINY, "tiny.toml")
    assert main(["run", study, "--results", str(tmp_path / "results"), "--backend", "sequential", "--quiet"]) == 0
    assert tables(tmp_path / "results") == tables(tiny.directory)
    assert len(tables(tiny.directory)) >= 6


# torch is loaded first, with the kernels that the machine has; there is no guard
SCRIPT = """
import torch
from fairgrid import InputError, load, run

study = load("mine.toml")
run(study, "api", jobs=1)
try:
    run(study, "api", backend="sequential")
except InputError as error:
    print(error)
"""
OWN = """
from fairgrid.framework import Optimizer


class Signs(Optimizer):
    def __init__(self, parameters, learning_rate=0.01):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad.sign(), value=-1)
"""


@pytest.mark.takes_seconds
def test_workers_of_a_script_compute_as_asked_whatever_the_script_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = write(tmp_path, TINY.replace('{ name = "sgd", learning_rate = 0.1 }', '"signs:Signs"'), "mine.toml")
    write(tmp_path, OWN, "signs.py")
    write(tmp_path, SCRIPT, "script.py")
    inherited = {name: text for name, text in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        env={**inherited, "PYTHONPATH": str(ROOT), "MKL_CBWR": "AUTO"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "backend \"sequential\": numerics 'portable' need MKL_CBWR=AVX2, ATEN_CPU_CAPABILITY=avx2 in the environment"
        ' before torch is loaded, which they were not; backend "loky" trains in processes of its own\n'
    )
    assert main(["run", study, "--results", "cli", "--backend", "sequential", "--quiet"]) == 0
    assert tables(tmp_path / "api") == tables(tmp_path / "cli")


def test_study_of_a_dictionary_is_that_of_a_file(tmp_path: Path) -> None:
    of_file = load(Path(write(tmp_path, TINY, "tiny.toml")))
    for study in (Study.from_dict(TABLE, "tiny"), Study.from_toml(TINY, "tiny")):
        assert study.cells == of_file.cells
        assert (study.name, study.title) == (of_file.name, of_file.title)
    assert repr(of_file) == "<Study tiny: 'Tiny', 4 cells, 20 evaluation runs>"


@pytest.mark.parametrize(
    "loaded",
    [
        lambda folder, **given: load(write(folder, TINY, "tiny.toml"), **given),
        lambda folder, **given: Study.from_dict(TABLE, "tiny", **given),
        lambda folder, **given: Study.from_toml(TINY, "tiny", **given),
    ],
)
def test_overrides_take_the_place_of_what_a_study_says(loaded: Callable[..., Study], tmp_path: Path) -> None:
    study = loaded(tmp_path, seeds=2, overrides={"epochs": 1, "problem.train": np.int64(20)})
    assert {cell.seeds for cell in study.cells} == {(0, 1)}
    assert {cell.config.epochs for cell in study.cells} == {1}
    assert {cell.config.problem.option("train") for cell in study.cells} == {20}


class Here:
    """Not importable by workers, if this were a script."""


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("mute")


class Lined:
    def __repr__(self) -> str:
        return "of\ntwo lines" + "x" * 10_000


class Large(enum.IntEnum):
    GOOGOL = 10**100


def endless(depth: int) -> list[Any]:
    """A list in a list in a list …"""
    outer: list[Any] = []
    for _ in range(depth):
        outer = [outer]
    return outer


LOOP: list[Any] = []
LOOP.append(LOOP)
RING: dict[str, Any] = {}
RING["ring"] = {"of": [RING]}
ODD: list[Any] = [
    None,
    b"relu",
    bytearray(b"relu"),
    {"relu"},
    frozenset({10**5000}),
    (each for each in "ab"),
    map(str, [1]),
    iter([1]),
    1j,
    Decimal("0.1"),
    Decimal("NaN"),
    Fraction(1, 3),
    datetime(2024, 1, 1),
    date(2024, 1, 1),
    timedelta(1),
    10**5000,
    -(2**63) - 1,
    2**63,
    Large.GOOGOL,
    LOOP,
    RING,
    endless(5000),
    endless(40),
    [10**5000],
    "\ud800",
    {"\ud800": 1},
    {3: 4},
    {None: 4},
    {(1, 2): 4},
    {b"a": 4},
    {"a": {1.5: 2}},
    object(),
    Ellipsis,
    NotImplemented,
    len,
    math,
    Mute(),
    Lined(),
    [Mute()],
    {Mute(): 1},
    types.MappingProxyType({1: 2}),
    np.array([object(), {1}], dtype=object),
    np.array([None]),
    np.array(None),
    np.datetime64("2024-01-01T00:00:00", "ns"),
    np.array(["2024-01-01"], "datetime64[ns]"),
    np.timedelta64(1, "ns"),
    np.complex64(1j),
    np.void(b"a"),
    np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    np.bytes_(b"a"),
    np.uint64(2**64 - 1),
    np.zeros((1,) * 40),
    np.ma.masked,
    np.ma.array([1, 2], mask=[True, False]),
    torch.zeros(2),
    torch.ones(3, 3),
    pd.Series([1, 2]),
    pd.NA,
    pd.NaT,
    pd.Timestamp("2024-01-01"),
    pd.DataFrame({"a": [1]}),
    UserDict({"a": UserDict({"b": Mute()})}),
    io.StringIO("a"),
    Path,
    Mute,
    int,
    float("nan"),
    float("-inf"),
]
PLACES: list[Callable[[Any], dict[str, Any]]] = [
    lambda value: value,
    lambda value: {"title": value},
    lambda value: {"title": "t", "seeds": value},
    lambda value: {"title": "t", "seeds": [value]},
    lambda value: {"title": "t", "run": value},
    lambda value: {"title": "t", "run": {"epochs": value}},
    lambda value: {"title": "t", "run": {"optimizer": value}},
    lambda value: {"title": "t", "run": {"model": {"name": "mlp", "hidden": [3, value]}}},
    lambda value: {"title": "t", "run": {"sources": value}},
    lambda value: {"title": "t", "run": {"keep_seeds": value}},
    lambda value: {"title": "t", "grid": {"activation": ["relu", value]}},
    lambda value: {"title": "t", "grid": [value]},
    lambda value: {"title": "t", "reported": [{"where": value}]},
    lambda value: {"title": "t", "tuning": {"learning_rate": {"sgd": value}}},
]


def said_of(call: Callable[[], object]) -> str:
    """What a call is refused with; "" where it is not."""
    try:
        call()
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("number", range(len(ODD)))
def test_an_odd_object_is_taken_or_refused_with_one_line(number: int) -> None:
    value = ODD[number]
    calls: list[Callable[[], object]] = [
        *(functools.partial(Study.from_dict, place(value), "s") for place in PLACES),
        functools.partial(Study.from_dict, {"title": "t"}, "s", overrides={"model.hidden": [value]}),
        functools.partial(Study.from_dict, {"title": "t"}, "s", overrides=value),
        functools.partial(Study.from_dict, {"title": "t"}, "s", seeds=value),
        functools.partial(Study.from_dict, {"title": "t"}, value),
        functools.partial(Study.from_toml, value, "s"),
        functools.partial(load, value),
    ]
    for call in calls:
        said = said_of(call)
        assert one_line(said) == said
        assert len(said.encode()) <= 4000


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.datetime64(1, "ns"), "np.datetime64('1970-01-01T00:00:00.000000001')"),
        (Decimal("0.1"), "Decimal('0.1')"),
        (b"relu", "b'relu'"),
        ({10**5000}, "an object of type set"),
        (Mute(), "an object of type Mute"),
        (np.array([None]), "None"),
    ],
)
def test_an_object_that_is_no_value_of_a_study_is_quoted(value: Any, found: str) -> None:
    place = "s: run.epochs[0]" if isinstance(value, np.ndarray) else "s: run.epochs"
    line = f"{place}: expected a string, number, boolean, list, table or class, found {found}"
    refused(line, lambda: Study.from_dict({"title": "t", "run": {"epochs": value}}, "s"))


def test_what_contains_itself_is_nested_too_deep() -> None:
    line = f"s: run.epochs{'[0]' * 31}: expected tables and lists nested at most 32 deep, found more"
    for value in (LOOP, endless(5000)):
        refused(line, lambda value=value: Study.from_dict({"title": "t", "run": {"epochs": value}}, "s"))


def refused(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message


def test_class_of_the_script_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Here, "__module__", "__main__")
    message = (
        "own: run.optimizer: expected a class in a file that worker processes can import, found '__main__:Here', of the"
        " script or notebook itself; put it into a file of its own"
    )
    for optimizer in (Here, "__main__:Here"):
        refused(message, lambda given=optimizer: Study.from_dict({"title": "t", "run": {"optimizer": given}}, "own"))


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("s: expected a dictionary, found 'title'", lambda: Study.from_dict("title", "s")),
        (
            "s: run.epochs: expected a string, number, boolean, list, table or class, found None",
            lambda: Study.from_dict({"title": "t", "run": {"epochs": None}}, "s"),
        ),
        (
            "s: run: expected keys that are strings, found 3",
            lambda: Study.from_dict({"title": "t", "run": {3: 4}}, "s"),
        ),
        ("s: title: expected a value, found none", lambda: Study.from_dict({}, "s")),
        ("name: expected letters, digits, _ and -, found 'a/b'", lambda: Study.from_dict({"title": "t"}, "a/b")),
        (
            "s: expected TOML, found: Expected '=' after a key in a key/value pair (at end of document)",
            lambda: Study.from_toml("title", "s"),
        ),
        (
            "s: overrides.epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
            lambda: Study.from_dict({"title": "t"}, "s", overrides={"epoch": 1}),
        ),
        (
            "s: seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found 0",
            lambda: Study.from_dict({"title": "t"}, "s", seeds=0),
        ),
        (
            "expected a shipped study or a path ending in .toml, found 'optimisers'; nearest: 'optimizers'",
            lambda: load("optimisers"),
        ),
        ("expected at least one study, found none", lambda: run([])),
        ("expected at least one study, found None", lambda: run(None)),
        ("expected a Study, a name or a path, found 3", lambda: run([3])),
        ("overrides: expected a dictionary with keys of [run], found [1]", lambda: load("report_003", overrides=[1])),
        (
            "overrides: expected a dictionary with keys of [run], found {1: 2}",
            lambda: load("report_003", overrides={1: 2}),
        ),
        ("seeds: expected an integer ≥ 1, found [1, 2]", lambda: load("report_003", seeds=[1, 2])),
        ("timeout: expected a number of seconds > 0, found inf", lambda: run("report_003", timeout=math.inf)),
        ("timeout: expected a number of seconds > 0, found True", lambda: run("report_003", timeout=True)),
        ("jobs: expected an integer ≥ 1, found True", lambda: run("report_003", jobs=True)),
        (
            "backend: expected one of joblib's, found 'threads'; nearest: 'threading'",
            lambda: run("report_003", backend="threads"),
        ),
        (
            "backend: expected one that gives results as they come, found 'multiprocessing'",
            lambda: run("report_003", backend="multiprocessing"),
        ),
        (
            "timeout: expected a backend whose workers can be ended (loky, dask), found backend threading",
            lambda: run("report_003", backend="threading", timeout=1),
        ),
        (
            "numerics: expected one of portable, native, found 'fast'",
            lambda: run("report_003", numerics="fast"),
        ),
        ("results: expected the path of a directory, found None", lambda: read(None)),  # type: ignore[arg-type]
        (
            "backend: expected one of joblib's, found 7; known: dask, loky, multiprocessing, sequential, threading",
            lambda: run("report_003", backend=7),  # type: ignore[arg-type]
        ),
        ("jobs: expected an integer ≥ 1, found 0", lambda: run("report_003", jobs=0)),
        ("timeout: expected a number of seconds > 0, found -1", lambda: run("report_003", timeout=-1)),
        (
            "expected backend dask and scheduler ADDRESS together, found one of them",
            lambda: run("report_003", scheduler="tcp://127.0.0.1:1"),
        ),
        (
            "expected studies with different names, found 'report_003' twice",
            lambda: run(["report_003", load("report_003")]),
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    message: str, call: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(message, call)
    assert list(tmp_path.iterdir()) == []


def test_frames_are_those_of_the_csvs(tiny: Results) -> None:
    for name in ("runs", "metrics", "summary", "curves", "comparisons", "effects", "stability"):
        frame = getattr(tiny if name != "runs" else tiny.evidence, name)
        path = tiny.directory / f"{name}.csv"
        assert frame.to_csv(index=False) == (path.read_text(encoding="utf-8") if path.exists() else "")
    assert len(tiny.runs) == 20
    pd.testing.assert_frame_equal(tiny.runs[list(tiny.evidence.runs)], tiny.evidence.runs)
    assert repr(tiny) == f"<Results of tiny in {tiny.directory}: 20 runs (20 ok)>"


def test_findings_are_those_of_the_csvs(tmp_path: Path) -> None:
    found = quietly(Study.from_toml(TUNED, "tuned"), tmp_path)
    for name in ("tuning", "budgets"):
        path = tmp_path / f"{name}.csv"
        pd.testing.assert_frame_equal(
            getattr(found, name)[["n_ok" if name == "tuning" else "n", "test_error"]],
            pd.read_csv(path)[["n_ok" if name == "tuning" else "n", "test_error"]],
            check_dtype=False,
        )
    for name in ("targets", "across", "scores", "reproduction"):
        assert len(getattr(found, name)) == 0


def test_sentences_and_tables_are_those_of_the_terminal(
    tiny: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write(tmp_path, TINY, "tiny.toml")
    assert main(["summarize", study, "--results", str(tiny.directory)]) == 0
    shown = capsys.readouterr().out
    assert tiny.tables() in shown
    said = " ".join(shown.split())
    assert tiny.sentences()
    assert all(" ".join(sentence.split()) in said for sentence in tiny.sentences())
    some = tiny.sentences("comparisons")
    assert [sentence.partition(":")[0] for sentence in some[:2]] == [
        "optimizer (activation=relu)",
        "optimizer (activation=tanh)",
    ]
    refused(
        "section: expected a table, found 'comparison'; nearest: 'comparisons'", lambda: tiny.sentences("comparison")
    )


def test_nothing_is_printed_and_a_second_call_trains_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = Study.from_dict(TABLE, "tiny", seeds=2)
    first = quietly(study, tmp_path / "results")
    store = (tmp_path / "results" / FILE).read_bytes()
    second = quietly(study, tmp_path / "results")
    assert (tmp_path / "results" / FILE).read_bytes() == store
    pd.testing.assert_frame_equal(first.runs, second.runs)
    assert capfd.readouterr() == ("", "")
    quietly(Study.from_dict(TABLE, "tiny", seeds=3), tmp_path / "results", progress=True)
    assert "evaluation |" in capfd.readouterr().err


def test_what_fails_is_a_row_and_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path, OWN.replace("value.addcmul_", 'raise RuntimeError("out of ideas")\n        value.add_'), "idle.py")
    study = Study.from_dict({**TABLE, "seeds": 1, "grid": {"optimizer": ["sgd", "idle:Signs"]}}, "idle")
    message = (
        "1 of 2 runs ended in error or timeout, the first with RuntimeError: out of ideas; retry_failed=True runs them"
        " again"
    )
    with pytest.warns(UserWarning, match=f"^{message}$") as caught:
        found = quietly(study, tmp_path / "results")
    assert caught[0].filename == __file__
    assert sorted(found.runs["status"]) == ["error", "ok"]


def test_file_that_has_changed_is_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    grid = {"optimizer": {"name": "early:Signs", "learning_rate": 0.1}}
    write(tmp_path, OWN, "early.py")
    first = quietly(Study.from_dict({**TABLE, "seeds": 1, "grid": grid}, "early"), tmp_path / "results")
    write(
        tmp_path, OWN.replace("learning_rate=0.01", "learning_rate=0.01, scale=1.0").replace("-1)", "-0.5)"), "early.py"
    )
    grid = {"optimizer": {**grid["optimizer"], "scale": 2.0}}
    second = quietly(Study.from_dict({**TABLE, "seeds": 1, "grid": grid}, "early"), tmp_path / "results")
    assert first.runs["run_id"].tolist() != second.runs["run_id"].tolist()
    assert first.runs["train_loss"].tolist() != second.runs["train_loss"].tolist()


def test_read_trains_nothing_and_finds_what_run_gave(tiny: Results, tmp_path: Path) -> None:
    study = tiny.study
    for name, content in tables(tiny.directory).items():
        (tmp_path / name).write_bytes(content)
    for directory in (tiny.directory, tmp_path):
        found = read(directory, study)
        pd.testing.assert_frame_equal(found.runs, tiny.runs)
        pd.testing.assert_frame_equal(found.comparisons, tiny.comparisons)
    assert not (tmp_path / FILE).exists()
    refused(
        f"{tmp_path}: expected the studies that are not shipped to be given, found results of 'tiny'; read(results,"
        " study) takes them",
        lambda: read(tmp_path),
    )
    refused(f"{tmp_path}: expected results of 'optimizers', found tiny", lambda: read(tmp_path, "optimizers"))


@pytest.mark.takes_seconds
def test_what_numpy_and_pathlib_make_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n" + "1,0\n2,1\n" * 20)
    table = {"title": "t", "run": {"problem": {"name": "table", "path": Path("data.csv"), "target": "y"}, "epochs": 1}}
    study = Study.from_dict(table, "own", seeds=np.int64(2))
    found = run(study, "results", jobs=np.int64(1), timeout=np.float64(90))
    assert found.runs["status"].tolist() == ["ok", "ok"]


def test_a_study_of_a_notebook_that_changes_has_tables_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("another file of this name")
    table = tomllib.loads(TINY)
    for metric in ("test_error", "train_error"):
        study = Study.from_dict({**table, "comparison": {"metric": metric}}, "mine")
        assert set(run(study, "results", backend="sequential").comparisons["metric"]) == {metric}


def test_results_of_several_studies_are_told_apart(tmp_path: Path) -> None:
    one, two = (Study.from_dict(TABLE, name, seeds=seeds) for name, seeds in (("one", 1), ("two", 2)))
    found = quietly([one, two], tmp_path)
    assert repr(found) == f"<Results of one, two in {tmp_path}: 12 runs (12 ok)>"
    assert set(found.of("two").comparisons["study"]) == {"two"}
    assert found.sentences() == [*found.of("one").sentences(), *found.of("two").sentences()]
    refused("expected results of one study, found one, two; results.of(NAME) are those of one", lambda: found.study)
    refused("expected the name of a study, found 'tow'; nearest: 'two'", lambda: found.of("tow"))


def test_names_are_there_and_torch_is_not_loaded_before_they_are_used() -> None:
    code = (
        "import sys, fairgrid; assert 'torch' not in sys.modules and 'pandas' not in sys.modules;"
        " assert set(fairgrid.__all__) <= set(dir(fairgrid)); fairgrid.FairgridError;"
        " assert 'torch' not in sys.modules; import os; print(os.environ['MKL_CBWR'])"
    )
    environment = {name: text for name, text in os.environ.items() if name not in ("MKL_CBWR", "ATEN_CPU_CAPABILITY")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "AVX2\n"
    for name in fairgrid.__all__:
        assert getattr(fairgrid, name) is not None
    with pytest.raises(AttributeError, match=r"^module 'fairgrid' has no attribute 'fit'$"):
        fairgrid.fit  # noqa: B018 what it raises is looked at
    assert issubclass(InputError, FairgridError)
