"""Which way the metric of a study's comparisons is better. It is stated, or known of the metric, and never guessed."""

import re
from collections.abc import Iterable

from fairgrid.experiments.config.components import Component, directions_of, metrics_of
from fairgrid.experiments.config.metric_names import COUNTS, TARGET
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.study.declaration import Declaration
from fairgrid.experiments.study.schema import METRICS, Direction

_KEY = "comparison.direction"
_DIRECTIONS: dict[str, Direction] = {"min": "min", "max": "max"}
_LESS = ("_error", "_loss")  # ends of names of which less is better
# words of names of which more is better, as a rule; of the first, values are fractions
_FRACTIONS = ("accuracy", "auc", "f1", "precision", "recall")
_MORE = (*_FRACTIONS, "r2", "return", "returns", "reward", "rewards", "score", "scores")


def direction_of(study: Declaration) -> Direction:
    """Whether less ("min") or more ("max") of the metric that cells are compared by is better.

    Raises:
        BadKeyError: it is not known, or what is stated contradicts what is known.
    """
    metric, stated = study.comparison.metric, study.comparison.direction
    measures = [measure for cell in study.cells for measure in cell.config.measures]
    known = _known(metric, measures)
    if stated is not None and known is not None and stated != known:
        raise BadKeyError(_KEY, f"expected {known!r}, which is the direction of {metric}, found {stated!r}")
    direction = stated or known
    if direction is not None:
        return direction
    if metric.endswith(_LESS) and not _words(metric) & set(_MORE):
        return "min"
    raise BadKeyError(
        _KEY, f'expected "min" or "max", as it is not known whether less or more of {metric} is better, found none'
    )


def is_fraction(metric: str) -> bool:
    """Whether a metric of which more is better is known to be at least 0."""
    return bool(_words(metric) & set(_FRACTIONS))


def _known(metric: str, measures: Iterable[Component]) -> Direction | None:
    """The direction of a metric of the library, or the one that a measure states of it."""
    if metric in (*METRICS, *COUNTS, "validation_loss", "stop_epoch") or metric.startswith(TARGET):
        return "min"
    for measure in measures:
        stated = directions_of(measure)
        word = stated.get(metric, stated.get("") if metric in metrics_of(measure) else None)
        if word and word not in _DIRECTIONS:
            expected = f'"min" or "max" as the direction of {metric}'
            raise BadKeyError("measures", f"expected {expected}, found {word!r} of {measure.name}")
        if word:
            return _DIRECTIONS[word]
    return None


def _words(metric: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", metric).lower()))
