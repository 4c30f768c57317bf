"""The harness: studies, from a file to tables and figures. `fairgrid` has the names that a notebook needs."""

from typing import Any

if __name__ == "experiments":  # imported from the root of a checkout
    from fairgrid.aliases import alias

    alias("experiments")


def __getattr__(name: str) -> Any:
    """One of fairgrid's names, which this package had before that: code that says so still works."""
    import fairgrid  # which imports this package where it is used

    if name in fairgrid.__all__:
        return getattr(fairgrid, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
