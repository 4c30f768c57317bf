"""Studies, from a file to tables and figures. These are the names that a notebook needs; docs/api.md shows them.

They are imported when they are first used: torch reads how it is to compute when it loads.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.api import read, run
    from experiments.errors import FairgridError, InputError
    from experiments.results import Results
    from experiments.study import Study, load

__all__ = ["FairgridError", "InputError", "Results", "Study", "load", "plot", "read", "run"]

_HOMES = {
    "FairgridError": "errors",
    "InputError": "errors",
    "Results": "results",
    "Study": "study",
    "load": "study",
    "read": "api",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    """One of the names above, or the module `plot`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from experiments.numerics import prefer

    prefer("portable")
    if name == "plot":
        return importlib.import_module(f"{__name__}.plot")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
