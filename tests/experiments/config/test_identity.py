"""A run is named after what its record depends on, and after nothing else."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgrid.experiments.config import catalogue, identity
from fairgrid.experiments.config.identity import cell_id, run_id
from fairgrid.experiments.config.run import DEFAULTS, RunConfig
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.study.loading import load
from tests.experiments import studies
from tests.experiments.configs import configured

WRITTEN = {
    "problem": {"name": "disk", "train": 100, "radius": 0.3, "encoding": "signed"},
    "model": {"name": "mlp", "hidden": [8, 8]},
    "activation": ["relu", {"name": "leaky_relu", "alpha": 0.2}],
    "optimizer": {"name": "adam", "learning_rate": 0.003, "beta1": 0.8},
    "batch_size": 20,
    "epochs": 7,
    "initializer": "xavier_normal",
}


def name(raw: dict[str, Any], seed: int = 3) -> str:
    return run_id(configured(raw), seed, "portable")


def reordered(value: Any, choose: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key], choose) for key in choose(list(value))}
    return [reordered(item, choose) for item in value] if isinstance(value, list) else value


@given(st.data())
def test_order_of_keys_does_not_matter(data: st.DataObject) -> None:
    mixed = reordered(WRITTEN, lambda keys: data.draw(st.permutations(keys)))
    assert name(mixed) == name(WRITTEN)
    assert cell_id(configured(mixed), "native") == cell_id(configured(WRITTEN), "native")


def test_every_default_may_be_written_out() -> None:
    plain = DEFAULTS
    for key, value in plain.items():
        if value is not None:
            assert name({key: value}) == name({}), key
    assert name(plain | WRITTEN if None not in plain.values() else WRITTEN) == name(WRITTEN)
    assert configured(configured(WRITTEN).canonical) == configured(WRITTEN)


SAME = {
    "an option at its default": ({"optimizer": {"name": "adam", "beta1": 0.9}}, {"optimizer": "adam"}),
    "a preset's own value": ({"optimizer": {"name": "momentum", "momentum": 0.9}}, {"optimizer": "momentum"}),
    "a table of a name alone": ({"activation": {"name": "tanh"}}, {"activation": "tanh"}),
    "an integer for a number": (
        {"optimizer": {"name": "sgd", "learning_rate": 1}},
        {"optimizer": {"name": "sgd", "learning_rate": 1.0}},
    ),
    "a list of one activation": ({"activation": ["tanh"]}, {"activation": "tanh"}),
    "the other word for epochs": ({"gradient_evaluations_per_sample": 9}, {"epochs": 9}),
    "an option of the default part": ({"problem": {"name": "disk", "train": 1000}}, {}),
}

DIFFERENT = {
    "a preset's value changed": ({"optimizer": {"name": "momentum", "momentum": 0.8}}, {"optimizer": "momentum"}),
    "the last bit of a rate": (
        {"optimizer": {"name": "sgd", "learning_rate": 0.1}},
        {"optimizer": {"name": "sgd", "learning_rate": 0.1 + 2**-56}},
    ),
    "the problem's size": ({"problem": {"name": "disk", "train": 999}}, {}),
    "the engine": ({"engine": "pytorch"}, {}),
    "the dtype": ({"dtype": "float64"}, {}),
    "the order of activations": (
        {"model": {"name": "mlp", "hidden": [3, 3]}, "activation": ["relu", "tanh"]},
        {"model": {"name": "mlp", "hidden": [3, 3]}, "activation": ["tanh", "relu"]},
    ),
    "the number of checkpoints": ({"checkpoints": 19}, {}),
}


@pytest.mark.parametrize("case", SAME)
def test_two_ways_to_write_a_run_have_one_name(case: str) -> None:
    one, other = SAME[case]
    assert name(one) == name(other)


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_a_record_depends_on_changes_the_name(case: str) -> None:
    one, other = DIFFERENT[case]
    assert name(one) != name(other)
    assert cell_id(configured(one), "portable") != cell_id(configured(other), "portable")


def test_seed_numerics_and_record_version_change_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(WRITTEN)
    found = [run_id(config, 3, "portable"), run_id(config, 4, "portable"), run_id(config, 3, "native")]
    cells = [cell_id(config, "portable"), cell_id(config, "native")]
    monkeypatch.setattr(identity, "RECORD_VERSION", identity.RECORD_VERSION + 1)
    found.append(run_id(config, 3, "portable"))
    cells.append(cell_id(config, "portable"))
    assert len(set(found)) == 4
    assert len(set(cells)) == 3
    assert all(len(each) == 64 for each in found)


OWN = """
from fairgrid.framework import ReLU
class Mine(ReLU):
    pass
