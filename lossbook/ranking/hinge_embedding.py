"""Hinge embedding loss: distances small for similar pairs, beyond a margin for dissimilar ones."""

import torch
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
def hinge_embedding_loss(
    input: Real,
    target: Sign,
    *,
    margin: Number = 1.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for small distances in similar pairs, and for distances beyond a margin in dissimilar ones.

    .. math::

        \ell = \begin{cases}
            d & y = 1 \\
            \max(0,\; m - d) & y = -1
        \end{cases}
        \qquad d = \text{input} \qquad y = \text{target} \qquad m = \text{margin}

    Args:
        input: distance within each pair, any shape, at least 0. Not a score: a score of +5 that agrees with its label
            costs 5 here.
        target: 1 for similar pairs, -1 for dissimilar ones, floating point or integer, same shape as ``input``;
            ``2 * y - 1`` makes it from 0 and 1.
        margin: distance beyond which a dissimilar pair costs nothing, in the units of ``input``.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in the units of ``input``, in its dtype; at least 0 for distances.

    Raises:
        ValueError: ``margin`` is not finite, ``reduction`` is unknown, shapes differ, or (on CPU) a target is not
            -1 or 1.
        TypeError: ``input`` is not a floating-point tensor, or ``target`` is complex or bool.

    Note:
        A negative input is taken as it comes, as in torch: 1 - cosine and other dissimilarities are welcome. For
        scores of a classifier use ``multi_margin_loss`` or ``soft_margin_loss``.

    Example:
        >>> import torch
        >>> from lossbook.functional import hinge_embedding_loss
        >>> distance, similar = torch.tensor([0.3, 0.3, 2.0]), torch.tensor([1, -1, -1])
        >>> hinge_embedding_loss(distance, similar, reduction="none")
        tensor([0.3000, 0.7000, 0.0000])

    References:
        R. Hadsell, S. Chopra, Y. LeCun (2006), Dimensionality Reduction by Learning an Invariant Mapping, equation 4,
        with both terms linear instead of squared. https://doi.org/10.1109/CVPR.2006.100
    """
    check.same_shape(input=input, target=target)
    entry = entry_weight(sample_weight, input.shape)
    similar = signs(target, entry).to(input.dtype)
    loss = similar * kept(entry, input) + 0.5 * margin * (1 - similar)  # d or m - d
    loss = torch.where(similar > 0, loss, loss.clamp_min(0))  # only dissimilar pairs have a floor
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class HingeEmbeddingLoss(Loss, of=hinge_embedding_loss):
    """Module form of :func:`lossbook.functional.hinge_embedding_loss`."""

    def __init__(self, *, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)
