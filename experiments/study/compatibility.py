"""Whether the parts of a configuration work together: tried on two samples, before a grid is planned."""

import torch

from fairgrid.experiments.config.identity import files
from fairgrid.experiments.config.metrics import measured
from fairgrid.experiments.config.run import RunConfig, canonical_json
from fairgrid.experiments.engines.record import stacked
from fairgrid.experiments.errors import BadKeyError, first_line, short_message
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework import BinaryCrossEntropyLoss, Loss, predict
from fairgrid.framework.passes import Target, listed

# what a prediction, its loss and its measures depend on
_TRIED = ("problem", "model", "activation", "output_activation", "loss", "measures")
_refusals: dict[str, tuple[str, str] | None] = {}


def check_compatible(config: RunConfig) -> None:
    """Tries a configuration, unless it has a component of the user's own: what fails there is a run's, and a row.

    Raises:
        BadKeyError: the model does not go with the problem, or the loss or a measure does not go with these.
    """
    if any(component.is_own and component.key in _TRIED for component in config.components):
        return
    tried = canonical_json([files(config), *(config.value(key) for key in _TRIED)])
    if tried not in _refusals:
        _refusals[tried] = _refusal(config)
    refusal = _refusals[tried]
    if refusal is not None:
        raise BadKeyError(*refusal)


def _refusal(config: RunConfig) -> tuple[str, str] | None:
    """The key that does not go with the others, and what was expected and found."""
    problem = config.build_problem()
    model = config.build_model(problem)
    key, wanted = "problem", "a problem whose data can be had"
    try:
        whole = stacked([problem.sample(0)], torch.float32)
        data = {name: samples.each(lambda tensor: tensor[:, :2]) for name, samples in whole.items()}
        key, wanted = "model", "a model that the problem's data fit"
        model.initialize([generator(0, "initialization")], config.build_initializer())
        prediction = predict(model, data["train"].x)
        key, wanted = "loss", "a loss that the prediction and the target fit"
        criterion = config.build_loss()
        criterion.forward(prediction, data["train"].target)
        _has_use_for(criterion, whole["train"].target)
        key, wanted = "measures", "measures that the model and the problem have"
        measured(config.build_measures(), model, problem, data)
    except Exception as error:  # whatever numbers do to arithmetic, shapes and memory
        said = short_message(str(error)) if isinstance(error, ValueError) else first_line(error)
        return key, f"expected {wanted}, found: {said}"
    return None


def _has_use_for(criterion: Loss, target: Target) -> None:
    """Refuses targets of which a loss that was just called makes nothing, though their shape fits."""
    if not any(bool(gradient.any()) for gradient in listed(criterion.backward())):
        raise ValueError(f"{type(criterion).__name__} with a gradient of zero")
    if isinstance(criterion, BinaryCrossEntropyLoss):
        low, high = (float(end) for end in torch.aminmax(listed(target)[0]))
        if low < 0 or high > 1:
            raise ValueError(f"targets from {low:g} to {high:g}, which are no probabilities")
