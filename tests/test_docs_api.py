"""docs/api.md: its code runs as a script, as written, and prints what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fairgrid.experiments.runtime.determinism import fingerprint
from fairgrid.experiments.verification.published import published

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.takes_seconds
def test_code_of_the_page_runs_and_prints_what_is_shown(tmp_path: Path) -> None:
    own, *rest = BLOCKS
    (tmp_path / "signs.py").write_text(own, encoding="utf-8")
    (tmp_path / "script.py").write_text("".join(rest), encoding="utf-8")
    plain = {name: text for name, text in os.environ.items() if name not in ("MKL_CBWR", "ATEN_CPU_CAPABILITY")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=tmp_path,
        env={**plain, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    expected = "".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))
    if fingerprint() == published().arithmetic:
        assert done.stdout == expected
    else:  # another processor, on which measured decimals may differ
        assert re.sub(r"\d+\.\d+", "#", done.stdout) == re.sub(r"\d+\.\d+", "#", expected)
    assert (tmp_path / "signs.png").stat().st_size > 10_000


def test_every_plot_is_on_the_page() -> None:
    from fairgrid import plot

    functions = {name for name, found in vars(plot).items() if getattr(found, "__module__", "") == plot.__name__}
    public = {name for name in functions if not name.startswith("_")}
    assert public == set(re.findall(r"`plot\.(\w+)`", PAGE))
