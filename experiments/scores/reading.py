"""Scores of tables in long or wide form, and of arrays of runs × tasks."""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fairgrid.experiments.errors import InputError, nearest, shown
from fairgrid.experiments.runtime.gaps import GAPS
from fairgrid.experiments.scores.scores import COLUMNS, Scores
from fairgrid.experiments.scores.tables import Table, read_table
from fairgrid.experiments.scores.values import names_of, ordered, scores_of

Source = str | os.PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike]


def read_scores(
    source: Source,
    *,
    metric: str,
    by: str | Sequence[str] | None,
    seed: str | None = None,
    context: str | None = None,
) -> Scores:
    """Reads scores that were trained elsewhere.

    A table is long, one score per row, if `by` names the columns that tell cells apart. It is wide if `by` is None:
    every column but those of seed and context is a cell, and a row holds a score of each. Scores in a row of a wide
    table belong together; where neither seed nor context is declared, the row itself is the context.

    A mapping holds one array of runs × tasks per cell, as rliable takes them. Tasks are its contexts, by number. Runs
    have seeds, by number, only where `seed` gives their axis a name: it declares that runs of one number share a seed.

    Args:
        source: path of a file (see `tables.read_table`), a frame, or a mapping of arrays.
        metric: column of the scores in a long table; elsewhere only the name of what the scores measure.
        by: column, or columns, that name the cells of a long table; None for a wide table and for a mapping.
        seed: column of the seeds, or a name for the runs of arrays.
        context: column of what else scores share, such as data sets, folds or steps; or a name for the tasks of arrays.

    Raises:
        InputError: the source cannot be read, lacks a column, or has anything but scores and names where they are
            expected; one line states all faults.
    """
    _check_roles(metric, by, seed, context)
    if isinstance(source, Mapping):
        return _from_arrays(source, metric, by, seed, context or "task")
    table = read_table(source)
    columns = [by] if isinstance(by, str) else by
    if columns is None:
        return _from_wide(table, metric, seed, context)
    return _from_long(table, metric, columns, seed, context)


def _check_roles(metric: str, by: str | Sequence[str] | None, seed: str | None, context: str | None) -> None:
    columns = [by] if isinstance(by, str) else list(by) if by is not None else []
    if by is not None and not columns:
        raise InputError("by: expected a column or more, found none; None says that the table is wide")
    names: dict[str, list[Any]] = {"metric": [metric], "by": columns, "seed": [seed], "context": [context]}
    role_of: dict[str, str] = {}
    for role, given in names.items():
        for name in given:
            if name is None and role != "metric":
                continue
            if not isinstance(name, str) or not name:
                raise InputError(f"{role}: expected the name of a column, found {shown(name)}")
            if name in role_of:
                raise InputError(f"{role}: expected another column than that of {role_of[name]}, found {name!r}")
            role_of[name] = role


def _from_long(table: Table, metric: str, by: Sequence[str], seed: str | None, context: str | None) -> Scores:
    present, faults = _required(table, [metric, *by, *(name for name in (seed, context) if name is not None)])
    scores: list[float] = []
    if metric in present:
        scores, wrong = scores_of(list(table.frame[metric]), metric, table.places)
        faults += wrong
    names, wrong = _names(table, [name for name in present if name in (seed, context)])
    faults += wrong
    cell_names, wrong = _names(table, [name for name in present if name in by], gaps=("",))  # "none" may name a cell
    names |= cell_names
    faults += wrong
    _refuse(table.source, faults)
    cells = (
        names[by[0]]
        if len(by) == 1
        else [
            ", ".join(f"{name}={value}" for name, value in zip(by, values, strict=True))
            for values in zip(*(names[name] for name in by), strict=True)
        ]
    )
    return Scores(
        _frame(cells, names[seed] if seed else None, names[context] if context else None, scores),
        table.source,
        metric,
        seed,
        context,
    )


