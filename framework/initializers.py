"""Initial values of parameters. An initializer draws one tensor per parameter from a given generator.

Every draw is made in float64 and rounded to the model's dtype, so that float32 and float64 models start from the same
point. With `bias` "same" biases are drawn like weights, with "zeros" they start at zero.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from fairgrid.framework.parameter import Parameter

Bias = Literal["zeros", "same"]


def _normal(parameter: Parameter, generator: Generator, std: float) -> Tensor:
    return torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * std


def _uniform(parameter: Parameter, generator: Generator, bound: float) -> Tensor:
    return (torch.rand(parameter.shape, generator=generator, dtype=torch.float64) * 2 - 1) * bound


@dataclass(frozen=True)
class Initializer:
    """Base class. A subclass draws one parameter.

    Args:
        bias: "same" draws biases as weights are drawn, "zeros" draws nothing for them.
    """

    bias: Bias = "zeros"

    def __call__(self, parameter: Parameter, generator: Generator) -> Tensor:
        """The initial value of `parameter`, float64, of its declared shape."""
        if parameter.role == "fixed":
            return torch.full(parameter.shape, parameter.start, dtype=torch.float64)
        if parameter.role == "bias" and self.bias == "zeros":
            return torch.zeros(parameter.shape, dtype=torch.float64)
        return self.draw(parameter, generator)

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        """Draws a value, float64, of the parameter's declared shape."""
        raise NotImplementedError


@dataclass(frozen=True)
class StandardNormal(Initializer):
    """N(0, 1) for weights and, by default, biases (report 000_886196d3797ee705.txt, II.B)."""

    bias: Bias = "same"

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _normal(parameter, generator, 1.0)


@dataclass(frozen=True)
class XavierNormal(Initializer):
    """N(0, gain² · 2 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 16 in its normal form."""

    gain: float = 1.0

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _normal(parameter, generator, self.gain * math.sqrt(2 / (parameter.fan_in + parameter.fan_out)))


@dataclass(frozen=True)
class XavierUniform(Initializer):
    """U(−a, a) with a = gain · √(6 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 16."""

    gain: float = 1.0

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _uniform(parameter, generator, self.gain * math.sqrt(6 / (parameter.fan_in + parameter.fan_out)))


@dataclass(frozen=True)
class KaimingNormal(Initializer):
    """N(0, gain² / fan_in); the default gain √2 is the one for ReLU. He et al. 2015, eq. 10."""

    gain: float = math.sqrt(2)

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _normal(parameter, generator, self.gain / math.sqrt(parameter.fan_in))


@dataclass(frozen=True)
class KaimingUniform(Initializer):
    """U(−a, a) with a = gain · √(3 / fan_in); the default gain √2 is the one for ReLU. He et al. 2015, eq. 10."""

    gain: float = math.sqrt(2)

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _uniform(parameter, generator, self.gain * math.sqrt(3 / parameter.fan_in))


@dataclass(frozen=True)
class PyTorchUniform(Initializer):
    """U(−1/√fan_in, 1/√fan_in) for weights and biases: the default of torch.nn.Linear and Conv2d."""

    bias: Bias = "same"

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return _uniform(parameter, generator, 1 / math.sqrt(parameter.fan_in))


@dataclass(frozen=True)
class Constant(Initializer):
    """One value for every weight and bias, without a draw (report 004_b4a2478e845a27b2.txt, III: 10⁻⁶)."""

    value: float = 0.0
    bias: Bias = "same"

    def draw(self, parameter: Parameter, generator: Generator) -> Tensor:
        return torch.full(parameter.shape, self.value, dtype=torch.float64)


standard_normal = StandardNormal()
xavier_normal = XavierNormal()
xavier_uniform = XavierUniform()
kaiming_normal = KaimingNormal()
kaiming_uniform = KaimingUniform()
pytorch_uniform = PyTorchUniform()
