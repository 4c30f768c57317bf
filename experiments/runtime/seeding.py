"""Random streams: what a run draws depends on its seed and the purpose alone.

Data depends on (seed, problem), initial weights on (seed, architecture, initializer), the sample order on (seed, number
of training points), never on optimizer, learning rate, batch size or engine. So runs of one seed are paired: they meet
the same data, start and order.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Generator

Purpose = Literal["data", "validation", "initialization", "order", "noise"]

# A CPU generator keeps 32 bits of its seed: the purpose takes the upper 3, the run's seed the lower 29.
_PURPOSES: dict[Purpose, int] = {"data": 0, "validation": 1, "initialization": 2, "order": 3, "noise": 4}
_SEED_BITS = 29

# Evaluation seeds lie below, tuning seeds from here on, so no run is both selected on and reported.
TUNING_BLOCK = 100_000_000


def generator(seed: int, purpose: Purpose) -> "Generator":
    """The stream of one run for one purpose.

    Raises:
        ValueError: the seed is not in [0, 2²⁹).
    """
    if not 0 <= seed < 1 << _SEED_BITS:
        raise ValueError(f"a seed is an integer in [0, 2**{_SEED_BITS}), found {seed}")
    from torch import Generator  # which takes seconds; who plans needs the numbers alone

    return Generator().manual_seed(_PURPOSES[purpose] << _SEED_BITS | seed)
