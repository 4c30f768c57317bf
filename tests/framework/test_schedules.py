"""Every schedule is torch's, step for step, for a plain optimizer and for each replica of a stack on its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fairgrid.framework import SGD, CosineDecay, Optimizer, ReduceLROnPlateau, Schedule, StepDecay, load, save
from fairgrid.framework.testing.clauses import normal
from fairgrid.torch_peers import optimizer_peer, schedule_peer
from tests.framework.checks import problem, same_bits
from tests.framework.tables import SCHEDULES, check_complete, rows

EPOCHS = 60
# the last three are so small that a reduction is one of less than 1e-8, at once or after some
RATES = [0.1, 1.0, 0.03, 0.5, 0.01, 3e-7, 2e-8, 1e-9]
R = len(RATES)


def losses() -> Tensor:
    """(epochs, R) with plateaus that begin at different epochs, losses that are no numbers, infinite or negative."""
    epoch = torch.arange(EPOCHS, dtype=torch.float64)
    noise = normal(EPOCHS, seed=0).abs()
    found = torch.stack(
        [
            (20 - epoch).clamp_min(5),
            1 - 1e-5 * epoch,  # falls, but by less than the threshold
            1 / (1 + epoch),  # always better
            noise,
            torch.where(epoch % 5 == 3, torch.nan, (12 - epoch).clamp_min(1)),
            torch.full_like(epoch, torch.nan),
            torch.where(epoch < 4, torch.inf, -epoch.clamp_max(30)),
            1 + noise,
        ],
        1,
    )
    assert found.shape == (EPOCHS, R)
    return found


def test_every_schedule_has_an_example() -> None:
    check_complete(Schedule, SCHEDULES, "SCHEDULES")


def theirs(make: Callable[[], Schedule], rate: float, watched: Tensor) -> list[float]:
    """Torch's rates after each epoch."""
    leaf = torch.nn.Parameter(torch.zeros(1))
    optimizer = optimizer_peer(SGD(problem(None), rate), [leaf])
    scheduler = schedule_peer(make(), optimizer)
    found = []
    for loss in watched:
        optimizer.step()
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(loss)
        else:
            scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def ours(schedule: Schedule, optimizer: Optimizer, watched: Tensor) -> Tensor:
    """Our rates after each epoch."""
    found = []
    for loss in watched:
        schedule.step(optimizer, loss)
        # one number, while nothing has changed, is the same for every replica
        found.append(optimizer.get("learning_rate").expand(loss.shape).clone())
    return torch.stack(found)


def check_rates(found: Tensor, expected: list[float], rate: float) -> None:
    assert found.tolist() == pytest.approx(expected, rel=0, abs=1e-12 * max(rate, *expected))


@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_a_plain_optimizers_rate_is_torchs_after_every_epoch(kind, make) -> None:
    for rate, watched in zip(RATES, losses().T, strict=True):
        found = ours(make(), SGD(problem(None), rate), watched)
        check_rates(found, theirs(make, rate, watched), rate)


@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_every_replicas_rate_is_torchs_after_every_epoch(kind, make) -> None:
    found = ours(make(), SGD(problem(R), RATES), losses())
    assert found.shape == (EPOCHS, R)
    for r in range(R):
        check_rates(found[:, r], theirs(make, RATES[r], losses()[:, r]), RATES[r])


def test_one_rate_for_a_stack_becomes_one_per_replica() -> None:
    found = ours(ReduceLROnPlateau(2, 0.5), SGD(problem(R), 0.1), losses())
    assert len(set(found[-1].tolist())) > 2
    for r in range(R):
        check_rates(found[:, r], theirs(lambda: ReduceLROnPlateau(2, 0.5), 0.1, losses()[:, r]), 0.1)


def test_plateaus_differ_in_the_example() -> None:
    found = ours(ReduceLROnPlateau(2, 0.5), SGD(problem(R), RATES), losses())
    first = [(found[:, r] < RATES[r]).tolist().index(True) if found[-1, r] < RATES[r] else None for r in range(R)]
    assert len(set(first)) >= 4
    assert first[2] is None  # always better
    assert first[-1] is None  # a reduction by less than 1e-8 is not made
    assert 0 < found[-1, 6] <= 2e-8  # nor are all of them


