"""The text of a module, loss, optimizer or schedule: `Linear(inputs=2, outputs=25, bias=True)`."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

_SHOWN = 6  # values of a longer list are abbreviated


def arguments(owner: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an object's constructor, with their present values.

    Args:
        owner: the object.
        values: present values by name; an argument that the object does not keep is left out.
    """
    present = {}
    for name, parameter in inspect.signature(type(owner).__init__).parameters.items():
        if name in values and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            value = values[name]
            # a layer keeps its bias, not the flag that asked for it
            flag = isinstance(parameter.default, bool)
            present[name] = value is not None and value is not False if flag else value
    return present


def represent(owner: object, present: Mapping[str, Any], children: Iterable[tuple[str, object]] = ()) -> str:
    """The text of an object, with one indented line or block per child, as torch.nn has it.

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
