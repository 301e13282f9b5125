"""Soft margin loss: logistic loss of labels -1 and 1."""

import torch.nn.functional as F
from torch import Tensor

from .._core import EntryWeight, Logits, Loss, Normalizer, Reduction, Sign, check_domain, formula, kept, paired, reduce


@formula
def soft_margin_loss(
    input: Logits,
    target: Sign,
    *,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for scores whose sign is the label, and whose size is the confidence.

    .. math::

        \ell = \log\bigl(1 + e^{-y x}\bigr) \qquad x = \text{input} \qquad y = \text{target}

    Args:
        input: score (logit of the label 1), any shape, any real.
        target: label -1 or 1, integer or floating point, same shape as ``input``; ``2 * y - 1`` makes it from 0 and 1.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; greater than 0, log 2 at score 0.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) a target is not -1 or 1.
        TypeError: ``input`` is not a floating-point tensor, or ``target`` is complex or bool.

    Note:
        Written as a log-sigmoid: the exponential of the formula overflows at 89 in float32, where torch gives inf with
        a NaN gradient. With y = 2 t - 1 this is ``binary_cross_entropy_with_logits`` of the targets t.

    Example:
        >>> import torch
        >>> from lossbook.functional import soft_margin_loss
        >>> soft_margin_loss(torch.tensor([0.0, 2.0, -100.0]), torch.ones(3), reduction="none")
        tensor([  0.6931,   0.1269, 100.0000])

    References:
        T. Hastie, R. Tibshirani, J. Friedman (2009), The Elements of Statistical Learning, equation 10.18.
        https://doi.org/10.1007/978-0-387-84858-7
    """
    entry = paired(input, target, sample_weight=sample_weight)
    input, target = kept(entry, input), kept(entry, target)
    check_domain("target", target, Sign)
    return reduce(-F.logsigmoid(target * input), reduction, weight=entry, normalizer=normalizer)


class SoftMarginLoss(Loss, of=soft_margin_loss):
    """Module form of :func:`lossbook.functional.soft_margin_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
