"""A small study whose bytes are published: what anyone may check a machine, or a change of the code, with.

The published hash is the SHA-256 of runs.csv and metrics.csv, one after the other, that published.toml gives under
portable numerics. `python -m tests.experiments.test_golden` publishes it anew, after RECORD_VERSION was raised.
"""

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from fairgrid.experiments.analysis.derived import write
from fairgrid.experiments.config.identity import RECORD_VERSION
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.execution.progress import unsaid
from fairgrid.experiments.runtime.determinism import fingerprint
from fairgrid.experiments.store.database import Store
from fairgrid.experiments.study.loading import load

STUDY = Path(__file__).with_name("published.toml")
FILE = Path(__file__).with_name("published.json")
HASHED = ("runs.csv", "metrics.csv")


@dataclass(frozen=True)
class Published:
    """What the study gives somewhere.

    Attributes:
        sha256: of its tables.
        arithmetic: of the machine; see experiments/runtime/determinism.py.
        record_version: of the code.
    """

    sha256: str
    arithmetic: str
    record_version: int


@dataclass(frozen=True)
class Check:
    """The published study, as published and as found here."""

    published: Published
    found: Published

    @property
    def same_bytes(self) -> bool:
        """Whether this machine and code give the published bytes."""
        return self.published.sha256 == self.found.sha256

    @property
    def same_arithmetic(self) -> bool:
        """Whether this machine should give them."""
        return self.published.arithmetic == self.found.arithmetic


def published() -> Published:
    """What published.json says."""
    return Published(**json.loads(FILE.read_text(encoding="utf-8")))


def check() -> Check:
    """Trains the study here."""
    with tempfile.TemporaryDirectory() as folder:
        return Check(published(), found(Path(folder)))


def found(folder: Path) -> Published:
    """Trains the study into a folder; returns what this machine gives."""
    Driver(folder, Pool(), say=unsaid).run([load(str(STUDY))])
    with Store(folder) as store:
        write(store, folder)
    content = b"".join((folder / name).read_bytes() for name in HASHED)
    return Published(hashlib.sha256(content).hexdigest(), fingerprint(), RECORD_VERSION)


def publish(folder: Path) -> None:
    """Makes what this machine gives what is published."""
    FILE.write_text(json.dumps(asdict(found(folder)), indent=1) + "\n", encoding="utf-8")
