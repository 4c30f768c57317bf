"""Where a record was made. Kept apart from records, which do not depend on it."""

import functools
import hashlib
import json
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fairgrid.experiments.runtime.determinism import Device, Mode, fingerprint, request

_SOURCES = (".", "../framework", "../fairgrid")  # from the folder of the harness
RELEASE = "fairgrid"  # among the versions, of sources that have no commit


@dataclass(frozen=True)
class Environment:
    """Where a worker trained.

    Attributes:
        commit: of the sources.
        dirty: whether they were changed since.
        versions: "python 3.11.7 torch …", and "arithmetic …", the fingerprint of what torch computes there; where that
            is a GPU, also "cuda 13.0 gpu NVIDIA_…"; of sources without a commit, also "fairgrid 0.1.0".
        cpu: the processor.
        threads: of torch.
    """

    commit: str
    dirty: bool
    versions: str
    cpu: str
    threads: int

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]


def commit() -> tuple[str, bool]:
    """The commit of the sources and whether the tree differs from it; ("", False) outside a repository."""
    here = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        if not git("ls-files", "--error-unmatch", "__init__.py"):
            return "", False
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no", "--", *_SOURCES))
    except (OSError, subprocess.CalledProcessError):
        return "", False


def release() -> str:
    """The version of fairgrid that is installed, which says of sources outside a repository what a commit would."""
    try:
        return version("fairgrid")
    except PackageNotFoundError:
        return "(not installed)"


def named(versions: str) -> dict[str, str]:
    """The versions of an environment by name."""
    words = versions.split()
    return dict(zip(words[::2], words[1::2], strict=True))


@functools.cache
def describe(commit: str, dirty: bool, device: Device = "cpu") -> Environment:
    """This process's environment.

    Args:
        commit: the commit of the sources.
        dirty: whether they were changed since.
        device: where it trains.
    """
    import torch

    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version(name) for name in ("numpy", "llvmlite")},
        "arithmetic": fingerprint(device),
        **(_gpu() if device == "cuda" else {}),
        **({} if commit else {RELEASE: release().replace(" ", "_")}),
    }
    return Environment(
        commit,
        dirty,
        " ".join(f"{name} {number}" for name, number in versions.items()),
        _cpu(),
        torch.get_num_threads(),
    )


def introduce(mode: Mode, commit: str, dirty: bool) -> tuple[Environment, str]:
    """What a worker of another machine says first: its environment under numerics of a mode, and `sources()`."""
    request(mode)
    return describe(commit, dirty), sources()


@functools.cache
def sources() -> str:
    """A hash of the code that is running, which a commit does not tell of a copy that was changed or installed."""
    home = Path(__file__).parents[2]
    files = [*home.glob("*.py"), *(home / "framework").rglob("*.py"), *(home / "experiments").rglob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()[:16]


def _gpu() -> dict[str, str]:
    import torch

    return {"cuda": str(torch.version.cuda), "gpu": torch.cuda.get_device_name().replace(" ", "_")}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
