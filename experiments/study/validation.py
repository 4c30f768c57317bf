"""What in a study has to fit together: its factors and cells with what it compares, reports, claims and draws."""

from collections.abc import Mapping
from typing import Any

from fairgrid.experiments.config.components import metrics_of
from fairgrid.experiments.config.metric_names import COUNTS, CURVES, TARGET
from fairgrid.experiments.config.registry import KINDS
from fairgrid.experiments.config.run import canonical_json, canonical_value
from fairgrid.experiments.errors import BadKeyError, nearest
from fairgrid.experiments.study.declaration import Cell, Declaration
from fairgrid.experiments.study.direction import direction_of
from fairgrid.experiments.study.schema import METRICS, ReportFigure

TABULATED = ("train_error", "test_error")  # what summary.csv has of a cell, which the report's table shows
MAX_ARMS = 6  # that a figure still tells apart


def fitting_together(study: Declaration, has_region: bool) -> None:
    """Refuses what no run of the study could be held against.

    Args:
        study: whole.
        has_region: whether it says which differences do not matter.

    Raises:
        BadKeyError: with the key and what was expected of it.
    """
    _compared(study)
    metric = study.comparison.metric
    if metric not in METRICS:
        _measured(study)
    elif study.comparison.worst is not None:
        raise BadKeyError("comparison.worst", f"expected none, as {metric} of a diverged run is known, found one")
    direction_of(study)
    if not (has_region or (metric in METRICS and metric.endswith("_error"))):
        unit = f"as {metric} has a unit of its own"
        raise BadKeyError("comparison.region", f"expected differences that do not matter, {unit}, found none")
    _reported_fit(study)
    _figures_fit(study)


def matching(study: Declaration, where: Mapping[str, Any]) -> list[Cell]:
    """The cells whose factors have the values in `where`; parts may state options that are at their default.

    Raises:
        BadKeyError: a part in `where` is not one.
    """
    finder = study.finder
    wanted = {key: canonical_value(key, value, key, finder) if key in KINDS else value for key, value in where.items()}
    return [cell for cell in study.cells if all(cell.factors.get(key) == value for key, value in wanted.items())]


def arms(study: Declaration, figure: ReportFigure) -> list[tuple[str, Cell]]:
    """The cells that a figure shows, as the study orders them, each with its label, or "" where the figure states none.

    Cells of one problem have the same data, so a figure of data shows the first of them.

    Raises:
        BadKeyError: they are not what the figure can show.
    """
    labelled: list[tuple[str, Cell]] = []
    for name, where in (figure.arms or {"": {}}).items():
        place = f"arms.{name}" if name else "where"
        try:
            _factors_known(study, where if name else figure.where)
            cells = matching(study, {**figure.where, **where})
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error
        if figure.kind == "data":
            cells = list({canonical_json(cell.config.problem.spec): cell for cell in reversed(cells)}.values())[::-1]
        if len(cells) != 1 and (name or not cells):
            raise BadKeyError(place, f"expected factors of {'one cell' if name else 'cells'}, found {len(cells)} cells")
        labelled.extend((name, cell) for cell in cells)
    if len(labelled) > MAX_ARMS:
        raise BadKeyError("where", f"expected factors of at most {MAX_ARMS} cells, found {len(labelled)} cells")
    return sorted(labelled, key=lambda arm: study.cells.index(arm[1]))


def _compared(study: Declaration) -> None:
    """Comparisons and interactions are of factors that the study varies."""
    named = [(f"factors[{number}]", factor) for number, factor in enumerate(study.comparison.factors)]
    for number, both in enumerate(study.comparison.interactions or []):
        named += [(f"interactions[{number}]", factor) for factor in both]
        if both[0] == both[1]:
            raise BadKeyError(f"comparison.interactions[{number}]", f"expected two factors, found {both[0]!r} twice")
        if study.comparison.factors and both[0] not in study.comparison.factors:
            problem = f"expected a first factor that is compared (comparison.factors), found {both[0]!r}"
            raise BadKeyError(f"comparison.interactions[{number}]", problem)
    for place, factor in named:
        if factor not in study.factors:
            problem = f"expected a factor of the study, found {factor!r}{nearest(factor, study.factors)}"
            raise BadKeyError(f"comparison.{place}", problem)


