"""Simplifications of a traced step: dead code elimination, and assignment to gradients that start at zero."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeGuard

from fairgrid.experiments.engines.compiled.ir import (
    Array,
    Elementwise,
    Layout,
    Op,
    Operand,
    Operation,
    Product,
    Step,
)


def simplified(step: Step) -> Step:
    """The step without operations whose result is never read, and without clearing gradients before adding to them."""
    needed = {array for name, array in step.named.items() if array.layout is Layout.FLAT and name != "grad"}
    needed.add(step.result)
    grad = step.named.get("grad")
    if grad is not None and any(array is grad for op in step.ops for array in op.reads()):
        needed.add(grad)
    ops: list[Op] = []
    for op in reversed(step.ops):
        if op.out.root in needed:
            needed |= {array.root for array in op.reads()}
            ops.append(op)
    ops.reverse()
    return replace(step, ops=tuple(_assigned_first(ops, grad) if grad is not None else ops))


def needed_later(ops: Sequence[Op]) -> Callable[[Array, int], bool]:
    """A test for whether a written array is read by an operation at or after a place, or outlives the step."""
    last: dict[Array, int] = {}
    for place, op in enumerate(ops):
        for array in op.reads():
            last[array.root] = place
    return lambda array, place: bool(array.root.name) or last.get(array.root, -1) >= place


def _assigned_first(ops: list[Op], grad: Array) -> list[Op]:
    """The operations with the first addition to each gradient replaced by an assignment, and none cleared at the end.

    Gradients are zero when a step begins. Operations for which this is not certain to change nothing are returned as
    they are.
    """
    if not (ops and isinstance(ops[-1], Elementwise) and ops[-1].operation is Operation.FILL and ops[-1].out is grad):
        return ops
    changed: list[Op] = []
    assigned: set[int] = set()
    for op in ops[:-1]:
        new = op
        if op.out.whole is grad and op.out.part not in assigned:
            if isinstance(op, Product) and op.accumulates:
                new = replace(op, accumulates=False)
            elif _adds_to_itself(op):
                new = Elementwise(Operation.COPY, op.operands[1:], op.out)
            else:
                return ops
            assigned.add(op.out.part)
        elif any(array.whole is grad and array.part not in assigned for array in op.reads()):
            return ops
        changed.append(new)
    return changed


def _adds_to_itself(op: Op) -> TypeGuard[Elementwise]:
    if not isinstance(op, Elementwise) or op.operation is not Operation.ADD or op.factor is not None:
        return False
    first = op.operands[0]
    return isinstance(first, Operand) and first.array is op.out
