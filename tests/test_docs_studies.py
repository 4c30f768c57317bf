"""docs/studies.md lists every key and every name, with what they are in the code; its example runs."""

import json
import re
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.config.catalogue import options_of_name
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import default_keys
from fairgrid.experiments.study.loading import load

PAGE = (Path(__file__).parents[1] / "docs" / "studies.md").read_text(encoding="utf-8")


def rows(mark: str) -> list[list[str]]:
    block = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert block
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in block[1].splitlines()[2:]]


@pytest.mark.parametrize("key", default_keys())
def test_every_key_is_listed_with_its_default(key: str) -> None:
    default, meaning = default_keys()[key]
    assert [f"`{key}`", "none" if default is None else f"`{json.dumps(default)}`", meaning] in rows("keys")


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, kind in KINDS.items() if key != "output_activation" for name in kind.names]
)
def test_every_name_is_listed_with_its_options(key: str, name: str) -> None:
    listed = [row for row in rows("names") if row[:2] == [KINDS[key].noun, f"`{name}`"]]
    assert len(listed) == 1
    options = "".join(listed[0][2:])
    known = options_of_name(KINDS[key], name)
    assert re.findall(r"`(\w+)`", options) == list(known)
    for option in known.values():
        default = float(f"{option.default:.4g}") if isinstance(option.default, float) else option.default
        assert option.required or f"`{option.name}` = {json.dumps(default)}" in options


def test_nothing_is_listed_that_is_not_there() -> None:
    assert len(rows("keys")) == len(default_keys())
    assert len(rows("names")) == sum(len(kind.names) for key, kind in KINDS.items() if key != "output_activation")


BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
# what stands before a block in a study, by the block's first line
BEFORE = {
    'title = "Does momentum help at small batches?"': "",
    "[run]": 'title = "t"\n',
    "[tuning]": 'title = "t"\n[[grid]]\noptimizer = ["sgd", "adam"]\n',
    "[comparison]": 'title = "t"\n[[grid]]\noptimizer = ["sgd", "adam"]\nbatch_size = [10, 100]\n',
    "[[figure]]": 'title = "t"\n[[grid]]\nmodel.hidden = [[25, 25, 25, 25], [5]]\nengine = ["framework", "pytorch"]\n'
    'initializer = ["pytorch_uniform", { name = "xavier_normal", bias = "same" }]\n',
}


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0] for block in BLOCKS])
def test_every_example_is_a_study_or_a_part_of_one(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{number},{number % 5},{number / 3}\n" for number in range(50))
    (tmp_path / "mine.csv").write_text(f"id,size,price\n{rows}", encoding="utf-8")
    study = tmp_path / "mine.toml"
    study.write_text(BEFORE[block.splitlines()[0]] + block, encoding="utf-8")
    assert load(str(study)).cells


def test_the_first_example_runs(tmp_path: Path) -> None:
    study = tmp_path / "mine.toml"
    study.write_text(BLOCKS[0], encoding="utf-8")
    options = ["--seeds", "2", "--backend", "sequential", "--set", "epochs=1", "--results", str(tmp_path / "results")]
    assert main(["run", str(study), *options]) == 0
