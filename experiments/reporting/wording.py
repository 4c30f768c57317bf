"""How factors, levels and numbers are worded wherever people read them: in figures, on the page, in sentences."""

import re
from collections.abc import Mapping

import pandas as pd

from fairgrid.experiments.errors import one_line

_WORDS = {"hidden": "hidden layers", "gradient_evaluations_per_sample": "epochs"}
_NAMES = {
    "adam": "Adam",
    "adamw": "AdamW",
    "kaiming": "Kaiming",
    "mse": "MSE",
    "nesterov": "Nesterov",
    "pytorch": "PyTorch",
    "relu": "ReLU",
    "sgd": "SGD",
    "xavier": "Xavier",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z_0-9]*")
_LONGEST_LEVEL = 100  # characters of a level's name that are shown


def word(factor: str | None) -> str:
    """A factor as people read it: optimizer.learning_rate → learning rate."""
    last = one_line(factor or "").rpartition(".")[2]
    return _WORDS.get(last, last.replace("_", " "))


def spelled(level: str) -> str:
    """A level's label as figures show it, cut where it is long: leaky_relu(alpha=0.2) → leaky ReLU (alpha 0.2)."""
    named = _NAME.sub(lambda match: " ".join(_NAMES.get(part, part) for part in match[0].split("_")), cut(level))
    return " ".join(named.replace("=", " ").replace("(", " (").split()).replace("( (", "((")


def cut(text: str, longest: int = _LONGEST_LEVEL) -> str:
    """Text on one line (see `one_line`), truncated to a number of characters; … marks the truncation."""
    line = one_line(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def cell_name(levels: Mapping[str, str]) -> str:
    """A cell by its factors and their levels: optimizer Adam, batch size 10."""
    return ", ".join(f"{word(factor)} {spelled(level)}" for factor, level in levels.items())


def percent(error: float) -> str:
    """An error, a fraction, in percent to three digits."""
    return f"{100 * error:.3g} %"


def percent_range(errors: "pd.Series[float]") -> str:
    """The least and the greatest of some errors; one number where they read the same."""
    low, high = percent(errors.min()), percent(errors.max())
    return low if low == high else f"{low} to {high}"
