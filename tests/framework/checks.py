"""The contract of modules, losses and optimizers, a function for each clause. They raise AssertionError."""

import copy
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from fairgrid.framework import Loss, Module, Optimizer, Parameter, XavierNormal
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer
from fairgrid.torch_peers import parameters as pairs
from tests.framework.tables import Example, LossExample

R = 3
B = 6
Outcome = dict[str, Tensor]


def generator(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def close(actual: Tensor, expected: Tensor, what: str, tolerance: float = 1e-10) -> None:
    """Equal shapes and dtypes, and equal to a relative tolerance in the Euclidean norm."""
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, not {tuple(expected.shape)}"
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}"
    error, norm = (actual - expected).norm().item(), expected.norm().item()
    assert error <= tolerance * norm, f"{what}: off by {error:.3g} where the norm is {norm:.3g}"


def same_bits(actual: Tensor, expected: Tensor, what: str) -> None:
    """Equal bit for bit; a NaN equals itself, 0 differs from −0."""
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, not {tuple(expected.shape)}"
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}"
    kind = {torch.float32: torch.int32, torch.float64: torch.int64}[actual.dtype]
    differ = (actual.contiguous().view(kind) != expected.contiguous().view(kind)).sum().item()
    assert differ == 0, f"{what}: {differ} of {actual.numel()} elements differ in their bits"


# Modules


def initialized(
    example: Example, replicas: int | None = None, dtype: torch.dtype = torch.float64, device: str = "cpu"
) -> Module:
    """The example's module, plain or stacked."""
    module = example.make()
    generators = generator(0) if replicas is None else [generator(r) for r in range(replicas)]
    module.initialize(generators, XavierNormal(bias="same"), dtype, device)
    module.streams = 0 if replicas is None else list(range(replicas))  # whose noise `begin_epoch` gives
    return module


def begin_epoch(module: Module, x: Tensor) -> None:
    """Announces an epoch of one batch, x, with the same noise every time."""
    if isinstance(module.streams, int):
        module.begin_epoch(generator(module.streams), x.shape[0])
    else:
        module.begin_epoch([generator(stream) for stream in module.streams], x.shape[1])


def forward(module: Module, x: Tensor) -> Tensor:
    begin_epoch(module, x)
    return module.forward(x)


def inputs(
    module: Module, example: Example, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = B
) -> tuple[Tensor, Tensor]:
    """x for the example, and a dy of the shape of its output."""
    leading = () if replicas is None else (replicas,)
    x = normal(*leading, batch, *example.features, seed=1, dtype=dtype)
    return x, normal(*forward(module, x).shape, seed=2, dtype=dtype)


def select(module: Module, replicas: int | list[int]) -> Module:
    """A copy with some of the replicas of a stacked module; a single index gives a plain one."""
    part = copy.deepcopy(module)
    for held in part.named_state().values():
        held.assign(held.value[replicas].clone())
    if hasattr(module, "streams"):
        part.streams = module.streams[replicas] if isinstance(replicas, int) else [module.streams[r] for r in replicas]
    return part


def outcome(module: Module, x: Tensor, dy: Tensor) -> Outcome:
    """Output and gradients of one forward and backward."""
    for parameter in module.parameters():
        parameter.grad.zero_()
    found = {"output": forward(module, x).clone(), "input gradient": module.backward(dy).clone()}
    return found | gradients(module.parameters())


def gradients(parameters: list[Parameter]) -> Outcome:
    return {f"gradient of parameter {place}": parameter.grad.clone() for place, parameter in enumerate(parameters)}


def twin_outcome(module: Module, x: Tensor, dy: Tensor) -> Outcome:
    """The same by autograd, for a plain module."""
    net = module_peer(module)
    x = x.clone().requires_grad_()
    begin_epoch(module, x)
    y = net(x)
    y.backward(dy)
    found = {"output": y.detach(), "input gradient": x.grad}
    peers = pairs(module, net)
    assert [pair.ours for pair in peers] == module.parameters(), "the twin does not pair every parameter"
    return found | {f"gradient of parameter {place}": pair.grad for place, pair in enumerate(peers)}


def check_twin(module: Module, x: Tensor, dy: Tensor) -> None:
    """Output and all gradients agree with torch's; in a stack, those of every replica with its own twin."""
    found = outcome(module, x, dy)
    if x.shape[0] != R:
        compare(found, twin_outcome(module, x, dy), "plain")
        return
    for r in range(R):
        compare(at(found, r), twin_outcome(select(module, r), x[r], dy[r]), f"replica {r}")


