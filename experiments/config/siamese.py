"""The networks of report 001, mini-project 1, with their loss: two images in, an answer and two digits out."""

from collections.abc import Sequence

from fairgrid.experiments.config.models import MakeActivation
from fairgrid.framework import (
    BatchNorm,
    Concatenate,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    Graph,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    Sequential,
    Slice,
    WeightedSum,
)

_FEATURES, _DIGITS = 64, 10


def siamese(
    inputs: int,
    outputs: int,
    activation: Sequence[MakeActivation],
    output_activation: MakeActivation,
    sharing: bool = True,
    batch_norm: bool = False,
) -> Module:
    """Convolution, pooling, convolution, pooling, activation; then a comparator and two digit classifiers, all linear.

    All three outputs are always there, so that designs with and without auxiliary loss start from the same weights;
    what the digits count for is the loss's to say. Images of 8×8 are padded by 1, or nothing would be left after the
    second pool; those of 14×14 are not. Either way 64 features reach the comparator.

    Args:
        inputs: H = W of an image, 8 or 14.
        outputs: the number of outputs of the comparator.
        activation: one, after the second pool.
        output_activation: after the comparator.
        sharing: one base (1 → 32 → 8 channels) and one digit classifier for both images; without, one base
            (2 → 32 → 16 channels) for the pair and a classifier for each.
        batch_norm: whether the first pool is followed by batch normalization.

    Raises:
        ValueError: several activations.
    """
    if len(activation) != 1:
        raise ValueError(f"siamese needs one activation, found {len(activation)}")
    padding = 1 if inputs < 14 else 0

    def base(images: int, channels: int) -> Module:
        normalized = [BatchNorm(32, dims=2)] if batch_norm else []
        return Sequential(
            Conv2d(images, 32, 3, padding=padding),
            MaxPool2d(2),
            *normalized,
            Conv2d(32, channels, 3, padding=padding),
            MaxPool2d(2),
            activation[0](),
            Flatten(),
        )

    comparator = Sequential(Linear(_FEATURES, outputs), output_activation())
    if sharing:
        features, digit = base(1, 8), Linear(_FEATURES // 2, _DIGITS)
        operators = {
            "pair": Identity(),
            "first": Sequential(Slice(0, 1, dim=-3), features),
            "second": Sequential(Slice(1, 2, dim=-3), features),
            "both": Concatenate(),
            "answer": comparator,
            "first digit": digit,
            "second digit": digit,
        }
        connectivity = {
            "first": ["pair"],
            "second": ["pair"],
            "both": ["first", "second"],
            "answer": ["both"],
            "first digit": ["first"],
            "second digit": ["second"],
        }
    else:
        operators = {
            "pair": base(2, 16),
            "answer": comparator,
            "first digit": Linear(_FEATURES, _DIGITS),
            "second digit": Linear(_FEATURES, _DIGITS),
        }
        connectivity = {key: ["pair"] for key in ("answer", "first digit", "second digit")}
    return Graph(operators, connectivity, inputs=["pair"], outputs=["answer", "first digit", "second digit"])


class PairCrossEntropy(WeightedSum):
    """The answer's cross-entropy and, weighted, those of both digits.

    Args:
        auxiliary: the weight of each digit's; 0 trains on the answer alone.

    Raises:
        ValueError: a negative weight.
    """

    def __init__(self, auxiliary: float = 1.0) -> None:
        super().__init__([CrossEntropyLoss()] * 3, [1.0, auxiliary, auxiliary])