"""


@pytest.mark.parametrize("key", ["activation", "output_activation"])
def test_source_of_an_own_class_changes_the_name(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / f"mine_as_{key}.py"
    module.write_text(OWN)
    path = f"mine_as_{key}:Mine"
    written: Any = ["relu", path, "relu"] if key == "activation" else path
    names = [name({key: written}), name({"activation": "relu"})]
    module.write_text(OWN + "# changed\n")
    names.append(name({key: written}))
    module.write_text(OWN)
    assert name({key: written}) == names[0]
    assert len(set(names)) == 3


def named_by_hand(config: RunConfig, sources: dict[str, str], seed: int = 3, **more: Any) -> str:
    """A run_id from the rule in docs/verify.md, without the code that makes them."""
    numerics = {"device": "cpu", "mode": "portable"}
    identity = {"config": config.canonical, "numerics": numerics, "record_version": 1, "seed": seed}
    text = json.dumps({**identity, "sources": sources, **more}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_class_without_helpers_has_the_name_that_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    config = configured({"activation": "mine:Mine"})
    assert run_id(config, 3, "portable") == named_by_hand(config, {"mine:Mine": sha(tmp_path / "mine.py")})
    config = configured(WRITTEN)
    assert run_id(config, 3, "portable") == named_by_hand(config, {})


def test_helpers_and_declared_files_are_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine, helper, data = (tmp_path / name for name in ("mine.py", "helper.py", "data.txt"))
    mine.write_text(f"import helper\n{OWN}")
    helper.write_text("import further\n")
    (tmp_path / "further.py").write_text("import torch\n")
    data.write_text("1")
    raw = {"activation": "mine:Mine", "sources": ["*.txt"]}
    names = [name(raw)]
    helpers = {"helper": sha(helper), "further": sha(tmp_path / "further.py"), "data.txt": sha(data)}
    assert names[0] == named_by_hand(configured(raw), {"mine:Mine": sha(mine)}, helpers=helpers)
    for path in (helper, tmp_path / "further.py", data):
        path.write_text(path.read_text() + "\n# changed\n")
        names.append(name(raw))
    assert len(set(names)) == 4


@pytest.mark.parametrize("short", ["framework:Dropout", "fairgrid.framework:Dropout"])
def test_a_short_name_of_fairgrids_own_stands_for_the_full_one(short: str, tmp_path: Path) -> None:
    config = configured({"activation": {"name": short, "rate": 0.3}})
    assert config.canonical == {"activation": {"name": "fairgrid.framework:Dropout", "rate": 0.3}}
    assert run_id(config, 3, "portable") == named_by_hand(config, {})


def test_a_revision_is_in_the_name_where_it_is_not_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.py"
    for revision in (1, 2):
        mine.write_text(f"{OWN}    revision = {revision}\n")
        more = {"revisions": {"activation mine:Mine": 2}} if revision == 2 else {}
        assert name({"activation": "mine:Mine"}) == named_by_hand(
            configured({"activation": "mine:Mine"}), {"mine:Mine": sha(mine)}, **more
        )


def test_a_known_class_with_a_revision_has_new_names(monkeypatch: pytest.MonkeyPatch) -> None:
    before = name({"optimizer": "adam"})
    assert before == name({"optimizer": {"name": "adam", "beta1": 0.9}})
    monkeypatch.setitem(catalogue._table()["revisions"], "optimizer adam", 2)
    changed = {"revisions": {"optimizer adam": 2}}
    assert name({"optimizer": "adam"}) == named_by_hand(configured({"optimizer": "adam"}), {}, **changed) != before
    assert name({"optimizer": "sgd"}) == named_by_hand(configured({"optimizer": "sgd"}), {})


def test_files_that_are_not_there_are_refused() -> None:
    with pytest.raises(BadKeyError, match=r"^sources: expected patterns of files .*, found nothing\.txt$"):
        configured({"sources": ["nothing.txt"]})


def test_runs_of_a_study_have_distinct_names(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, studies.VARIED))
    found = sorted(run_id(cell.config, seed, "portable") for cell in study.cells for seed in cell.seeds)
    assert all(one != other for one, other in pairwise(found))
    assert len({cell_id(cell.config, "portable") for cell in study.cells}) == len(study.cells)