def check_stacked_is_plain(module: Module, x: Tensor, dy: Tensor) -> None:
    """A replica's outcome in a stack is its outcome alone."""
    found = outcome(module, x, dy)
    for r in range(R):
        compare(at(found, r), outcome(select(module, r), x[r], dy[r]), f"replica {r}", 1e-13)


def at(found: Outcome, replicas: int | list[int]) -> Outcome:
    return {name: tensor[replicas] for name, tensor in found.items()}


def compare(found: Outcome, expected: Outcome, where: str, tolerance: float = 1e-10) -> None:
    assert found.keys() == expected.keys(), f"{where}: {sorted(found)}, not {sorted(expected)}"
    for name in expected:
        close(found[name], expected[name], f"{where}, {name}", tolerance)


def check_directional(module: Module, x: Tensor, dy: Tensor) -> None:
    """The gradients are the slopes of ⟨dy, forward⟩ along random directions, by central differences."""
    found = outcome(module, x, dy)
    varied = {"input gradient": x}
    varied |= {f"gradient of parameter {i}": parameter.value for i, parameter in enumerate(module.parameters())}

    def height() -> float:
        return (dy * forward(module, x)).sum().item()

    for seed, (name, tensor) in enumerate(varied.items()):
        check_slope(height, tensor, found[name], name, seed)


def check_slope(height: Callable[[], float], tensor: Tensor, gradient: Tensor, name: str, seed: int) -> None:
    step = 1e-6
    direction = normal(*tensor.shape, seed=100 + seed)
    start = tensor.clone()
    ends = []
    for sign in (1, -1):
        tensor.copy_(start + sign * step * direction)
        ends.append(height())
    tensor.copy_(start)
    slope = (ends[0] - ends[1]) / (2 * step)
    expected = (gradient * direction).sum().item()
    assert abs(slope - expected) <= 1e-6 * (1e-2 + gradient.norm().item()), f"{name}: {expected}, not {slope}"


def check_accumulates(module: Module, x: Tensor, dy: Tensor, samplewise: bool = True) -> None:
    """Gradients are never None, have their parameter's shape, and add up: over half-batches, and over backwards."""
    for parameter in module.parameters():
        assert isinstance(parameter.grad, Tensor), "a gradient is not a tensor"
        assert parameter.grad.shape == parameter.value.shape, "a gradient has not its parameter's shape"
    whole = outcome(module, x, dy)
    again = module.backward(dy)
    close(again, whole["input gradient"], "the input gradient of a second backward")
    for name, gradient in gradients(module.parameters()).items():
        close(gradient, 2 * whole[name], f"{name} after two backwards")
    if samplewise:
        batch = 0 if x.shape[0] != R else 1  # the dimension after R, where there is one
        for parameter in module.parameters():
            parameter.grad.zero_()
        cut = x.shape[batch] // 3
        sizes = [cut, x.shape[batch] - cut]
        parts = []
        begin_epoch(module, x)
        for part, d_part in zip(x.split(sizes, batch), dy.split(sizes, batch), strict=True):
            module.forward(part)
            parts.append(module.backward(d_part))
        close(torch.cat(parts, batch), whole["input gradient"], "the input gradients of two parts")
        for name, gradient in gradients(module.parameters()).items():
            close(gradient, whole[name], f"{name} after two parts of the batch")


def check_leaves_alone(module: Module, x: Tensor, dy: Tensor) -> None:
    """Forward changes neither x nor the parameters, backward nor dy nor the output."""
    held = [x, dy, *(parameter.value for parameter in module.parameters())]
    before = [tensor.clone() for tensor in held]
    y = forward(module, x)
    held.append(y)
    before.append(y.clone())
    module.backward(dy)
    for place, (tensor, expected) in enumerate(zip(held, before, strict=True)):
        same_bits(tensor, expected, ["x", "dy", *["a parameter"] * (len(held) - 3), "the output"][place])


def check_backward_needs_forward(module: Module, x: Tensor, dy: Tensor) -> None:
    """Backward first is a clear ValueError, or right without a forward."""
    fresh = copy.deepcopy(module)
    for part in modules(fresh):
        part.cache = None
    try:
        dx = fresh.backward(dy)
    except ValueError as error:
        message = str(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} instead of a ValueError") from error
    else:
        close(dx, outcome(module, x, dy)["input gradient"], "the input gradient without a forward")
        return
    assert re.fullmatch(r"\w+\.backward needs a forward before it", message), f"unclear: {message}"


def modules(module: Module) -> list[Module]:
    """A module and all below it."""
    return [module, *(part for child in module.children() for part in modules(child))]