def test_a_loss_in_float32_is_judged_as_torch_judges_it() -> None:
    watched = losses().float()
    found = ours(ReduceLROnPlateau(2, 0.5), SGD(problem(R), RATES), watched)
    for r in range(R):
        check_rates(found[:, r], theirs(lambda: ReduceLROnPlateau(2, 0.5), RATES[r], watched[:, r]), RATES[r])


def test_the_optimizer_steps_with_the_scheduled_rates() -> None:
    parameters = problem(3)
    optimizer, schedule = SGD(parameters, [1.0, 0.1, 0.0]), StepDecay(1, 0.5)
    schedule.step(optimizer)
    before = parameters[0].value.clone()
    optimizer.grad.fill_(1)
    optimizer.step()
    for r, rate in enumerate([0.5, 0.05, 0.0]):
        torch.testing.assert_close(parameters[0].value[r], before[r] - rate)


@pytest.mark.parametrize("cut", [0, 1, 13])
@pytest.mark.parametrize("replicas", [None, R])
@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_a_schedule_that_was_saved_goes_on_exactly(tmp_path: Path, kind, make, replicas, cut) -> None:
    def start() -> SGD:
        return SGD(problem(replicas), RATES if replicas else RATES[0])

    watched = losses() if replicas else losses()[:, 0]
    expected = ours(make(), start(), watched)

    first, optimizer = make(), start()
    if cut:
        ours(first, optimizer, watched[:cut])
    save(tmp_path / "state.pt", {"schedule": first.state_dict(), "optimizer": optimizer.state_dict()})
    state = load(tmp_path / "state.pt")
    # into one with other options that has seen other losses, all of which are replaced
    second, resumed = SCHEDULES[kind][-1](), start()
    ours(second, resumed, watched.flip(0)[:5])
    second.load_state_dict(state["schedule"])
    resumed.load_state_dict(state["optimizer"])
    same_bits(ours(second, resumed, watched[cut:]), expected[cut:], "the rates")


def test_a_state_is_a_copy_on_both_ways() -> None:
    optimizer, schedule = SGD(problem(R), RATES), ReduceLROnPlateau(2, 0.5)
    ours(schedule, optimizer, losses()[:9])
    state = schedule.state_dict()
    before = {name: value.clone() for name, value in state.items() if isinstance(value, Tensor)}
    other = ReduceLROnPlateau()
    other.load_state_dict(state)
    for one in (schedule, other):
        ours(one, optimizer, losses()[9:30])
    for name, value in before.items():
        same_bits(state[name].double(), value.double(), name)


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    optimizer, schedule = SGD(problem(R), RATES), ReduceLROnPlateau(2, 0.5)
    ours(schedule, optimizer, losses()[:9])
    before = str(schedule.state_dict())
    sound = schedule.state_dict()
    for wrong in (
        CosineDecay().state_dict(),
        sound | {"epochs": "9"},
        sound | {"rates": 3},
        {name: value for name, value in sound.items() if name != "best"},
    ):
        with pytest.raises(ValueError, match=r"^the state does not fit ReduceLROnPlateau: "):
            schedule.load_state_dict(wrong)
        assert str(schedule.state_dict()) == before


@pytest.mark.parametrize(("kind", "make"), rows(SCHEDULES))
def test_replicas_that_stay_keep_their_rates(kind, make) -> None:
    expected = ours(make(), SGD(problem(R), RATES), losses())
    schedule, optimizer = make(), SGD(problem(R), RATES)
    ours(schedule, optimizer, losses()[:11])
    kept = [6, 0, 3, 3]
    for part in (schedule, optimizer):
        part.select(torch.tensor(kept))
    same_bits(ours(schedule, optimizer, losses()[11:, kept]), expected[11:, kept], "the rates")
