"""Named parts of a run: a problem, model, activation, initializer, loss or optimizer.

A part is written as its name, or as a table of its name and options: "relu", { name = "leaky_relu", alpha = 0.2 }.
The options are the keyword arguments of the class behind the name, with their types and defaults; a name with a colon,
"my_package.module:MyOptimizer", is the user's own class and follows the same rules. An optimizer's options of type
HyperParameter may differ between the replicas of one stack.
"""

import functools
import hashlib
import importlib
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from fairgrid.experiments.config.messages import first_problem
from fairgrid.experiments.errors import BadKeyError, first_line, nearest
from fairgrid.framework.optimizers.optimizer import HyperParameter

Spec = str | dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Attributes:
        noun: what errors call it.
        names: every known name, with the class or a partial of it.
        supplied: how many leading arguments the harness hands in.
        trial: builds one from a maker and options, to let the class refuse values.
        base: what a user's own class must derive from.
    """

    noun: str
    names: Mapping[str, Callable[..., Any]]
    base: type
    supplied: int = 0
    trial: Callable[[Callable[..., Any], dict[str, Any]], Any] = lambda maker, options: maker(**options)


def split(spec: Spec) -> tuple[str, dict[str, Any]]:
    """The name and the options of a part as written."""
    if isinstance(spec, str):
        return spec, {}
    return str(spec["name"]), {key: value for key, value in spec.items() if key != "name"}


def join(name: str, options: dict[str, Any]) -> Spec:
    """A part as written in its shortest form."""
    return {"name": name, **options} if options else name


def maker(kind: Kind, name: str, where: str) -> Callable[..., Any]:
    """The class, or partial of one, behind a name.

    Raises:
        BadKeyError: no such name, a dotted path that does not import, or a class of another kind.
    """
    if ":" not in name:
        if name not in kind.names:
            raise BadKeyError(
                where, f"expected the name of a known {kind.noun}, found {name!r}{nearest(name, kind.names)}"
            )
        return kind.names[name]
    module_name, _, class_name = name.partition(":")
    if module_name == "__main__":
        raise BadKeyError(
            where,
            f"expected a class in a file that worker processes can import, found {name!r}, of the script or notebook"
            " itself; put it into a file of its own",
        )
    try:
        module = _as_it_is_now(module_name)
    except (Exception, SystemExit) as error:
        raise BadKeyError(
            where, f"expected an importable module before the colon, found {name!r} ({first_line(error)})"
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        public = [key for key in vars(module) if not key.startswith("_")]
        raise BadKeyError(
            where, f"expected a class of {module_name}, found {class_name!r}{nearest(class_name, public)}"
        )
    if not (inspect.isclass(found) and issubclass(found, kind.base)):
        raise BadKeyError(where, f"expected a subclass of {kind.base.__name__} at {name!r}, found {found!r}")
    return typing.cast(Callable[..., Any], found)


_loaded: dict[str, str] = {}  # the hash of the file of every module of a user's own


def _as_it_is_now(name: str) -> ModuleType:
    """A module, loaded again if its file has changed since: a session may be older than the file."""
    module = importlib.import_module(name)
    now = _file_hash(module)
    if now and _loaded.setdefault(name, now) != now:
        module = importlib.reload(module)
        _loaded[name] = now
    return module


def _file_hash(module: ModuleType) -> str | None:
    """SHA-256 of a module's file; None where it has none."""
    file = getattr(module, "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None


def class_path(made_by: Callable[..., Any]) -> str:
    """The module and name of the class behind a maker, whatever presets it has."""
    target = made_by.func if isinstance(made_by, functools.partial) else made_by
    return f"{target.__module__}:{target.__qualname__}"


def parameters(kind: Kind, made_by: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options of a part: its maker's arguments without those the harness hands in."""
    return _parameters(made_by, kind.supplied)


def stackable(kind: Kind, name: str) -> set[str]:
    """The options that may differ between the replicas of one stack."""
    made_by = maker(kind, name, name)
    hints = _hints(made_by)
    return {key for key in parameters(kind, made_by) if hints.get(key) == HyperParameter}


def canonical(kind: Kind, spec: Spec, where: str) -> Spec:
    """The part in its one canonical form: checked, options at their default omitted, keys sorted.

    Raises:
        BadKeyError: an unknown name or option, a wrong type, or a value that the class refuses.
    """
    name, options = split(spec)
    made_by = maker(kind, name, where)
    try:
        known, model = parameters(kind, made_by), _options_model(made_by, kind.supplied, name)
    except Exception as error:
        problem = f"expected options of types that a study can state, found of {name!r}: {first_line(error)}"
        raise BadKeyError(where, problem) from error
    for key in options:
        if key not in known:
            raise BadKeyError(
                f"{where}.{key}", f"expected an option of {kind.noun} {name!r}, found {key!r}{nearest(key, known)}"
            )
    try:
        checked = model.model_validate_json(json.dumps(options))
    except ValidationError as error:
        raise first_problem(error, where) from error
    values = {key: getattr(checked, key) for key in known}
    try:
        kind.trial(made_by, values)
    except (ValueError, TypeError) as error:
        raise BadKeyError(where, str(error)) from error
    except (Exception, SystemExit) as error:
        raise BadKeyError(
            where, f"expected a class that can be made, found of {name!r}: {first_line(error)}"
        ) from error
    changed = {key for key in checked.model_fields_set if values[key] != known[key].default}
    plain = json.loads(checked.model_dump_json(include=changed))
    return join(name, {key: plain[key] for key in sorted(changed)})


def build(kind: Kind, spec: Spec, *supplied: Any, **replaced: Any) -> Any:
    """The part itself. `replaced` takes the place of options, by name: one value per replica, say."""
    name, options = split(spec)
    return maker(kind, name, name)(*supplied, **{**options, **replaced})


def source_hash(name: str) -> str | None:
    """SHA-256 of the file that a dotted path names; None for a known name."""
    if ":" not in name:
        return None
    return _file_hash(importlib.import_module(name.partition(":")[0]))


# studies ask for the same few classes over and over
@functools.lru_cache(maxsize=256)
def _parameters(made_by: Callable[..., Any], supplied: int) -> dict[str, inspect.Parameter]:
    listed = list(inspect.signature(made_by).parameters.values())[supplied:]
    return {p.name: p for p in listed if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


@functools.lru_cache(maxsize=256)
def _options_model(made_by: Callable[..., Any], supplied: int, name: str) -> type[BaseModel]:
    """What checks the options of a part."""
    hints = _hints(made_by)
    fields: dict[str, Any] = {}
    for key, parameter in _parameters(made_by, supplied).items():
        hint = hints.get(key, Any)
        required = parameter.default is inspect.Parameter.empty
        fields[key] = (float if hint == HyperParameter else hint, ... if required else parameter.default)
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())
    return create_model(f"{name} options", __config__=config, **fields)


@functools.lru_cache(maxsize=256)
def _hints(made_by: Callable[..., Any]) -> dict[str, Any]:
    target = made_by.func if isinstance(made_by, functools.partial) else made_by
    return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
