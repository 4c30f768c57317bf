"""Passes over the data by compiled steps, in place of `framework.train_epoch` and `framework.predict`."""

from collections.abc import Callable

import torch
from torch import Tensor

from fairgrid.experiments.engines.compiled.ir import NotCompilableError, Step
from fairgrid.experiments.engines.compiled.jit import compiled, host_registers
from fairgrid.experiments.engines.compiled.program import Program, write_epoch, write_forward
from fairgrid.experiments.engines.compiled.trace import trace, trace_forward
from fairgrid.framework import Loss, Module, Optimizer
from fairgrid.framework.passes import EVALUATION_SAMPLES, Target, listed


class CompiledPasses:
    """Trains and evaluates a stack, compiling each kind of pass at its first use.

    Args:
        optimizer: the optimizer of the model's parameters, which are read and written in its memory.
        features: processor features for LLVM, None for the host's; of no effect on results.
        registers: numbers in half of the vector registers, None for the host's; of no effect on results.
    """

    def __init__(self, optimizer: Optimizer, features: str | None = None, registers: int | None = None) -> None:
        self.optimizer = optimizer
        self.features = features
        self.registers = registers or host_registers()
        self._programs: dict[str, Program] = {}

    def train_epoch(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Optimizer,
        x: Tensor,
        target: Target,
        order: Tensor,
        batch_size: int,
    ) -> Tensor:
        """Trains for one epoch, with an optimizer step per batch.

        Shapes: x (R, N, D), target (R, N, C), order (R, N). Returns the loss of every batch before its step,
        (steps, R).

        Raises:
            NotCompilableError: the step cannot be compiled.
        """
        if "epoch" not in self._programs:
            self._programs["epoch"] = epoch_program(model, criterion, optimizer, x, target, batch_size, self.registers)
        program, dtype = self._programs["epoch"], optimizer.value.dtype
        replicas, samples = x.shape[:2]
        full, rest = divmod(samples, min(batch_size, samples))
        steps = full + (rest > 0)
        numbers = [list(optimizer.factors(optimizer.steps + step + 1).values()) for step in range(steps)]
        if order.stride(-1) != 1:
            order = order.contiguous()
        tensors = {f"state{place}": optimizer.buffers[name] for place, name in enumerate(program.states)}
        losses = torch.empty(steps, replicas, dtype=dtype)
        tensors |= {
            "x": x.contiguous(),
            "target": listed(target)[0].contiguous(),
            "order": order,
            "hyper": torch.stack([optimizer.get(name).expand(replicas) for name in program.hyper], 1).to(dtype),
            "factors": torch.tensor(numbers, dtype=dtype),
            "losses": losses,
        }
        counts = {"replicas": replicas, "samples": samples, "full": full, "order_stride": order.stride(0)}
        self._run(program, tensors, counts)
        optimizer.steps += steps
        return losses

    def predict(self, model: Module, x: Tensor) -> Tensor:
        """The model's outputs in evaluation mode, (R, N, C) for x (R, N, D).

        Raises:
            NotCompilableError: the model cannot be compiled.
        """
        replicas, samples = x.shape[:2]
        key = f"forward {samples}"  # the size of the last block is part of a program
        if key not in self._programs:
            self._programs[key] = forward_program(model, self.optimizer, x, self.registers)
        program = self._programs[key]
        prediction = torch.empty(replicas, samples, program.outputs, dtype=x.dtype)
        counts = {"replicas": replicas, "samples": samples, "full": samples // min(EVALUATION_SAMPLES, samples)}
        self._run(program, {"x": x.contiguous(), "prediction": prediction}, counts)
        return prediction

    def _run(self, program: Program, tensors: dict[str, Tensor], counts: dict[str, int]) -> None:
        tensors |= {
            "value": self.optimizer.value,
            "offsets": torch.tensor(self.optimizer.offsets()),
            "scratch": torch.zeros(program.room, dtype=self.optimizer.value.dtype),
        }
        pointers, names = program.arguments
        function = compiled(program.text, len(pointers), len(names), self.features)
        function(*(tensors[name].data_ptr() for name in pointers), *(counts[name] for name in names))


def epoch_program(
    model: Module,
    criterion: Loss,
    optimizer: Optimizer,
    x: Tensor,
    target: Tensor | list[Tensor],
    batch: int,
    registers: int = 256,
) -> Program:
    """The program of an epoch over x (R, N, D) and target (R, N, C).

    Raises:
        NotCompilableError: the step cannot be compiled.
    """
    if isinstance(target, list):
        raise NotCompilableError("several outputs")
    if target.dtype != x.dtype or target.dim() != 3 or x.dim() != 3:
        raise NotCompilableError("samples or targets that are not vectors of numbers")

    def step(size: int) -> Step:
        return trace(model, criterion, optimizer, size, x.shape[2], target.shape[2])

    return _written(write_epoch, step, x, batch, registers)


def forward_program(model: Module, optimizer: Optimizer, x: Tensor, registers: int = 256) -> Program:
    """The program of predictions for x (R, N, D).

    Raises:
        NotCompilableError: the model cannot be compiled.
    """
    if x.dim() != 3:
        raise NotCompilableError("samples that are not vectors")
    return _written(
        write_forward,
        lambda size: trace_forward(model, optimizer, size, x.shape[2]),
        x,
        EVALUATION_SAMPLES,
        registers,
    )


def _written(
    write: Callable[..., Program], step: Callable[[int], Step], x: Tensor, batch: int, registers: int = 256
) -> Program:
    """The program for x in batches, the last of which may be smaller."""
    batch = min(batch, x.shape[1])
    rest = x.shape[1] % batch
    first, last = step(batch), step(rest) if rest else None
    try:
        return write(first, last, x.dtype == torch.float64, registers)
    except ValueError as error:
        raise NotCompilableError(str(error)) from error
