"""Representations of modules, losses, optimizers and schedules: `Linear(inputs=2, outputs=25, bias=True)`."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

_SHOWN = 6  # longer lists are abbreviated


def arguments(owner: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an object's constructor, with their present values.

    Args:
        owner: the object.
        values: present values by name; arguments without one are omitted.
    """
    present = {}
    for name, parameter in inspect.signature(type(owner).__init__).parameters.items():
        if name in values and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            value = values[name]
            # the attribute of a flag may be what it switches on, such as a layer's bias
            flag = isinstance(parameter.default, bool)
            present[name] = value is not None and value is not False if flag else value
    return present


def represent(owner: object, present: Mapping[str, Any], children: Iterable[tuple[str, object]] = ()) -> str:
    """The representation of an object, with an indented block per child, as in torch.nn.

    Args:
        owner: the object.
        present: arguments and their values.
        children: names and objects.
    """
    options = ", ".join(f"{name}={_text(value)}" for name, value in present.items())
    lines = [options] if options else []
    blocks = [f"({name}): {child!r}" for name, child in children]
    if not blocks:
        return f"{type(owner).__name__}({options})"
    body = "\n".join(lines + blocks).replace("\n", "\n  ")
    return f"{type(owner).__name__}(\n  {body}\n)"


def _text(value: Any) -> str:
    value = value.tolist() if isinstance(value, Tensor) else value
    if isinstance(value, list) and len(value) > _SHOWN:
        shown = ", ".join(repr(item) for item in value[: _SHOWN // 2])
        return f"[{shown}, … {len(value)} in all]"
    return repr(value)
