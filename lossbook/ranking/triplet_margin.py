"""Triplet margin loss: the positive nearer to the anchor than the negative is."""

import torch
from torch import Tensor

from .._core import (
    EntryWeight,
    Flag,
    Loss,
    Norm,
    Normalizer,
    NotNegative,
    Positive,
    Real,
    Reduction,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from ._distance import distance


@formula
def triplet_margin_loss(
    anchor: Real,
    positive: Real,
    negative: Real,
    *,
    margin: Positive = 1.0,
    p: Norm = 2.0,
    eps: NotNegative = 1e-6,
    swap: Flag = False,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for each anchor to lie nearer to its positive than to its negative, by a margin.

    .. math::

        \ell = \max\bigl(0,\; m + d(a, p) - d(a, n)\bigr)
        \qquad d(u, v) = \lVert u - v + \varepsilon \rVert_p
        \qquad m = \text{margin}

    with a = anchor, p = positive, n = negative; ``swap`` puts min(d(a, n), d(p, n)) in the place of d(a, n).

    Args:
        anchor: vectors, shape (..., features), any real.
        positive: vectors that belong near the anchors, same shape.
        negative: vectors that belong far from the anchors, same shape.
        margin: lead beyond which a triplet costs nothing, in units of the distance, greater than 0.
        p: exponent of the norm, greater than 0; ``math.inf`` for the largest component.
        eps: added to each component of a difference, at least 0.
        swap: whether the negative keeps its distance from the positive too.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``anchor`` without features; "mean" divides the sum by the number of
            triplets, or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in units of the distance, in the dtype of the inputs; at least 0, and equal to the margin where all
        three vectors are equal.

    Raises:
        ValueError: ``margin`` or ``p`` is not greater than 0, ``eps`` is negative, ``reduction`` is unknown, shapes
            differ, or there are no features to take a distance over.
        TypeError: ``swap`` is not a bool, or a vector is not a floating-point tensor.

    Note:
        ``eps`` is added to each difference, not below a root, so the distance of a vector of 512 features from itself
        is 2.3e-5. A p far below 1 overflows: the norm is a sum to the power 1 / p.
        pytorch-metric-learning's ``TripletMarginLoss`` takes normalised embeddings, ``eps=0`` and ``margin=0.05``, and
        divides by the number of losses above 0: ``normalizer=(loss > 0).sum()`` of the unreduced loss.

    Example:
        >>> import torch
        >>> from lossbook.functional import triplet_margin_loss
        >>> anchor, positive, negative = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[3.0]])
        >>> triplet_margin_loss(anchor, positive, negative, reduction="none")
        tensor([0.])
        >>> triplet_margin_loss(anchor, positive, negative, swap=True, reduction="none")
        tensor([2.])

    References:
        V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk (2016), Learning local feature descriptors with triplets and
        shallow convolutional neural networks: the loss, and swap as anchor swap. https://doi.org/10.5244/C.30.119
    """
    check.same_shape(anchor=anchor, positive=positive, negative=negative)
    if anchor.dim() == 0 or anchor.shape[-1] == 0:
        raise ValueError(f"anchor must have shape (..., features), at least one feature; got {tuple(anchor.shape)}")
    entry = entry_weight(sample_weight, anchor.shape[:-1])
    anchor, positive, negative = (kept(entry, vector, dim=-1) for vector in (anchor, positive, negative))
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, distance(positive, negative, p, eps))
    return reduce((margin + near - far).clamp_min(0), reduction, weight=entry, normalizer=normalizer)


class TripletMarginLoss(Loss, of=triplet_margin_loss):
    """Module form of :func:`lossbook.functional.triplet_margin_loss`."""

    def __init__(
        self,
        *,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin=margin, p=p, eps=eps, swap=swap, reduction=reduction)
