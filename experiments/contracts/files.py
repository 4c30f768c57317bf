"""The contract of code that reads files: what it reads is part of a run's identity."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fairgrid.experiments.config.identity import files
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.runtime.user_code import UserCode, is_installed_file


def undeclared(configs: Iterable[RunConfig], opened: Sequence[Path]) -> Iterator[str]:
    """What is wrong with files that a user's code opened, a line each.

    Args:
        configs: the configurations of a study.
        opened: the files, absolute.
    """
    if not opened:
        return
    declared: set[Path] = set()
    for config in configs:
        declared |= {Path(str(config.problem.option(key))).resolve() for key in files(config)}
        declared |= {Path(path).resolve() for _, path, _ in config.sources}
        modules = [module for module in config.own_modules.values() if isinstance(module, UserCode)]
        declared |= {Path(file.path).resolve() for module in modules for file in (module.entry, *module.helpers)}
    for path in opened:
        resolved = path.resolve()
        known = any(resolved.is_relative_to(place) for place in declared)
        if not known and not is_installed_file(path) and not resolved.is_relative_to("/proc"):
            yield (
                f"a class of your own reads {path}, which is no part of a run's identity; name it in the problem's"
                f' contents() or in sources = ["{path.name}"] of [run], or a change of it will not be noticed'
            )
