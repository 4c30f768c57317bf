"""Runs grouped into chunks: what one worker trains at a time.

A chunk of the engines `framework` and `compiled` is a stack of replicas. How runs are cut into chunks never changes a
record.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.stacking import stack_key
from fairgrid.experiments.planning.cost_model import cost, shapes
from fairgrid.experiments.problems import Samples
from fairgrid.framework.passes import EVALUATION_SAMPLES, listed

# bytes of one replica's parameters, gradients and activations that a stack may add up to: about a second-level cache
_WORKING_SET = 1_500_000
_SMALLEST_STACK, _LARGEST_STACK = 4, 128
_PYTORCH_RUNS = 4
_COMPILED_RUNS = 64  # one trains after the other
_DATA = 400_000_000  # bytes that the data of a stack may take
_BYTES = 20  # of a number while runs' data is put together: as drawn, stacked, and in the dtype of training

# A GPU is given as many replicas as half of its memory holds: operations on few small networks leave it idle.
_LARGEST_GPU_STACK = 4096
_FLAT_BUFFERS = 10  # of all parameters: values, gradients, two moments, hyper-parameters, what an update computes


@dataclass(frozen=True)
class Run:
    """One planned training; `keep` says whether what figures are drawn from is kept."""

    run_id: str
    cell: str
    config: RunConfig
    seed: int
    keep: bool = False


@dataclass(frozen=True)
class Chunk:
    """Runs that train together.

    Attributes:
        cost: estimated seconds; long chunks start first.
    """

    runs: tuple[Run, ...]
    cost: float


def cut(runs: Sequence[Run], largest: int | None = None, memory: int | None = None) -> list[Chunk]:
    """Chunks of runs, the longest first.

    Args:
        runs: the runs, in any order and of several cells.
        largest: at most so many runs in a chunk; by default as many as fit the cache, or the memory.
        memory: bytes of the GPU that a worker trains on; None where it trains on a processor.
    """
    chunks = []
    keys = {cell: stack_key(config) for cell, config in {run.cell: run.config for run in runs}.items()}
    ordered = sorted(runs, key=lambda run: (keys[run.cell], run.seed, run.run_id))
    for _, grouped in itertools.groupby(ordered, key=lambda run: keys[run.cell]):
        group = list(grouped)
        config = group[0].config
        size = largest or _stack_size(config, memory)
        count = math.ceil(len(group) / size)
        bounds = [round(i * len(group) / count) for i in range(count + 1)]
        for start, end in itertools.pairwise(bounds):
            chunks.append(Chunk(tuple(group[start:end]), cost(config, end - start)))
    return sorted(chunks, key=lambda chunk: -chunk.cost)


def stretch(runs: Sequence[Run]) -> float:
    """How many times as long as one of them alone the runs of a chunk are expected to take."""
    config = runs[0].config
    return cost(config, len(runs)) / cost(config, 1)


def _stack_size(config: RunConfig, memory: int | None) -> int:
    if config.engine == "pytorch":
        return _PYTORCH_RUNS
    most = max(_SMALLEST_STACK, _DATA // (_BYTES * _table(config)))
    if config.engine == "compiled":
        return min(_COMPILED_RUNS, most)
    count, activations = shapes(config)
    size = 4 if config.dtype == "float32" else 8
    if memory is not None:
        samples = max(config.batch_size, EVALUATION_SAMPLES)
        numbers = _FLAT_BUFFERS * count + 2 * samples * activations + _numbers_of_data(config)
        return max(_SMALLEST_STACK, min(_LARGEST_GPU_STACK, memory // 2 // (size * numbers)))
    replica = size * (3 * count + 2 * config.batch_size * activations)
    return max(_SMALLEST_STACK, min(_LARGEST_STACK, most, _WORKING_SET // replica))


def _table(config: RunConfig) -> int:
    """About how many numbers the data of a run is, without drawing it."""
    problem = config.build_problem()
    return (problem.train + problem.validation + problem.test) * (problem.inputs + problem.outputs)


def _numbers_of_data(config: RunConfig) -> int:
    """Of one run: all of its samples, and the training samples again in an epoch's order."""
    data = config.build_problem().sample(0)

    def numbers(samples: Samples) -> int:
        tensors = [samples.x, samples.label, samples.points, *listed(samples.target)]
        return sum(tensor.numel() for tensor in tensors if tensor is not None)

    return 2 * numbers(data.train) + numbers(data.validation) + numbers(data.test)
