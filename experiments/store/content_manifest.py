"""results/manifest.json: what the tables of a results directory were, and the records that they were made from.

It is committed beside the tables, so it says nothing that differs between two machines, two numbers of jobs or a grid
that was resumed: SHA-256 of each CSV, and for each study SHA-256 over the checksums of its runs and over its rows in
each table. A study that is absent from the store keeps its entry, as it keeps its rows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fairgrid.experiments.errors import InputError
from fairgrid.experiments.runtime.files import digest, placed

FILE = "manifest.json"
_ABOUT = (
    "SHA-256 of each table; of each study's records: over lines of run id and checksum in the order of run ids, as the"
    " store had them that its rows were made from, which need not be the store that is here now; of its rows in each"
    " table, without the header; and of all studies' records, over lines of name and hash. Made by `fairgrid run` and"
    " `fairgrid summarize`, checked by `fairgrid verify`."
)


@dataclass
class Content:
    """What a manifest says of a study.

    Attributes:
        runs: how many it plans.
        records: SHA-256 over their checksums.
        rows: SHA-256 of its rows, by table.
        classes: facts about the classes of the user's own that its runs name; see config/class_facts.py.
    """

    runs: int
    records: str
    rows: dict[str, str] = field(default_factory=dict)
    classes: list[dict[str, Any]] = field(default_factory=list)

    def stated(self) -> dict[str, Any]:
        """What the manifest holds of it."""
        return {key: value for key, value in asdict(self).items() if value or key != "classes"}


@dataclass
class Manifest:
    """What a manifest says.

    Attributes:
        files: SHA-256 by the name of a CSV.
        studies: contents by the name of a study.
    """

    files: dict[str, str] = field(default_factory=dict)
    studies: dict[str, Content] = field(default_factory=dict)

    def write(self, results: Path) -> None:
        """Puts it in place, unless it is there already."""
        stated = {
            "about": _ABOUT,
            "files": self.files,
            "records": records_of(self.studies),
            "studies": {name: content.stated() for name, content in self.studies.items()},
        }
        text = json.dumps(stated, indent=1, sort_keys=True) + "\n"
        path = results / FILE
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            with placed(path) as partial:
                partial.write_text(text, encoding="utf-8")


def records_of(studies: Mapping[str, Content]) -> str:
    """One hash of all studies' records."""
    lines = "".join(f"{name} {studies[name].records}\n" for name in sorted(studies))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_manifest(results: Path) -> Manifest | None:
    """The manifest of a results directory; None where there is none.

    Raises:
        InputError: it is not one that fairgrid writes, or contradicts itself.
    """
    path = results / FILE
    if not path.exists():
        return None
    if not path.is_file():
        raise InputError(f"{path}: expected a manifest, found what is no regular file")
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        hint = "restore it, or remove it and summarize"
        raise InputError(f"{path}: expected a manifest as fairgrid writes it; {hint}") from error


def record_file(results: Path, name: str) -> None:
    """Takes the hash of a CSV that is made from no store, such as benchmark.csv, into the manifest."""
    manifest = read_manifest(results) or Manifest()
    manifest.files[name] = digest(results / name)
    manifest.write(results)


def _parsed(stated: Any) -> Manifest:
    manifest = Manifest(
        {str(name): str(sha256) for name, sha256 in stated["files"].items()},
        {
            name: Content(int(each["runs"]), each["records"], dict(each["rows"]), list(each.get("classes", [])))
            for name, each in stated["studies"].items()
        },
    )
    if records_of(manifest.studies) != stated["records"]:
        raise ValueError("records")
    return manifest
