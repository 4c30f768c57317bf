"""The cross-entropy of several classes, from logits."""

import torch
from torch import Tensor

from fairgrid.framework.losses.loss import Loss


class CrossEntropyLoss(Loss):
    """The mean (or sum) over the batch of −Σ_c t_c log p_c, where p = softmax(z) and z is the prediction.

    log p_c = z_c − m − log Σ_k exp(z_k − m) with m = max z, which does not overflow. The gradient with respect to z is
    p Σ_c t_c − t, that of softmax and logarithm together; report 003 (033596b3b376afeb, eq. 12) prints it for the
    cross-entropy alone.

    Shapes: prediction (B, C) or (R, B, C); target either class indices, integers (B,) or (R, B), or probabilities,
    one-hot or soft, of the prediction's shape.

    Raises:
        ValueError: the target has neither shape, an index is outside 0 … C − 1, or the batch is empty.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        weight = self.weight(prediction.shape[-2])
        target = _probabilities(prediction, target)
        shifted = prediction - prediction.amax(-1, keepdim=True)
        exponentials = shifted.exp()
        total = exponentials.sum(-1, keepdim=True)
        self.cache = exponentials / total, target, weight
        return (target * (total.log() - shifted)).sum((-2, -1)).mul_(weight)

    def backward(self) -> Tensor:
        probability, target, weight = self.saved_for_backward()
        return torch.mul(probability, target.sum(-1, keepdim=True)).sub_(target).mul_(weight)


def _probabilities(prediction: Tensor, target: Tensor) -> Tensor:
    if target.shape == prediction.shape:
        return target.to(prediction.dtype)
    if target.shape != prediction.shape[:-1] or target.is_floating_point():
        raise ValueError(
            "CrossEntropyLoss needs class indices (whole numbers) of the prediction's shape without the classes, or "
            f"probabilities of its shape, found prediction {tuple(prediction.shape)}, "
            f"target {tuple(target.shape)} of {target.dtype}"
        )
    index = target.long()[..., None]
    try:
        return torch.zeros_like(prediction).scatter_(-1, index, 1)
    except RuntimeError as error:
        raise ValueError(
            f"CrossEntropyLoss needs class indices from 0 to {prediction.shape[-1] - 1}, "
            f"found {index.min().item()} to {index.max().item()}"
        ) from error
