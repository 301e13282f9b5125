"""Tversky loss in two passes over the logits: one for the sums, one for the gradient."""

from ..segmentation import tversky as readable
from ._op import fused
from ._overlap import operator, overlap_loss

_tversky_loss = operator("tversky_loss")


@fused(readable.tversky_loss, gradients=("input", "target"))
def tversky_loss(input, target, *, alpha, beta, smooth, activation, ignore_index, sample_weight, normalizer, reduction):
    """Fused: keeps nothing of the size of the logits but their gradient."""
    return overlap_loss(
        _tversky_loss, input, target, hits=1.0, alpha=alpha, beta=beta, smooth=smooth, activation=activation,
        ignore_index=ignore_index, sample_weight=sample_weight, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class TverskyLoss(readable.TverskyLoss, of=tversky_loss):
    """``lossbook.TverskyLoss`` with the fused kernel."""
