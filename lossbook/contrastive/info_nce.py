"""InfoNCE loss: pick your own key out of all keys of the batch."""

import torch
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, PositiveScalar, Real, Reduction, entry_weight, formula, reduce
from ._pairs import check_features, diagonal, pair_logits


@formula
def info_nce_loss(
    query: Real,
    key: Real,
    *,
    temperature: PositiveScalar = 0.1,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for each query to be nearer to its own key than to every other key.

    .. math::

        \ell_i = -\log \frac{\exp(q_i \cdot k_i / \tau)}{\sum_j \exp(q_i \cdot k_j / \tau)}
        \qquad q = \text{query} \qquad k = \text{key} \qquad \tau = \text{temperature}

    Args:
        query: features, shape (batch, features), any real, usually of norm 1.
        key: features, shape (keys, features) with at least as many keys as queries. Key i belongs to query i; every
            other key, those beyond the batch included, is a negative of it.
        temperature: what inner products are divided by, greater than 0; a number, or a 0-d tensor, which gets
            a gradient.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the pair from value, gradient and count, even where it is NaN, and its key from the
            negatives of the others.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch,); "mean" divides the sum by the number of queries, or by the sum of
            ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the features; at least 0, and log(keys) where all keys are alike.

    Raises:
        ValueError: ``temperature`` is not greater than 0, ``reduction`` is unknown, or shapes do not fit.
        TypeError: ``query``, ``key`` or a tensor ``temperature`` is not floating point.

    Note:
        Nothing is normalised here: pass ``F.normalize(query, dim=1)`` and ``F.normalize(key, dim=1)``. Otherwise
        longer features lower the loss as a lower temperature does, and the temperature loses its meaning.
        A batch in parts has fewer negatives, so the losses of its parts do not add up to its own.
        This is not the NT-Xent of SimCLR, whose negatives are all other samples of both views. Temperatures elsewhere:
        1 / 20 in sentence-transformers (MultipleNegativesRankingLoss), 0.07 in pytorch-metric-learning (NTXentLoss).

    Example:
        >>> import torch
        >>> from lossbook.functional import info_nce_loss
        >>> query, key = torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
        >>> info_nce_loss(query, key, temperature=0.5, reduction="none")
        tensor([0.7586, 0.2395])

    References:
        A. van den Oord, Y. Li, O. Vinyals (2018), Representation Learning with Contrastive Predictive Coding,
        equation 4. https://arxiv.org/abs/1807.03748
    """
    check_features(query=query, key=key, at_least=True)
    entry = entry_weight(sample_weight, query.shape[:1])
    logits = pair_logits(query / temperature, key, entry)  # (batch, keys)
    loss = -diagonal(torch.log_softmax(logits, 1))
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class InfoNCELoss(Loss, of=info_nce_loss):
    """Module form of :func:`lossbook.functional.info_nce_loss`."""

    def __init__(self, *, temperature: Tensor | float = 0.1, reduction: str = "mean") -> None:
        super().__init__(temperature=temperature, reduction=reduction)
