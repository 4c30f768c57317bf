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
    """A hash of what torch computes here: equal on machines whose records are equal, as far as it can see.

    It does the operations of a small training without the library, whose changes it must not see, and functions of
    torch that a user's own classes may call and that were seen to differ between kernels.
    """
    import torch

    settle()
    stream = torch.Generator().manual_seed(0)
    x = torch.rand(3, 100, 25, generator=stream)
    weight = torch.randn(3, 25, 25, generator=stream) / 5
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
    return hashlib.sha256(computed.numpy().tobytes()).hexdigest()[:16]
