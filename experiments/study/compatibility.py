"""Whether the parts of a configuration work together: tried on two samples, before a grid is planned."""

import functools
import json

import torch

from fairgrid.experiments.config.identity import canonical_json, part_names
from fairgrid.experiments.config.metrics import measured
from fairgrid.experiments.config.run import Config, Settings
from fairgrid.experiments.engines.record import stacked
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.runtime.seeding import generator
from fairgrid.framework import BinaryCrossEntropyLoss, Loss, predict
from fairgrid.framework.passes import Target, listed

# what a prediction, its loss and its measures depend on
_TRIED = ("problem", "model", "activation", "output_activation", "loss", "measures")


def fits(config: Config) -> None:
    """Tries a configuration, unless it has a part of the user's own: what fails there is a run's, and a row.

    Raises:
        BadKeyError: the model does not fit the problem, or the loss or a measure does not fit these.
    """
    tried = {key: config[key] for key in _TRIED if key in config}
    if not any(":" in name for name in part_names(tried)):
        refusal = _refusal(canonical_json(tried))
        if refusal is not None:
            raise BadKeyError(*refusal)


@functools.lru_cache(maxsize=1024)
def _refusal(tried: str) -> tuple[str, str] | None:
    """The key that does not fit, and what was expected and found."""
    settings = Settings(**json.loads(tried))
    problem = settings.build_problem()
    model = settings.build_model(problem)
    key, wanted = "problem", "a problem whose data can be had"
    try:
        whole = stacked([problem.sample(0)], torch.float32)
        data = {name: samples.each(lambda tensor: tensor[:, :2]) for name, samples in whole.items()}
        key, wanted = "model", "a model that the problem's data fit"
        model.initialize([generator(0, "initialization")], settings.build_initializer())
        prediction = predict(model, data["train"].x)
        key, wanted = "loss", "a loss that the prediction and the target fit"
        criterion = settings.build_loss()
        criterion.forward(prediction, data["train"].target)
        _has_use_for(criterion, whole["train"].target)
        key, wanted = "measures", "measures that the model and the problem have"
        measured(settings.build_measures(), model, problem, data)
    except (ValueError, AttributeError, TypeError, RuntimeError) as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        return key, f"expected {wanted}, found: {kind}{str(error).splitlines()[0]}"
    return None


def _has_use_for(criterion: Loss, target: Target) -> None:
    """Refuses targets of which a loss that was just called makes nothing, though their shape fits."""
    if not any(bool(gradient.any()) for gradient in listed(criterion.backward())):
        raise ValueError(f"{type(criterion).__name__} with a gradient of zero")
    if isinstance(criterion, BinaryCrossEntropyLoss):
        low, high = (float(end) for end in torch.aminmax(listed(target)[0]))
        if low < 0 or high > 1:
            raise ValueError(f"targets from {low:g} to {high:g}, which are no probabilities")
