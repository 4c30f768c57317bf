"""The text of LLVM's intermediate representation: values, loops, vectors of one number type.

A vector's lanes never depend on each other, sums over lanes are trees of a fixed shape, and products and sums are only
fused explicitly. So the result of a program does not depend on the width of the processor's registers.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

Real = Literal["float", "double"]
Index = int | str  # a constant, or the name of an i64

WIDEST = 32  # lanes of one vector value
ENTRY = "run"  # the name of a program's function


class Code:
    """The text of one function's body.

    Args:
        real: the type of every number.
    """

    def __init__(self, real: Real) -> None:
        self.real = real
        self.size = 4 if real == "float" else 8
        self.integer = "i32" if real == "float" else "i64"
        self.lines: list[str] = []
        self.variables: list[str] = []
        self.declarations: set[str] = set()
        self._count = 0
        self._label = "entry"

    def name(self) -> str:
        """A name for a new value."""
        self._count += 1
        return f"%v{self._count}"

    def emit(self, text: str) -> str:
        """Emits an instruction; returns the name of its value."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Emits an instruction without a value."""
        self.lines.append(f"  {text}")

    def vector(self, lanes: int, of: str | None = None) -> str:
        """The type of a vector."""
        return f"<{lanes} x {of or self.real}>"

    def constant(self, number: float) -> str:
        """A number in LLVM's exact notation, the bits of a double that is representable in the type."""
        if self.real == "float":
            number = struct.unpack("f", struct.pack("f", number))[0]
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"

    def broadcast_constant(self, number: float) -> str:
        """A vector of one constant, as an operand."""
        return f"splat ({self.real} {self.constant(number)})"

    def broadcast(self, scalar: str, lanes: int) -> str:
        """A vector with one scalar value in all lanes."""
        first = self.emit(f"insertelement {self.vector(lanes)} poison, {self.real} {scalar}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {self.vector(lanes)} {first}, {self.vector(lanes)} poison, {zeros}")

    def add(self, a: Index, b: Index) -> Index:
        """The sum of two indices."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.emit(f"add nsw i64 {a}, {b}")

    def times(self, a: Index, b: Index) -> Index:
        """The product of two indices."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 1 or b == 1:
            return b if a == 1 else a
        return 0 if 0 in (a, b) else self.emit(f"mul nsw i64 {a}, {b}")

    def at(self, pointer: str, index: Index, of: str | None = None) -> str:
        """A pointer `index` elements after another."""
        return (
            pointer
            if index == 0
            else self.emit(f"getelementptr inbounds {of or self.real}, ptr {pointer}, i64 {index}")
        )

    def load(self, pointer: str, index: Index, lanes: int = 0) -> str:
        """Loads a number (lanes 0) or a vector."""
        kind = self.vector(lanes) if lanes else self.real
        return self.emit(f"load {kind}, ptr {self.at(pointer, index)}, align {self.size}")

    def store(self, value: str, pointer: str, index: Index, lanes: int = 0) -> None:
        """Stores a number (lanes 0) or a vector."""
        kind = self.vector(lanes) if lanes else self.real
        self.do(f"store {kind} {value}, ptr {self.at(pointer, index)}, align {self.size}")

    def copy(self, target: str, source: str, count: int) -> None:
        """Copies numbers from one place to another."""
        self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {count * self.size}, i1 false)")

    def call(self, function: str, lanes: int, *values: str) -> str:
        """Calls one of LLVM's vector intrinsics."""
        kind = self.vector(lanes)
        full = f"@llvm.{function}.v{lanes}f{8 * self.size}"
        self.declarations.add(f"declare {kind} {full}({', '.join([kind] * len(values))})")
        return self.emit(f"call {kind} {full}({', '.join(f'{kind} {value}' for value in values)})")

    def op(self, name: str, lanes: int, *values: str) -> str:
        """Emits fadd, fsub, fmul, fdiv or fneg."""
        return self.emit(f"{name} {self.vector(lanes)} {', '.join(values)}")

    def choose(self, test: str, lanes: int, a: str, b: str, yes: str, no: str) -> str:
        """In each lane `yes` where a comparison (olt, ogt, oeq) of a and b holds, else `no`; none holds for NaN."""
        kind = self.vector(lanes)
        mask = self.emit(f"fcmp {test} {kind} {a}, {b}")
        return self.emit(f"select {self.vector(lanes, 'i1')} {mask}, {kind} {yes}, {kind} {no}")

    def first(self, value: str, lanes: int, count: int, other: float) -> str:
        """A vector with all but its first `count` lanes replaced by a number."""
        if count >= lanes:
            return value
        mask = ", ".join(f"i1 {'true' if lane < count else 'false'}" for lane in range(lanes))
        kind = self.vector(lanes)
        return self.emit(
            f"select {self.vector(lanes, 'i1')} <{mask}>, {kind} {value}, {kind} {self.broadcast_constant(other)}"
        )

    def fold(self, value: str, lanes: int, how: str) -> str:
        """Reduces a vector to a scalar, adding or taking the maximum of halves; `how` is "fadd" or "max"."""
        while lanes > 1:
            kind, half = self.vector(lanes), lanes // 2
            low, high = (
                self.emit(
                    f"shufflevector {kind} {value}, {kind} poison, <{half} x i32> "
                    f"<{', '.join(f'i32 {lane}' for lane in range(start, start + half))}>"
                )
                for start in (0, half)
            )
            value = (
                self.op("fadd", half, low, high) if how == "fadd" else self.choose("ogt", half, high, low, high, low)
            )
            lanes = half
        return self.emit(f"extractelement {self.vector(1)} {value}, i32 0")

    def variable(self, lanes: int) -> str:
        """Declares a vector that changes in a loop."""
        name = self.name()
        self.variables.append(f"  {name} = alloca {self.vector(lanes)}, align 64")
        return name

    def get(self, variable: str, lanes: int) -> str:
        """The value of a variable."""
        return self.emit(f"load {self.vector(lanes)}, ptr {variable}, align 64")

    def set(self, variable: str, value: str, lanes: int) -> None:
        """Assigns a value to a variable."""
        self.do(f"store {self.vector(lanes)} {value}, ptr {variable}, align 64")

    @contextmanager
    def loop(self, count: Index, step: int = 1) -> Iterator[Index]:
        """Emits the body once, to run for 0, step, 2 step … below count; inline if it runs a single time."""
        if isinstance(count, int) and count <= step:
            if count > 0:
                yield 0
                return
            raise ValueError("a loop needs something to do")
        self._count += 1
        tag = self._count
        before = self._label
        index, following = f"%i{tag}", f"%n{tag}"
        self.do(f"br label %head{tag}")
        self.lines.append(f"head{tag}:")
        phi = len(self.lines)
        self.lines.append("")
        test = f"%t{tag}"
        self.do(f"{test} = icmp slt i64 {index}, {count}")
        self.do(f"br i1 {test}, label %body{tag}, label %end{tag}")
        self.lines.append(f"body{tag}:")
        self._label = f"body{tag}"
        yield index
        self.do(f"{following} = add nsw i64 {index}, {step}")
        self.do(f"br label %head{tag}")
        self.lines[phi] = f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{self._label} ]"
        self.lines.append(f"end{tag}:")
        self._label = f"end{tag}"

    def function(self, name: str, arguments: Sequence[tuple[str, str]]) -> str:
        """The text of a module with this body as its only function."""
        declared = ", ".join(f"{kind} %{argument}" for kind, argument in arguments)
        body = "\n".join(self.lines)
        head = "\n".join(sorted(self.declarations))
        variables = "\n".join(self.variables)
        return f"{head}\n\ndefine void @{name}({declared}) {{\nentry:\n{variables}\n{body}\n  ret void\n}}\n"


def padded(cols: int) -> int:
    """The distance between rows in numbers: rows are read and written as whole vectors."""
    if cols <= 4:
        return 4
    return 8 if cols <= 8 else -(-cols // 16) * 16


def tiles(length: int) -> list[tuple[int, int]]:
    """The vectors that cover `length` numbers, a multiple of 4, as (offset, lanes)."""
    cover = []
    offset = 0
    for lanes in (WIDEST, 16, 8, 4):
        while length - offset >= lanes:
            cover.append((offset, lanes))
            offset += lanes
    return cover
