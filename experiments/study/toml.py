"""TOML, with whatever a text can do to the parser refused in one way."""

import tomllib
from typing import Any

from fairgrid.experiments.errors import InputError


def parse_toml(text: str) -> dict[str, Any]:
    """The table that a text states.

    Raises:
        InputError: it is no TOML, nested deeper than Python calls, or with an integer of more digits than Python reads.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InputError("expected TOML, found lists or tables that are nested too deep") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"expected TOML, found: {error}") from error
    except ValueError as error:
        raise InputError("expected TOML, found an integer of more digits than are read") from error
