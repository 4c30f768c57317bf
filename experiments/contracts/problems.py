"""The contract of problems: samples depend on the seed only."""

import torch

from fairgrid.experiments.problems import Data, Problem, Samples
from fairgrid.framework.passes import listed
from fairgrid.framework.testing.clauses import FaultError, Outcome, check, require_finite
from fairgrid.framework.testing.stacks import require_same_twice


def check_problem(problem: Problem) -> None:
    """Checks that a problem keeps its contract.

    Raises:
        ContractError: it does not.
    """
    check([[("sample(0)", lambda: _sampled(problem))], [("a second sample(0)", lambda: _sampled_again(problem))]])


def _sampled(problem: Problem) -> None:
    data = problem.sample(0)
    for part, samples in _parts(data).items():
        wanted = getattr(problem, part)
        x, label = samples.x, samples.label
        if not (len(x) == len(label) == wanted) or any(len(target) != wanted for target in listed(samples.target)):
            sizes = [len(x), *(len(target) for target in listed(samples.target)), len(label)]
            raise FaultError(f"{part}: expected {wanted} samples in x, target and label each, found {sizes}")
        for name, tensor in _tensors(part, samples.x, listed(samples.target)).items():
            if tensor.is_floating_point():
                require_finite(tensor, name)
        if x.dtype != torch.float64:
            raise FaultError(f"{part}: expected x of torch.float64, found {x.dtype}")
    if data.train.x.dim() == 2 and data.train.x.shape[1] != problem.inputs:
        raise FaultError(f"inputs: expected {data.train.x.shape[1]}, the columns of x, found {problem.inputs}")


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
        f"{part}: target{f' {place}' if place else ''}": other for place, other in enumerate(others)
    }
