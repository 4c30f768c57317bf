"""Elementwise operations on vectors.

exp, log and tanh in float32 are polynomials after Cephes (Moshier 1989: expf, logf, tanhf), accurate to a few units in
the last place; in float64 they are the C library's.
"""

from collections.abc import Callable

from fairgrid.experiments.engines.compiled.ir import Operation
from fairgrid.experiments.engines.compiled.llvm import Code

_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_TANH = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
_LN2 = (0.693359375, -2.12194440e-4)  # high and low part
_LARGEST, _SMALLEST = 88.37626, -87.33654


def _polynomial(code: Code, lanes: int, x: str, coefficients: tuple[float, ...]) -> str:
    value = code.broadcast_constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = code.call("fma", lanes, value, x, code.broadcast_constant(coefficient))
    return value


def exp(code: Code, lanes: int, x: str) -> str:
    """The exponential function; 0 below the smallest normal number, infinite above the largest."""
    if code.real == "double":
        return code.call("exp", lanes, x)
    low, high = code.broadcast_constant(_SMALLEST), code.broadcast_constant(_LARGEST)
    bounded = code.choose("ogt", lanes, x, high, high, x)
    bounded = code.choose("olt", lanes, bounded, low, low, bounded)
    # adding 1.5 · 2²³ rounds to a whole number, and leaves it in the lowest bits
    magic = code.broadcast_constant(12582912.0)
    shifted = code.call("fma", lanes, bounded, code.broadcast_constant(1.44269504088896341), magic)
    whole = code.op("fsub", lanes, shifted, magic)
    rest = code.call("fma", lanes, whole, code.broadcast_constant(-_LN2[0]), bounded)
    rest = code.call("fma", lanes, whole, code.broadcast_constant(-_LN2[1]), rest)
    square = code.op("fmul", lanes, rest, rest)
    value = code.call("fma", lanes, _polynomial(code, lanes, rest, _EXP), square, rest)
    value = code.op("fadd", lanes, value, code.broadcast_constant(1.0))
    kind = code.vector(lanes, "i32")
    bits = code.emit(f"bitcast {code.vector(lanes)} {shifted} to {kind}")
    bits = code.emit(f"shl {kind} {bits}, splat (i32 23)")
    bits = code.emit(f"add {kind} {bits}, splat (i32 1065353216)")
    value = code.op("fmul", lanes, value, code.emit(f"bitcast {kind} {bits} to {code.vector(lanes)}"))
    value = code.choose("olt", lanes, x, low, code.broadcast_constant(0.0), value)
    return code.choose("ogt", lanes, x, high, code.broadcast_constant(float("inf")), value)


def log(code: Code, lanes: int, x: str) -> str:
    """The natural logarithm; −∞ at 0, NaN below."""
    if code.real == "double":
        return code.call("log", lanes, x)
    kind, reals = code.vector(lanes, "i32"), code.vector(lanes)
    bits = code.emit(f"bitcast {reals} {x} to {kind}")
    # x = m · 2ᵉ with m in [√½, √2)
    above = code.emit(f"sub {kind} {bits}, splat (i32 1060439283)")
    exponent = code.emit(f"ashr {kind} {above}, splat (i32 23)")
    mantissa = code.emit(f"sub {kind} {bits}, {code.emit(f'shl {kind} {exponent}, splat (i32 23)')}")
    m = code.op("fsub", lanes, code.emit(f"bitcast {kind} {mantissa} to {reals}"), code.broadcast_constant(1.0))
    e = code.emit(f"sitofp {kind} {exponent} to {reals}")
    square = code.op("fmul", lanes, m, m)
    value = code.op("fmul", lanes, _polynomial(code, lanes, m, _LOG), code.op("fmul", lanes, m, square))
    value = code.call("fma", lanes, e, code.broadcast_constant(_LN2[1]), value)
    value = code.call("fma", lanes, square, code.broadcast_constant(-0.5), value)
    value = code.op("fadd", lanes, m, value)
    value = code.call("fma", lanes, e, code.broadcast_constant(_LN2[0]), value)
    infinite, nothing = code.broadcast_constant(float("inf")), code.broadcast_constant(0.0)
    value = code.choose("olt", lanes, x, infinite, value, code.op("fadd", lanes, x, infinite))
    value = code.choose("oeq", lanes, x, nothing, code.broadcast_constant(float("-inf")), value)
    return code.choose("olt", lanes, x, nothing, code.broadcast_constant(float("nan")), value)


def log1p(code: Code, lanes: int, x: str) -> str:
    """The logarithm of 1 + x, accurate for small x: x log(w) / (w − 1) with w the rounded 1 + x (Kahan)."""
    one = code.broadcast_constant(1.0)
    w = code.op("fadd", lanes, x, one)
    ratio = code.op("fdiv", lanes, x, code.op("fsub", lanes, w, one))
    return code.choose("oeq", lanes, w, one, x, code.op("fmul", lanes, log(code, lanes, w), ratio))