def check_dtype(example: Example, replicas: int | None) -> None:
    """In float32 everything stays float32 and is near float64's."""
    model = initialized(example, replicas, torch.float32)
    x, dy = inputs(model, example, replicas, torch.float32)
    found = outcome(model, x, dy)
    for parameter in model.parameters():
        parameter.assign(parameter.value.double())
    exact = outcome(model, x.double(), dy.double())
    compare(found, {name: tensor.float() for name, tensor in exact.items()}, "float32", 1e-5)


def check_neighbours(module: Module, x: Tensor, dy: Tensor) -> None:
    """A replica that is not a number leaves the bits of the others alone."""
    before = outcome(module, x, dy)
    x = x.clone()
    x[1] = torch.nan
    after = outcome(module, x, dy)
    for name, tensor in before.items():
        same_bits(after[name][[0, 2]], tensor[[0, 2]], f"{name} beside a NaN")
    assert after["output"][1].isnan().all(), "a NaN got lost on the way forward"


# Losses


def loss_inputs(
    example: LossExample, replicas: int | None = None, dtype: torch.dtype = torch.float64, batch: int = B
) -> tuple[Tensor, Tensor]:
    """A prediction and a target."""
    shape = (batch, example.outputs) if replicas is None else (replicas, batch, example.outputs)
    target = example.target(shape, generator(3))
    return normal(*shape, seed=4, dtype=dtype), target.to(dtype) if target.is_floating_point() else target


def loss_outcome(loss: Loss, prediction: Tensor, target: Tensor) -> Outcome:
    return {"loss": loss.forward(prediction, target).clone(), "gradient": loss.backward().clone()}


def twin_loss_outcome(loss: Loss, prediction: Tensor, target: Tensor) -> Outcome:
    prediction = prediction.clone().requires_grad_()
    value = loss_peer(loss)(prediction, target)
    value.backward()
    return {"loss": value.detach(), "gradient": prediction.grad}


def check_loss_twin(loss: Loss, prediction: Tensor, target: Tensor) -> None:
    """Loss and gradient agree with torch's; in a stack, those of every replica."""
    found = loss_outcome(loss, prediction, target)
    if prediction.dim() == 2:
        compare(found, twin_loss_outcome(loss, prediction, target), "plain")
        return
    assert found["loss"].shape == (R,), f"the loss of a stack has shape {tuple(found['loss'].shape)}"
    for r in range(R):
        compare(at(found, r), twin_loss_outcome(loss, prediction[r], target[r]), f"replica {r}")


def check_loss_directional(loss: Loss, prediction: Tensor, target: Tensor) -> None:
    """The gradient is the slope of the loss along random directions."""
    gradient = loss_outcome(loss, prediction, target)["gradient"]
    for seed in range(3):
        check_slope(
            lambda: loss.forward(prediction, target).sum().item(), prediction, gradient, "the loss's gradient", seed
        )


