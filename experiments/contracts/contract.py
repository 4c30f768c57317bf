"""What checks of all kinds have in common: numbers to check with, comparisons, and what is said of what is wrong."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Generator, Tensor

from fairgrid.experiments.errors import first_line

Outcome = dict[str, Tensor]  # what was computed, by what it is
Check = tuple[str, Callable[[], None]]  # what is done, for the case that it fails, and the check


class WrongError(Exception):
    """What a check finds, as a line."""


def findings(groups: Sequence[Sequence[Check]]) -> Iterator[str]:
    """A line for each group in which a check fails: the first, which the others of it would only repeat.

    Where the first group fails, the others would mean nothing.
    """
    for place, group in enumerate(groups):
        for what, check in group:
            wrong = _wrong(what, check)
            if wrong:
                yield wrong
                if not place:
                    return
                break


def _wrong(what: str, check: Callable[[], None]) -> str:
    """What a check finds; "" if nothing."""
    try:
        with torch.random.fork_rng(devices=[]):  # own classes may draw from the global stream
            check()
    except WrongError as error:
        return str(error)
    except (Exception, SystemExit) as error:
        return f"{what}: {first_line(error)}"
    return ""


def generator(seed: int) -> Generator:
    """A stream of its own."""
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal draws, the same in either dtype up to rounding."""
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def require_like(found: object, like: Tensor, what: str) -> None:
    """Refuses another shape or dtype."""
    if not isinstance(found, Tensor):
        raise WrongError(f"{what}: expected a tensor, found {type(found).__name__}")
    if found.shape != like.shape:
        raise WrongError(f"{what}: expected the shape {tuple(like.shape)}, found {tuple(found.shape)}")
    if found.dtype != like.dtype:
        raise WrongError(f"{what}: expected {like.dtype} as given, found {found.dtype}")


def require_finite(found: Tensor, what: str) -> None:
    """Refuses infinities and what is not a number."""
    if not bool(found.isfinite().all()):
        raise WrongError(f"{what}: expected finite numbers, found {float(found[~found.isfinite()][0])}")


def require_same_bits(found: Outcome, expected: Outcome, problem: str) -> None:
    """Refuses a bit that differs; one NaN is as good as another, 0 differs from −0."""
    for name, tensor in expected.items():
        require_like(found[name], tensor, f"{problem}: {name}")
        ours, theirs = found[name].contiguous(), tensor.contiguous()
        if tensor.is_floating_point():
            kind = {4: torch.int32, 8: torch.int64}[tensor.element_size()]
            differ = (ours.view(kind) != theirs.view(kind)) & ~(ours.isnan() & theirs.isnan())
        else:
            differ = ours != theirs
        if bool(differ.any()):
            place = int(differ.flatten().nonzero()[0])
            one, other = (float(each.flatten()[place]) for each in (theirs, ours))
            count = f"{int(differ.sum())} of {differ.numel()} numbers of {name}"
            raise WrongError(f"{problem}: {count}, such as {one!r} and {other!r}")


def require_near(found: Outcome, expected: Outcome, problem: str) -> None:
    """Refuses what differs by more than float64's rounding."""
    for name, tensor in expected.items():
        require_like(found[name], tensor, f"{problem}: {name}")
        off, norm = float((found[name] - tensor).norm()), float(tensor.norm())
        if not off <= 1e-10 * norm:
            raise WrongError(f"{problem}: {name} is off by {off:.3g} where its norm is {norm:.3g}")


def require_slope(height: Callable[[], float], tensor: Tensor, gradient: Tensor, name: str, of: str) -> None:
    """Refuses a gradient that is not the slope of a height along a random direction, by central differences."""
    step = 1e-6
    direction = normal(*tensor.shape, seed=7)
    start, ends = tensor.clone(), []
    for sign in (1, -1):
        tensor.copy_(start + sign * step * direction)
        ends.append(height())
    tensor.copy_(start)
    slope, given = (ends[0] - ends[1]) / (2 * step), float((gradient * direction).sum())
    if not abs(slope - given) <= 1e-5 * (1e-2 + float(gradient.norm()) + abs(slope)):
        raise WrongError(
            f"{name} is not the derivative of {of}: along a random direction it gives {given:.6g}, finite differences"
            f" give {slope:.6g}"
        )


def at(found: Outcome, replicas: int | list[int]) -> Outcome:
    """Some of the replicas of what a stack computed."""
    return {name: tensor[replicas] for name, tensor in found.items()}
