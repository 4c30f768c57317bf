"""A state that is kept and taken up again is the state that was, bit for bit; another one is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from fairgrid.framework import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    Dropout,
    Linear,
    Module,
    MSELoss,
    Optimizer,
    Sequential,
    Tanh,
    load,
    pytorch_uniform,
    save,
    xavier_normal,
)
from fairgrid.framework.testing.clauses import generator, normal
from tests.framework.checks import same_bits

Run = tuple[Module, Optimizer, list[Generator]]
OPTIMIZERS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (SGD, {"learning_rate": [0.1, 0.03, 0.01], "momentum": 0.9, "weight_decay": [0.1, 0.0, 0.2]}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    (Adam, {"learning_rate": [0.1, 0.03, 0.01], "beta1": 0.8}),
    (AdamW, {"learning_rate": 0.01}),
]


def start(kind: type[Optimizer], config: dict[str, Any], replicas: int | None = 3) -> Run:
    model = Sequential(Linear(4, 5), BatchNorm(5), Tanh(), Dropout(0.2), Linear(5, 2))
    streams = [generator(10 + r) for r in range(replicas or 1)]
    model.initialize([generator(r) for r in range(replicas)] if replicas else generator(0), xavier_normal)
    return model, kind(model.parameters(), **config), streams


def train(run: Run, epochs: range) -> None:
    model, optimizer, streams = run
    loss = MSELoss()
    for epoch in epochs:
        model.begin_epoch(streams, 12)
        for step in range(3):
            x = normal(3, 4, 4, seed=10 * epoch + step, dtype=torch.float32)
            loss.forward(model.forward(x), x[..., :2].square())
            model.backward(loss.backward())
            optimizer.step()
            optimizer.zero_grad()
        optimizer.set("learning_rate", optimizer.get("learning_rate") * 0.9)


def everything(run: Run) -> dict[str, Any]:
    model, optimizer, streams = run
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "streams": [stream.get_state() for stream in streams],
    }


@pytest.mark.parametrize(("kind", "config"), OPTIMIZERS)
def test_training_goes_on_bit_for_bit(tmp_path: Path, kind, config) -> None:
    through = start(kind, config)
    train(through, range(6))
    first = start(kind, config)
    train(first, range(3))
    save(tmp_path / "run.pt", everything(first))
    # into a run with other hyper-parameters and other weights, which are all replaced
    other = {name: 0.5 for name in config if name != "nesterov"}
    second = start(kind, other)
    train(second, range(3, 4))
    state = load(tmp_path / "run.pt")
    model, optimizer, streams = second
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    for stream, kept in zip(streams, state["streams"], strict=True):
        stream.set_state(kept)
    train(second, range(3, 6))
    for part in ("model", "optimizer"):
        expected = everything(through)[part]
        found = everything(second)[part]
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(found[name], value), name
            else:
                assert found[name] == value, name
    for name, value in through[0].state_dict().items():
        same_bits(model.state_dict()[name], value, name)


def test_a_state_is_a_copy() -> None:
    run = start(SGD, {"learning_rate": 0.1, "momentum": 0.9})
    train(run, range(1))
    kept = everything(run)
    before = {name: value.clone() for name, value in kept["model"].items()}
    train(run, range(1, 2))
    for name, value in before.items():
        same_bits(kept["model"][name], value, name)
    run[0].load_state_dict(kept["model"])
    train(run, range(2, 3))
    for name, value in before.items():
        same_bits(kept["model"][name], value, name)


def test_parameters_stay_views_of_the_optimizers_buffer() -> None:
    model, optimizer, _ = start(SGD, {"learning_rate": 0.1})
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})
    before = model.parameters()[0].value.clone()
    optimizer.grad.fill_(1)
    optimizer.step()
    torch.testing.assert_close(model.parameters()[0].value, before - 0.1)


def test_a_shared_parameter_is_kept_once() -> None:
    layer = Linear(3, 3)
    model = Sequential(layer, Tanh(), layer)
    assert list(model.state_dict()) == ["modules.0.weight", "modules.0.bias"]


def test_what_does_not_fit_changes_nothing() -> None:
    run = start(Adam, {"learning_rate": 0.1})
    train(run, range(1))
    before = everything(run)
    model, optimizer, _ = run
    for state in (
        start(Adam, {}, None)[0].state_dict(),
        before["model"] | {"more": torch.ones(1)},
        {name: value.double() + 1 for name, value in before["model"].items()},
        {name: value + 1 for name, value in before["model"].items() if name != "modules.4.bias"},
    ):
        with pytest.raises(ValueError, match=r"^the state does not fit Sequential: "):
            model.load_state_dict(state)
    for state in (
        before["optimizer"] | {"steps": 7.0},
        before["optimizer"] | {"steps": 7, "learning_rate": torch.ones(2)},
        before["optimizer"] | {"steps": 7, "mean.3": torch.ones(2)},
        start(SGD, {"learning_rate": 0.3})[1].state_dict(),
    ):
        with pytest.raises(ValueError, match=r"^the state does not fit Adam: "):
            optimizer.load_state_dict(state)
    for part in ("model", "optimizer"):
        for name, value in everything(run)[part].items():
            assert (
                torch.equal(torch.as_tensor(value), torch.as_tensor(before[part][name])) if name != "optimizer" else 1
            )


def test_a_file_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    model, _, _ = start(SGD, {})
    state = model.state_dict()
    file = tmp_path / "model.pt"
    save(file, state)
    sound = file.read_bytes()
    for place in range(0, len(sound), 61):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        try:
            found = load(file)
        except ValueError:
            continue
        assert found.keys() == state.keys(), "a byte that was read was damaged"
        assert all(torch.equal(found[name], value) for name, value in state.items()), "a value was damaged"
    for end in range(0, len(sound), 97):
        file.write_bytes(sound[:end])
        with pytest.raises(ValueError, match=r"is damaged or no saved state"):
            load(file)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    torch.save({"x": Path("a class that is no tensor")}, tmp_path / "unsafe.pt")
    with pytest.raises(ValueError, match=r"unsafe\.pt is damaged or no saved state: "):
        load(tmp_path / "unsafe.pt")


def test_a_failed_save_leaves_the_file_that_was(tmp_path: Path) -> None:
    save(tmp_path / "state.pt", {"steps": 3, "names": ["a"], "nested": {"x": torch.ones(2)}})
    with pytest.raises(ValueError, match=r"found Generator at the state\['streams'\]\[1\]$"):
        save(tmp_path / "state.pt", {"steps": 4, "streams": [torch.zeros(3), torch.Generator()]})
    state = load(tmp_path / "state.pt")
    assert state["steps"] == 3
    assert state["names"] == ["a"]
    assert state["nested"]["x"].tolist() == [1, 1]


def test_a_plain_model_keeps_its_state_too() -> None:
    one, other = Sequential(Linear(2, 3), BatchNorm(3)), Sequential(Linear(2, 3), BatchNorm(3))
    one.initialize(generator(0), pytorch_uniform)
    other.initialize(generator(1), pytorch_uniform)
    one.forward(normal(5, 2, seed=0, dtype=torch.float32))
    other.load_state_dict(one.state_dict())
    x = normal(5, 2, seed=1, dtype=torch.float32)
    one.train(False)
    other.train(False)
    same_bits(other.forward(x), one.forward(x), "the output")
