"""Binary cross entropy of logits."""

import torch.nn.functional as F
from torch import Tensor

from .._core import (
    BinaryLabel,
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
    Reduction,
    Weight,
    check_domain,
    formula,
    kept,
    paired,
    reduce,
    times,
)
from ._factors import check_factors


@formula
def binary_cross_entropy_with_logits(
    input: Logits,
    target: BinaryLabel,
    *,
    weight: Weight | None = None,
    pos_weight: Weight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the logit of the probability with which a yes-or-no event happens.

    .. math::

        \ell = -w\,\bigl(w_+\, t \log \sigma(x) + (1 - t) \log \sigma(-x)\bigr)
        \qquad x = \text{input} \qquad t = \text{target} \qquad w_+ = \text{pos\_weight}

    Args:
        input: logit of the event, any shape, any real. Not a probability: a sigmoid before this loss puts a floor
            under it.
        target: 0 or 1, or a probability in [0, 1]; bool, integer or floating point, same shape as ``input``.
        weight: factor w on each entry, of a shape that broadcasts to ``input``; not a class weight. It does not
            change the count.
        pos_weight: weight of the share of the positives, of a shape that broadcasts to ``input`` from the last axis:
            (classes,) goes with (batch, classes), and (classes, 1, 1) with (batch, classes, height, width).
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least the entropy of ``target`` (with no weights), so 0 for
        targets 0 and 1.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) ``target`` leaves [0, 1].
        TypeError: ``input`` or a weight is not a floating-point tensor, or ``target`` complex.

    Note:
        Written by the sign of the logit: below 0 as softplus(x) - t x, above as softplus(-x) + (1 - t) x, which are
        equal, but in each no term is negative, so nothing cancels. So a logit of 1e4 is exact, and one
        of inf with target 1 costs 0, where inf - inf would be NaN; with a target between 0 and 1 an infinite logit may
        count as the largest finite number. With ``pos_weight`` w the sigmoid is no longer the probability p of the
        event but w p / (w p + 1 - p).

    Example:
        >>> import torch
        >>> from lossbook.functional import binary_cross_entropy_with_logits
        >>> logits = torch.tensor([20.0, 0.0, -1000.0])
        >>> binary_cross_entropy_with_logits(logits, torch.tensor([0.0, 1.0, 0.0]), reduction="none")
        tensor([20.0000,  0.6931,  0.0000])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equation 4.90.
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    entry = paired(input, target, sample_weight=sample_weight)
    check_factors(input, weight=weight, pos_weight=pos_weight)
    input, target = kept(entry, input), kept(entry, target)
    check_domain("target", target, BinaryLabel)
    if weight is not None:
        input = input.masked_fill((weight == 0) & input.isinf(), 0.0)  # 0 * inf is 0 here
    yes = (input > 0).to(input.dtype)  # 1 or 0: of two forms of one function that without a negative term
    curved = F.softplus((1 - 2 * yes) * input)  # of -|input|
    share = yes - target
    if pos_weight is not None:
        share = yes * (1 - target) - (1 - yes) * pos_weight * target
        curved = (1 + (pos_weight - 1) * target) * curved
    loss = curved + times(share, input)
    if weight is not None:
        loss = weight * loss
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class BCEWithLogitsLoss(Loss, of=binary_cross_entropy_with_logits):
    """Module form of :func:`lossbook.functional.binary_cross_entropy_with_logits`."""

    def __init__(
        self, weight: Tensor | None = None, *, pos_weight: Tensor | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(weight=weight, pos_weight=pos_weight, reduction=reduction)
