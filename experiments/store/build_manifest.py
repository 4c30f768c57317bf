"""From which studies, by which code, tables and figures were made: they are made again where either has changed."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from fairgrid.experiments.runtime.environment import sources
from fairgrid.experiments.runtime.files import placed
from fairgrid.experiments.study.study import Study

FILE = ".made.json"
Kind = Literal["tables", "figures"]


def made(results: Path, kind: Kind, studies: Sequence[Study]) -> bool:
    """Whether what there is was made from these studies as they are now, by this code."""
    known = _read(results).get(kind, {})
    return all(known.get(name) == stamp for name, stamp in _stamps(studies).items())


def mark(results: Path, kind: Kind, studies: Sequence[Study]) -> None:
    """Says that tables or figures of these studies are made; of other code's, others are no longer."""
    known, new = _read(results), _stamps(studies)
    same = {name: stamp for name, stamp in known.get(kind, {}).items() if stamp[0] == sources()}
    with placed(results / FILE) as partial:
        partial.write_text(json.dumps({**known, kind: {**same, **new}}), encoding="utf-8")


def _stamps(studies: Sequence[Study]) -> dict[str, list[str]]:
    """For each study hashes of the code and of all that it declares."""
    return {study.name: [sources(), _declared(study)] for study in studies}


def _declared(study: Study) -> str:
    said = [getattr(study, each.name) for each in dataclasses.fields(study) if each.name != "path"]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _read(results: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):  # there is none, or it was cut short
        found = json.loads((results / FILE).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
