"""Parts that break the contract of their kind, each in one way, and some that keep it."""

import sys

import torch
from torch import Tensor

from fairgrid.experiments.config.metrics import Measure
from fairgrid.experiments.problems import Data, Problem, Samples
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework import (
    ConstantRate,
    Initializer,
    Linear,
    Loss,
    Module,
    Optimizer,
    Parameter,
    Sequential,
    Tanh,
    predict,
)
from fairgrid.framework.data import one_hot_encode


class SignSGD(Optimizer):
    """Keeps the contract."""

    def __init__(self, parameters, learning_rate=0.001):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad.sign(), value=-1)


class Clipped(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad / (1 + grad.norm()), value=-1)


class Divides(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad / grad.abs(), value=-1)


class Ascent(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad.sign())


class Still(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value = value - learning_rate * grad


class Remembers(SignSGD):
    velocity: Tensor | float = 0.0

    def update(self, value, grad, *, learning_rate):
        self.velocity = 0.9 * self.velocity + grad
        value.addcmul_(learning_rate, self.velocity, value=-1)


class Fixed(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value.sub_(0.001 * grad)


class Noisy(SignSGD):
    def update(self, value, grad, *, learning_rate):
        value.addcmul_(learning_rate, grad + torch.randn_like(grad), value=-1)


class Crashes(SignSGD):
    def update(self, value, grad, *, rate):
        value.addcmul_(rate, grad, value=-1)


class Softsign(Module):
    """Keeps the contract."""

    def forward(self, x):
        self.cache = 1 + x.abs()
        return x / self.cache

    def backward(self, dy):
        return dy / self.saved_for_backward().square()


class WrongGradient(Softsign):
    def backward(self, dy):
        return dy / self.saved_for_backward()


class TorchSigmoid(Module):
    def forward(self, x):
        self.cache = torch.sigmoid(x)
        return self.cache

    def backward(self, dy):
        y = self.saved_for_backward()
        return dy * y * (1 - y)


class Unguarded(Softsign):
    def backward(self, dy):
        return dy / self.cache.square()


class Centred(Module):
    def forward(self, x):
        return x - x.mean(0, keepdim=True)

    def backward(self, dy):
        return dy - dy.mean(0, keepdim=True)


class NaiveTanh(Tanh):
    def forward(self, x):
        up, down = x.exp(), x.neg().exp()
        self.cache = (up - down) / (up + down)
        return self.cache


class Summed(Module):
    def forward(self, x):
        return x.sum(-1)

    def backward(self, dy):
        return dy


class InPlace(Softsign):
    def backward(self, dy):
        return dy.div_(self.saved_for_backward().square())


class Swallows(Softsign):
    def forward(self, x):
        return super().forward(x.nan_to_num())


class Single(Softsign):
    def forward(self, x):
        return super().forward(x).float()


class Shifted(Module):
    """A layer that sets its parameter's gradient instead of adding to it."""

    def __init__(self):
        self.shift = Parameter((1, 25))

    def forward(self, x):
        return x + self.shift.value

    def backward(self, dy):
        self.shift.grad.copy_(dy.sum(-2, keepdim=True))
        return dy


class Net(Sequential):
    """A model that keeps the contract."""

    def __init__(self, inputs, outputs, activation, output_activation, width: int = 4):
        super().__init__(Linear(inputs, width), activation[0](), Linear(width, outputs), output_activation())


class Wide(Sequential):
    def __init__(self, inputs, outputs, activation, output_activation):
        super().__init__(Linear(inputs, outputs + 1))


class Absolute(Loss):
    """Keeps the contract."""

    def forward(self, prediction, target):
        self.cache = prediction - target, self.weight(prediction.shape[-2] * prediction.shape[-1])
        return self.cache[0].abs().sum((-2, -1)) * self.cache[1]

    def backward(self):
        difference, weight = self.saved_for_backward()
        return difference.sign() * weight


class Pooled(Absolute):
    def forward(self, prediction, target):
        return super().forward(prediction, target).mean()


class Doubled(Absolute):
    def backward(self):
        return 2 * super().backward()


class Saturates(Absolute):
    def forward(self, prediction, target):
        return super().forward(prediction.exp() / (1 + prediction.exp()), target)

    def backward(self):
        raise ValueError("no derivative\nof this")


class Unsure(Absolute):
    def forward(self, prediction, target):
        return super().forward(prediction, target).nan_to_num()


class Global(Initializer):
    def draw(self, parameter, generator):
        return torch.rand(parameter.shape, dtype=torch.float64)


class Rounded(Initializer):
    def draw(self, parameter, generator):
        return torch.rand(parameter.shape, generator=generator)


class Halves(Problem):
    """A problem that keeps the contract."""

    inputs = outputs = 2

    def __init__(self, train: int = 40):
        self.train, self.test, self.validation = train, 20, 20

    def sample(self, seed):
        stream = generator(seed, "data")

        def draw(count: int) -> Samples:
            x = torch.rand(count, 2, generator=stream, dtype=torch.float64)
            label = (x[:, 0] > 0.5).long()
            return Samples(x, one_hot_encode(label, 2), label)

        return Data(draw(self.train), draw(20), draw(20))


class Redrawn(Halves):
    def sample(self, seed):
        data = super().sample(seed)
        return Data(Samples(torch.rand_like(data.train.x), data.train.target, data.train.label), data.test, data.test)


class Short(Halves):
    def sample(self, seed):
        data = super().sample(seed)
        return Data(data.test, data.validation, data.test)


class Unsized(Halves):
    def __init__(self):
        self.train = self.validation = 20


class Doubt(Measure):
    """Keeps the contract."""

    gives = ("doubt",)

    def __call__(self, model, problem, data):
        return {"doubt": 1 - predict(model, data["test"].x).amax(-1).mean(-1)}


class Ranked(Measure):
    """Depends on the runs beside it."""

    def __call__(self, model, problem, data):
        best = predict(model, data["test"].x).amax((-2, -1))
        return {"rank": best - best.max()}


class Warms(ConstantRate):
    """A schedule that fails."""

    def step(self, optimizer, loss=None):
        raise RuntimeError("too warm")


class Exits(SignSGD):
    def update(self, value, grad, *, learning_rate):
        sys.exit(3)


class Unmade(SignSGD):
    def __init__(self, parameters, learning_rate=0.001):
        raise RuntimeError("no way")


class Typed(SignSGD):
    """With an option that no study can state."""

    def __init__(self, parameters, learning_rate=0.001, scale: Tensor | None = None):
        super().__init__(parameters, learning_rate=learning_rate)


class Handed(SignSGD):
    """With a default that no study can state, which none has to."""

    def __init__(self, parameters, learning_rate=0.001, scale=len):
        super().__init__(parameters, learning_rate=learning_rate)


class Fails(Halves):
    @property
    def test(self):
        raise KeyError("test")

    @test.setter
    def test(self, value):
        pass


class Misnamed(Measure):
    gives = ("doubt",)

    def __call__(self, model, problem, data):
        return {"trust": predict(model, data["test"].x).amax(-1).mean(-1)}


class Long(Measure):
    def __call__(self, model, problem, data):
        return {"first": torch.zeros(3)}
