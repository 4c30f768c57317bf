"""Words of statuses, phases and verdicts are written once, in their enumerations."""

import ast
from pathlib import Path

import fairgrid.experiments
from fairgrid.experiments.analysis.statistics.verdicts import Verdict
from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.planning.plans import Phase

HOME = Path(fairgrid.experiments.__file__).parent
# also names of columns, tables, sections and keys
AMBIGUOUS = {Status.OK, Status.ERROR, Status.PLANNED, Phase.TUNING, Verdict.EQUIVALENT}
WORDS = {*Status, *Phase, *Verdict} - AMBIGUOUS
# counts by status, as progress names them and summary.csv's columns have them
ELSEWHERE = {("execution/progress.py", "diverged"), ("reporting/tables/studies.py", "diverged")}
ELSEWHERE |= {("execution/backends/choice.py", "timeout")}  # the option that limits a run's time


def test_no_word_of_an_enumeration_stands_anywhere_else() -> None:
    bare = set()
    for path in HOME.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        enumerations = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        declared = {
            id(statement.value)
            for node in enumerations
            if any(isinstance(base, ast.Name) and base.id == "Word" for base in node.bases)
            for statement in node.body
            if isinstance(statement, ast.Assign)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in declared and node.value in WORDS:
                bare.add((path.relative_to(HOME).as_posix(), str(node.value)))
    assert bare == ELSEWHERE


def test_words_read_print_and_are_quoted_as_text() -> None:
    for word in (*Status, *Phase, *Verdict):
        assert f"{word}" == word.value
        assert repr(word) == repr(word.value)
        assert {word.value: 1}[word] == 1
