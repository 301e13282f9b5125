"""CLIP loss: every image picks its text, and every text its image."""

import torch
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, PositiveScalar, Real, Reduction, entry_weight, formula, reduce
from ._pairs import check_features, diagonal, pair_logits


@formula
def clip_loss(
    image_features: Real,
    text_features: Real,
    *,
    logit_scale: PositiveScalar = 1 / 0.07,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for each image to be nearest to its own text, and for each text to be nearest to its own image.

    .. math::

        \ell_i = -\tfrac12 \log \frac{\exp(z_{ii})}{\sum_j \exp(z_{ij})}
                 -\tfrac12 \log \frac{\exp(z_{ii})}{\sum_j \exp(z_{ji})}
        \qquad z_{ij} = s\; u_i \cdot v_j

    with u = image_features, v = text_features, s = logit_scale.

    Args:
        image_features: features, shape (batch, features), any real, usually of norm 1.
        text_features: features, same shape. Text i belongs to image i; all other pairs of the batch are negatives.
        logit_scale: what inner products are multiplied by, greater than 0, the inverse of a temperature; a number,
            or a 0-d tensor, which gets a gradient.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the pair from value, gradient and count, even where it is NaN, and from the negatives
            of the others.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch,); "mean" divides the sum by the number of pairs, or by the sum of
            ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the features; at least 0, and log(batch) where all features are alike.

    Raises:
        ValueError: ``logit_scale`` is not greater than 0, ``reduction`` is unknown, or shapes do not fit.
        TypeError: the features or a tensor ``logit_scale`` are not floating point.

    Note:
        Nothing is normalised here: pass ``F.normalize(features, dim=1)``, or longer features lower the loss as
        a larger scale does. To learn the scale, learn its logarithm and pass ``log_scale.exp()``; the paper starts
        it at 1 / 0.07 and keeps it below 100. A batch in parts has fewer negatives, so the losses of its parts do
        not add up to its own.

    Example:
        >>> import torch
        >>> from lossbook.functional import clip_loss
        >>> image_features, text_features = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> clip_loss(image_features, text_features, logit_scale=2.0, reduction="none")
        tensor([0.4100, 1.4100])

    References:
        A. Radford et al. (2021), Learning Transferable Visual Models From Natural Language Supervision, figure 3.
        https://arxiv.org/abs/2103.00020
    """
    check_features(image_features=image_features, text_features=text_features)
    entry = entry_weight(sample_weight, image_features.shape[:1])
    logits = pair_logits(logit_scale * image_features, text_features, entry)  # (images, texts)
    text_of_image = diagonal(torch.log_softmax(logits, 1))
    image_of_text = diagonal(torch.log_softmax(logits, 0))
    return reduce(-(text_of_image + image_of_text) / 2, reduction, weight=entry, normalizer=normalizer)


class CLIPLoss(Loss, of=clip_loss):
    """Module form of :func:`lossbook.functional.clip_loss`."""

    def __init__(self, *, logit_scale: Tensor | float = 1 / 0.07, reduction: str = "mean") -> None:
        super().__init__(logit_scale=logit_scale, reduction=reduction)
