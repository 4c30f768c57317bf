"""`fairgrid list`: the studies that come with the package, and the names that a study may use."""

import argparse
import json
import textwrap
from typing import TYPE_CHECKING

from fairgrid.experiments.runtime.determinism import request

if TYPE_CHECKING:
    from fairgrid.experiments.config.catalogue import Option

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
    from fairgrid.experiments.study.declaration import Overrides
    from fairgrid.experiments.study.loading import defaults, load_with, shipped

    rows = []
    for name in shipped():
        study = load_with(name, Overrides(), built=False)
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
    from fairgrid.experiments.config.run import default_keys

    return [
        {"key": key, "default": "none" if default is None else json.dumps(default), "meaning": meaning}
        for key, (default, meaning) in default_keys().items()
    ]


def _parts(key: str) -> list[dict[str, str]]:
    from fairgrid.experiments.config.catalogue import options_of_name
    from fairgrid.experiments.config.registry import KINDS

    kind = KINDS[key]
    return [
        {"name": name, "options": ", ".join(map(_option, options_of_name(kind, name).values()))} for name in kind.names
    ]


def _option(option: "Option") -> str:
    if option.required:
        return f"{option.name} (needed)"
    default = option.default
    rounded = float(f"{default:.4g}") if isinstance(default, float) else default
    return f"{option.name}={'none' if default is None else json.dumps(rounded, separators=(',', ':'))}"
