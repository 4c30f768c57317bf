"""No test depends on how fast a machine is, except those that `make slow` runs on a machine of their own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))
CLOCKS = {
    "time": {"time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime"},
    "os": {"times"},
    "resource": {"getrusage"},
    "timeit": {"timeit", "repeat", "default_timer"},
}


def clocks_read(tree: ast.AST) -> Iterator[str]:
    """The clocks that code names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr.removesuffix("_ns") in CLOCKS.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module in CLOCKS:
            names = {alias.name for alias in node.names}
            yield from (f"{node.module}.{name}" for name in names if name.removesuffix("_ns") in CLOCKS[node.module])


def is_marked(statement: ast.stmt) -> bool:
    """Whether a test is left to `make slow` as a whole."""
    decorators = getattr(statement, "decorator_list", [])
    return any(ast.unparse(decorator) == "pytest.mark.takes_minutes" for decorator in decorators)


def test_no_test_reads_a_clock_but_those_that_run_alone() -> None:
    """A helper may wait with patience; what a test asserts must hold however long everything takes."""
    reading = {
        f"{path.relative_to(TESTS)}:{statement.lineno}": clocks
        for path in FILES
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if not is_marked(statement) and (clocks := sorted(clocks_read(statement)))
    }
    assert reading == {}


@pytest.mark.parametrize(
    "code",
    [
        "start = time.perf_counter()",
        "before = os.times()",
        "ended = time.monotonic_ns() - start",
        "from time import process_time",
    ],
)
def test_a_clock_is_seen(code: str) -> None:
    assert list(clocks_read(ast.parse(code)))


def test_examples_of_properties_have_no_deadline() -> None:
    assert settings().deadline is None
    assert not [
        str(path) for path in FILES if "deadline=" in path.read_text(encoding="utf-8") and path != Path(__file__)
    ]
