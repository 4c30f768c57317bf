"""Short names of the two halves, `framework` and `experiments`, for code that says so from the root of a checkout.

They are the same modules under another name: `framework.SGD is fairgrid.framework.SGD`, whichever is imported first.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NAMES = ("framework", "experiments")

# modules that pages told users to import, and that have moved since
_MOVED = {
    "experiments.measures": "experiments.config.metrics",
    "experiments.seeds": "experiments.runtime.seeding",
}


def full_name(module: str) -> str:
    """The name below fairgrid of a module whose short name is given."""
    return f"fairgrid.{_MOVED.get(module, module)}"


class _Aliases(MetaPathFinder, Loader):
    """Finds `framework.x` as `fairgrid.framework.x`, once `framework` is `fairgrid.framework`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        short, dot, _ = fullname.partition(".")
        whole = f"fairgrid.{short}"
        if not dot or short not in NAMES or sys.modules.get(short) is not sys.modules.get(whole):
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(full_name(spec.name))
        spec.loader_state = module.__spec__  # which the import system is about to replace
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def alias(short: str) -> None:
    """Makes a short name, and those of all modules below it, stand for fairgrid's own.

    Args:
        short: one of NAMES.
    """
    if not any(isinstance(finder, _Aliases) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Aliases())
    sys.modules[short] = importlib.import_module(f"fairgrid.{short}")
