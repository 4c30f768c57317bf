"""docs/framework.md: its code runs, and its table has every part."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import framework

PAGE = (Path(__file__).parents[1] / "docs" / "framework.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_code_of_the_page_runs(number: int) -> None:
    names: dict[str, object] = {}
    exec(compile(BLOCKS[number], f"docs/framework.md, block {number}", "exec"), names)
    if "Softsign" in names:
        made, peer = names["Softsign"](), torch.nn.Softsign()
        x = torch.linspace(-3, 3, 13, dtype=torch.float64, requires_grad=True)
        peer(x).sum().backward()
        assert torch.allclose(made.forward(x.detach()), peer(x))
        assert torch.allclose(made.backward(torch.ones_like(x)), x.grad)


@pytest.mark.parametrize("name", framework.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    where = (
        [line for line in PAGE.splitlines() if line.startswith("| `")]
        if inspect.isclass(vars(framework)[name])
        else [PAGE]
    )
    assert any(f"`{name}`" in line for line in where)
