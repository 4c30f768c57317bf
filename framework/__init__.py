"""A deep-learning library on bare tensors: explicit forward and backward, and replicas as an axis.

Every tensor of a model may carry a leading replica dimension R, so that R independently initialized networks train in
one set of tensor operations. The same classes serve plain tensors.
"""

from framework.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from framework.initializers import (
    Constant,
    Initializer,
    KaimingNormal,
    KaimingUniform,
    PyTorchUniform,
    StandardNormal,
    XavierNormal,
    XavierUniform,
    kaiming_normal,
    kaiming_uniform,
    pytorch_uniform,
    standard_normal,
    xavier_normal,
    xavier_uniform,
)
from framework.linear import Linear
from framework.losses import Loss, MSELoss
from framework.module import Module
from framework.optimizers import SGD, Adam, Optimizer
from framework.parameter import Parameter
from framework.sequential import Sequential
from framework.training import batches, train_epoch

__all__ = [
    "SGD",
    "Adam",
    "Constant",
    "Identity",
    "Initializer",
    "KaimingNormal",
    "KaimingUniform",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MSELoss",
    "Module",
    "Optimizer",
    "Parameter",
    "PyTorchUniform",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "StandardNormal",
    "Tanh",
    "XavierNormal",
    "XavierUniform",
    "batches",
    "kaiming_normal",
    "kaiming_uniform",
    "pytorch_uniform",
    "standard_normal",
    "train_epoch",
    "xavier_normal",
    "xavier_uniform",
]
