"""Programs for passes over the data: an epoch of every replica of a stack, one replica after the other.

Each replica runs the same instructions, alone, with its parameters, gradients and activations in the nearest cache
for a whole epoch. So its results cannot depend on other replicas.
"""

from dataclasses import dataclass

from fairgrid.experiments.engines.compiled.ir import Array, Elementwise, Layout, Product, Reduction, Step
from fairgrid.experiments.engines.compiled.kernels import elementwise, reduction, scalar
from fairgrid.experiments.engines.compiled.liveness import needed_later
from fairgrid.experiments.engines.compiled.llvm import ENTRY, Code, Index, padded
from fairgrid.experiments.engines.compiled.memory import Memory
from fairgrid.experiments.engines.compiled.products import product


@dataclass(frozen=True)
class Program:
    """The text of a program, and the sizes and names of its arguments.

    Attributes:
        text: LLVM's intermediate representation.
        arguments: names of the addresses, and of the counts after them.
        states: names of the optimizer's buffers, in the order of the arguments state0, state1, …
        hyper: names of the hyper-parameters, in the order of their columns.
        factors: names of the numbers that change from step to step, in the order of their columns.
        outputs: the number of columns of the result.
        room: the size of scratch memory, in numbers.
    """

    text: str
    arguments: tuple[tuple[str, ...], tuple[str, ...]]
    states: tuple[str, ...]
    hyper: tuple[str, ...]
    factors: tuple[str, ...]
    outputs: int
    room: int


