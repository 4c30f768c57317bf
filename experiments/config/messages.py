"""One line out of a pydantic error: key, what was expected, what was found."""

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairgrid.experiments.errors import BadKeyError, nearest

_EXPECTED = {
    "missing": "a value",
    "extra_forbidden": "a known key",
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
}


def first_problem(error: ValidationError, prefix: str = "", known: Iterable[str] = ()) -> BadKeyError:
    """The first thing that pydantic objects to.

    Args:
        error: what pydantic raised.
        prefix: the key of the table that was checked.
        known: names to look for the nearest in, if a key is unknown.
    """
    problems = error.errors()
    missing = {problem["loc"][:-1] for problem in problems if problem["type"] == "missing"}
    # a key that is missing may be there under another spelling, which says more
    misspelt = [fault for fault in problems if fault["type"] == "extra_forbidden" and fault["loc"][:-1] in missing]
    problem = (misspelt or problems)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    return BadKeyError((prefix + path).removeprefix("."), _wording(problem, known))


def _wording(problem: ErrorDetails, known: Iterable[str]) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        key = str(problem["loc"][-1])
        return f"expected a known key, found {key!r}{nearest(key, known)}"
    if kind == "missing":
        return "expected a value, found none"
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    context = problem.get("ctx", {})
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"])
    elif kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        sign, bound = {"greater_than": (">", "gt"), "greater_than_equal": ("≥", "ge"), "less_than": ("<", "lt")}.get(
            kind, ("≤", "le")
        )
        expected = f"a value {sign} {context[bound]}"
    elif kind in ("too_short", "too_long"):
        sign, bound = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        expected = f"{sign} {context[bound]} {'item' if context[bound] == 1 else 'items'}"
    elif kind == "string_pattern_mismatch":
        expected = f"text like {context['pattern']}"
    else:
        expected = _EXPECTED.get(kind, problem["msg"])
    return f"expected {expected}, found {problem['input']!r}"
