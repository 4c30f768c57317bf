"""A record must not depend on what was stacked beside it: elementwise operations give an element the same bits wherever
it lies in the buffer, and a training gives a replica the same bits in every stack of two or more, as
fairgrid.framework.testing holds of each module, loss and optimizer. All in float32, in which records are made.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fairgrid.framework import Linear, MSELoss, Sequential, XavierNormal, train_epoch
from fairgrid.framework.testing.clauses import generator, normal
from fairgrid.framework.testing.stacks import STACKS
from tests.framework import checks
from tests.framework.tables import LOSSES, MODULES, OPTIMIZERS

# Operations that are not elementwise: they only move numbers, or the tests of whole stacks below hold them.
MOVES = {
    "_to_copy", "_unsafe_view", "alias", "as_strided", "cat", "clone", "constant_pad_nd",
    "copy_", "detach", "empty", "empty_like", "expand", "fill_", "full",
    "index", "lift_fresh", "new_empty", "new_zeros", "ones_like", "permute", "scatter_", "select", "slice", "split",
    "split_with_sizes", "stack", "t", "transpose", "unbind", "unsqueeze", "view", "zero_", "zeros", "zeros_like",
}  # fmt: skip
SUMS = {"addmm", "addmm_", "amax", "baddbmm", "baddbmm_", "bmm", "mean", "mm", "sum"}

BATCHES = (1, 2, 3, 10, 100)
Call = tuple[Callable[..., Tensor], tuple[Any, ...], dict[str, Any]]


class Recorder(TorchDispatchMode):
    """Notes every operation with its arguments, up to three different ones for each."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, dict[str, Call]] = {}

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if any(isinstance(value, Tensor) and value.dim() for value in (*arguments, *keywords.values())):
            known = self.calls.setdefault(str(function), {})
            if len(known) < 3:
                scalars = [value for value in arguments if not isinstance(value, Tensor)]
                known[f"{scalars} {keywords.keys()}"] = (function, arguments, keywords)
        return function(*arguments, **keywords)


def record() -> dict[str, dict[str, Call]]:
    """Every operation of a forward, backward or step of everything in the tables."""
    recorder = Recorder()
    for replicas in (None, checks.R):
        for examples in MODULES.values():
            for example in examples:
                trial = checks.trial(example, replicas, torch.float32)
                with recorder:
                    trial.forward()
                    trial.backward()
        for examples in LOSSES.values():
            for example in examples:
                for reduction in ("mean", "sum"):
                    loss = example.make(reduction)
                    given = checks.loss_inputs(example, replicas, torch.float32)
                    with recorder:
                        loss.forward(*given)
                        loss.backward()
    for kind, configs in OPTIMIZERS.items():
        for config in configs:
            optimizer = kind(checks.problem(checks.R, torch.float32), **checks.of_stack(config, [0, 1, 2]))
            optimizer.grad.copy_(optimizer.value)
            with recorder:
                for _ in range(3):
                    optimizer.step()
                    optimizer.zero_grad()
    return recorder.calls


def is_elementwise(function: Any) -> bool:
    """By the tag of the operation, or of the one it is the in-place form of."""
    packet = getattr(torch.ops.aten, function.overloadpacket.__name__.removesuffix("_"), function.overloadpacket)
    tags = [*function.tags, *(tag for name in packet.overloads() for tag in getattr(packet, name).tags)]
    return torch.Tag.pointwise in tags


USED = record()
ELEMENTWISE = [
    pytest.param(call, id=f"{name.removeprefix('aten.')}-{number}")
    for name, calls in sorted(USED.items())
    for number, call in enumerate(calls.values())
    if is_elementwise(call[0])
]

POOL = 61  # a prime, so that shifts by lengths meet every place
SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-30, 1e-40, -1e-40, 1e30, 88.5, -88.5, -103.5, 0.5]
LENGTHS = [*range(1, 41), 63, 64, 65, 127, 129, 1000, 5003]


def pool(number: int, dtype: torch.dtype) -> Tensor:
    """The values of the argument with that number."""
    drawn = normal(POOL, seed=number) * 4
    drawn[torch.arange(len(SPECIAL)) * 5 + number] = torch.tensor(SPECIAL, dtype=torch.float64)
    return drawn > 0 if dtype == torch.bool else drawn.to(dtype)


