"""docs/framework.md: its code runs, and its table has every part."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from fairgrid import framework
from fairgrid import torch_peers as twins
from fairgrid.framework.testing import check_activation
from tests.framework import checks
from tests.framework.tables import Example

PAGE = (Path(__file__).parents[1] / "docs" / "framework.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_code_of_the_page_runs(number: int) -> None:
    names: dict[str, object] = {}
    exec(compile(BLOCKS[number], f"docs/framework.md, block {number}", "exec"), names)


@pytest.mark.parametrize("replicas", [None, checks.R])
def test_the_activation_of_the_page_keeps_the_contract(monkeypatch: pytest.MonkeyPatch, replicas: int | None) -> None:
    names: dict[str, Any] = {}
    exec(next(block for block in BLOCKS if "class Softsign" in block), names)
    monkeypatch.setitem(twins.MODULES, names["Softsign"], lambda module: torch.nn.Softsign())
    check_activation(names["Softsign"])
    checks.check_twin(checks.trial(Example(names["Softsign"]), replicas))


@pytest.mark.parametrize("name", framework.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    where = (
        [line for line in PAGE.splitlines() if line.startswith("| `")]
        if inspect.isclass(vars(framework)[name])
        else [PAGE]
    )
    assert any(f"`{name}`" in line for line in where)
