"""The contract of initializers and problems: what they draw depends on what they are handed alone."""

from collections.abc import Iterator

import torch

from fairgrid.experiments.contracts.contract import Check, Outcome, WrongError, findings, generator, require_finite
from fairgrid.experiments.contracts.stack_invariance import require_same_twice
from fairgrid.experiments.problems import Data, Problem, Samples
from fairgrid.framework import Initializer, Parameter
from fairgrid.framework.passes import listed

_PARAMETERS = {
    "a weight": Parameter((25, 3), fan_in=25, fan_out=3),
    "a bias": Parameter((1, 3), fan_in=25, fan_out=3, role="bias"),
}


def wrong_with_initializer(initializer: Initializer) -> Iterator[str]:
    """What is wrong with an initializer, a line each."""
    first: Check = ("a draw", lambda: _drawn(initializer))
    again: Check = ("a second draw", lambda: _drawn_again(initializer))
    yield from findings([[first], [again]])


def _drawn(initializer: Initializer) -> None:
    for name, parameter in _PARAMETERS.items():
        found = initializer(parameter, generator(0))
        if not isinstance(found, torch.Tensor) or tuple(found.shape) != parameter.shape or found.dtype != torch.float64:
            what = f"{tuple(found.shape)} of {found.dtype}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise WrongError(f"{name}: expected {parameter.shape} of torch.float64, found {what}")
        require_finite(found, name)


def _drawn_again(initializer: Initializer) -> None:
    def drawn() -> Outcome:
        return {name: initializer(each, generator(0)) for name, each in _PARAMETERS.items()}

    require_same_twice(drawn, "the same draw twice is not the same (draw from the generator handed in)")


def wrong_with_problem(problem: Problem) -> Iterator[str]:
    """What is wrong with a problem, a line each."""
    first: Check = ("sample(0)", lambda: _sampled(problem))
    again: Check = ("a second sample(0)", lambda: _sampled_again(problem))
    yield from findings([[first], [again]])


def _sampled(problem: Problem) -> None:
    data = problem.sample(0)
    for part, samples in _parts(data).items():
        wanted = getattr(problem, part)
        x, label = samples.x, samples.label
        if not (len(x) == len(label) == wanted) or any(len(target) != wanted for target in listed(samples.target)):
            sizes = [len(x), *(len(target) for target in listed(samples.target)), len(label)]
            raise WrongError(f"{part}: expected {wanted} samples in x, target and label each, found {sizes}")
        for name, tensor in _tensors(part, samples.x, listed(samples.target)).items():
            if tensor.is_floating_point():
                require_finite(tensor, name)
        if x.dtype != torch.float64:
            raise WrongError(f"{part}: expected x of torch.float64, found {x.dtype}")
    if data.train.x.dim() == 2 and data.train.x.shape[1] != problem.inputs:
        raise WrongError(f"inputs: expected {data.train.x.shape[1]}, the columns of x, found {problem.inputs}")


def _sampled_again(problem: Problem) -> None:
    def sampled() -> Outcome:
        tensors: Outcome = {}
        for part, samples in _parts(problem.sample(0)).items():
            tensors |= _tensors(part, samples.x, [*listed(samples.target), samples.label])
        return tensors

    require_same_twice(
        sampled, "the same sample twice is not the same (draw from fairgrid.experiments.runtime.seeding.generator)"
    )


def _parts(data: Data) -> dict[str, Samples]:
    return {"train": data.train, "validation": data.validation, "test": data.test}


def _tensors(part: str, x: torch.Tensor, others: list[torch.Tensor]) -> Outcome:
    return {f"{part}: x": x} | {
        f"{part}: target{f' {place}' if place else ''}": each for place, each in enumerate(others)
    }