def check_position(call: Call) -> None:
    """An element's result has the same bits at every place in buffers of many lengths, starts and strides."""
    function, arguments, keywords = call
    pools: dict[int, Tensor] = {}
    for value in (*arguments, *keywords.values()):
        if isinstance(value, Tensor) and value.dim():
            pools.setdefault(id(value), pool(len(pools), value.dtype))

    def result(length: int, start: int, stride: int, shift: int) -> tuple[Tensor, Tensor]:
        index = (torch.arange(length) + shift) % POOL
        placed = {}
        for key, values in pools.items():
            buffer = torch.empty(start + length * stride, dtype=values.dtype)
            placed[key] = buffer[start::stride][:length].copy_(values[index])
        found = function(
            *(placed.get(id(value), value) for value in arguments),
            **{name: placed.get(id(value), value) for name, value in keywords.items()},
        )
        return index, torch.where(found.isnan(), torch.nan, found.float())  # any NaN is as good as another

    _, expected = result(POOL, 0, 1, 0)
    for length in LENGTHS:
        for start in range(16) if length < 100 else (0, 1, 7):
            for stride in (1, 2) if start < 2 else (1,):
                index, found = result(length, start, stride, length * 7 + start)
                checks.same_bits(found, expected[index], f"{length} elements from {start}, stride {stride}")


def test_every_operation_is_of_a_known_kind() -> None:
    for name, calls in USED.items():
        function = next(iter(calls.values()))[0]
        plain = function.overloadpacket.__name__
        assert is_elementwise(function) or plain in MOVES | SUMS, (
            f"{name} is new: does it only move numbers (MOVES) or sum them (SUMS), in tests/framework/test_position.py?"
        )


def test_the_operations_in_use_were_found() -> None:
    found = {call[0].overloadpacket.__name__ for calls in USED.values() for call in calls.values()}
    assert {"tanh", "exp_", "addcmul_", "lerp_", "sqrt_", "sign", "div", "baddbmm", "bmm", "sum"} <= found


@pytest.mark.parametrize("call", ELEMENTWISE)
def test_elementwise_operations_do_not_depend_on_position(call) -> None:
    check_position(call)


def test_an_operation_that_depends_on_position_is_caught() -> None:
    x = torch.ones(3)
    with pytest.raises(AssertionError, match="expected equal bits"):
        check_position((lambda x: x * (1 + 1e-7 * torch.arange(x.numel())), (x,), {}))
    one_by_one = torch.cat([value.sigmoid() for value in pool(0, torch.float32).split(1)])
    if not torch.equal(one_by_one, pool(0, torch.float32).sigmoid()):
        with pytest.raises(AssertionError, match="expected equal bits"):
            check_position((torch.ops.aten.sigmoid.default, (x,), {}))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(
    "activation", [kind for kind in MODULES if kind.__module__ == "fairgrid.framework.activations"]
)
def test_training_does_not_depend_on_the_stack(activation, outputs, batch) -> None:
    samples = min(3 * batch, 105)  # and a last batch that is smaller
    kind, config = list(OPTIMIZERS.items())[batch % len(OPTIMIZERS)]
    config = config[-1]

    def trained(replicas: list[int]) -> list[Tensor]:
        model = Sequential(Linear(2, 25), activation(), Linear(25, 25), activation(), Linear(25, outputs))
        model.initialize([generator(r) for r in replicas], XavierNormal(bias="same"))
        x, target = (
            torch.stack([normal(samples, width, seed=r, dtype=torch.float32) for r in replicas])
            for width in (2, outputs)
        )
        order = torch.stack([torch.randperm(samples, generator=generator(r)) for r in replicas])
        optimizer = kind(model.parameters(), **checks.of_stack(config, replicas))
        losses = train_epoch(model, MSELoss(), optimizer, x, target, order, batch)
        return [losses.mT, *(parameter.value for parameter in model.parameters())]

    expected = trained(list(range(64)))
    for replicas in STACKS:
        for found, value in zip(trained(replicas), expected, strict=True):
            checks.same_bits(found, value[replicas], f"replicas {replicas}")
