"""Tversky loss in two passes over the logits: one for the sums, one for the gradient."""

from torch import Tensor

from .. import functional
from .._core import check
from ..segmentation.tversky import _check_options
from ._op import fused
from ._overlap import operator, overlap_loss

_tversky_loss = operator("tversky_loss")


@fused(functional.tversky_loss, gradients=("input", "target"))
def tversky_loss(
    input: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1.0,
    activation: str = "sigmoid",
    ignore_index: int = -100,
    sample_weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Fused: keeps nothing of the size of the logits but their gradient."""
    _check_options(
        alpha=alpha, beta=beta, smooth=smooth, activation=activation, ignore_index=ignore_index, reduction=reduction
    )
    check.reduction(reduction, normalizer)
    return overlap_loss(
        _tversky_loss, input, target, hits=1.0, alpha=alpha, beta=beta, smooth=smooth, activation=activation,
        ignore_index=ignore_index, sample_weight=sample_weight, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip
