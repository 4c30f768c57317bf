"""The engine `compiled`: it does what the modules do, and each replica's bits are its own."""

import copy
import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fairgrid.experiments.config.catalogue import options_of_name
from fairgrid.experiments.config.registry import ACTIVATION, OPTIMIZER
from fairgrid.experiments.engines.compiled import CompiledPasses, NotCompilableError, epoch_program, forward_program
from fairgrid.experiments.engines.compiled.elementwise import PLAIN
from fairgrid.experiments.engines.compiled.jit import compiled
from fairgrid.experiments.engines.compiled.llvm import Code
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import InputError
from fairgrid.experiments.study.loading import load
from fairgrid.framework import (
    BatchNorm,
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    Dropout,
    Identity,
    Linear,
    Loss,
    Module,
    MSELoss,
    Optimizer,
    Sequential,
    Softmax,
    pytorch_uniform,
    select,
    train_epoch,
)
from fairgrid.framework.passes import predict
from fairgrid.framework.testing.clauses import generator
from tests.experiments import studies
from tests.experiments.configs import configured

LOSSES = [MSELoss, CrossEntropyLoss, BinaryCrossEntropyLoss]
REPLICAS, SAMPLES = 4, 57


def network(activation: Callable[[], Module], dtype: torch.dtype, *widths: int) -> Sequential:
    layers: list[Module] = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        layers += [activation()] if number else []
        layers += [Linear(inputs, outputs, bias=number != 1)]
    model = Sequential(*layers)
    model.initialize([generator(replica) for replica in range(REPLICAS)], pytorch_uniform, dtype)
    return model


def data(dtype: torch.dtype, inputs: int, outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    stream = generator(9)
    x = torch.randn(REPLICAS, SAMPLES, inputs, generator=stream, dtype=dtype)
    label = torch.randint(outputs, (REPLICAS, SAMPLES), generator=stream)
    target = torch.nn.functional.one_hot(label, outputs).to(dtype)
    order = torch.stack([torch.randperm(SAMPLES, generator=stream) for _ in range(REPLICAS)])
    return x, target, order


def both(
    model: Module, criterion: Loss, optimizer: Optimizer, batch: int, x: Tensor, target: Tensor, order: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Losses, parameters and predictions after two epochs, by tensor operations and compiled."""
    results = []
    other = copy.deepcopy((model, criterion, optimizer))
    for net, loss, steps in ((model, criterion, optimizer), other):
        passes = CompiledPasses(steps)
        step, evaluate = (train_epoch, predict) if net is model else (passes.train_epoch, passes.predict)
        losses = [step(net, loss, steps, x, target, order, batch) for _ in range(2)]
        results.append([*losses, *(parameter.value for parameter in net.parameters()), evaluate(net, x)])
    return results[0], results[1]


@pytest.mark.parametrize("batch", [1, 2, 3, 10, 57])
@pytest.mark.parametrize("name", sorted(OPTIMIZER.names))
def test_every_optimizer_compiled_is_the_optimizer(name: str, batch: int) -> None:
    dtype = torch.float64
    model = network(ACTIVATION.names["tanh"], dtype, 3, 5, 20, 2)
    rates = [0.01, 0.02, 0.001, 0.0]
    decays = "weight_decay" in options_of_name(OPTIMIZER, name)
    options: dict[str, Any] = {"weight_decay": [0.0, 0.1, 0.0, 0.01]} if decays else {}
    if name == "adam_without_root":
        options["epsilon"] = 0.1  # by default it divides by squares as small as 1e-8, and rounding explodes
    optimizer = OPTIMIZER.names[name](model.parameters(), learning_rate=rates, **options)
    expected, found = both(model, MSELoss(), optimizer, batch, *data(dtype, 3, 2))
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", sorted(ACTIVATION.names))
def test_every_activation_and_loss_compiled_is_itself(name: str, loss: type[Loss]) -> None:
    dtype = torch.float64
    model = network(ACTIVATION.names[name], dtype, 3, 35, 7, 3)
    optimizer = OPTIMIZER.names["momentum"](model.parameters(), learning_rate=0.01)
    expected, found = both(model, loss(), optimizer, 10, *data(dtype, 3, 3))
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", sorted(ACTIVATION.names))
def test_in_float32_they_differ_by_rounding(name: str) -> None:
    dtype = torch.float32
    model = network(ACTIVATION.names[name], dtype, 2, 25, 25, 2)
    optimizer = OPTIMIZER.names["adam"](model.parameters(), learning_rate=0.001)
    expected, found = both(model, MSELoss(), optimizer, 10, *data(dtype, 2, 2))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_softmax_and_a_module_used_twice() -> None:
    dtype = torch.float64
    shared = Linear(6, 6)
    model = Sequential(Linear(3, 6), shared, ACTIVATION.names["tanh"](), shared, Softmax())
    model.initialize([generator(replica) for replica in range(REPLICAS)], pytorch_uniform, dtype)
    optimizer = OPTIMIZER.names["nesterov"](model.parameters(), learning_rate=0.1)
    expected, found = both(model, MSELoss(), optimizer, 10, *data(dtype, 3, 6))
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("samples", [1, 7, 200, 201, 450])
def test_predictions_of_any_number_of_samples(samples: int) -> None:
    model = network(ACTIVATION.names["relu"], torch.float64, 3, 5, 2)
    passes = CompiledPasses(OPTIMIZER.names["sgd"](model.parameters()))
    x = torch.randn(REPLICAS, samples, 3, generator=generator(1), dtype=torch.float64)
    assert torch.allclose(passes.predict(model, x), predict(model, x), rtol=1e-12, atol=1e-14)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_bits_depend_neither_on_neighbours_nor_on_the_processor(name: str, batch: int, dtype: torch.dtype) -> None:
    model = network(ACTIVATION.names[name], dtype, 2, 25, 25, 2)
    optimizer = OPTIMIZER.names["adam"](model.parameters(), learning_rate=[0.01, 0.02, 0.03, 0.04])
    x, target, order = data(dtype, 2, 2)

    def bits(rows: list[int], features: str | None = None, registers: int | None = None) -> list[Tensor]:
        """What becomes of replica 2 among others."""
        net, loss, steps = copy.deepcopy((model, MSELoss(), optimizer))
        chosen = torch.tensor(rows)
        select(chosen, net, steps)
        passes = CompiledPasses(steps, features, registers)
        losses = passes.train_epoch(net, loss, steps, x[chosen], target[chosen], order[chosen], batch)
        place = rows.index(2)
        parameters = [parameter.value[place] for parameter in net.parameters()]
        return [losses[:, place], passes.predict(net, x[chosen])[place], *parameters]

    alone = bits([2])
    # a processor with half as wide registers, and one with fewer of them
    narrow = "-avx512f,-avx512vl,-avx512bw,-avx512dq"
    for other in (bits([0, 1, 2, 3]), bits([3, 2]), bits([0, 1, 2, 3], narrow, 96), bits([2, 2], None, 32)):
        assert all(torch.equal(a, b) for a, b in zip(alone, other, strict=True))


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], list[tuple[float, float]], float]] = {
    "exp": (np.exp, [(-87, 88.3), (-1, 1)], 2e-7),
    "log": (np.log, [(1e-37, 1e38), (0.5, 2.0)], 4e-7),
    "log1p": (np.log1p, [(1e-9, 1e-3), (0.0, 1.0)], 4e-7),
    "tanh": (np.tanh, [(-12, 12), (-1, 1), (-1e-3, 1e-3)], 4e-7),
}


def applied(name: str, x: np.ndarray) -> np.ndarray:
    """A function of elementwise.py on float32 numbers, a multiple of 4."""
    code = Code("float")
    with code.loop("%count", 4) as at:
        code.store(PLAIN[name](code, 4, code.load("%x", at, 4)), "%y", at, 4)
    text = code.function("run", [("ptr", "x"), ("ptr", "y"), ("i64", "count")])
    y = np.empty_like(x)
    compiled(text, 2, 1)(x.ctypes.data, y.ctypes.data, len(x))
    return y


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_in_float32_are_exact_to_a_few_units_of_the_last_place(name: str) -> None:
    exact, ranges, tolerance = FUNCTIONS[name]
    for low, high in ranges:
        x = np.random.default_rng(0).uniform(low, high, 40_000).astype(np.float32)
        wanted = exact(x.astype(np.float64))
        assert (
            np.max(np.abs(applied(name, x) - wanted) / np.maximum(np.abs(wanted), 1e-6 if low <= 1 <= high else 0))
            < tolerance
        )


def test_functions_at_the_ends() -> None:
    ends = np.array([math.inf, -math.inf, math.nan, 0.0, 200.0, -200.0, 89.0, -88.0], dtype=np.float32)
    with np.errstate(all="ignore"):
        for name in ("exp", "tanh"):
            assert np.allclose(applied(name, ends), FUNCTIONS[name][0](ends), rtol=1e-6, atol=1e-37, equal_nan=True)
        logs = np.array([math.inf, math.nan, 0.0, -1.0], dtype=np.float32)
        assert np.array_equal(applied("log", logs), np.log(logs), equal_nan=True)


def config(**keys: Any) -> dict[str, Any]:
    common: dict[str, Any] = {
        "problem": {"name": "disk", "train": 60, "test": 40, "validation": 20},
        "model": {"name": "mlp", "hidden": [9, 8]},
        "optimizer": {"name": "momentum", "learning_rate": 0.1},
        "batch_size": 8,
        "epochs": 5,
    }
    return configured(common | {"engine": "compiled"} | keys)


def test_a_record_is_that_of_the_framework_but_for_rounding() -> None:
    keys: dict[str, Any] = {"dtype": "float64", "measures": ["border"], "targets": [0.3]}
    ours, theirs = (train([config(**keys, engine=engine)] * 3, [0, 1, 2]) for engine in ("compiled", "framework"))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.status, one.steps, one.gradient_evaluations) == (
            other.status,
            other.steps,
            other.gradient_evaluations,
        )
        assert one.curves["epoch"] == other.curves["epoch"]
        assert one.final == pytest.approx(other.final, rel=1e-9)
        assert one.metrics == pytest.approx(other.metrics, rel=1e-9, nan_ok=True)


def test_stops_schedules_and_divergence_are_each_runs_own() -> None:
    keys: dict[str, Any] = {
        "epochs": 40,
        "stopping": {"patience": 2, "restore_best": True},
        "schedule": {"name": "plateau", "patience": 1, "factor": 0.5},
    }
    rates = [0.1, 1e25, 0.5, 0.02]
    configs = [config(**keys, optimizer={"name": "sgd", "learning_rate": rate}) for rate in rates]
    together = train(configs, [0, 1, 2, 3])
    assert [record.status for record in together] == ["ok", "diverged", "ok", "ok"]
    assert len({record.steps for record in together}) > 2
    for place, record in enumerate(together):
        assert train([configs[place]], [place]) == [record]


class Counting(Optimizer):
    """Its step depends on its number, and it does not say so."""

    def __init__(self, parameters: Any, learning_rate: float = 0.1) -> None:
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value: Tensor, grad: Tensor, **named: Any) -> None:
        value.sub_(named["learning_rate"] * grad, alpha=1 / self.steps)


class Halving(Counting):
    """The same step, said."""

    def factors(self, step: int) -> dict[str, float]:
        return {"fraction": -1 / step}

    def update(self, value: Tensor, grad: Tensor, **named: Any) -> None:
        value.addcmul_(named["learning_rate"], grad, value=named["fraction"])


def test_a_step_that_depends_on_its_number_has_to_say_how() -> None:
    model = network(ACTIVATION.names["relu"], torch.float64, 3, 5, 2)
    x, target, order = data(torch.float64, 3, 2)
    with pytest.raises(
        NotCompilableError, match=r"^Counting, whose update depends on the number of the step \(say how in `factors`\)$"
    ):
        epoch_program(model, MSELoss(), Counting(model.parameters()), x, target, 10)
    expected, found = both(model, MSELoss(), Halving(model.parameters()), 10, x, target, order)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-11)


class Noisy(Dropout):
    """Half of its units at random."""

    def __init__(self) -> None:
        super().__init__(0.5)


class Branching(Identity):
    """Looks at its numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum((-2, -1)).item() > 1e9 else x * 2


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Dropout(0.5), "noise (Dropout)"),
        (BatchNorm(5), "a model with running statistics"),
        (Branching(), "a step that looks at its numbers"),
    ],
)
def test_what_cannot_be_compiled_is_said(layer: Module, reason: str) -> None:
    model = Sequential(Linear(3, 5), layer, Linear(5, 2))
    model.initialize([generator(replica) for replica in range(REPLICAS)], pytorch_uniform, torch.float64)
    optimizer = OPTIMIZER.names["sgd"](model.parameters())
    x, target, _ = data(torch.float64, 3, 2)
    with pytest.raises(NotCompilableError) as error:
        epoch_program(model, MSELoss(), optimizer, x, target, 10)
    assert str(error.value) == reason


def test_classes_as_targets_and_images_are_refused() -> None:
    model = network(ACTIVATION.names["relu"], torch.float64, 3, 5, 2)
    optimizer = OPTIMIZER.names["sgd"](model.parameters())
    x, target, _ = data(torch.float64, 3, 2)
    with pytest.raises(NotCompilableError, match=r"^samples or targets that are not vectors of numbers$"):
        epoch_program(model, CrossEntropyLoss(), optimizer, x, target.argmax(-1), 10)
    with pytest.raises(NotCompilableError, match=r"^samples that are not vectors$"):
        forward_program(model, optimizer, x[:, :, None])


def test_a_study_that_cannot_be_compiled_is_refused_before_it_runs(tmp_path: Any) -> None:
    text = 'title = "t"\nseeds = 2\n[run]\nengine = "compiled"\nactivation = "noisy:Noisy"\n'
    (tmp_path / "noisy.py").write_text("from fairgrid.framework import Dropout\n\n\n" + inspect.getsource(Noisy))
    path = studies.write(tmp_path, text)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value) == (
        f'{path}: engine: expected runs that can be compiled (engine = "framework" trains all), found noise (Noisy)'
    )
