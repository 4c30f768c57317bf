"""results/.made.json: from which bytes and by which code tables and figures were made.

What was made is up to date if the store, the studies, the code and the files themselves are those it names. The times
of files are never looked at: a clock may be wrong, and a copy is as new as one likes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fairgrid.experiments.runtime.environment import sources
from fairgrid.experiments.runtime.files import digest, placed
from fairgrid.experiments.study.study import Study

FILE = ".made.json"


@dataclass
class Build:
    """What a results directory was made from, and the files that were made.

    Attributes:
        store: SHA-256 of the store, whose records were then held against their checksums.
        tables: by study, the code, the study and the store that its tables were made from.
        csvs: SHA-256 of each CSV.
        writing: whether they are being written: then they are partly of this build and partly of the next.
        figures: by study, what `tables` has.
        images: SHA-256 of each figure, by the study it is of and the name of its file.
    """

    store: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    csvs: dict[str, str] = field(default_factory=dict)
    writing: bool = False
    figures: dict[str, str] = field(default_factory=dict)
    images: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self, results: Path) -> None:
        """Puts it in place."""
        with placed(results / FILE) as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8")


def read_build(results: Path) -> Build:
    """What .made.json says; nothing where there is none, or none of this version."""
    with suppress(OSError, ValueError, TypeError, RecursionError):
        if (results / FILE).is_file():
            build = Build(**json.loads((results / FILE).read_text(encoding="utf-8")))
            if all(type(value) is type(getattr(Build(), name)) for name, value in vars(build).items()):
                return build
    return Build()


def input_hash(study: Study, store: str) -> str:
    """A hash of the code, of all that a study declares, and of a store.

    Args:
        study: the study that something is made for.
        store: SHA-256 of the store.
    """
    declared = [getattr(study, each.name) for each in dataclasses.fields(study) if each.compare and each.name != "path"]
    return hashlib.sha256(repr([sources(), store, declared]).encode()).hexdigest()[:16]


def tables_are_current(build: Build, results: Path, store: str, studies: Iterable[Study]) -> bool:
    """Whether the CSVs are those that were made, from this store and these studies, by this code."""
    stamped = all(build.tables.get(study.name) == input_hash(study, store) for study in studies)
    return stamped and not build.writing and not changed(results, build.csvs)


def figures_are_current(build: Build, folder: Path, name: str, expected: str, formats: Collection[str]) -> bool:
    """Whether the figures of a study are those that were drawn, in these formats at least.

    Args:
        build: what was made.
        folder: where figures are.
        name: the study's.
        expected: the hash of the inputs of figures that are up to date.
        formats: png, pdf, svg.
    """
    images = build.images.get(name, {})
    drawn = {Path(image).suffix.removeprefix(".") for image in images}
    return build.figures.get(name) == expected and drawn >= set(formats) and not changed(folder, images)


def changed(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """The files that are not there, or not those that have these hashes."""
    return [name for name, sha256 in hashes.items() if digest(folder / name) != sha256]


def input_hashes(studies: Sequence[Study], store: str) -> dict[str, str]:
    """The hash of the inputs of each study, by its name."""
    return {study.name: input_hash(study, store) for study in studies}
