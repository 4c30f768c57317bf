"""Clauses of a contract, the faults that they find, and the comparisons that clauses of all kinds share."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

Outcome = dict[str, Tensor]  # computed tensors, by the name that a fault gives them
Clause = tuple[str, Callable[[], None]]  # the operation to blame if the clause raises anything but a fault, the clause


class FaultError(AssertionError):
    """A broken clause, as one line."""


class ContractError(AssertionError):
    """All faults of a class.

    Attributes:
        faults: the faults, one line each; the message is these lines.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


def check(groups: Sequence[Sequence[Clause]]) -> None:
    """Holds a class to groups of clauses.

    Raises:
        ContractError: clauses are broken.
    """
    faults = list(_faults(groups))
    if faults:
        raise ContractError(faults)


def _faults(groups: Sequence[Sequence[Clause]]) -> Iterator[str]:
    """The first fault of each group, whose other clauses would only repeat it.

    A fault in the first group ends the search, because later clauses assume what it checks.
    """
    for number, group in enumerate(groups):
        for operation, clause in group:
            fault = _fault(operation, clause)
            if fault:
                yield fault
                if number == 0:
                    return
                break


def _fault(operation: str, clause: Callable[[], None]) -> str:
    """The fault that a clause finds, or an empty string."""
    try:
        with torch.random.fork_rng(devices=[]):  # a class may draw from the global stream
            clause()
    except FaultError as fault:
        return str(fault)
    except (Exception, SystemExit) as error:
        return f"{operation}: {_first_line(error)}"
    return ""


def _first_line(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except Exception as other:  # the error's own __str__ fails
        text = f"its text is not to be had ({type(other).__name__})"
    return f"{type(error).__name__}: {text}".splitlines()[0]


def generator(seed: int) -> Generator:
    """A generator with a seed."""
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal draws, the same in either dtype up to rounding."""
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def require_like(actual: object, like: Tensor, what: str) -> None:
    """Refuses anything but a tensor of the same shape and dtype."""
    if not isinstance(actual, Tensor):
        raise FaultError(f"{what}: expected a tensor, found {type(actual).__name__}")
    if actual.shape != like.shape:
        raise FaultError(f"{what}: expected the shape {tuple(like.shape)}, found {tuple(actual.shape)}")
    if actual.dtype != like.dtype:
        raise FaultError(f"{what}: expected {like.dtype} as given, found {actual.dtype}")


def require_finite(actual: Tensor, what: str) -> None:
    """Refuses infinities and NaN."""
    if not bool(actual.isfinite().all()):
        raise FaultError(f"{what}: expected finite numbers, found {float(actual[~actual.isfinite()][0])}")


def require_same_bits(actual: Outcome, expected: Outcome, problem: str) -> None:
    """Refuses a bit that differs; one NaN is as good as another, 0 differs from −0."""
    for name, tensor in expected.items():
        require_like(actual[name], tensor, f"{problem}: {name}")
        differ = bits_differ(actual[name], tensor)
        if bool(differ.any()):
            index = int(differ.flatten().nonzero()[0])
            wanted, given = (float(values.flatten()[index]) for values in (tensor, actual[name]))
            count = f"{int(differ.sum())} of {differ.numel()} numbers of {name}"
            raise FaultError(f"{problem}: {count}, such as {wanted!r} and {given!r}")


def bits_differ(actual: Tensor, expected: Tensor) -> Tensor:
    """Where two tensors of one shape and dtype differ in their bits."""
    if not expected.is_floating_point():
        return actual != expected
    bits = {4: torch.int32, 8: torch.int64}[expected.element_size()]
    differ = actual.contiguous().view(bits) != expected.contiguous().view(bits)
    return differ & ~(actual.isnan() & expected.isnan())


def require_near(actual: Outcome, expected: Outcome, problem: str, tolerance: float = 1e-10) -> None:
    """Refuses a difference beyond a relative tolerance in the Euclidean norm."""
    for name, tensor in expected.items():
        require_like(actual[name], tensor, f"{problem}: {name}")
        error, norm = float((actual[name] - tensor).norm()), float(tensor.norm())
        if not error <= tolerance * norm:
            raise FaultError(f"{problem}: {name} is off by {error:.3g} where its norm is {norm:.3g}")


def require_slope(height: Callable[[], float], tensor: Tensor, gradient: Tensor, name: str, of: str) -> None:
    """Refuses a gradient that is not the slope of a height along random directions, by central differences."""
    step = 1e-6
    start = tensor.clone()
    for seed in (7, 8, 9):
        direction, ends = normal(*tensor.shape, seed=seed), []
        for sign in (1, -1):
            tensor.copy_(start + sign * step * direction)
            ends.append(height())
        tensor.copy_(start)
        slope, product = (ends[0] - ends[1]) / (2 * step), float((gradient * direction).sum())
        # rounding of the heights, divided by the step, reaches 1e-9 of them
        if not abs(slope - product) <= 1e-6 * (1e-2 + float(gradient.norm())) + 1e-9 * abs(ends[0]):
            raise FaultError(
                f"{name} is not the derivative of {of}: along a random direction it gives {product:.6g}, finite"
                f" differences give {slope:.6g}"
            )


def result_before_forward(backward: Callable[[], Any]) -> Any:
    """The result of a backward without a forward; None if it refuses as `saved_for_backward` does.

    Raises:
        FaultError: it fails with anything else.
    """
    try:
        return backward()
    except Exception as error:
        if isinstance(error, ValueError) and re.fullmatch(r"\w+\.backward needs a forward before it", str(error)):
            return None
        raise FaultError(
            "backward before forward: expected self.saved_for_backward() to raise a ValueError, 'backward needs a"
            f" forward before it', found {_first_line(error)}"
        ) from error


def copies(tensors: Outcome) -> Outcome:
    """Copies that nothing done to the tensors changes."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def at(outcome: Outcome, replicas: int | list[int]) -> Outcome:
    """The outcome of some replicas of a stack."""
    return {name: tensor[replicas] for name, tensor in outcome.items()}
