"""An epoch of training by a compiled step: in place of `framework.train_epoch`, with its arguments and its result."""

import functools

import torch
from torch import Tensor

from experiments.engines.compiled.program import Program, compiled, host_registers, write
from experiments.engines.compiled.trace import NotCompilable, trace
from framework import Loss, Module, Optimizer


class CompiledEpoch:
    """Trains stacks of one model, loss and optimizer. The first epoch compiles the step.

    Args:
        features: of the processor, for LLVM; by default all that it has. They change no result.
        registers: numbers that half of the vector registers hold; likewise.
    """

    def __init__(self, features: str | None = None, registers: int | None = None) -> None:
        self.features = features
        self.registers = registers or host_registers()
        self._program: Program | None = None
        self._scratch = torch.empty(0)

    def __call__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Optimizer,
        x: Tensor,
        target: Tensor | list[Tensor],
        order: Tensor,
        batch_size: int,
    ) -> Tensor:
        """One pass over the data, an optimizer step per batch.

        Shapes: x (R, N, D), target (R, N, C), order (R, N). Returns the loss of every batch before its step, (steps, R).

        Raises:
            NotCompilable: the step cannot be compiled.
        """
        if isinstance(target, list) or optimizer.replicas is None:
            raise NotCompilable("several outputs, or a model without replicas")
        if self._program is None:
            self._program = program_of(model, criterion, optimizer, x, target, batch_size, self.registers)
            self._scratch = torch.zeros(self._program.room, dtype=optimizer.value.dtype)
        program, dtype = self._program, optimizer.value.dtype
        states = [optimizer.buffers[name] for name in program.states]
        function = compiled(program.text, 9 + len(states), self.features)
        replicas, samples = x.shape[:2]
        full, rest = divmod(samples, batch_size)
        steps = full + (rest > 0)
        losses = torch.empty(steps, replicas, dtype=dtype)
        hyper = torch.stack([optimizer.get(name).expand(replicas) for name in program.hyper], 1).to(dtype)
        factors = torch.tensor(
            [list(optimizer.factors(optimizer.steps + step + 1).values()) for step in range(steps)], dtype=dtype
        )
        if order.stride(-1) != 1 or order.dtype != torch.int64:
            order = order.contiguous().long()
        held = [
            optimizer.value,
            *states,
            torch.tensor(optimizer.offsets()),
            self._scratch,
            x.contiguous(),
            target.to(dtype).contiguous(),
            order,
            hyper.contiguous(),
            factors,
            losses,
        ]
        function(*(tensor.data_ptr() for tensor in held), replicas, samples, full, order.stride(0))
        optimizer.steps += steps
        return losses


def program_of(
    model: Module, criterion: Loss, optimizer: Optimizer, x: Tensor, target: Tensor, batch: int, registers: int
) -> Program:
    """The program of an epoch over x (R, N, D) and target (R, N, C).

    Raises:
        NotCompilable: the step cannot be compiled.
    """
    if target.dtype != x.dtype or target.dim() != 3:
        raise NotCompilable("targets that are classes, not vectors")
    samples = x.shape[1]
    step_of = functools.partial(
        trace, model, criterion, optimizer, inputs=tuple(x.shape[2:]), outputs=tuple(target.shape[2:])
    )
    full, rest = divmod(samples, batch)
    step = step_of(batch=batch if full else rest)
    last = step_of(batch=rest) if full and rest else None
    try:
        return write(step, last, x.dtype == torch.float64, registers)
    except ValueError as error:
        raise NotCompilable(str(error)) from error
