"""Batch-hard triplet loss: the farthest of your own class nearer than the nearest of any other."""

import torch
from torch import Tensor

from .._core import EntryWeight, Label, Loss, Normalizer, Positive, Real, Reduction, beside, formula, kept, reduce
from ._labelled import labelled


@formula
def batch_hard_triplet_loss(
    embedding: Real,
    label: Label,
    *,
    margin: Positive = 0.2,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the farthest sample of an anchor's class to lie nearer than the nearest of another, by a margin.

    .. math::

        \ell_i = \max\Bigl(0,\; m + \max_{\substack{j \ne i \\ y_j = y_i}} \lVert x_i - x_j \rVert_2
                 - \min_{y_j \ne y_i} \lVert x_i - x_j \rVert_2 \Bigr)
        \qquad x = \text{embedding} \qquad y = \text{label} \qquad m = \text{margin}

    Args:
        embedding: vectors, shape (batch, features), any real.
        label: class of each vector, int64, shape (batch,), any value.
        margin: lead beyond which an anchor costs nothing, in units of the distance, greater than 0.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the sample from value, gradient and count, even where it is NaN, and from the candidates
            of the other anchors.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch,); "mean" divides the sum by the number of anchors that have both
            a positive and a negative, or by the sum of their ``sample_weight``, and is NaN when nothing is left
            (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in units of the distance, in the dtype of ``embedding``; at least 0, and 0 for an anchor that has no
        positive or no negative.

    Raises:
        ValueError: ``margin`` is not greater than 0, ``reduction`` is unknown, or shapes do not fit.
        TypeError: ``embedding`` is not floating point, or ``label`` is not int64.

    Note:
        The hardest samples are found without gradient; the distances to them alone have one. Of equally far samples
        the first counts. Equal vectors have distance 0 with gradient 0, so embeddings that all collapsed into one
        point cost the margin and stay there. A batch in parts has other hardest samples, so the losses of its parts
        do not add up to its own. A batch in which no anchor has both a positive and a negative has the mean of nothing,
        NaN with gradient 0; with ``normalizer`` it is 0.
        pytorch-metric-learning normalises the embeddings and divides by the number of losses above 0;
        sentence-transformers has margin 5, lets an anchor without a positive count, and divides by the batch.

    Example:
        >>> import torch
        >>> from lossbook.functional import batch_hard_triplet_loss
        >>> embedding, label = torch.tensor([[0.0], [1.0], [1.5], [9.0]]), torch.tensor([0, 0, 1, 2])
        >>> batch_hard_triplet_loss(embedding, label, margin=0.25, reduction="none")
        tensor([0.0000, 0.7500, 0.0000, 0.0000])

    References:
        A. Hermans, L. Beyer, B. Leibe (2017), In Defense of the Triplet Loss for Person Re-Identification, equation 5.
        https://arxiv.org/abs/1703.07737
    """
    entry = labelled(embedding, label, sample_weight)
    if label.shape[0] == 0:
        return reduce(embedding.sum(1), reduction, weight=entry, normalizer=normalizer)  # argmax of nothing raises

    embedding = kept(entry, embedding, dim=-1)
    same = label[:, None] == label  # (batch, batch)
    positive = same & ~beside(torch.eye(label.shape[0], dtype=torch.bool, device=label.device), label)
    negative = ~same
    if entry is not None:
        positive, negative = positive & (entry != 0), negative & (entry != 0)
    fixed = embedding.detach()
    # Differences, not |x|² + |y|² - 2xy: that product form cancels where vectors are near.
    distances = torch.cdist(fixed, fixed, compute_mode="donot_use_mm_for_euclid_dist")
    farthest = embedding[distances.masked_fill(~positive, -torch.inf).argmax(1)]
    nearest = embedding[distances.masked_fill(~negative, torch.inf).argmin(1)]

    complete = positive.any(1) & negative.any(1)
    loss = (margin + _distance(embedding, farthest) - _distance(embedding, nearest)).clamp_min(0)
    loss = loss.masked_fill(~complete, 0.0)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer, count=complete.to(loss.dtype))


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distance of each row, with derivatives 0 of every order where the rows are equal."""
    difference = one - other
    equal = (difference == 0).all(1)
    distance: Tensor = torch.linalg.vector_norm(difference.masked_fill(equal[:, None], 1.0), dim=1)
    return distance.masked_fill(equal, 0.0)


class BatchHardTripletLoss(Loss, of=batch_hard_triplet_loss):
    """Module form of :func:`lossbook.functional.batch_hard_triplet_loss`."""

    def __init__(self, *, margin: float = 0.2, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)
