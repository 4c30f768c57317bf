"""How arithmetic is done: which kernels, how many threads. A record depends on it, so it is part of a run's identity.

"portable" fixes the kernels of torch and of its matrix library to their AVX2 versions, whatever else the processor can
do; "native" leaves the choice to them. Both are read when torch loads, so this module does not import it at the top.
"""

import hashlib
import os
import sys
from typing import Literal, get_args

from experiments.errors import InputError

Mode = Literal["portable", "native"]
MODES: tuple[Mode, ...] = get_args(Mode)

_PORTABLE = {"MKL_CBWR": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


def request(mode: Mode) -> None:
    """Asks for a mode, for this process if torch is not loaded yet, and for the processes it starts.

    Raises:
        InputError: torch is loaded already, with other kernels.
    """
    wanted = _PORTABLE if mode == "portable" else {}
    if any(os.environ.get(name) != wanted.get(name) for name in _PORTABLE) and "torch" in sys.modules:
        asked = " ".join(f"{name}={value}" for name, value in _PORTABLE.items())
        raise InputError(
            f"numerics {mode!r} must be chosen before torch is loaded: "
            f"{'set' if wanted else 'unset'} {asked} in the environment"
        )
    for name in _PORTABLE:
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