def _reported_fit(study: Declaration) -> None:
    """Every reported number and claim names its cells, and every quoted one has one primary reading."""
    named: list[tuple[str, dict[str, Any]]] = []
    for number, reported in enumerate(study.reported):
        named.append((f"reported[{number}].where", reported.where))
        if study.table is not None and reported.metric not in TABULATED:
            known = " or ".join(map(repr, TABULATED))
            problem = f"expected {known}, which [table] shows, found {reported.metric!r}"
            raise BadKeyError(f"reported[{number}].metric", problem)
    for number, claim in enumerate(study.claims):
        named.append((f"claim[{number}].where", claim.where))
        if claim.against is not None:
            named.append((f"claim[{number}].against", claim.against))
    for place, where in named:
        try:
            _factors_known(study, where)
            matches = len(matching(study, where))
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error
        if matches != 1:
            known = ", ".join(study.factors)
            raise BadKeyError(place, f"expected factors ({known}) of one cell, found {matches} cells")
    for number, claim in enumerate(study.claims):
        _metric_known(matching(study, claim.where)[0], claim.metric, f"claim[{number}].metric")
        other = claim.against_metric or claim.metric
        key = "against_metric" if claim.against_metric else "metric"
        _metric_known(matching(study, claim.against or claim.where)[0], other, f"claim[{number}].{key}")
    _one_primary("reported", [(f"{each.quote} {each.metric}", each.quote, each.primary) for each in study.reported])
    _one_primary("claim", [(each.quote, each.quote, each.primary) for each in study.claims])


def _measured(study: Declaration) -> None:
    """Whether all cells have the metric that they are compared by."""
    for cell in study.cells:
        _metric_known(cell, study.comparison.metric, "comparison.metric")


def _metric_known(cell: Cell, metric: str, place: str) -> None:
    """Refuses a metric that no run of a cell will have, unless one of its measures does not say what it gives."""
    given = [metrics_of(component) for component in cell.config.measures]
    known = [*CURVES, *COUNTS, *(name for names in given for name in names)]
    known += [f"{TARGET}{target:g}" for target in cell.config.targets]
    known += ["stop_epoch"] if cell.config.stopping else []
    if metric not in known and all(given):
        raise BadKeyError(place, f"expected a metric of the runs, found {metric!r}{nearest(metric, known)}")


def _factors_known(study: Declaration, where: Mapping[str, Any]) -> None:
    """Names the factor that the study does not vary, or the value that no cell has."""
    for key, value in where.items():
        if key not in study.factors:
            raise BadKeyError(key, f"expected a factor of the study, found {key!r}{nearest(key, study.factors)}")
        if not matching(study, {key: value}):
            known = dict.fromkeys(canonical_json(cell.factors[key]) for cell in study.cells if key in cell.factors)
            raise BadKeyError(key, f"expected a value that it has in the study ({', '.join(known)}), found {value!r}")


def _one_primary(table: str, rows: list[tuple[str, str, bool]]) -> None:
    primaries = [name for name, _, primary in rows if primary]
    for number, (name, quote, _) in enumerate(rows):
        if primaries.count(name) != 1:
            count = primaries.count(name)
            raise BadKeyError(f"{table}[{number}].primary", f"expected one primary reading of {quote!r}, found {count}")


def _figures_fit(study: Declaration) -> None:
    """Every figure has a name of its own, cells to show and, if it shows points, a seed whose points are kept."""
    names = [figure.name for figure in study.figures]
    for number, figure in enumerate(study.figures):
        place = f"figure[{number}]"
        if names.index(figure.name) < number:
            raise BadKeyError(f"{place}.name", f"expected different names, found {figure.name!r} twice")
        if figure.kind != "curves" and not study.keep_seeds:
            raise BadKeyError("run.keep_seeds", f"expected a seed for the figure {figure.name!r} of points, found none")
        try:
            arms(study, figure)
        except BadKeyError as error:
            raise BadKeyError(f"{place}.{error.key}", error.problem) from error
