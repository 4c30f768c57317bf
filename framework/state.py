"""State dictionaries: their comparison, and files of them without pickle.

A state is a dictionary of tensors, numbers, strings and further dictionaries or lists of them. Modules and optimizers
return theirs from `state_dict()`. Training resumed by `load_state_dict` continues bit for bit if it was saved between
epochs and the caller restores the generators too:

    save("run.pt", {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    state = load("run.pt")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
"""

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def check(owner: str, expected: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Compares a state with the one that its owner has.

    Args:
        owner: the owner's name, for the message.
        expected: names and values of the owner's state. Tensors are compared by shape and dtype, numbers by type,
            strings by value.
        state: the state to be loaded.

    Raises:
        ValueError: the states differ; the message lists all differences.
    """
    differences = [f"missing {name}" for name in expected if name not in state]
    differences += [f"unexpected {name}" for name in state if name not in expected]
    for name in expected:
        if name in state and _kind(expected[name]) != _kind(state[name]):
            differences.append(f"{name} is {_kind(state[name])} where {_kind(expected[name])} is needed")
    if differences:
        raise ValueError(f"the state does not fit {owner}: {'; '.join(differences)}")


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Writes a state to a file atomically.

    Raises:
        ValueError: the state contains other objects than tensors, numbers, strings, dictionaries and lists.
    """
    _check_plain(state, "the state")
    partial = Path(f"{path}.partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load(path: str | Path) -> dict[str, Any]:
    """Reads a state from a file written by `save`. Nothing in the file is executed.

    Raises:
        ValueError: the file is damaged, or contains no state.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()  # torch ignores wrong checksums
        state = None if damaged else torch.load(io.BytesIO(content), weights_only=True)
    except Exception as error:  # a damaged file may raise any exception
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is damaged or no saved state: {reason}") from error
    if damaged:
        raise ValueError(f"{path} is damaged: the checksum of {damaged} is wrong")
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds no state: a dictionary is needed, found {type(state).__name__}")
    return state


def _check_plain(value: Any, where: str) -> None:
    if isinstance(value, dict | list | tuple):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _check_plain(item, f"{where}[{key!r}]")
    elif not isinstance(value, Tensor | int | float | str | None):
        raise ValueError(f"a state holds tensors, numbers and strings, found {type(value).__name__} at {where}")


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return repr(value) if isinstance(value, str) else type(value).__name__
