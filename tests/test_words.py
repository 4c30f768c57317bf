"""Locals are named after what they hold, arguments are described by nouns, and docstrings begin with a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("framework", "experiments", "fairgrid", "scripts")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.is_relative_to(ROOT / "fairgrid" / "framework")
    and not path.is_relative_to(ROOT / "fairgrid" / "experiments")
]
NO_NAMES = {"found", "held", "made"}
NO_BEGINNINGS = {"of", "that", "whose", "as", "any", "likewise"}
SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:", "Yields:")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def locals_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that functions assign or take, with their lines."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, node.lineno
                elif isinstance(node, ast.arg):
                    yield node.arg, node.lineno


def documented(tree: ast.AST) -> Iterator[tuple[Documented, str]]:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


def arguments(text: str) -> Iterator[str]:
    """What a docstring says of each argument."""
    inside = False
    for line in text.splitlines():
        if line in SECTIONS:
            inside = line == "Args:"
        elif inside and line.startswith("    ") and not line.startswith("     ") and ": " in line:
            yield line.split(": ", 1)[1]


@pytest.mark.parametrize("path", FILES, ids=named)
def test_locals_are_named_after_what_they_hold(path: Path) -> None:
    assert [(name, line) for name, line in locals_of(ast.parse(path.read_text("utf-8"))) if name in NO_NAMES] == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_arguments_are_described_by_noun_phrases(path: Path) -> None:
    for _, text in documented(ast.parse(path.read_text("utf-8"))):
        for description in arguments(text):
            assert description.split()[0].rstrip(".,;").lower() not in NO_BEGINNINGS, description


@pytest.mark.parametrize("path", FILES, ids=named)
def test_first_lines_are_sentences(path: Path) -> None:
    for node, text in documented(ast.parse(path.read_text("utf-8"))):
        first = text.splitlines()[0]
        assert first[-1] in ".:", (getattr(node, "name", "module"), first)


def test_the_checks_see_what_they_are_for() -> None:
    tree = ast.parse('def f(held):\n    """Does it.\n\n    Args:\n        held: of what.\n    """\n    found = 1\n')
    assert {name for name, _ in locals_of(tree)} == {"held", "found"}
    assert [list(arguments(text)) for _, text in documented(tree)] == [["of what."]]
