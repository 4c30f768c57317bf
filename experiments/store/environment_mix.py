"""Tables whose runs were not all trained alike: what differs between their environments."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import pandas as pd

from fairgrid.experiments.runtime.environment import RELEASE, named

_NOT_RECORDED = "not recorded"


def mixture(environments: pd.DataFrame) -> str:
    """What differs, with counts of runs: "torch 2.13.0 (90 runs), 2.14.0 (10 runs)"; "" if nothing does.

    Commits and releases are left out: a grid goes on over several, and whether they change records is what
    RECORD_VERSION says.

    Args:
        environments: rows of environments.csv, as text.
    """
    counted = [
        ({**named(str(row["versions"])), "cpu": row["cpu"] or _NOT_RECORDED, "threads": row["threads"]}, row["size"])
        for row in environments.groupby(["versions", "cpu", "threads"], as_index=False).size().to_dict("records")
    ]
    names = dict.fromkeys(chain.from_iterable(values for values, _ in counted))
    names.pop(RELEASE, None)
    return "; ".join(_differing(names, counted))


def _differing(names: dict[str, None], counted: list[tuple[dict[str, str], int]]) -> Iterator[str]:
    for name in names:
        runs: Counter[str] = Counter()
        for values, count in counted:
            runs[values.get(name, _NOT_RECORDED)] += count
        if len(runs) > 1:
            spelled = [
                f"{value} ({count:,} {'run' if count == 1 else 'runs'})" for value, count in sorted(runs.items())
            ]
            yield f"{name} {', '.join(spelled)}"
