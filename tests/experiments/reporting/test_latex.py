"""Tables for papers: escaped, with booktabs, and compiled where there is a LaTeX."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from fairgrid.experiments.reporting.escaping import latex_text
from fairgrid.experiments.reporting.latex import latex

DOCUMENT = r"""\documentclass{{article}}
\usepackage[T1]{{fontenc}}
\usepackage{{array,booktabs,longtable}}
\begin{{document}}
{tables}
\end{{document}}
"""
HOSTILE = r"50 % of a_b & c # $1 {x} ~ ^ \input{y} <z> ± × ≥ √(2π) 10⁻⁶ “q” é"
NARROW = pd.DataFrame({"name_1": ["a & b", "50 %"], "test error %": ["1.00 ± 0.50", "-"]})
WIDE = pd.DataFrame(
    {
        "quote": ["a report's number or claim, as it stands there, word for word", HOSTILE],
        "optimizer": ["AdamWithoutRoot(learning_rate=0.0003)", "sgd(learning_rate=tuned)"],
        "ours": ["0.0368 ± 0.0409", "0.6 [0.517, 0.679]"],
        "verdict": ["consistent", "contradicted (2 of 2 readings)"],
    }
)
LONG = pd.concat([WIDE] * 30, ignore_index=True)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50 %", r"50 \%"),
        ("a_b & #1 $", r"a\_b \& \#1 \$"),
        ("{x}", r"\{x\}"),
        ("1 ± 2", r"1 \ensuremath{\pm} 2"),
        ("\\input{y}", r"{\textbackslash}input\{y\}"),
        ("日本", "日本"),
        ("25-25", "25-25"),
    ],
)
def test_text_is_escaped(text: str, written: str) -> None:
    assert latex_text(text) == written


def test_a_table_has_rules_a_caption_and_a_label() -> None:
    assert latex(NARROW, "50 % & more", "mine-cells").splitlines() == [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\caption{50 \% \& more}",
        r"\label{tab:mine-cells}",
        r"\begin{tabular}{ll}",
        r"\toprule",
        r"name\_1 & test error \% \\",
        r"\midrule",
        r"a \& b & 1.00 \ensuremath{\pm} 0.50 \\",
        r"50 \% & - \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_long_entries_are_broken_into_lines_and_long_tables_into_pages() -> None:
    widths = [float(width) for width in re.findall(r"p\{([\d.]+)\\linewidth\}", latex(WIDE, "c", "l"))]
    assert 0.5 < sum(widths) < 1
    assert max(widths) == widths[0]
    assert r"\begin{table}" in latex(WIDE, "c", "l")
    assert latex(LONG, "c", "l").count(r"\begin{longtable}") == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
@pytest.mark.takes_seconds
def test_tables_compile_and_fit_the_page(tmp_path: Path) -> None:
    tables = [latex(table, HOSTILE, f"t{number}") for number, table in enumerate((NARROW, WIDE, LONG))]
    (tmp_path / "paper.tex").write_text(DOCUMENT.format(tables="\n\n".join(tables)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 0
    overfull = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
    assert max(overfull, default=0) < 20