def _from_wide(table: Table, metric: str, seed: str | None, context: str | None) -> Scores:
    present, faults = _required(table, [name for name in (seed, context) if name is not None])
    cells = [name for name in table.frame.columns if name not in present]
    if metric in cells:
        faults.append(f"by: expected the columns that tell cells apart, found None where {metric!r} is a column")
    elif not cells:
        faults.append("expected a column for each cell, found none")
    names, wrong = _names(table, present)
    faults += wrong
    by_cell = {}
    for cell in cells if metric not in cells else []:
        by_cell[cell], wrong = scores_of(list(table.frame[cell]), cell, table.places)
        faults += wrong
    if not present:
        names["row"], wrong = names_of(table.frame.index, "index", table.places)
        faults += wrong
        context = "row"
    _refuse(table.source, faults)
    rows = len(table.frame)
    frame = _frame(
        [cell for cell in cells for _ in range(rows)],
        names[seed] * len(cells) if seed else None,
        names[context] * len(cells) if context else None,
        [score for cell in cells for score in by_cell[cell]],
    )
    return Scores(frame, table.source, metric, seed, context)


def _from_arrays(
    arrays: Mapping[str, ArrayLike], metric: str, by: str | Sequence[str] | None, seed: str | None, context: str
) -> Scores:
    source = "mapping"
    faults = []
    if by is not None:
        faults.append(f"by: expected None, as the keys of a mapping are its cells, found {shown(by)}")
    if not arrays:
        faults.append("expected an array for each cell, found none")
    frames = []
    shapes: dict[str, tuple[int, ...]] = {}
    for cell, values in arrays.items():
        name = str(cell)
        if name in shapes:
            faults.append(f"{name}: expected a different name for each cell, found it twice")
        try:
            array = np.asarray(values)
        except ValueError:  # lists of different lengths
            array = np.asarray(None)
        if array.ndim != 2 or not array.size:
            faults.append(f"{name}: expected an array of runs × tasks, found {_kind(array)}")
            continue
        shapes[name] = array.shape
        runs, tasks = array.shape
        places = [f"run {run}, task {task}" for run in range(runs) for task in range(tasks)]
        scores, wrong = scores_of(array.ravel().tolist(), name, places)
        faults += wrong
        run_of, task_of = (axis.ravel().tolist() for axis in np.indices(array.shape))
        frames.append(
            _frame(
                [name] * len(scores),
                [str(run) for run in run_of] if seed else None,
                [str(task) for task in task_of],
                scores,
            )
        )
    if len({tasks for _, tasks in shapes.values()}) > 1:
        numbers = ", ".join(f"{tasks} of {name}" for name, (_, tasks) in shapes.items())
        faults.append(f"expected the same tasks in every array, found {numbers}")
    _refuse(source, faults)
    return Scores(pd.concat(frames, ignore_index=True), source, metric, seed, context)


def _kind(array: "np.ndarray[Any, Any]") -> str:
    return f"shape {array.shape}" if array.ndim else "no array"


def _required(table: Table, names: list[str]) -> tuple[list[str], list[str]]:
    """Those of the columns that the table has, and what is wrong about the others."""
    columns = list(table.frame.columns)
    present = [name for name in names if name in columns]
    lacking = [name for name in names if name not in columns]
    return present, [f"expected the column {name!r}, found none{nearest(name, columns)}" for name in lacking]


def _names(table: Table, columns: list[str], gaps: Collection[str] = GAPS) -> tuple[dict[str, list[str]], list[str]]:
    """Columns as names, and what is wrong with them."""
    names, faults = {}, []
    for column in columns:
        names[column], wrong = names_of(table.frame[column], column, table.places, gaps)
        faults += wrong
    return names, faults


def _refuse(source: str, faults: list[str]) -> None:
    if faults:
        raise InputError(f"{source}: {'; and '.join(faults)}")


def _frame(cells: list[str], seeds: list[str] | None, contexts: list[str] | None, scores: list[float]) -> pd.DataFrame:
    undeclared = pd.Series([None] * len(scores), dtype="str")
    columns = (
        pd.Series(cells, dtype="str"),
        undeclared if seeds is None else ordered(seeds),
        undeclared if contexts is None else ordered(contexts),
        pd.Series(scores, dtype="float64"),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
