"""Architectures by name. A model's first four arguments come from the harness, the others are its options."""

from collections.abc import Callable, Sequence

from fairgrid.framework import Linear, Module, Sequential

MakeActivation = Callable[[], Module]


def mlp(
    inputs: int,
    outputs: int,
    activation: Sequence[MakeActivation],
    output_activation: MakeActivation,
    hidden: tuple[int, ...] = (25, 25, 25),
    bias: bool = True,
) -> Module:
    """A multi-layer perceptron: hidden layers with activations, then a linear layer with the output activation.

    Args:
        inputs: D.
        outputs: C.
        activation: one for all hidden layers, or one for each.
        output_activation: after the last layer.
        hidden: the widths; none gives a linear model.
        bias: whether layers have one.

    Raises:
        ValueError: a width below 1, or neither one activation nor one per hidden layer.
    """
    if any(width < 1 for width in hidden):
        raise ValueError(f"mlp needs hidden widths ≥ 1, found {list(hidden)}")
    makers = list(activation) * len(hidden) if len(activation) == 1 else list(activation)
    if len(makers) != len(hidden):
        raise ValueError(f"mlp needs one activation or one per hidden layer ({len(hidden)}), found {len(activation)}")
    modules: list[Module] = []
    width = inputs
    for make, following in zip(makers, hidden, strict=True):
        modules += [Linear(width, following, bias), make()]
        width = following
    return Sequential(*modules, Linear(width, outputs, bias), output_activation())
