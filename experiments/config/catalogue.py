"""Options of components as data, so that a study of known names is read without importing what is behind them.

`python -m fairgrid.experiments.config.catalogue` writes options.json anew from the classes, which a test holds it to.
"""

import functools
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fairgrid.experiments.config.registry import KINDS, MEASURE, Kind, imported

_FILE = Path(__file__).with_name("options.json")
_TYPES = {"Literal": Literal}  # what stands in annotations beside Python's own names


@dataclass(frozen=True)
class Option:
    """An option of a component.

    Attributes:
        name: the argument's name.
        annotation: the type of its values.
        default: the value where none is given.
        required: whether there is no default.
        stackable: whether it may differ between the replicas of one stack.
    """

    name: str
    annotation: Any
    default: Any = None
    required: bool = False
    stackable: bool = False


def options_of_name(kind: Kind, name: str) -> dict[str, Option]:
    """The options of a known name, from the data."""
    return _known_options()[kind.noun][name]


def options_of_class(maker: Callable[..., Any], supplied: int) -> dict[str, Option]:
    """The options of a class or function: its arguments without those that the harness hands in.

    Args:
        maker: the class, or a partial of one.
        supplied: how many leading arguments the harness hands in.

    Raises:
        Exception: an annotation cannot be evaluated.
    """
    target = maker.func if isinstance(maker, functools.partial) else maker
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    listed = list(inspect.signature(maker).parameters.values())[supplied:]
    stackable = _hyper_parameter()
    options = {}
    for parameter in listed:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            hint = hints.get(parameter.name, Any)
            required = parameter.default is inspect.Parameter.empty
            options[parameter.name] = Option(
                parameter.name,
                float if hint == stackable else hint,
                None if required else parameter.default,
                required,
                hint == stackable,
            )
    return options


def written() -> str:
    """The text of options.json, from the classes."""
    table = {
        kind.noun: {
            name: {key: _written(option) for key, option in options_of_class(named.maker(), kind.supplied).items()}
            for name, named in kind.names.items()
        }
        for kind in KINDS.values()
    }
    kinds = []
    for noun, names in table.items():
        lines = _joined(_name(name, options) for name, options in names.items())
        kinds.append(f'"{noun}": {{\n{lines}\n}}')
    metrics = [f' "{name}": {json.dumps(imported(named.path).gives)}' for name, named in MEASURE.names.items()]
    kinds.append(f'"metrics of measures": {{\n{_joined(metrics)}\n}}')
    revisions = [
        f' "{kind.noun} {name}": {revision}'
        for kind in KINDS.values()
        for name, named in kind.names.items()
        if (revision := revision_of_class(named.maker())) != 1
    ]
    kinds.append(f'"revisions": {{{_joined(dict.fromkeys(revisions))}}}')
    return f"{{\n{_joined(kinds)}\n}}\n"


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _name(name: str, options: Mapping[str, Any]) -> str:
    """A name, and each of its options on a line."""
    lines = [f'  "{key}": {json.dumps(option)}' for key, option in options.items()]
    return f' "{name}": {{\n{_joined(lines)}\n }}' if lines else f' "{name}": {{}}'


def _written(option: Option) -> dict[str, Any]:
    annotation = option.annotation.__name__ if isinstance(option.annotation, type) else str(option.annotation)
    return {
        "type": annotation.removeprefix("typing."),
        **({} if option.required else {"default": option.default}),
        **({"stackable": True} if option.stackable else {}),
    }


def metrics_of_measure(name: str) -> tuple[str, ...]:
    """The names of the metrics that a known measure gives, from the data."""
    return tuple(_table()["metrics of measures"][name])


def revision_of_class(maker: Callable[..., Any]) -> int:
    """The revision of a class, 1 if it states none: raised where the class behaves otherwise for the same options."""
    target = maker.func if isinstance(maker, functools.partial) else maker
    return int(getattr(target, "revision", 1))


def revision_of_name(kind: Kind, name: str) -> int:
    """The revision of a known name, from the data."""
    return int(_table()["revisions"].get(f"{kind.noun} {name}", 1))


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return table


@functools.cache
def _known_options() -> Mapping[str, Mapping[str, dict[str, Option]]]:
    nouns = {kind.noun for kind in KINDS.values()}
    return {noun: {name: _read(options) for name, options in _table()[noun].items()} for noun in nouns}


def _read(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Option]:
    def annotated() -> None: ...

    annotated.__annotations__ = {name: option["type"] for name, option in options.items()}
    types = typing.get_type_hints(annotated, globalns=_TYPES)
    return {
        name: Option(
            name,
            types[name],
            _as(types[name], option.get("default")),
            "default" not in option,
            bool(option.get("stackable")),
        )
        for name, option in options.items()
    }


def _as(annotation: Any, default: Any) -> Any:
    """A default as Python has it: JSON has lists for tuples."""
    return tuple(default) if isinstance(default, list) and typing.get_origin(annotation) is tuple else default


def _hyper_parameter() -> Any:
    from fairgrid.framework.optimizers.optimizer import HyperParameter  # imports torch

    return HyperParameter


if __name__ == "__main__":
    _FILE.write_text(written(), encoding="utf-8")
