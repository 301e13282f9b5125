"""Margin ranking loss: which of two scores is to be larger, and by how much."""

from torch import Tensor

from .._core import (
    EntryWeight,
    Loss,
    Normalizer,
    Number,
    Real,
    Reduction,
    Sign,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from ._signs import signs


@formula
def margin_ranking_loss(
    input1: Real,
    input2: Real,
    target: Sign,
    *,
    margin: Number = 0.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for one score of each pair to exceed the other by a margin.

    .. math::

        \ell = \max\bigl(0,\; m - y\, (\text{input1} - \text{input2})\bigr)
        \qquad y = \text{target} \qquad m = \text{margin}

    Args:
        input1: score of the first of each pair, any shape, any real.
        input2: score of the second of each pair, same shape as ``input1``.
        target: 1 where the first is to score higher, -1 where the second is, floating point or integer, same shape as
            ``input1``; ``2 * y - 1`` makes it from 0 and 1.
        margin: lead beyond which a pair costs nothing, in the units of the scores.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input1``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in the units of the scores, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``margin`` is not finite, ``reduction`` is unknown, shapes differ, or (on CPU) a target is not
            -1 or 1.
        TypeError: ``input1`` or ``input2`` is not a floating-point tensor, or ``target`` is complex or bool.

    Note:
        With the margin 0 equal scores cost nothing, and a model that gives one score to everything has loss 0. At the
        kink the gradient is that of the rising side, as in torch, so such a model still gets one.

    Example:
        >>> import torch
        >>> from lossbook.functional import margin_ranking_loss
        >>> first, second = torch.tensor([2.0, 2.0, 2.0]), torch.tensor([0.0, 1.5, 3.0])
        >>> margin_ranking_loss(first, second, torch.ones(3), margin=1.0, reduction="none")
        tensor([0.0000, 0.5000, 2.0000])

    References:
        R. Herbrich, T. Graepel, K. Obermayer (2000), Large Margin Rank Boundaries for Ordinal Regression, chapter 7 of
        Advances in Large Margin Classifiers. https://doi.org/10.7551/mitpress/1113.001.0001
    """
    check.same_shape(input1=input1, input2=input2, target=target)
    entry = entry_weight(sample_weight, input1.shape)
    lead = signs(target, entry) * (kept(entry, input1) - kept(entry, input2))
    return reduce((margin - lead).clamp_min(0), reduction, weight=entry, normalizer=normalizer)


class MarginRankingLoss(Loss, of=margin_ranking_loss):
    """Module form of :func:`lossbook.functional.margin_ranking_loss`."""

    def __init__(self, *, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)
