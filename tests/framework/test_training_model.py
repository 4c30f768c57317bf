"""Whole trainings: a replica's is the one it would have alone, and the one that a plain torch loop does."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from fairgrid import framework
from fairgrid.framework import (
    SGD,
    Adam,
    BatchNorm,
    CosineDecay,
    CrossEntropyLoss,
    Dropout,
    EarlyStopping,
    Graph,
    Linear,
    Module,
    MSELoss,
    ReduceLROnPlateau,
    Sequential,
    StepDecay,
    Tanh,
    Training,
    WeightedSum,
    XavierNormal,
    generate_disk,
    normalize,
    one_hot_encode,
    predict,
    split_train_test,
    train_model,
    xavier_normal,
)
from fairgrid.framework.testing.clauses import generator, normal
from fairgrid.torch_peers import loss_peer, module_peer, optimizer_peer, parameters, schedule_peer
from tests.framework.checks import close, same_bits

R, N, BATCH, EPOCHS = 6, 23, 5, 25  # the last batch of an epoch is smaller
RATES = [0.1, 0.03, 1e30, 0.05, 0.2, 0.003]  # the third replica diverges
SEEDS = list(range(R))


def plain_network() -> Module:
    return Sequential(Linear(2, 6), Tanh(), Linear(6, 1))


def noisy_network() -> Module:
    return Sequential(Linear(2, 8), BatchNorm(8), Tanh(), Dropout(0.3), Linear(8, 1))


def branching_network() -> Module:
    """Two outputs, one of them after the other."""
    operators = {"in": Linear(2, 6), "tanh": Tanh(), "first": Linear(6, 1), "second": Sequential(Linear(6, 3))}
    return Graph(operators, {"tanh": ["in"], "first": ["tanh"], "second": ["tanh"]}, ["in"], ["first", "second"])


@dataclass(frozen=True)
class Setting:
    """How replicas train; each one's data, start, order, noise and rate are its seed's own."""

    network: Any = plain_network
    loss: Any = MSELoss
    schedule: Any = lambda: None
    stopping: Any = lambda: None
    dtype: torch.dtype = torch.float64
    shuffle: bool = True

    def samples(self, seed: int, count: int, first: int) -> tuple[Tensor, Any]:
        """Noisy samples of a smooth function, and classes where there is a second output."""
        x = normal(count, 2, seed=first + seed, dtype=self.dtype)
        y = (3 * x[:, :1]).sin() + 0.5 * normal(count, 1, seed=first + 50 + seed, dtype=self.dtype)
        return x, [y, (x[:, 0] > 0).long() + (x[:, 1] > 0)] if self.network is branching_network else y

    def stack(self, seeds: Sequence[int], count: int, first: int) -> tuple[Tensor, Any]:
        x, y = zip(*(self.samples(seed, count, first) for seed in seeds), strict=True)
        if isinstance(y[0], list):
            return torch.stack(x), [torch.stack(part) for part in zip(*y, strict=True)]
        return torch.stack(x), torch.stack(y)

    def streams(self, seeds: Sequence[int], first: int) -> list[torch.Generator]:
        return [generator(first + seed) for seed in seeds]

    def optimizer(self, model: Module, rates: Any) -> SGD:
        return SGD(model.parameters(), rates, momentum=0.5)

    def arguments(self, seeds: Sequence[int]) -> tuple[list[Any], dict[str, Any]]:
        """For `Training` and `train_model`."""
        model = self.network()
        model.initialize(self.streams(seeds, 0), XavierNormal(bias="same"), self.dtype)
        optimizer = self.optimizer(model, [RATES[seed] for seed in seeds])
        options = {
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "shuffle": self.streams(seeds, 100) if self.shuffle else None,
            "noise": self.streams(seeds, 200),
            "validation": self.stack(seeds, 17, 2000),
            "schedule": self.schedule(),
            "stopping": self.stopping(),
        }
        return [model, optimizer, self.loss(), *self.stack(seeds, N, 1000)], options


@dataclass
class Course:
    """What one replica went through: an entry per epoch, and its state at the end."""

    rates: list[Tensor] = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
    watched: list[Tensor] = field(default_factory=list)
    state: dict[str, Tensor] = field(default_factory=dict)
    diverged: tuple[int, str] | None = None


def courses(setting: Setting, seeds: Sequence[int]) -> list[Course]:
    """Trains a stack and looks at every replica between the epochs."""
    arguments, options = setting.arguments(seeds)
    training = Training(*arguments, **options)
    model, optimizer = arguments[:2]
    found = [Course() for _ in seeds]
    for _ in training:
        rates = optimizer.get("learning_rate").expand(len(training.rows))
        for row, place in training.replicas().items():
            found[row].rates.append(rates[place].clone())
            found[row].losses.append(training.losses[:, place].clone())
            found[row].watched.append(training.validation_loss[place].clone())
            if training.finished[place]:
                found[row].state = {name: held.value[place].clone() for name, held in model.named_state().items()}
    for row, course in enumerate(found):
        course.diverged = training.diverged.get(row)
    return found


def torch_course(setting: Setting, seed: int) -> Course:
    """The plain loop over one run: torch.nn, autograd, torch.optim, and a stop after epochs without improvement."""
    model = setting.network()
    model.initialize(generator(seed), XavierNormal(bias="same"), setting.dtype)
    net = module_peer(model)
    criterion = loss_peer(setting.loss())
    optimizer = optimizer_peer(setting.optimizer(model, RATES[seed]), net.parameters())
    schedule, stopping = setting.schedule(), setting.stopping()
    scheduler = schedule_peer(schedule, optimizer) if schedule is not None else None
    (x, y), (x_validation, y_validation) = setting.samples(seed, N, 1000), setting.samples(seed, 17, 2000)
    orders, noise = generator(100 + seed), generator(200 + seed)
    course = Course()
    best, since, kept = math.inf, 0, None
    for epoch in range(EPOCHS):
        course.rates.append(torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64))
        model.begin_epoch(noise, N)
        order = torch.randperm(N, generator=orders) if setting.shuffle else torch.arange(N)
        net.train()
        losses = []
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            loss = criterion(net(x[batch]), [part[batch] for part in y] if isinstance(y, list) else y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        course.losses.append(torch.stack(losses))
        net.eval()
        with torch.no_grad():
            watched = criterion(net(x_validation), y_validation)
        course.watched.append(watched)
        wrong = [place for place, loss in enumerate(losses, 1) if not loss.isfinite()]
        if wrong or not all(parameter.isfinite().all() for parameter in net.parameters()):
            step = wrong[0] if wrong else len(losses)
            message = "training loss not finite" if wrong else "parameters not finite"
            course.diverged = epoch * len(losses) + step, message
            break
        since += 1
        if watched < best:
            best, since, kept = watched, 0, copy.deepcopy(net.state_dict())
        if stopping is not None and since == stopping.patience:
            break
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(watched)
        elif scheduler is not None:
            scheduler.step()
    if stopping is not None and stopping.restore_best and course.diverged is None:
        net.load_state_dict(kept)
    names = {held: name for name, held in model.named_state().items()}
    course.state = {names[pair.ours]: pair.value.clone() for pair in parameters(model, net)}
    return course


def check_equals_torch(setting: Setting) -> list[Course]:
    found = courses(setting, SEEDS)
    for seed, course in enumerate(found):
        theirs = torch_course(setting, seed)
        assert course.diverged == theirs.diverged
        assert len(course.losses) == len(theirs.losses), f"replica {seed} ends in another epoch"
        for rate, expected in zip(course.rates, theirs.rates, strict=True):
            close(rate, expected, f"replica {seed}, a learning rate", 1e-12)
        if theirs.diverged:
            state = torch.cat([value.flatten() for value in course.state.values()])
            assert not state.isfinite().all(), "a replica that diverged was put back to its best"
            continue
        for which in ("losses", "watched"):
            for loss, expected in zip(getattr(course, which), getattr(theirs, which), strict=True):
                close(loss, expected, f"replica {seed}, {which}", 1e-9)
        for name, expected in theirs.state.items():
            close(course.state[name], expected, f"replica {seed}, {name}", 1e-9)
    return found


def check_same_bits(found: Course, expected: Course, what: str) -> None:
    assert found.diverged == expected.diverged, what
    assert len(found.losses) == len(expected.losses), f"{what} ends in another epoch"
    for which in ("rates", "losses", "watched"):
        for one, other in zip(getattr(found, which), getattr(expected, which), strict=True):
            same_bits(one, other, f"{what}, {which}")
    assert found.state.keys() == expected.state.keys()
    for name, value in expected.state.items():
        same_bits(found.state[name], value, f"{what}, {name}")


SETTINGS = {
    "plain": Setting(),
    "in order": Setting(shuffle=False),
    "plateau": Setting(schedule=lambda: ReduceLROnPlateau(1, 0.5)),
    "stopping": Setting(stopping=lambda: EarlyStopping(3)),
    "both": Setting(schedule=lambda: ReduceLROnPlateau(1, 0.3, 1e-3), stopping=lambda: EarlyStopping(5, True)),
    "decay and best": Setting(schedule=lambda: StepDecay(3, 0.7), stopping=lambda: EarlyStopping(2, True)),
    "cosine": Setting(schedule=lambda: CosineDecay(15, 1e-3), stopping=lambda: EarlyStopping(8)),
    "noise": Setting(
        noisy_network, schedule=lambda: ReduceLROnPlateau(1, 0.5), stopping=lambda: EarlyStopping(4, True)
    ),
    "two outputs": Setting(
        branching_network,
        lambda: WeightedSum([MSELoss(), CrossEntropyLoss()], [1.0, 0.3]),
        stopping=lambda: EarlyStopping(3, True),
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_stack_is_a_plain_torch_loop_for_each_replica(name: str) -> None:
    found = check_equals_torch(SETTINGS[name])
    assert [course.diverged is not None for course in found] == [rate == 1e30 for rate in RATES]
    if SETTINGS[name].stopping() is not None:
        assert len({len(course.losses) for course in found}) >= 3, "the example has replicas that stop together"


@pytest.mark.parametrize("name", SETTINGS)
def test_a_replica_has_the_course_of_any_other_stack_bit_for_bit(name: str) -> None:
    setting = Setting(**{**vars(SETTINGS[name]), "dtype": torch.float32})
    whole = courses(setting, SEEDS)
    for seeds in ([5, 3, 0], [1, 4], [2, 0], *([seed, seed] for seed in SEEDS)):
        for seed, course in zip(seeds, courses(setting, seeds), strict=True):
            check_same_bits(course, whole[seed], f"replica {seed} of {seeds}")


@pytest.mark.parametrize("name", ["both", "noise", "two outputs"])
def test_training_a_model_gives_every_replica_as_it_ended(name: str) -> None:
    setting = SETTINGS[name]
    expected = courses(setting, SEEDS)
    arguments, options = setting.arguments(SEEDS)
    history = train_model(*arguments, **options)
    model = arguments[0]
    assert history.epochs == [len(course.losses) for course in expected]
    assert history.diverged == {row: course.diverged for row, course in enumerate(expected) if course.diverged}
    assert history.train_loss.shape == history.validation_loss.shape == (max(history.epochs), R)
    for r, course in enumerate(expected):
        for key, held in model.named_state().items():
            same_bits(held.value[r], course.state[key], f"replica {r}, {key}")
        ended = history.epochs[r]
        means = torch.stack([losses.mean() for losses in course.losses])
        for column, wanted in ((history.train_loss, means), (history.validation_loss, torch.stack(course.watched))):
            torch.testing.assert_close(column[:ended, r], wanted, equal_nan=True)
            assert column[ended:, r].isnan().all()
    # what training left is whole: it predicts for all of them
    prediction = predict(model, options["validation"][0])
    assert (prediction[0] if isinstance(prediction, list) else prediction).shape == (R, 17, 1)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_plain_model_trains_as_a_plain_torch_loop(name: str) -> None:
    setting = SETTINGS[name]
    for seed in (0, 2):
        model = setting.network()
        model.initialize(generator(seed), XavierNormal(bias="same"), setting.dtype)
        history = train_model(
            model,
            setting.optimizer(model, RATES[seed]),
            setting.loss(),
            *setting.samples(seed, N, 1000),
            epochs=EPOCHS,
            batch_size=BATCH,
            shuffle=generator(100 + seed) if setting.shuffle else None,
            noise=generator(200 + seed),
            validation=setting.samples(seed, 17, 2000),
            schedule=setting.schedule(),
            stopping=setting.stopping(),
        )
        theirs = torch_course(setting, seed)
        assert history.epochs == [len(theirs.losses)]
        assert history.diverged == ({0: theirs.diverged} if theirs.diverged else {})
        if theirs.diverged is None:
            close(history.validation_loss[:, 0], torch.stack(theirs.watched), "the validation losses", 1e-9)
            close(history.train_loss[:, 0], torch.stack(theirs.losses).mean(1), "the training losses", 0.05)
            for key, expected in theirs.state.items():
                close(model.named_state()[key].value, expected, key, 1e-9)


def test_five_lines_solve_the_disk() -> None:
    stream = generator(0)
    x, label = generate_disk(1000, stream)
    x_train, label_train, x_test, label_test = split_train_test(x, label, 0.8, stream)
    x_train, x_test = normalize(x_train, x_test)
    target_train, target_test = one_hot_encode(label_train, 2), one_hot_encode(label_test, 2)
    model, criterion = Sequential(Linear(2, 25), Tanh(), Linear(25, 25), Tanh(), Linear(25, 2)), MSELoss()
    model.initialize(stream, xavier_normal, torch.float64)
    optimizer = Adam(model.parameters(), learning_rate=0.01)
    before = framework.test_model(model, criterion, x_test, target_test, label_test)
    history = train_model(model, optimizer, criterion, x_train, target_train, epochs=30, batch_size=10, shuffle=stream)
    loss, error = framework.test_model(model, criterion, x_test, target_test, label_test)
    assert history.train_loss.shape == (30, 1)
    assert history.validation_loss.isnan().all()
    assert history.train_loss[-1] < 0.2 * history.train_loss[0]
    assert loss.shape == error.shape == ()
    assert loss < before[0]
    assert error < 0.06
    assert error < 0.3 * before[1]


def test_a_model_that_no_replica_left_can_train_on() -> None:
    arguments, options = Setting().arguments([0, 1])
    train_model(*arguments, **options)
    model, optimizer = arguments[:2]
    before = model.state_dict()
    train_model(*arguments, **options)
    assert not torch.equal(before["modules.0.weight"], model.state_dict()["modules.0.weight"])
    assert optimizer.steps == 2 * EPOCHS * math.ceil(N / BATCH)


def test_an_optimizer_that_lost_replicas_says_so() -> None:
    arguments, options = Setting().arguments([0, 2])
    train_model(*arguments, **options)
    with pytest.raises(ValueError, match=r"^SGD no longer holds its parameters: build it after initialize$"):
        arguments[1].step()


@pytest.mark.parametrize("replicas", [None, 3])
def test_predicting_by_blocks_is_predicting_at_once_in_evaluation_mode(replicas: int | None) -> None:
    model = noisy_network()
    streams = generator(0) if replicas is None else [generator(r) for r in range(replicas)]
    model.initialize(streams, xavier_normal, torch.float64)
    shape = (450, 2) if replicas is None else (replicas, 450, 2)
    model.begin_epoch(streams, 450)
    model.forward(normal(*shape, seed=0))  # running statistics
    x = normal(*shape, seed=1)
    for mode in (True, False):
        model.train(mode)
        found = predict(model, x)
        assert all(module.training == mode for _, module in model.walk()), "the mode was changed"
        model.train(False)
        close(found, model.forward(x), "the prediction", 1e-13)


def test_a_loss_and_an_error_per_replica() -> None:
    model, criterion = Sequential(Linear(2, 3)), CrossEntropyLoss()
    model.initialize([generator(r) for r in range(4)], xavier_normal, torch.float64)
    x, label = normal(4, 30, 2, seed=0), torch.randint(3, (4, 30), generator=generator(1))
    loss, error = framework.test_model(model, criterion, x, label, label)
    prediction = model.forward(x)
    for r in range(4):
        expected = torch.nn.functional.cross_entropy(prediction[r], label[r])
        close(loss[r], expected, "the loss")
        assert error[r].item() == pytest.approx((prediction[r].argmax(-1) != label[r]).double().mean().item())


def test_replicas_leave_the_stack_and_cost_nothing() -> None:
    sizes = []

    class Counting(MSELoss):
        def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
            sizes.append(len(prediction))
            return super().forward(prediction, target)

    setting = SETTINGS["stopping"]
    arguments, options = Setting(**{**vars(setting), "loss": Counting}).arguments(SEEDS)
    history = train_model(*arguments, **options)
    per_epoch = sizes[:: math.ceil(N / BATCH) + 1]
    for epoch, size in enumerate(per_epoch, 1):
        there = sum(ended >= epoch for ended in history.epochs)
        assert size == max(there, 2)


@pytest.mark.parametrize("seeds", [[0, 1], [0, 2], [2, 0, 2, 1], [0, 0]])
def test_the_callers_generators_draw_for_their_replicas_whoever_leaves(seeds: list[int]) -> None:
    arguments, options = Setting().arguments(seeds)
    history = train_model(*arguments, **options)
    for seed, epochs, stream in zip(seeds, history.epochs, options["shuffle"], strict=True):
        expected = generator(100 + seed)
        for _ in range(epochs):
            torch.randperm(N, generator=expected)
        assert torch.equal(stream.get_state(), expected.get_state())


def test_a_batch_of_one_sample_is_refused_by_batch_normalization() -> None:
    model = noisy_network()
    model.initialize(generator(0), xavier_normal, torch.float64)
    x, y = Setting().samples(0, 11, 0)
    with pytest.raises(
        ValueError, match=r"^BatchNorm needs two values per feature to train, found x of shape \(1, 8\)$"
    ):
        train_model(model, SGD(model.parameters()), MSELoss(), x, y, epochs=1, batch_size=5, noise=generator(0))