def tanh(code: Code, lanes: int, x: str) -> str:
    """The hyperbolic tangent."""
    if code.real == "double":
        return code.call("tanh", lanes, x)
    one = code.broadcast_constant(1.0)
    size = code.call("fabs", lanes, x)
    power = exp(code, lanes, code.op("fadd", lanes, size, size))
    fraction = code.op("fdiv", lanes, code.broadcast_constant(2.0), code.op("fadd", lanes, power, one))
    large = code.call("copysign", lanes, code.op("fsub", lanes, one, fraction), x)
    square = code.op("fmul", lanes, x, x)
    cubed = code.op("fmul", lanes, _polynomial(code, lanes, square, _TANH), code.op("fmul", lanes, square, x))
    small = code.op("fadd", lanes, x, cubed)
    return code.choose("olt", lanes, size, code.broadcast_constant(0.625), small, large)


def _sign(code: Code, lanes: int, x: str) -> str:
    one, nothing = code.broadcast_constant(1.0), code.broadcast_constant(0.0)
    below = code.choose("olt", lanes, x, nothing, code.broadcast_constant(-1.0), nothing)
    return code.choose("ogt", lanes, x, nothing, one, below)


def _maximum(code: Code, lanes: int, a: str, b: str) -> str:
    """The larger of two; NaN if either is NaN."""
    larger = code.choose("ogt", lanes, a, b, a, b)
    return code.choose("oeq", lanes, a, a, larger, a)


def _minimum(code: Code, lanes: int, a: str, b: str) -> str:
    smaller = code.choose("olt", lanes, a, b, a, b)
    return code.choose("oeq", lanes, a, a, smaller, a)


def _scaled(code: Code, lanes: int, x: str, factor: str | None) -> str:
    return x if factor is None else code.op("fmul", lanes, factor, x)


def power(code: Code, lanes: int, x: str, exponent: float) -> str:
    """The power xⁿ for n = 2, 3 and ½."""
    if exponent == 2:
        return code.op("fmul", lanes, x, x)
    if exponent == 3:
        return code.op("fmul", lanes, code.op("fmul", lanes, x, x), x)
    if exponent == 0.5:
        return code.call("sqrt", lanes, x)
    raise ValueError(f"the power {exponent:g}")


def _lerp(code: Code, lanes: int, a: str, b: str, weight: str) -> str:
    return code.call("fma", lanes, weight, code.op("fsub", lanes, b, a), a)


Function = Callable[..., str]

# functions of (code, lanes, *values)
PLAIN: dict[Operation, Function] = {
    Operation.ABS: lambda code, lanes, x: code.call("fabs", lanes, x),
    Operation.CLAMP_MAX: lambda code, lanes, x, bound: code.choose("olt", lanes, bound, x, bound, x),
    Operation.CLAMP_MIN: lambda code, lanes, x, bound: code.choose("ogt", lanes, bound, x, bound, x),
    Operation.CLONE: lambda code, lanes, x: x,
    Operation.COPY: lambda code, lanes, *values: values[-1],
    Operation.DIV: lambda code, lanes, a, b: code.op("fdiv", lanes, a, b),
    Operation.EXP: exp,
    Operation.FILL: lambda code, lanes, *values: values[-1],
    Operation.LERP: _lerp,
    Operation.LOG: log,
    Operation.LOG1P: log1p,
    Operation.MAXIMUM: _maximum,
    Operation.MINIMUM: _minimum,
    Operation.MUL: lambda code, lanes, a, b: code.op("fmul", lanes, a, b),
    Operation.NEG: lambda code, lanes, x: code.op("fneg", lanes, x),
    Operation.RECIPROCAL: lambda code, lanes, x: code.op("fdiv", lanes, code.broadcast_constant(1.0), x),
    Operation.SIGN: _sign,
    Operation.SQRT: lambda code, lanes, x: code.call("sqrt", lanes, x),
    Operation.TANH: tanh,
}

# functions of (code, lanes, factor or None, *values)
SCALED: dict[Operation, Function] = {
    Operation.ADD: lambda code, lanes, factor, a, b: code.op("fadd", lanes, a, _scaled(code, lanes, b, factor)),
    Operation.SUB: lambda code, lanes, factor, a, b: code.op("fsub", lanes, a, _scaled(code, lanes, b, factor)),
    Operation.RSUB: lambda code, lanes, factor, a, b: code.op("fsub", lanes, b, _scaled(code, lanes, a, factor)),
    Operation.ADDCMUL: lambda code, lanes, factor, a, b, c: code.call(
        "fma", lanes, _scaled(code, lanes, b, factor), c, a
    ),
    Operation.ADDCDIV: lambda code, lanes, factor, a, b, c: code.op(
        "fadd", lanes, a, _scaled(code, lanes, code.op("fdiv", lanes, b, c), factor)
    ),
}
