"""Dice loss in two passes over the logits: one for the sums, one for the gradient."""

from torch import Tensor

from .. import functional
from .._core import check
from ..segmentation._overlap import check_options
from ._op import fused
from ._overlap import operator, overlap_loss

_dice_loss = operator("dice_loss")


@fused(functional.dice_loss, gradients=("input", "target"))
def dice_loss(
    input: Tensor,
    target: Tensor,
    *,
    smooth: float = 1.0,
    activation: str = "sigmoid",
    ignore_index: int = -100,
    sample_weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Fused: keeps nothing of the size of the logits but their gradient."""
    check_options(smooth=smooth, activation=activation, ignore_index=ignore_index, reduction=reduction)
    check.reduction(reduction, normalizer)
    return overlap_loss(
        _dice_loss, input, target, hits=2.0, alpha=1.0, beta=1.0, smooth=smooth, activation=activation,
        ignore_index=ignore_index, sample_weight=sample_weight, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip
