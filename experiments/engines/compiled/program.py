"""A traced step as machine code: an epoch of every replica of a stack, one replica after the other.

Each replica runs through the same instructions, alone, with its parameters, gradients and activations in the nearest
cache for a whole epoch. So nothing that it computes can depend on the replicas beside it.
"""

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

from fairgrid.experiments.engines.compiled.kernels import Memory, combined, elementwise, product, reduction
from fairgrid.experiments.engines.compiled.llvm import Code, Index, padded
from fairgrid.experiments.engines.compiled.trace import ELEMENTWISE, REDUCTIONS, Array, Op, Operand, Step, needed_later

ENTRY = "run"


@dataclass(frozen=True)
class Program:
    """The text of a program, and how much room it needs.

    Attributes:
        text: LLVM's intermediate representation.
        arguments: names of the addresses that it takes, and of the counts after them.
        states: names of the optimizer's buffers, in the order of the arguments state0, state1, …
        hyper: names of the hyper-parameters, in the order of their column.
        factors: likewise of the numbers of a step.
        outputs: columns of the result.
        room: numbers of scratch memory.
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
        self.states = [name for name, array in step.named.items() if array.flat and name not in ("value", "grad")]
        self.hyper = [name for name, array in step.named.items() if array.spread]
        sizes = [rows * padded(cols) for rows, cols in step.parameters]
        self.starts = [sum(sizes[:place]) for place in range(len(sizes))]
        self.length = -(-sum(sizes) // 16) * 16
        # one place for each kind of what is as long as all parameters, the same for full and last batches
        self.flats = {name: self._reserve(self.length) for name in ("value", "grad", *self.states)}

    def _reserve(self, length: int) -> str:
        pointer = self.code.at("%scratch", self.room)
        self.room += -(-length // 16) * 16
        return pointer

    def epoch(self, last: Step | None) -> Program:
        """A pass over the data in full batches of the step, and a smaller last one if there is any."""
        code = self.code
        with code.loop("%replicas") as replica:
            samples = code.times("%samples", replica)
            data = {
                name: code.at(f"%{name}", code.times(samples, self.step.named[name].cols)) for name in ("x", "target")
            }
            order = code.at("%order", code.times("%order_stride", replica), "i64")
            hyper = code.at("%hyper", code.times(len(self.hyper), replica))
            numbers = {name: code.load(hyper, place) for place, name in enumerate(self.hyper)}

            def batch(step: Step, number: Index) -> None:
                factors = code.at("%factors", code.times(len(step.factors), number))
                changing = {name: code.load(factors, place) for place, name in enumerate(step.factors)}
                begin = code.times(self.step.named["x"].rows, number)
                result = self._batch(step, numbers | changing, data, begin, order)
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
        """The predictions of all samples, in order, in blocks of the step's batch and a smaller last one."""
        code = self.code
        with code.loop("%replicas") as replica:
            samples = code.times("%samples", replica)
            data = {"x": code.at("%x", code.times(samples, self.step.named["x"].cols))}
            out = code.at("%prediction", code.times(samples, self.step.result.cols))

            def batch(step: Step, number: Index) -> None:
                begin = code.times(self.step.named["x"].rows, number)
                result = self._batch(step, {}, data, begin, None)
                cols = step.result.cols
                with code.loop(step.result.rows) as row:
                    there = code.at(out, code.times(cols, code.add(begin, row)))
                    code.copy(there, code.at(result, code.times(padded(cols), row)), cols)

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
        """Copies parameters and buffers of a replica between the optimizer's memory and padded rows."""
        code = self.code
        for name, outside in (("value", "%value"), *((name, f"%state{at}") for at, name in enumerate(self.states))):
            for place, (rows, cols) in enumerate(self.step.parameters):
                offset = code.emit(f"load i64, ptr {code.at('%offsets', place, 'i64')}, align 8")
                begin = code.add(offset, code.times(rows * cols, replica))
                with code.loop(rows) as row:
                    there = code.at(outside, code.add(begin, code.times(cols, row)))
                    here = code.at(self.flats[name], code.add(self.starts[place], code.times(padded(cols), row)))
                    code.copy(*((here, there) if inwards else (there, here)), cols)

    def _batch(self, step: Step, numbers: dict[str, str], data: dict[str, str], begin: Index, order: str | None) -> str:
        """One step of one replica; returns a pointer to its result.

        Args:
            step: what is done.
            numbers: hyper-parameters and factors by name.
            data: pointers to the replica's samples, by name.
            begin: the number of the batch's first sample.
            order: pointer to the replica's order of samples; None takes them as they are.
        """
        code = self.code
        pointers: dict[int, str] = {}
        spare = 0
        for op in step.ops:
            for array in (*op.reads(), op.out):
                self._place(array, pointers)
            if op.name == "product":
                b = op.operands[1]
                assert isinstance(b, Operand)
                spare = max(spare, b.array.cols * padded(b.array.rows) if b.transposed else 0)
        with code.loop(step.named["x"].rows) as row:
            index = code.add(begin, row)
            if order is not None:
                index = code.emit(f"load i64, ptr {code.at(order, index, 'i64')}, align 8")
            for name, source in data.items():
                array = step.named[name]
                self._place(array, pointers)
                here = code.at(pointers[id(array)], code.times(padded(array.cols), row))
                code.copy(here, code.at(source, code.times(array.cols, index)), array.cols)
        memory = Memory(code, pointers, numbers, self.registers, self._reserve(spare))
        self._operations(memory, step)
        return pointers[id(step.result)]

    def _place(self, array: Array, pointers: dict[int, str]) -> None:
        if id(array) in pointers or array.spread:
            return
        if array.whole is not None:
            pointers[id(array)] = self.code.at(self.flats[array.whole.name], self.starts[array.part or 0])
            return
        if array.flat:
            array.cols = self.length
            pointers[id(array)] = self.flats[array.name] if array.name else self._reserve(self.length)
            return
        pointers[id(array)] = self._reserve(array.rows * padded(array.cols))

    def _operations(self, memory: Memory, step: Step) -> None:
        later = needed_later(step.ops)
        group: list[Op] = []

        def finish(place: int) -> None:
            if group:
                elementwise(memory, group, lambda array: array is step.result or later(array, place))
                group.clear()

        for place, op in enumerate(step.ops):
            if op.out.spread:
                finish(place)
                op.out.name = f"spread {place}"
                memory.numbers[op.out.name] = combined(memory, op)
                continue
            if op.name in ELEMENTWISE:
                if group and not _fits(op, group):
                    finish(place)
                group.append(op)
                continue
            finish(place)
            if op.name == "product":
                product(memory, op)
            elif op.name in REDUCTIONS:
                reduction(memory, op)
        finish(len(step.ops))


def _fits(op: Op, group: list[Op]) -> bool:
    """Whether an operation can share a pass: the same shape, and what it reads of others was there before."""
    shape = group[0].out
    if (op.out.rows, op.out.cols, op.out.flat) != (shape.rows, shape.cols, shape.flat):
        return False
    written = {id(other.out) for other in group}
    roots = {id(other.out.root) for other in group}
    return all(id(array) in written or id(array.root) not in roots for array in (*op.reads(), op.out))


def write_epoch(step: Step, last: Step | None, double: bool, registers: int) -> Program:
    """The program of an epoch; `last` is the same step for the smaller last batch, if there is one."""
    return _Writer(step, double, registers).epoch(last)


def write_forward(step: Step, last: Step | None, double: bool, registers: int) -> Program:
    """The program of predictions; `last` is the same pass for the smaller last block, if there is one."""
    return _Writer(step, double, registers).forward(last)


def host_registers() -> int:
    """Float32 numbers that half of this processor's vector registers hold."""
    return 256 if _llvm().get_host_cpu_features().get("avx512f") else 96


@functools.lru_cache(maxsize=64)
def compiled(text: str, pointers: int, counts: int, features: str | None = None) -> Any:
    """The function that a program's text defines, callable with addresses and then counts.

    Args:
        text: of the program.
        pointers: how many addresses it takes.
        counts: and how many counts.
        features: of the processor, as LLVM names them ("-avx512f,…", added to the host's); by default all there are.
    """
    llvm = _llvm()
    module = llvm.parse_assembly(text)
    module.verify()
    found = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=",".join(filter(None, (found, features))), opt=3
    )
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kinds = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * counts
    function = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(ENTRY))
    function.engine = engine  # type: ignore[attr-defined]  # the code is there as long as its engine
    return function


@functools.lru_cache(maxsize=1)
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm
