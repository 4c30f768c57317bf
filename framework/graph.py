"""Networks beyond chains: any directed acyclic graph of modules."""

from collections.abc import Hashable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from torch import Tensor

from fairgrid.framework.module import Module, distinct
from fairgrid.framework.sequential import Sequential


class Graph(Module):
    """Modules by key, and for each the keys of its predecessors: the notation of report 002_bb4c2440422f73ef.txt.

    Two branches into a sum, with the dictionaries and lists of the report:

        operators = {1: [Linear(2, 9)], 2: [Tanh()], 3: [Linear(9, 2)], 4: [Linear(2, 2)], 5: [Sum()]}
        connectivity = {1: [], 2: [1], 3: [2], 4: [], 5: [3, 4]}
        Graph(operators, connectivity, inputs=[1, 4], outputs=[5])

    An operator without predecessors is an input and takes a tensor from outside, here one for 1 and one for 4. To give
    the same tensor to both, make an `Identity` the input and both its successors. An operator with several successors
    receives the sum of their gradients. An operator with several predecessors takes the list of their outputs, in the
    given order: `Sum`, `Concatenate`, or a graph with several inputs.

    A module object under two keys, or inside two operators, is shared: both places have the same parameters, whose
    gradients add, and each has its own forward cache.

    Shapes: forward and backward take and return one tensor for a single input or output, and a list, in the order of
    `inputs` or `outputs`, for several.

    Args:
        operators: key → module, or a list of modules to apply in sequence.
        connectivity: key → the keys of the predecessors; a key without predecessors may be omitted.
        inputs: the keys of all operators without predecessors.
        outputs: keys of the operators whose outputs are returned; they may have successors too.

    Raises:
        ValueError: unknown keys, a cycle, an input with predecessors, an operator without predecessors that is not an
            input, an operator that leads to no output, several predecessors of a module that takes one tensor; at
            forward, another number of inputs, or an error of an operator.
    """

    def __init__(
        self,
        operators: Mapping[Any, Module | Sequence[Module]],
        connectivity: Mapping[Any, Sequence[Any]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
    ) -> None:
        modules = [item if isinstance(item, Module) else Sequential(*item) for item in operators.values()]
        self.modules: dict[Hashable, Module] = dict(zip(operators, distinct(modules), strict=True))
        self.connectivity = {key: list(connectivity.get(key, [])) for key in operators}
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.takes_list = len(self.inputs) > 1
        self._check([*connectivity, *(key for predecessors in connectivity.values() for key in predecessors)])
        self.order = list(TopologicalSorter(self.connectivity).static_order())

    def forward(self, x: Any) -> Any:
        tensors = x if self.takes_list else [x]
        if isinstance(tensors, Tensor) or len(tensors) != len(self.inputs):
            count = "one tensor" if isinstance(tensors, Tensor) else len(tensors)
            raise ValueError(f"Graph needs a list of tensors, one for each input of {self.inputs}, found {count}")
        outside = dict(zip(self.inputs, tensors, strict=True))
        values: dict[Any, Any] = {}
        for key in self.order:
            predecessors = self.connectivity[key]
            inputs = [values[predecessor] for predecessor in predecessors] if predecessors else [outside[key]]
            values[key] = self._run(key, inputs if len(inputs) > 1 else inputs[0])
        results = [values[key] for key in self.outputs]
        return results if len(results) > 1 else results[0]

    def backward(self, dy: Any) -> Any:
        gradients: dict[Any, Any] = {}
        for key, gradient in zip(self.outputs, dy if len(self.outputs) > 1 else [dy], strict=True):
            gradients[key] = _plus(gradients.get(key), gradient)
        outside: dict[Any, Any] = {}
        for key in reversed(self.order):
            dx = self.modules[key].backward(gradients.pop(key))
            predecessors = self.connectivity[key]
            if not predecessors:
                outside[key] = dx
            for predecessor, part in zip(predecessors, dx if len(predecessors) > 1 else [dx], strict=False):
                gradients[predecessor] = _plus(gradients.get(predecessor), part)
        results = [outside[key] for key in self.inputs]
        return results if self.takes_list else results[0]

    def _run(self, key: Any, x: Any) -> Any:
        module = self.modules[key]
        if not isinstance(x, Tensor) and not module.takes_list:
            kind = type(module).__name__
            raise ValueError(f"Graph operator {key!r}: {kind} takes one tensor, found a list of {len(x)}")
        try:
            return module.forward(x)
        except ValueError as error:
            raise ValueError(f"Graph operator {key!r}: {error}") from error

    def _check(self, named: list[Any]) -> None:
        operators = list(self.modules)
        for place, keys in (("connectivity", named), ("inputs", self.inputs), ("outputs", self.outputs)):
            for key in keys:
                if key not in self.modules:
                    raise ValueError(f"Graph's {place} name {key!r}, which is not among the operators {operators}")
            if place != "connectivity" and (not keys or len(set(keys)) < len(keys)):
                raise ValueError(f"Graph needs one or more {place}, each once, found {keys}")
        try:
            TopologicalSorter(self.connectivity).prepare()
        except CycleError as error:
            cycle = " → ".join(repr(key) for key in error.args[1])
            raise ValueError(f"Graph needs a network without cycles, found {cycle}") from None
        for key, predecessors in self.connectivity.items():
            if predecessors and key in self.inputs:
                raise ValueError(
                    f"Graph's input {key!r} takes its tensor from outside, found predecessors {predecessors}"
                )
            if not predecessors and key not in self.inputs:
                raise ValueError(
                    f"Graph operator {key!r} has no predecessors and is not among the inputs {self.inputs}"
                )
        leading = set(self.outputs)
        for key in reversed(list(TopologicalSorter(self.connectivity).static_order())):
            if key not in leading:
                raise ValueError(f"Graph operator {key!r} leads to none of the outputs {self.outputs}")
            leading.update(self.connectivity[key])


def _plus(total: Any, gradient: Any) -> Any:
    """The sum of two gradients, tensors or lists of tensors; the second where the first is None."""
    if total is None:
        return gradient
    if isinstance(gradient, Tensor):
        return total + gradient
    return [_plus(first, second) for first, second in zip(total, gradient, strict=True)]
