"""`fairgrid new`: writes a study of one's own, NAME.toml, that runs as it is and says what each line is for."""

import argparse
import importlib.util
import json
import keyword
import re
from pathlib import Path
from typing import Any

from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.determinism import request

HELP = "write a study of one's own, with comments, that runs as it is"
EXAMPLES = """
  fairgrid new mine                      mine.toml: two optimizers on points
  fairgrid new mine --with-optimizer     and mine.py, an optimizer class
  fairgrid new flowers --data flowers.csv --target species
  fairgrid run mine.toml --results mine
"""
FEW_VALUES = 20  # a target of whole numbers with at most so many different ones is taken for classes


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument("name", metavar="NAME", help="of the study and its files, letters, digits and underscores")
    parser.add_argument(
        "--with-optimizer", action="store_true", help="also write NAME.py, an optimizer that the study compares"
    )
    parser.add_argument("--data", metavar="FILE", help="a CSV file with a line of names, to learn from")
    parser.add_argument("--target", metavar="COLUMN", help="of --data: what is predicted")
    parser.add_argument("--separator", default=",", metavar="CHARACTER", help="of --data: between fields; default: ,")


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request("portable")
    if (options.data is None) != (options.target is None):
        raise InputError("expected --data FILE and --target COLUMN together, found one of them")
    _free(options.name)
    given: dict[str, Any] = {"name": options.name, "own": options.with_optimizer}
    if options.data is not None:
        given |= _table(options.data, options.target, options.separator)
    wanted = [("study.toml", Path(f"{options.name}.toml"))]
    if options.with_optimizer:
        wanted.insert(0, ("own.py", Path(f"{options.name}.py")))
    for _, path in wanted:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: expected no such file, as nothing is overwritten, found one")
    _write(wanted, given)
    print(f"wrote {' and '.join(str(path) for _, path in wanted)}; edit, then")
    print(f"  fairgrid check {options.name}.toml")
    print(f"  fairgrid run {options.name}.toml --results {options.name}       # a few seconds as it is")
    print(f"  fairgrid report {options.name}.toml --results {options.name}    # {options.name}/report.html")
    return 0


def _free(name: str) -> None:
    """Refuses a name that cannot be one of a study and of a module, or that is another's."""
    from fairgrid.experiments.study.loading import shipped

    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name, re.IGNORECASE | re.ASCII):
        near = re.sub(r"\W+", "_", name.removesuffix(".toml"), flags=re.ASCII).strip("_")
        hint = f"; nearest: {near!r}" if near and not near[0].isdigit() else ""
        raise InputError(f"expected a NAME of letters, digits and underscores, found {name!r}{hint}")
    if len(name) > 100:
        raise InputError(f"expected a NAME of at most 100 characters, found {len(name)}")
    if keyword.iskeyword(name):
        raise InputError(f"expected a NAME that a module can have, found {name!r}, a keyword of Python's")
    if name in shipped():
        raise InputError(f"expected a NAME that no shipped study has, found {name!r}")
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None and not Path(f"{name}.py").exists():  # a directory is no module
        raise InputError(f"expected a NAME that no Python module has, found {name!r}")


def _table(path: str, target: str, separator: str) -> dict[str, Any]:
    """What a study says of a CSV file: columns that are no features, what the target's values are, rows to train on."""
    from fairgrid.experiments.problems.columns import number, read
    from fairgrid.experiments.runtime.gaps import GAPS

    try:
        columns = read(path, separator)
        columns.require(target)
    except ValueError as error:
        raise InputError(str(error)) from error
    texts = {name: [row[place] for row in columns.rows] for place, name in enumerate(columns.names)}
    drop = [name for name in texts if name != target and all(number(text) is None for text in texts[name])]
    values = [number(text) for text in texts[target] if text.casefold() not in GAPS]
    known = {value for value in values if value is not None}
    classes = None in values or (len(known) <= FEW_VALUES and all(value.is_integer() for value in known))
    return {
        "path": path,
        "target": target,
        "separator": separator,
        "drop": drop,
        "task": "classification" if classes else "regression",
        "rows": len(columns.rows),
    }


def _write(wanted: list[tuple[str, Path]], given: dict[str, Any]) -> None:
    """Writes the files; leaves none if a study of a user's data does not load."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from fairgrid.experiments.study.loading import load

    environment = Environment(
        loader=PackageLoader("fairgrid.experiments", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["toml"] = _toml
    written = []
    try:
        for template, path in wanted:
            path.write_text(environment.get_template(f"{template}.jinja").render(given), encoding="utf-8")
            written.append(path)
        if "path" in given:
            load(str(wanted[-1][1]))
    except Exception:
        for path in written:
            path.unlink()
        raise


def _toml(value: Any) -> str:
    """A string or a list of them: JSON's, but for a character that TOML does not take as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
