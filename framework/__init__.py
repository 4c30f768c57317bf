"""A deep-learning library on bare tensors: explicit forward and backward passes, and a dimension for replicas.

Every tensor of a model may have a leading replica dimension R, so that R independently initialized networks train in
one set of tensor operations. The same classes work on plain tensors.

Reading order: parameter, module, linear, activations, sequential; losses/ and optimizers/, base classes first; passes
and training, with schedules and stopping; then the rest in any order.
"""

from fairgrid.framework.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from fairgrid.framework.convolution import Conv2d
from fairgrid.framework.data import generate_disk, normalize, one_hot_encode, split_train_test
from fairgrid.framework.dropout import Dropout
from fairgrid.framework.flatten import Flatten
from fairgrid.framework.graph import Graph
from fairgrid.framework.initializers import (
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
from fairgrid.framework.joins import Concatenate, Slice, Sum
from fairgrid.framework.linear import Linear
from fairgrid.framework.losses import BinaryCrossEntropyLoss, CrossEntropyLoss, Loss, MSELoss, WeightedSum
from fairgrid.framework.metrics import decide, error_rate
from fairgrid.framework.module import Module
from fairgrid.framework.normalization import BatchNorm
from fairgrid.framework.optimizers import SGD, Adam, AdamW, Optimizer
from fairgrid.framework.parameter import Buffer, Parameter
from fairgrid.framework.passes import batches, predict, test_model, train_epoch
from fairgrid.framework.pooling import MaxPool2d
from fairgrid.framework.replicas import replica_of, select
from fairgrid.framework.schedules import ConstantRate, CosineDecay, ReduceLROnPlateau, Schedule, StepDecay
from fairgrid.framework.sequential import Sequential
from fairgrid.framework.softmax import Softmax
from fairgrid.framework.state import load, save
from fairgrid.framework.stopping import EarlyStopping
from fairgrid.framework.training import History, Training, train_model

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "BatchNorm",
    "BinaryCrossEntropyLoss",
    "Buffer",
    "Concatenate",
    "Constant",
    "ConstantRate",
    "Conv2d",
    "CosineDecay",
    "CrossEntropyLoss",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "Graph",
    "History",
    "Identity",
    "Initializer",
    "KaimingNormal",
    "KaimingUniform",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "Optimizer",
    "Parameter",
    "PyTorchUniform",
    "ReLU",
    "ReduceLROnPlateau",
    "Schedule",
    "Sequential",
    "Sigmoid",
    "Slice",
    "Softmax",
    "StandardNormal",
    "StepDecay",
    "Sum",
    "Tanh",
    "Training",
    "WeightedSum",
    "XavierNormal",
    "XavierUniform",
    "batches",
    "decide",
    "error_rate",
    "generate_disk",
    "kaiming_normal",
    "kaiming_uniform",
    "load",
    "normalize",
    "one_hot_encode",
    "predict",
    "pytorch_uniform",
    "replica_of",
    "save",
    "select",
    "split_train_test",
    "standard_normal",
    "test_model",
    "train_epoch",
    "train_model",
    "xavier_normal",
    "xavier_uniform",
]

if __name__ == "framework":  # imported from the root of a checkout
    from fairgrid.aliases import alias

    alias("framework")