class _Writer:
    """Writes one program."""

    def __init__(self, step: Step, double: bool, registers: int) -> None:
        self.code = Code("double" if double else "float")
        self.step = step
        self.registers = registers
        self.room = 0
        layouts = {name: array.layout for name, array in step.named.items()}
        self.hyper = [name for name, layout in layouts.items() if layout is Layout.BROADCAST]
        flat = [name for name, layout in layouts.items() if layout is Layout.FLAT]
        self.states = [name for name in flat if name not in ("value", "grad")]
        sizes = [rows * padded(cols) for rows, cols in step.parameters]
        self.starts = [sum(sizes[:place]) for place in range(len(sizes))]
        self.length = -(-sum(sizes) // 16) * 16
        # one place for each flat array, the same for full and last batches
        self.flats = {name: self._reserve(self.length) for name in ("value", "grad", *self.states)}

    def _reserve(self, length: int) -> str:
        pointer = self.code.at("%scratch", self.room)
        self.room += -(-length // 16) * 16
        return pointer

    def epoch(self, last: Step | None) -> Program:
        """Emits a pass over the data in full batches of the step, and a smaller last one if there is one."""
        code = self.code
        with code.loop("%replicas") as replica:
            samples = code.times("%samples", replica)
            data = {
                name: code.at(f"%{name}", code.times(samples, self.step.named[name].cols)) for name in ("x", "target")
            }
            order = code.at("%order", code.times("%order_stride", replica), "i64")
            hyper = code.at("%hyper", code.times(len(self.hyper), replica))
            hyper_parameters = {name: code.load(hyper, place) for place, name in enumerate(self.hyper)}

            def batch(step: Step, number: Index) -> None:
                factors = code.at("%factors", code.times(len(step.factors), number))
                memory = Memory(code, self.length, self.registers)
                memory.factors = {name: code.load(factors, place) for place, name in enumerate(step.factors)}
                memory.scalars = {step.named[name]: value for name, value in hyper_parameters.items()}
                begin = code.times(self.step.named["x"].rows, number)
                result = self._batch(step, memory, data, begin, order)
                place = code.add(code.times("%replicas", number), replica)
                code.store(code.load(result, 0), "%losses", place)

            self._move(replica, inwards=True)
            with code.loop("%full") as number:
                batch(self.step, number)
            if last is not None:
                batch(last, "%full")
            self._move(replica, inwards=False)
        states = [f"state{place}" for place in range(len(self.states))]
        return self._program(
            ["value", *states, "offsets", "scratch", "x", "target", "order", "hyper", "factors", "losses"],
            ["replicas", "samples", "full", "order_stride"],
        )

    def forward(self, last: Step | None) -> Program:
        """Emits the predictions of all samples, in order, in blocks of the step's batch and a smaller last one."""
        code = self.code
        with code.loop("%replicas") as replica:
            samples = code.times("%samples", replica)
            data = {"x": code.at("%x", code.times(samples, self.step.named["x"].cols))}
            out = code.at("%prediction", code.times(samples, self.step.result.cols))

            def batch(step: Step, number: Index) -> None:
                begin = code.times(self.step.named["x"].rows, number)
                result = self._batch(step, Memory(code, self.length, self.registers), data, begin, None)
                cols = step.result.cols
                with code.loop(step.result.rows) as row:
                    target = code.at(out, code.times(cols, code.add(begin, row)))
                    code.copy(target, code.at(result, code.times(padded(cols), row)), cols)

            self._move(replica, inwards=True)
            with code.loop("%full") as number:
                batch(self.step, number)
            if last is not None:
                batch(last, "%full")
        return self._program(["value", "offsets", "scratch", "x", "prediction"], ["replicas", "samples", "full"])

    def _program(self, pointers: list[str], counts: list[str]) -> Program:
        arguments = [*(("ptr noalias", name) for name in pointers), *(("i64", name) for name in counts)]
        text = self.code.function(ENTRY, arguments)
        names = (tuple(pointers), tuple(counts))
        return Program(
            text,
            names,
            tuple(self.states),
            tuple(self.hyper),
            tuple(self.step.factors),
            self.step.result.cols,
            self.room,
        )

    def _move(self, replica: Index, inwards: bool) -> None:
        """Emits copies of a replica's parameters and buffers between the optimizer's memory and padded rows."""
        code = self.code
        for name, outside in (("value", "%value"), *((name, f"%state{at}") for at, name in enumerate(self.states))):
            for place, (rows, cols) in enumerate(self.step.parameters):
                offset = code.emit(f"load i64, ptr {code.at('%offsets', place, 'i64')}, align 8")
                begin = code.add(offset, code.times(rows * cols, replica))
                with code.loop(rows) as row:
                    dense = code.at(outside, code.add(begin, code.times(cols, row)))
                    inside = code.at(self.flats[name], code.add(self.starts[place], code.times(padded(cols), row)))
                    code.copy(*((inside, dense) if inwards else (dense, inside)), cols)

    def _batch(self, step: Step, memory: Memory, data: dict[str, str], begin: Index, order: str | None) -> str:
        """Emits one step of one replica; returns a pointer to its result.

        Args:
            step: the operations.
            memory: the placement, with hyper-parameters and factors; arrays are added.
            data: pointers to the replica's samples, by name.
            begin: the number of the batch's first sample.
            order: pointer to the replica's order of samples; None takes them as they are.
        """
        code = self.code
        spare = 0
        for op in step.ops:
            for array in (*op.reads(), op.out):
                self._place(array, memory)
            if isinstance(op, Product) and op.b.transposed:
                spare = max(spare, op.b.array.cols * padded(op.b.array.rows))
        with code.loop(step.named["x"].rows) as row:
            index = code.add(begin, row)
            if order is not None:
                index = code.emit(f"load i64, ptr {code.at(order, index, 'i64')}, align 8")
            for name, source in data.items():
                array = step.named[name]
                self._place(array, memory)
                target = code.at(memory.pointers[array], code.times(padded(array.cols), row))
                code.copy(target, code.at(source, code.times(array.cols, index)), array.cols)
        memory.spare = self._reserve(spare)
        self._operations(memory, step)
        return memory.pointers[step.result]

    def _place(self, array: Array, memory: Memory) -> None:
        if array in memory.pointers or array.layout is Layout.BROADCAST:
            return
        if array.whole is not None:
            memory.pointers[array] = self.code.at(self.flats[array.whole.name], self.starts[array.part])
        elif array.layout is Layout.FLAT and array.name:
            memory.pointers[array] = self.flats[array.name]
        else:
            memory.pointers[array] = self._reserve(memory.length(array))

    def _operations(self, memory: Memory, step: Step) -> None:
        later = needed_later(step.ops)
        group: list[Elementwise] = []

        def finish(place: int) -> None:
            if group:
                elementwise(memory, group, lambda array: array is step.result or later(array, place))
                group.clear()

        for place, op in enumerate(step.ops):
            if isinstance(op, Elementwise) and op.out.layout is not Layout.BROADCAST:
                if group and not _fusible(op, group):
                    finish(place)
                group.append(op)
                continue
            finish(place)
            match op:
                case Elementwise():
                    memory.scalars[op.out] = scalar(memory, op)
                case Product():
                    product(memory, op)
                case Reduction():
                    reduction(memory, op)
        finish(len(step.ops))


def _fusible(op: Elementwise, group: list[Elementwise]) -> bool:
    """Whether an operation can share a pass: the same shape, and no read of memory that the pass writes."""
    if op.out.shape != group[0].out.shape:
        return False
    written = {other.out for other in group}
    roots = {other.out.root for other in group}
    return all(array in written or array.root not in roots for array in (*op.reads(), op.out))


def write_epoch(step: Step, last: Step | None, double: bool, registers: int) -> Program:
    """The program of an epoch; `last` is the step of the smaller last batch, None without one."""
    return _Writer(step, double, registers).epoch(last)


def write_forward(step: Step, last: Step | None, double: bool, registers: int) -> Program:
    """The program of predictions; `last` is the pass of the smaller last block, None without one."""
    return _Writer(step, double, registers).forward(last)
