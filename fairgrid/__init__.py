"""Compare optimizers, models and settings reproducibly: studies, from a file to tables and figures.

These are the names that a notebook needs; docs/api.md shows them. `fairgrid.framework` is the deep-learning library.
Names are imported when they are first used: torch reads how it is to compute when it loads.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairgrid.experiments import plot
    from fairgrid.experiments.api import read, run
    from fairgrid.experiments.errors import FairgridError, InputError
    from fairgrid.experiments.results import Results
    from fairgrid.experiments.study.loading import load
    from fairgrid.experiments.study.study import Study

__version__ = "0.1.0"
__all__ = ["FairgridError", "InputError", "Results", "Study", "__version__", "load", "plot", "read", "run"]

_HOMES = {
    "FairgridError": "errors",
    "InputError": "errors",
    "Results": "results",
    "Study": "study.study",
    "load": "study.loading",
    "read": "api",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    """One of the names above, or the module `plot`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fairgrid.experiments.runtime.determinism import prefer

    prefer("portable")
    if name == "plot":
        return importlib.import_module("fairgrid.experiments.plot")
    return getattr(importlib.import_module(f"fairgrid.experiments.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
