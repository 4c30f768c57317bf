"""Classes that each break one clause of the contract of their kind, and the beginning of the fault that says so."""

import torch
from torch import Tensor

from fairgrid.framework import (
    SGD,
    BatchNorm,
    Dropout,
    Initializer,
    Linear,
    MSELoss,
    Optimizer,
    ReLU,
    StandardNormal,
    Tanh,
)


class Flattens(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(-1)


class Wraps(Tanh):
    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (super().forward(x),)


class Narrows(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).float()


class Overflows(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.inf


class DividesByZero(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        return super().backward(dy) / 0


class SumsGradient(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        return super().backward(dy).sum(-1)


class WrongSlope(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        return dy * (1 - self.saved_for_backward())


class BackwardInPlace(ReLU):
    def backward(self, dy: Tensor) -> Tensor:
        return dy.mul_(self.saved_for_backward().sign())


class ForwardInPlace(ReLU):
    def forward(self, x: Tensor) -> Tensor:
        self.cache = x.clamp_min_(0)
        return self.cache


class UsesUp(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        self.cache = self.cache / 2
        return dx


class Unguarded(Tanh):
    def saved_for_backward(self) -> Tensor:
        return self.cache


class Vague(Tanh):
    def saved_for_backward(self) -> Tensor:
        if self.cache is None:
            raise ValueError("no")
        return self.cache


class Guesses(Tanh):
    def backward(self, dy: Tensor) -> Tensor:
        return dy if self.cache is None else super().backward(dy)


class Coarse(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.bfloat16().float() if x.dtype == torch.float32 else x)


class DrawsPerDtype(Dropout):
    def _draw(self, generators, shape):
        if isinstance(generators, list):
            return super()._draw(generators, shape)
        return torch.rand(shape, generator=generators, dtype=self.dtype) >= self.rate

    def forward(self, x: Tensor) -> Tensor:
        self.dtype = x.dtype
        return super().forward(x)


class NaiveTanh(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        up, down = x.exp(), x.neg().exp()
        self.cache = (up - down) / (up + down)
        return self.cache


class Noisy(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (torch.rand(()) if x.dtype == torch.float32 else 0) * 1e-6


class MixesReplicas(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (1e-9 * self.weight.value.sum() if x.dim() == 3 else 0)


class DependsOnPosition(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        ramp = 1 + 1e-6 * torch.arange(x.numel()).remainder(8).view_as(x)
        return super().forward(x) * (ramp if x.dtype == torch.float32 else 1)


class SharesNaN(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0 * x.sum()


class LosesNaN(ReLU):
    def forward(self, x: Tensor) -> Tensor:
        self.cache = torch.where(x > 0, x, 0.0)
        return self.cache


class LosesHalf(ReLU):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return torch.cat([y[..., :12], y[..., 12:].nan_to_num()], -1)


class ForgetsMean(BatchNorm):
    def select(self, replicas: Tensor) -> None:
        super().select(replicas)
        self.mean.value.zero_()


class KeepsOutside(Tanh):
    """Keeps a running mean as a tensor of its own, where no selection finds it."""

    running: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            self.running = self.running + x.mean(-2, keepdim=True)
        return super().forward(x)


class Overwrites(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        self.weight.grad.zero_()
        return super().backward(dy)


class ForgetsBias(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        before = self.bias.grad.clone()
        dx = super().backward(dy)
        self.bias.grad.copy_(before)
        return dx


class MixesGradients(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        if dy.dim() == 3:
            self.bias.grad.copy_(self.bias.grad.mean(0, keepdim=True))
        return dx


class Reshapes(Linear):
    def backward(self, dy: Tensor) -> Tensor:
        dx = super().backward(dy)
        self.bias.grad = self.bias.grad.squeeze(-2)
        return dx


REFUSAL = (
    "backward before forward: expected self.saved_for_backward() to raise a ValueError, 'backward needs a"
    " forward before it'"
)
ACTIVATIONS = {
    Flattens: "forward of x: expected the shape (6, 25), found (6,)",
    Wraps: "forward of x: expected a tensor, found tuple",
    Narrows: "forward of x: expected torch.float64 as given, found torch.float32",
    Overflows: "forward of normal draws: expected finite numbers, found -inf",
    DividesByZero: "backward for normal draws: expected finite numbers, found ",
    SumsGradient: "backward: expected the shape (6, 25), found (6,)",
    WrongSlope: "backward's gradient for x is not the derivative of forward: along a random direction it gives ",
    BackwardInPlace: "forward or backward changes dy in place",
    ForwardInPlace: "forward or backward changes x in place",
    UsesUp: "a second backward is not the first: 150 of 150 numbers of the gradient for x, such as ",
    Unguarded: f"{REFUSAL}, found TypeError: ",
    Vague: f"{REFUSAL}, found ValueError: no",
    Guesses: "backward before forward: the gradient for x is off by ",
    Coarse: "float32 is not float64 rounded (draw noise in one dtype, whatever that of x): the output is off by ",
    NaiveTanh: "the output at x = 100 is NaN in float32",
    Noisy: "the same training twice is not the same (randomness comes from begin_epoch's generators): ",
    DependsOnPosition: "in float32 a run's bits depend on the stack that it is in (batches of ",
    SharesNaN: "a run that is not a number changes those beside it: ",
    LosesNaN: "forward of NaN gives numbers, so that a run that diverged would pass for one that did not",
    LosesHalf: "forward of NaN gives numbers, so that a run that diverged would pass for one that did not",
    KeepsOutside: "a stack: RuntimeError: The size of tensor a ",
}


class MixesSamples(Tanh):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).sum(0, keepdim=True).expand(2, *x.shape[1:])


LAYERS = [
    (MixesSamples, {}, "forward of x (6, 4): expected its first dimensions, found (2, 4)"),
    (Wraps, {}, "forward of x (6, 4): expected its first dimensions, found tuple"),
    (Narrows, {}, "forward of x: expected torch.float64 as given, found torch.float32"),
    (LosesNaN, {}, "forward of NaN gives numbers, so that a run that diverged would pass for "),
    (lambda: Overwrites(4, 3), {}, "backward does not add to the gradient of weight: after two it is not twice "),
    (lambda: ForgetsBias(4, 3), {}, "backward's gradient of bias is not the derivative of forward: along a random "),
    (lambda: MixesGradients(4, 3), {}, "backward's gradient of bias is not the derivative of forward: along a random "),
    (lambda: Reshapes(4, 3), {}, "the gradient of bias: expected the shape (1, 3), found (3,)"),
    (lambda: MixesReplicas(4, 3), {}, "a run in a stack is not what it is alone (R comes first: work on the trailing "),
    (lambda: DrawsPerDtype(0.5), {}, "float32 is not float64 rounded (draw noise in one dtype, whatever that of x): "),
    (lambda: BatchNorm(4), {"samplewise": True}, "two parts of a batch do not add up to it: the gradient for x is off"),
    (lambda: ForgetsMean(4), {}, "runs go on otherwise when others leave the stack (what is kept from step to step "),
]


class Pools(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction, target).mean()


class Infinite(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction, target) / 0


class TwoGradients(MSELoss):
    def backward(self) -> list[Tensor]:
        return [super().backward()] * 2


class OneRow(MSELoss):
    def backward(self) -> Tensor:
        return super().backward()[..., :1, :]


class PredictionInPlace(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction.sub_(target), torch.zeros_like(target))


class TargetInPlace(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction - target, target.zero_())


class Doubles(MSELoss):
    times = 1

    def backward(self) -> Tensor:
        self.times *= 2
        return super().backward() * self.times


class ForgetsTwo(MSELoss):
    def backward(self) -> Tensor:
        return super().backward() / 2


class FirstRunOnly(MSELoss):
    def backward(self) -> Tensor:
        gradient = super().backward()
        return gradient[:1].expand_as(gradient).clone() if gradient.dim() == 3 else gradient


class AveragesAlways(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.batch = prediction.shape[-2]
        return super().forward(prediction, target) / self.batch

    def backward(self) -> Tensor:
        return super().backward() / self.batch


class UnguardedLoss(MSELoss):
    def saved_for_backward(self) -> Tensor:
        return self.cache


class GuessesLoss(MSELoss):
    def backward(self) -> Tensor:
        return torch.zeros(6, 3) if self.cache is None else super().backward()


class CoarseLoss(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        single = prediction.dtype == torch.float32
        return super().forward(prediction.bfloat16().float() if single else prediction, target)


class NaiveLoss(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction, target) + 0 * prediction.exp().sum((-2, -1))


class NoisyLoss(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        noise = torch.rand(()) if prediction.dtype == torch.float32 else 0
        return super().forward(prediction, target) + 1e-6 * noise


class MixesRuns(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        value = super().forward(prediction, target)
        return value + 1e-9 * value.sum() if value.dim() else value


class CountsRuns(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        runs = len(prediction) if prediction.dim() == 3 and prediction.dtype == torch.float32 else 0
        return super().forward(prediction, target) * (1 + 1e-7 * runs)


class SharesNaNLoss(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction, target) + 0 * prediction.sum()


class Unsure(MSELoss):
    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return super().forward(prediction, target).nan_to_num()


LOSSES = {
    Pools: "forward's loss: expected the shape (3,), found ()",
    Infinite: "forward of normal draws: expected finite numbers, found inf",
    TwoGradients: "backward: expected 1 gradients, found 2",
    OneRow: "backward: expected the shape (6, 3), found (1, 3)",
    PredictionInPlace: "forward or backward changes the prediction in place",
    TargetInPlace: "forward or backward changes the target in place",
    Doubles: "a second backward is not the first: 18 of 18 numbers of the gradient, such as ",
    ForgetsTwo: "backward's gradient is not the derivative of the loss: along a random direction it gives ",
    FirstRunOnly: "backward's gradient is not the derivative of the loss: along a random direction it gives ",
    UnguardedLoss: f"{REFUSAL}, found TypeError: ",
    GuessesLoss: "backward before forward: the gradient: expected torch.float64 as given, found torch.float32",
    CoarseLoss: "float32 is not float64 rounded: the loss is off by ",
    NaiveLoss: "the loss at a prediction of 100 is NaN in float32",
    NoisyLoss: "the same training twice is not the same (a loss draws nothing): ",
    MixesRuns: "a run in a stack is not what it is alone (R comes first, and each run has its own mean): ",
    CountsRuns: "in float32 a run's bits depend on the stack that it is in (batches of ",
    SharesNaNLoss: "a run that is not a number changes those beside it: ",
    Unsure: "the loss of NaN is a number, so that a run that diverged would pass for one that did not",
    lambda: AveragesAlways("sum"): "two parts of a batch do not add up to it: the loss is off by ",
}


class Descends(Optimizer):
    """Keeps the contract."""

    def __init__(self, parameters, learning_rate=0.1):
        super().__init__(parameters, learning_rate=learning_rate)

    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * grad)


class Explodes(Descends):
    def update(self, value, grad, **named):
        value.div_(0)


class Still(Descends):
    def update(self, value, grad, **named):
        value = value - grad


class Replaces(Descends):
    def step(self):
        super().step()
        for parameter in self.parameters:
            parameter.value = parameter.value.float()


class Rateless(Optimizer):
    def update(self, value, grad):
        value.sub_(0.1 * grad)


class Ascends(Descends):
    def update(self, value, grad, *, learning_rate):
        value.add_(learning_rate * grad)


class Normalizes(Descends):
    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * grad / grad.abs())


class Fixed(Descends):
    def update(self, value, grad, **named):
        value.sub_(0.1 * grad)


class Accepts(Descends):
    def set(self, name, value):
        super().set(name, torch.as_tensor(value).abs())


class Shakes(Descends):
    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * (grad + 1e-9 * torch.rand_like(grad)) + 1e-3 * torch.rand_like(grad))


class Clips(Descends):
    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * grad / (1 + grad.norm()))


class Counts(Descends):
    def update(self, value, grad, *, learning_rate):
        runs = self.replicas if value.dtype == torch.float32 else 0
        value.sub_(learning_rate * grad * (1 + 1e-6 * (runs or 0)))


class TellsOneFromEqual(Descends):
    def update(self, value, grad, *, learning_rate):
        single = value.dtype == torch.float32 and self.get("learning_rate").dim()
        value.sub_(learning_rate * grad * (1 + 1e-5 * single))


class Spreads(Descends):
    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * grad + 0 * grad.sum())


class Cures(Descends):
    def update(self, value, grad, *, learning_rate):
        value.sub_(learning_rate * grad).nan_to_num_()


class LosesState(SGD):
    def select(self, replicas):
        super().select(replicas)
        self.buffers["velocity"].zero_()


class KeepsRates(Descends):
    def select(self, replicas):
        super().select(replicas)
        self.set("learning_rate", self.get("learning_rate").flip(0))


class Remembers(Descends):
    velocity: Tensor | float = 0.0

    def update(self, value, grad, *, learning_rate):
        self.velocity = 0.9 * self.velocity + grad
        value.sub_(learning_rate * self.velocity)


HINT = "(update is given the parameters of all runs as one flat tensor: work elementwise)"
OPTIMIZERS = {
    Explodes: "a step from normal gradients gives parameter 0 that is not finite",
    Still: "a step leaves parameter 0 as it was (update changes value in place)",
    Replaces: "a step: expected parameter 0 of torch.float64 as given, found torch.float32",
    Rateless: "no hyper-parameter learning_rate, which tuning and schedules set: hand it to super().__init__",
    Ascends: "the first step goes uphill: against the gradient it should be",
    Normalizes: "a step from a gradient of zero gives parameter 0 that is not finite",
    Fixed: "twice the learning rate gives the same step (use what update is given)",
    Accepts: "a learning rate of -1: expected a ValueError, found none",
    Shakes: "the same training twice is not the same (an optimizer draws nothing): ",
    Clips: f"a run in a stack is not what it is alone {HINT}: parameter 0 is off by ",
    Counts: f"in float32 a run's bits depend on the stack that it is in {HINT}: ",
    TellsOneFromEqual: "one number for all runs is not the same as that number for each: ",
    Spreads: f"a run that is not a number changes those beside it {HINT}: ",
    Cures: "parameter 0 of NaN becomes a number, so that a run that diverged would pass for one that did not",
    lambda parameters: LosesState(parameters, 0.1, momentum=0.9): "runs go on otherwise when others leave the stack ",
    KeepsRates: "runs go on otherwise when others leave the stack (what is kept from step to step belongs in `state`)",
    Remembers: "a stack that some runs leave (what is kept belongs in `state`): RuntimeError: The size of tensor a ",
}


class Listed(Initializer):
    def draw(self, parameter, generator):
        return [0.0]


class Rounded(Initializer):
    def draw(self, parameter, generator):
        return torch.rand(parameter.shape, generator=generator)


class Unbounded(Initializer):
    def draw(self, parameter, generator):
        return torch.full(parameter.shape, torch.inf, dtype=torch.float64)


class Global(Initializer):
    def draw(self, parameter, generator):
        return torch.rand(parameter.shape, dtype=torch.float64)


class DrawsFixed(StandardNormal):
    def __call__(self, parameter, generator):
        return self.draw(parameter, generator)


class DrawsBiases(Initializer):
    def __call__(self, parameter, generator):
        if parameter.role == "fixed":
            return super().__call__(parameter, generator)
        return torch.ones(parameter.shape, dtype=torch.float64)


INITIALIZERS = {
    Listed: "a weight: expected (25, 3) of torch.float64, found list",
    Rounded: "a weight: expected (25, 3) of torch.float64, found (25, 3) of torch.float32",
    Unbounded: "a weight: expected finite numbers, found inf",
    Global: "the same draw twice is not the same (draw from the generator handed in): 75 of 75 numbers of a weight, ",
    DrawsFixed: "a fixed parameter: expected its start, 1.5, found ",
    DrawsBiases: "a bias: expected zeros, because bias is 'zeros', found 1.0",
}
