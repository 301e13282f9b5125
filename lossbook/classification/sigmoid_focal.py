"""Focal loss of logits: cross entropy that looks away from what is already right."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import (
    BinaryLabel,
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
    NotNegative,
    Reduction,
    Shares,
    check,
    check_domain,
    clip,
    formula,
    kept,
    paired,
    reduce,
    times,
)


@formula
def sigmoid_focal_loss(
    input: Logits,
    target: BinaryLabel,
    *,
    gamma: NotNegative = 2.0,
    alpha: Shares | None = 0.25,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the logit of a rare yes-or-no event, and mind the many easy entries less the better they fit.

    .. math::

        \ell = \alpha_t\, (1 - p_t)^\gamma \bigl(-t \log \sigma(x) - (1 - t) \log \sigma(-x)\bigr)
        \qquad x = \text{input} \qquad t = \text{target}

    .. math::

        p_t = t\, \sigma(x) + (1 - t)\, \sigma(-x) \qquad \alpha_t = \alpha\, t + (1 - \alpha)(1 - t)

    Args:
        input: logit of the event, any shape, any real. Each class is a question of its own (sigmoid, not softmax).
        target: 0 or 1, or a probability in [0, 1]; bool, integer or floating point, same shape as ``input``.
        gamma: exponent, at least 0: how fast an entry loses its say as it fits; 0 is binary cross entropy.
        alpha: factor in [0, 1] on the entries with target 1, while those with target 0 get 1 - ``alpha``; None is no
            factor on either (0.5 would halve both). A tensor broadcasts from the last axis: one for each class.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``gamma`` is negative, ``alpha`` leaves [0, 1], ``reduction`` is unknown, shapes differ, or (on
            CPU) ``target`` leaves [0, 1].
        TypeError: ``input`` is not a floating-point tensor, ``target`` complex, or a setting not a number.

    Note:
        The detectors of the paper divide by the number of positives, not of entries: pass
        ``normalizer=target.sum().clamp(min=1)``. The factor 1 - p_t is never computed as that difference, which
        in float32 is 0 from a logit of 17 on; and its power is taken through the logarithm, so that the
        gradient stays finite for ``gamma`` below 1. With a soft target the minimum is in general not at it,
        and libraries differ there: torchvision, optax, Keras and Paddle compute what this does, MONAI, kornia and
        segmentation-models-pytorch something else. ``alpha`` is None by default in Keras, optax, MONAI and
        segmentation-models-pytorch; torchvision does not reduce by default, Paddle adds up.

    Example:
        >>> import torch
        >>> from lossbook.functional import sigmoid_focal_loss
        >>> logits = torch.tensor([2.0, -2.0])
        >>> sigmoid_focal_loss(logits, torch.ones(2), alpha=None, reduction="none")
        tensor([0.0018, 1.6501])

    References:
        T.-Y. Lin et al. (2017), Focal Loss for Dense Object Detection, equation 5.
        https://doi.org/10.1109/ICCV.2017.324
    """
    entry = paired(input, target, sample_weight=sample_weight)
    input, target = kept(entry, input), kept(entry, target)
    check_domain("target", target, BinaryLabel)
    yes = target > 0.5
    wrong = torch.where(yes, -input, input)  # logit of the label that is farther from the target,
    share = torch.where(yes, 1 - target, target)  # and its share of the target: 0 for a hard one
    limits = torch.finfo(wrong.dtype)
    # 0 * inf would be NaN, so the logit is clipped.
    cross_entropy = F.softplus(wrong, threshold=40.0) - share * clip(wrong, -limits.max, limits.max)
    miss = share + (1 - 2 * share) * wrong.sigmoid()  # 1 - p_t, from two terms of at least 0
    # Where miss is 0, so is the cross entropy to the last digit: there the clamp takes no gradient away.
    factor = torch.exp(gamma * miss.clamp(min=limits.tiny).log())
    if alpha is not None:
        alpha = alpha if not isinstance(alpha, Tensor) else as_input(alpha, input)
        factor = factor * (alpha * target + (1 - alpha) * (1 - target))
    loss = times(factor, cross_entropy)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


def as_input(alpha: Tensor, input: Tensor) -> Tensor:
    """Refuse factors that do not broadcast to ``input``, and give them its dtype."""
    check.broadcastable(
        "alpha", alpha, input.shape, "so for images (batch, classes, height, width) use (classes, 1, 1)"
    )
    return alpha.to(input.dtype)


class SigmoidFocalLoss(Loss, of=sigmoid_focal_loss):
    """Module form of :func:`lossbook.functional.sigmoid_focal_loss`."""

    def __init__(self, *, gamma: float = 2.0, alpha: Tensor | float | None = 0.25, reduction: str = "mean") -> None:
        super().__init__(gamma=gamma, alpha=alpha, reduction=reduction)
