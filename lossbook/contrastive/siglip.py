"""SigLIP loss: each pair of the batch is a yes or a no of its own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import (
    EntryWeight,
    Loss,
    Normalizer,
    PositiveScalar,
    Real,
    Reduction,
    Scalar,
    entry_weight,
    formula,
    reduce,
)
from ._pairs import check_features, own_pair, pair_logits


@formula
def siglip_loss(
    image_features: Real,
    text_features: Real,
    *,
    logit_scale: PositiveScalar = 10.0,
    logit_bias: Scalar = -10.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for each image to say yes to its own text and no to every other, each answer by itself.

    .. math::

        \ell_i = \sum_j \log\bigl(1 + \exp(-y_{ij}\, z_{ij})\bigr)
        \qquad z_{ij} = s\; u_i \cdot v_j + b
        \qquad y_{ij} = \begin{cases} 1 & i = j \\ -1 & i \ne j \end{cases}

    with u = image_features, v = text_features, s = logit_scale, b = logit_bias.

    Args:
        image_features: features, shape (batch, features), any real, usually of norm 1.
        text_features: features, same shape. Text i belongs to image i; all other pairs of the batch are negatives.
        logit_scale: what inner products are multiplied by, greater than 0; a number, or a 0-d tensor, which gets
            a gradient.
        logit_bias: what is added to each product, any real; a number, or a 0-d tensor, which gets a gradient.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the pair from value, gradient and count, even where it is NaN, and from the negatives
            of the others. Other weights multiply the row of the image.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch,); "mean" divides the sum by the number of images (not by that of all
            pairs), or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the features; at least 0.

    Raises:
        ValueError: ``logit_scale`` is not greater than 0, ``logit_bias`` is not finite, ``reduction`` is unknown, or
            shapes do not fit.
        TypeError: the features or a tensor setting are not floating point.

    Note:
        Nothing is normalised here: pass ``F.normalize(features, dim=1)``. Almost all pairs are negatives, so the
        paper starts the bias at -10, where every answer is no; it learns the logarithm of the scale (pass
        ``log_scale.exp()``) and the bias itself. A batch in parts has fewer negatives, so the losses of its parts
        do not add up to its own.

    Example:
        >>> import torch
        >>> from lossbook.functional import siglip_loss
        >>> image_features, text_features = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> siglip_loss(image_features, text_features, logit_scale=2.0, logit_bias=-1.0, reduction="none")
        tensor([1.6265, 1.6265])

    References:
        X. Zhai, B. Mustafa, A. Kolesnikov, L. Beyer (2023), Sigmoid Loss for Language Image Pre-Training, section 3.2.
        https://arxiv.org/abs/2303.15343
    """
    check_features(image_features=image_features, text_features=text_features)
    entry = entry_weight(sample_weight, image_features.shape[:1])
    logits = pair_logits(logit_scale * image_features, text_features, entry) + logit_bias  # (images, texts)
    signed = torch.where(own_pair(logits), logits, -logits)
    return reduce(-F.logsigmoid(signed).sum(1), reduction, weight=entry, normalizer=normalizer)


class SigLIPLoss(Loss, of=siglip_loss):
    """Module form of :func:`lossbook.functional.siglip_loss`."""

    def __init__(
        self,
        *,
        logit_scale: Tensor | float = 10.0,
        logit_bias: Tensor | float = -10.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(logit_scale=logit_scale, logit_bias=logit_bias, reduction=reduction)
