"""How arithmetic is done: which kernels, how many threads. A record depends on it, so it is part of a run's identity.

"portable" fixes the kernels of torch and of its matrix library MKL to their AVX2 versions, whatever else the processor
can do; "native" takes the best there are. Either way MKL_CBWR is set: without it MKL's products may differ in the last
bits with the alignment of their operands, and so with a replica's place in its stack. The variables are read when torch
loads, so this module does not import it at the top.

The device is where runs train. On a GPU the mode is that of what stays on the processor: data and first weights.
"""

import hashlib
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from fairgrid.experiments.errors import InputError

Mode = Literal["portable", "native"]
MODES: tuple[Mode, ...] = get_args(Mode)
Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = get_args(Device)
KINDS: tuple[tuple[Mode, Device], ...] = tuple(itertools.product(MODES, DEVICES))

_VARIABLES: dict[Mode, dict[str, str]] = {
    "portable": {"MKL_CBWR": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "native": {"MKL_CBWR": "AUTO"},
}
_NAMES = ("MKL_CBWR", "ATEN_CPU_CAPABILITY")
# worker processes are started with `python -m`, which would put the working directory first on their search path
_SAFE_PATH = "PYTHONSAFEPATH"
_WORKSPACE = ":4096:8"  # of cuBLAS, whose products may differ from call to call without one of their own


def request(mode: Mode, device: Device = "cpu") -> None:
    """Asks for a mode, for this process if torch is not loaded yet, and for the processes it starts.

    Args:
        mode: the mode of what the processor computes.
        device: where runs train; cuBLAS reads its variable when a GPU is first used.

    Raises:
        InputError: torch is loaded already, with other kernels.
    """
    wanted = _VARIABLES[mode]
    if any(os.environ.get(name) != wanted.get(name) for name in _NAMES) and "torch" in sys.modules:
        asked = ", ".join(f"{name}={wanted[name]}" if name in wanted else f"no {name}" for name in _NAMES)
        raise InputError(f"numerics {mode!r} need {asked} in the environment before torch is loaded")
    _set(mode, device)


def prefer(mode: Mode) -> None:
    """Asks for a mode where nothing else is asked for and torch is not loaded yet: a session's first import does so."""
    if "torch" not in sys.modules and not any(name in os.environ for name in _NAMES):
        request(mode)


@contextmanager
def inherited(mode: Mode, device: Device = "cpu") -> Iterator[None]:
    """Processes that are started inside compute in a mode, whatever this one does."""
    names = (*_NAMES, _SAFE_PATH, "CUBLAS_WORKSPACE_CONFIG")
    before = {name: os.environ[name] for name in names if name in os.environ}
    _set(mode, device)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


def _set(mode: Mode, device: Device) -> None:
    for name in _NAMES:
        os.environ.pop(name, None)
    os.environ.update({**_VARIABLES[mode], _SAFE_PATH: "1"})
    if device == "cuda":
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = _WORKSPACE


def settle(device: Device = "cpu") -> None:
    """One thread, and denormals as zeros: more threads slow small products down, denormals slow everything down.

    On a GPU kernels are deterministic, or refuse, and products are of float32 rather than of TF32.
    """
    import torch

    os.environ.pop(_SAFE_PATH, None)  # what a user's class starts is as everywhere
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if device == "cuda":
        torch.use_deterministic_algorithms(True)
        torch.backends.fp32_precision = "ieee"  # type: ignore[attr-defined]  # it is missing in torch's annotations


def usable(device: Device) -> bool:
    """Whether torch can train there."""
    import torch

    return device == "cpu" or torch.cuda.is_available()


def require(device: Device, flag: str = "--") -> None:
    """Sees to it that torch can train there.

    Args:
        device: where runs are to train.
        flag: what stands before an argument's name in messages.

    Raises:
        InputError: it cannot.
    """
    import torch

    if not usable(device):
        lacking = "and no GPU" if torch.version.cuda else "without CUDA"
        raise InputError(
            f"{flag}device cuda: expected a GPU that torch can use, found: torch {torch.__version__} {lacking}"
        )


def memory(device: Device) -> int | None:
    """Bytes of the GPU; None for the processor."""
    import torch

    return torch.cuda.get_device_properties(0).total_memory if device == "cuda" else None


def fingerprint(device: Device = "cpu") -> str:
    """A hash of what torch computes here: equal on machines whose records are equal, as far as it can see.

    It does the operations of a small training without the library, whose changes it must not see, and functions of
    torch that a user's own classes may call and that were seen to differ between kernels.
    """
    import torch

    settle(device)
    stream = torch.Generator().manual_seed(0)
    x = torch.rand(3, 100, 25, generator=stream).to(device)
    weight = (torch.randn(3, 25, 25, generator=stream) / 5).to(device)
    square = torch.zeros_like(weight)
    losses = []
    for size in (1, 10, 100):
        for batch in x.split(size, 1):
            hidden = torch.tanh(batch @ weight)
            difference = 1 / (1 + torch.exp(-(hidden @ weight.mT))) - batch
            gradient = hidden.mT @ difference / size
            square.mul_(0.9).addcmul_(gradient, gradient, value=0.1)
            weight.addcdiv_(gradient, square.sqrt() + 1e-8, value=-0.01)
            losses.append(difference.square().mean((-2, -1)))
    further = [x.sigmoid(), x.softmax(-1), x.pow(1.3), x.log1p(), x.std(-2), x.double() @ weight.double()]
    computed = torch.cat([*losses, *(values.double().flatten() for values in further)])
    return hashlib.sha256(computed.cpu().numpy().tobytes()).hexdigest()[:16]
