"""The cross-entropy of binary classes, from logits."""

import torch
from torch import Tensor

from fairgrid.framework.losses.loss import Loss


class BinaryCrossEntropyLoss(Loss):
    """The mean (or sum) over batch and outputs of −t log p − (1 − t) log(1 − p), where p = 1 / (1 + e⁻ᶻ).

    Computed as max(z, 0) − z t + log(1 + e^−|z|), which does not overflow for any logit z; the gradient is p − t. Equal
    to torch's BCEWithLogitsLoss.

    Shapes: prediction z and target t, in [0, 1], (B, C) or (R, B, C), equal.

    Raises:
        ValueError: the shapes differ, or the batch is empty.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.shape != target.shape:
            raise ValueError(
                f"BinaryCrossEntropyLoss needs equal shapes, found prediction {tuple(prediction.shape)}, "
                f"target {tuple(target.shape)}"
            )
        weight = self.weight(prediction.shape[-2] * prediction.shape[-1])
        self.cache = prediction, target, weight
        smooth = torch.log1p(prediction.abs().neg_().exp_())
        return (prediction.clamp_min(0) - prediction * target + smooth).sum((-2, -1)).mul_(weight)

    def backward(self) -> Tensor:
        prediction, target, weight = self.saved_for_backward()
        probability: Tensor = prediction.neg().exp_().add_(1).reciprocal_()
        return probability.sub_(target).mul_(weight)
