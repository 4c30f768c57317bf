"""Where our steps' time goes, and how far they are from what the processor can do."""

import functools
import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from fairgrid.experiments.benchmark.contestants import WIDTHS, Compiled, Stacked
from fairgrid.experiments.benchmark.race import BATCHES, microseconds, task
from fairgrid.framework import SGD, Optimizer

_REPEATS = 7


class _Still(Optimizer):
    """Changes nothing, so that a compiled step with it is the forward pass and the loss."""

    def update(self, value: Tensor, grad: Tensor, **named: Any) -> None:
        pass


def parts(say: Callable[[str], None]) -> pd.DataFrame:
    """Rows of engine, batch, optimizer, part and microseconds of it in a step of one replica.

    The compiled engine's are differences between programs that do less and less; the other's are timed where they
    happen, without what the loop around them takes.
    """
    rows = []
    for batch in BATCHES:
        for optimizer in ("sgd-momentum", "adam"):
            for name, timed in (
                (Compiled.name, _of_compiled(batch, optimizer)),
                (Stacked.name, _of_stacked(batch, optimizer)),
            ):
                total = sum(timed.values())
                shares = ", ".join(f"{part} {value / total:.0%}" for part, value in timed.items())
                say(f"batch {batch}, {optimizer}, {name}: {total:.3g} µs: {shares}")
                rows += [[name, batch, optimizer, part, value] for part, value in timed.items()]
    return pd.DataFrame(rows, columns=["engine", "batch", "optimizer", "part", "microseconds"])


def _fastest(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(_REPEATS))


def _of_compiled(batch: int, optimizer: str) -> dict[str, float]:
    job = task(optimizer, batch, 64 if batch < 100 else 16)
    whole, plain, still = Compiled(job), Compiled(job), Compiled(job)
    for contestant, kind in ((plain, SGD), (still, _Still)):
        contestant.optimizer = kind(contestant.model.parameters(), learning_rate=job.rate)
        contestant.passes = type(contestant.passes)(contestant.optimizer)

    def ordering() -> float:
        start = time.perf_counter()
        whole.order()
        return (time.perf_counter() - start) / (job.steps * job.replicas) * 1e6

    for contestant in (whole, plain, still):
        contestant.epoch()
    all_of_it, without_state, forward = (
        _fastest(functools.partial(microseconds, contestant)) for contestant in (whole, plain, still)
    )
    order = _fastest(ordering)
    return {
        "order of the samples": order,
        "gather, forward, loss": max(0.0, forward - order),
        "backward, plain update": max(0.0, without_state - forward),
        "rest of the update": max(0.0, all_of_it - without_state),
    }


def _of_stacked(batch: int, optimizer: str) -> dict[str, float]:
    contestant = Stacked(task(optimizer, batch, {1: 128, 10: 64, 100: 16}[batch]))
    contestant.epoch()
    spent: dict[str, float] = {}

    def timed(owner: Any, method: str, part: str) -> None:
        inner = getattr(owner, method)

        def outer(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = inner(*arguments)
            spent[part] = spent.get(part, 0.0) + time.perf_counter() - start
            return result

        owner.__dict__[method] = outer

    timed(contestant, "order", "order of the samples")
    timed(contestant.model, "forward", "forward")
    timed(contestant.criterion, "forward", "loss")
    timed(contestant.criterion, "backward", "loss")
    timed(contestant.model, "backward", "backward")
    timed(contestant.optimizer, "step", "update")
    timed(contestant.optimizer, "zero_grad", "clearing gradients")
    start = time.perf_counter()
    for _ in range(3):
        contestant.epoch()
    spent["gather and loop"] = time.perf_counter() - start - sum(spent.values())
    steps = 3 * contestant.task.steps * contestant.task.replicas
    return {part: seconds / steps * 1e6 for part, seconds in spent.items()}


def operations(batch: int) -> float:
    """Multiplications and additions of a step's products: one forward and two backward a layer, the first's one."""
    pairs = list(itertools.pairwise(WIDTHS))
    forward = sum(inputs * outputs for inputs, outputs in pairs)
    return 2.0 * batch * (3 * forward - pairs[0][0] * pairs[0][1])


def traffic(optimizer: str) -> float:
    """Bytes that an update reads and writes: values and state both ways, gradients written and read."""
    parameters = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(WIDTHS))
    states = 1 if optimizer == "sgd-momentum" else 2
    return 4.0 * parameters * (2 * (1 + states) + 2)


def peak() -> float:
    """Operations a second of one thread's largest float32 matrix product, by numpy's library."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)

    def rate() -> float:
        start = time.perf_counter()
        a @ a
        return 2 * 1024**3 / (time.perf_counter() - start)

    return max(rate() for _ in range(5 * _REPEATS))


def bandwidth(size: int) -> float:
    """Bytes a second that one thread reads and writes in copying `size` bytes over and over."""
    a = np.zeros(size // 8, dtype=np.float32)
    b = np.zeros_like(a)
    repeats = max(1, 50_000_000 // size)

    def rate() -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            np.copyto(b, a)
        return repeats * size / (time.perf_counter() - start)

    return max(rate() for _ in range(_REPEATS))


def limits(times: pd.DataFrame, say: Callable[[str], None]) -> pd.DataFrame:
    """How much of a step of the compiled engine the processor's limits account for.

    Args:
        times: the times that `race` returns.
        say: prints a line.

    Returns:
        Rows of batch, optimizer, microseconds, operations, bytes, and the microseconds that these take at the peak of
        a matrix product and at the bandwidth of the second-level cache.
    """
    fastest, near, far = peak(), bandwidth(400_000), bandwidth(400_000_000)
    say(
        f"one thread: {fastest / 1e9:.0f} · 10⁹ operations a second in a matrix product of 1024, "
        f"{near / 1e9:.0f} GB/s in the cache, {far / 1e9:.0f} GB/s in memory"
    )
    rows = []
    ours = times[times["contestant"] == Compiled.name].groupby(["batch", "optimizer"], sort=False)["microseconds"]
    for batch, optimizer, measured in ours.median().reset_index().itertuples(index=False):
        count, moved = operations(batch), traffic(optimizer)
        products, update = count / fastest * 1e6, moved / near * 1e6
        say(
            f"batch {batch}, {optimizer}: {measured:.3g} µs; its {count / 1e3:.0f} thousand operations take "
            f"{products:.2g} µs at the peak ({products / measured:.0%}), its {moved / 1e3:.0f} kB {update:.2g} µs"
        )
        rows.append([batch, optimizer, measured, count, moved, products, update])
    columns = ["batch", "optimizer", "microseconds", "operations", "bytes", "at_peak", "at_bandwidth"]
    return pd.DataFrame(rows, columns=columns)