def check_loss_parts(loss: Loss, prediction: Tensor, target: Tensor) -> None:
    """A sum over the batch is the sum over its parts."""
    assert loss.reduction == "sum"
    whole = loss_outcome(loss, prediction, target)
    batch = prediction.dim() - 2
    sizes = [B // 3, B - B // 3]
    parts = [
        loss_outcome(loss, part, wanted)
        for part, wanted in zip(prediction.split(sizes, batch), target.split(sizes, batch), strict=True)
    ]
    close(parts[0]["loss"] + parts[1]["loss"], whole["loss"], "the losses of two parts")
    close(torch.cat([part["gradient"] for part in parts], batch), whole["gradient"], "the gradients of two parts")


def check_loss_leaves_alone(loss: Loss, prediction: Tensor, target: Tensor) -> None:
    """Neither forward nor backward changes what it was given, and backward can be asked again."""
    before = prediction.clone(), target.clone()
    first = loss_outcome(loss, prediction, target)["gradient"]
    assert torch.equal(prediction, before[0]), "the prediction was changed"
    assert torch.equal(target, before[1]), "the target was changed"
    same_bits(loss.backward(), first, "the gradient of a second backward")


# Optimizers

SHAPES = ((3, 5), (1, 5), (5, 1), (1, 1), (7, 9), (2, 3, 2, 2))
LATER = (0.3, 0.5, 0.2)  # factors on the three learning rates when they change


def problem(replicas: int | None, dtype: torch.dtype = torch.float64) -> list[Parameter]:
    """Parameters with random values."""
    found = []
    for place, shape in enumerate(SHAPES):
        parameter = Parameter(shape)
        drawn = torch.stack([normal(*shape, seed=1000 * r + place) for r in range(replicas or 1)])
        parameter.assign((drawn if replicas is not None else drawn[0]).to(dtype))
        found.append(parameter)
    return found


def pull(value: Tensor, place: int, step: int, replica: int) -> Tensor:
    """The gradient of one replica's parameter: noise and a pull that depends on the value."""
    noise = normal(*SHAPES[place], seed=100_000 * (replica + 1) + 100 * step + place, dtype=value.dtype)
    return noise + 0.5 * value


def of(config: dict[str, Any], replica: int) -> dict[str, Any]:
    """The configuration of one replica."""
    return {name: value[replica % R] if isinstance(value, tuple) else value for name, value in config.items()}


def of_stack(config: dict[str, Any], replicas: list[int]) -> dict[str, Any]:
    """The configuration of a stack of replicas."""
    return {
        name: [value[r % R] for r in replicas] if isinstance(value, tuple) else value for name, value in config.items()
    }


def advance(optimizer: Optimizer, steps: range, replicas: list[int] | None) -> None:
    """Steps with each replica's gradients; the learning rates change before the eighth step."""
    names = [0] if replicas is None else replicas
    for step in steps:
        if step == 7:
            rates = optimizer.get("learning_rate")
            factors = torch.tensor([LATER[r % R] for r in names], dtype=torch.float64)
            optimizer.set("learning_rate", rates * (factors if replicas is not None else factors[0]))
        optimizer.zero_grad()
        for place, parameter in enumerate(optimizer.parameters):
            values = parameter.value if replicas is not None else parameter.value[None]
            grads = torch.stack([pull(values[i], place, step, r) for i, r in enumerate(names)])
            parameter.grad += grads if replicas is not None else grads[0]
        optimizer.step()


def check_optimizer_twin(kind: type[Optimizer], config: dict[str, Any], replica: int | None) -> None:
    """After every one of 14 steps, with another learning rate from the eighth on, the parameters are torch.optim's.

    Args:
        kind: the class.
        config: its keywords.
        replica: one of the three for plain parameters, None for a stack of all.
    """
    if replica is None:
        names = list(range(R))
        parameters = problem(R)
        optimizer = kind(parameters, **of_stack(config, names))
    else:
        names = [replica]
        parameters = problem(None)
        optimizer = kind(parameters, **of(config, replica))
    theirs = []
    for i, r in enumerate(names):
        values = [parameter.value[i] if replica is None else parameter.value for parameter in parameters]
        leaves = [torch.nn.Parameter(value.clone()) for value in values]
        theirs.append((r, leaves, optimizer_peer(kind(problem(None), **of(config, r)), leaves)))
    for step in range(14):
        if step == 7:
            rates = [of(config, r)["learning_rate"] * LATER[r] for r in names]
            optimizer.set("learning_rate", rates if replica is None else rates[0])
            for rate, (_, _, peer) in zip(rates, theirs, strict=True):
                peer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        for i, (r, leaves, peer) in enumerate(theirs):
            for place, (parameter, leaf) in enumerate(zip(parameters, leaves, strict=True)):
                leaf.grad = pull(leaf.detach(), place, step, r)
                (parameter.grad[i] if replica is None else parameter.grad).add_(leaf.grad)
            peer.step()
        optimizer.step()
        for i, (r, leaves, _) in enumerate(theirs):
            for place, (parameter, leaf) in enumerate(zip(parameters, leaves, strict=True)):
                value = parameter.value[i] if replica is None else parameter.value
                close(value, leaf.detach(), f"parameter {place} of replica {r} after step {step}")


def check_select(kind: type[Optimizer], config: dict[str, Any]) -> None:
    """A stack cut down in mid-course goes on with the bits of the whole one, in the order asked for."""
    whole, kept = list(range(5)), [3, 0, 4]
    optimizer, cut = (kind(problem(5, torch.float32), **of_stack(config, whole)) for _ in range(2))
    advance(optimizer, range(6), whole)
    advance(cut, range(6), whole)
    cut.select(torch.tensor(kept))
    for name, value in config.items():
        if isinstance(value, tuple):
            same_bits(cut.get(name), optimizer.get(name)[kept], name)
    for steps in (range(6, 6), range(6, 12)):
        advance(optimizer, steps, whole)
        advance(cut, steps, kept)
        for place, (parameter, expected) in enumerate(zip(cut.parameters, optimizer.parameters, strict=True)):
            same_bits(parameter.value, expected.value[kept], f"parameter {place}")
            same_bits(parameter.grad, expected.grad[kept], f"gradient {place}")
