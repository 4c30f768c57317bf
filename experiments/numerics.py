"""How arithmetic is done: which kernels, how many threads. A record depends on it, so it is part of a run's identity.

"portable" fixes the kernels of torch and of its matrix library MKL to their AVX2 versions, whatever else the processor
can do; "native" takes the best there are. Either way MKL_CBWR is set: without it MKL's products may differ in the last
bits with the alignment of their operands, and so with a replica's place in its stack. The variables are read when torch
loads, so this module does not import it at the top.
"""

import hashlib
import os
import sys
from typing import Literal, get_args

from experiments.errors import InputError

Mode = Literal["portable", "native"]
MODES: tuple[Mode, ...] = get_args(Mode)

_VARIABLES: dict[Mode, dict[str, str]] = {
    "portable": {"MKL_CBWR": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "native": {"MKL_CBWR": "AUTO"},
}
_NAMES = ("MKL_CBWR", "ATEN_CPU_CAPABILITY")


def request(mode: Mode) -> None:
    """Asks for a mode, for this process if torch is not loaded yet, and for the processes it starts.

    Raises:
        InputError: torch is loaded already, with other kernels.
    """
    wanted = _VARIABLES[mode]
    if any(os.environ.get(name) != wanted.get(name) for name in _NAMES) and "torch" in sys.modules:
        asked = ", ".join(f"{name}={wanted[name]}" if name in wanted else f"no {name}" for name in _NAMES)
        raise InputError(f"numerics {mode!r} need {asked} in the environment before torch is loaded")
    for name in _NAMES:
        os.environ.pop(name, None)
    os.environ.update(wanted)


def settle() -> None:
    """One thread, and denormals as zeros: more threads slow small products down, denormals slow everything down."""
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def fingerprint() -> str:
    """A hash of a tiny training's bits: equal on machines whose records are equal, as far as it can see."""
    import torch

    from framework import Adam, Linear, MSELoss, Sequential, Sigmoid, Tanh, train_epoch, xavier_normal

    settle()
    model = Sequential(Linear(2, 25), Tanh(), Linear(25, 25), Sigmoid(), Linear(25, 2))
    streams = [torch.Generator().manual_seed(seed) for seed in range(3)]
    model.initialize(streams, xavier_normal)
    x = torch.stack([torch.rand(100, 2, generator=stream) for stream in streams])
    order = torch.arange(100).repeat(3, 1)
    losses = [
        train_epoch(model, MSELoss(), Adam(model.parameters(), learning_rate=0.01), x, x.square(), order, size)
        for size in (1, 10, 100)
    ]
    return hashlib.sha256(torch.cat(losses).numpy().tobytes()).hexdigest()[:16]
