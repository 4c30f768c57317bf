"""`fairgrid list`: the studies that come with the package, and the names that a study may use."""

import argparse
import json
import textwrap
from inspect import Parameter
from typing import Any

from fairgrid.experiments.runtime.determinism import request

HELP = "list the shipped studies, or the names that a study may use"
EXAMPLES = """
  fairgrid list               studies, with titles and numbers of runs
  fairgrid list keys          what [run] and [[grid]] may say
  fairgrid list optimizers    names, options and their defaults
"""
PARTS = {
    "problems": "problem",
    "models": "model",
    "activations": "activation",
    "initializers": "initializer",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "measures": "measures",
}
WIDTH = 80  # where there is no terminal
KINDS = ("studies", "keys", *PARTS)


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=KINDS,
        default="studies",
        metavar="WHAT",
        help=f"{', '.join(KINDS)}; default: studies",
    )


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request("portable")
    import pandas as pd

    from fairgrid.experiments.reporting.text import columns, lines

    if options.what == "studies":
        table, title = _studies(), "Shipped studies; fairgrid run trains one by its name, or all that are by default"
    elif options.what == "keys":
        table, title = _keys(), "Keys of [run] and [[grid]]"
    else:
        table, title = _parts(PARTS[options.what]), f"{options.what.capitalize()}, with options and their defaults"
    width = columns() or WIDTH
    print("\n".join([*textwrap.wrap(title, width), *lines(pd.DataFrame(table), width, width)]))
    return 0


def _studies() -> list[dict[str, str]]:
    from fairgrid.experiments.study.loading import defaults, load, shipped

    rows = []
    for name in shipped():
        study = load(name)
        runs = sum(len(cell.rates) * len(study.tuning_seeds) + len(cell.seeds) for cell in study.cells)
        rows.append(
            {
                "study": name,
                "title": study.title,
                "runs": f"{runs:,}",
                "by default": "yes" if name in defaults() else "no",
            }
        )
    return rows


def _keys() -> list[dict[str, str]]:
    from fairgrid.experiments.config.run import default_settings

    return [
        {"key": key, "default": "none" if default is None else json.dumps(default), "meaning": meaning}
        for key, (default, meaning) in default_settings().items()
    ]


def _parts(key: str) -> list[dict[str, str]]:
    from fairgrid.experiments.config import components as parts
    from fairgrid.experiments.config.registry import KINDS

    kind = KINDS[key]
    return [
        {
            "name": name,
            "options": ", ".join(map(_option, parts.parameters(kind, made_by).values())),
        }
        for name, made_by in kind.names.items()
    ]


def _option(parameter: Parameter) -> str:
    default: Any = parameter.default
    if default is Parameter.empty:
        return f"{parameter.name} (needed)"
    rounded = float(f"{default:.4g}") if isinstance(default, float) else default
    return f"{parameter.name}={'none' if default is None else json.dumps(rounded, separators=(',', ':'))}"
