"""Every name that a study may use, one line each."""

from functools import partial

from fairgrid import framework
from fairgrid.experiments.config import metrics as measures
from fairgrid.experiments.config.components import Kind
from fairgrid.experiments.config.models import mlp
from fairgrid.experiments.config.report_variants import AdamWithoutRoot, AveragedMomentum
from fairgrid.experiments.config.siamese import PairCrossEntropy, siamese
from fairgrid.experiments.problems import (
    BreastCancer,
    Circles,
    DigitPairs,
    Digits,
    Disk,
    Iris,
    Line,
    Moons,
    Problem,
    Table,
    Wine,
)

PROBLEM = Kind(
    "problem",
    {
        "breast_cancer": BreastCancer,
        "circles": Circles,
        "digit_pairs": DigitPairs,
        "digits": Digits,
        "disk": Disk,
        "iris": Iris,
        "line": Line,
        "moons": Moons,
        "table": Table,
        "wine": Wine,
    },
    base=Problem,
)

MODEL = Kind(
    "model",
    {"mlp": mlp, "siamese": siamese},
    base=framework.Module,
    supplied=4,
    # whether the widths fit the activations is known only where both are: in the study
    trial=lambda maker, options: maker(
        8, 1, [framework.Identity] * len(options.get("hidden", "_")), framework.Identity, **options
    ),
)

ACTIVATION = Kind(
    "activation",
    {
        "identity": framework.Identity,
        "relu": framework.ReLU,
        "leaky_relu": framework.LeakyReLU,
        "tanh": framework.Tanh,
        "sigmoid": framework.Sigmoid,
    },
    base=framework.Module,
)

INITIALIZER = Kind(
    "initializer",
    {
        "standard_normal": framework.StandardNormal,
        "xavier_normal": framework.XavierNormal,
        "xavier_uniform": framework.XavierUniform,
        "kaiming_normal": framework.KaimingNormal,
        "kaiming_uniform": framework.KaimingUniform,
        "pytorch_uniform": framework.PyTorchUniform,
        "constant": framework.Constant,
    },
    base=framework.Initializer,
)

LOSS = Kind(
    "loss",
    {
        "mse": framework.MSELoss,
        # Σ (ŷ − y)² / 4 over batch and outputs (report 000 as coded): its gradient (ŷ − y)/2 grows with the batch
        "summed_half_mse": partial(framework.MSELoss, reduction="sum", scale=0.25),
        "cross_entropy": framework.CrossEntropyLoss,
        "binary_cross_entropy": framework.BinaryCrossEntropyLoss,
        "pair_cross_entropy": PairCrossEntropy,
    },
    base=framework.Loss,
)

OPTIMIZER = Kind(
    "optimizer",
    {
        "sgd": framework.SGD,
        "momentum": partial(framework.SGD, momentum=0.9),
        "nesterov": partial(framework.SGD, momentum=0.9, nesterov=True),
        "adam": framework.Adam,
        "adamw": framework.AdamW,
        "averaged_momentum": AveragedMomentum,
        "adam_without_root": AdamWithoutRoot,
    },
    base=framework.Optimizer,
    supplied=1,
    trial=lambda maker, options: maker([framework.Parameter((1,))], **options),
)

SCHEDULE = Kind(
    "schedule",
    {
        "constant": framework.ConstantRate,
        "step": framework.StepDecay,
        "cosine": framework.CosineDecay,
        "plateau": framework.ReduceLROnPlateau,
    },
    base=framework.Schedule,
)

MEASURE = Kind(
    "measure",
    {"baseline": measures.Baseline, "border": measures.Border, "dead_units": measures.DeadUnits},
    base=measures.Measure,
)

# the keys of a run whose value is a part
KINDS = {
    "problem": PROBLEM,
    "model": MODEL,
    "activation": ACTIVATION,
    "output_activation": ACTIVATION,
    "initializer": INITIALIZER,
    "loss": LOSS,
    "optimizer": OPTIMIZER,
    "schedule": SCHEDULE,
    "measures": MEASURE,
}

# those that may be a list of parts
LISTS = ("activation", "measures")
